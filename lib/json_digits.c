#include "lib/json_digits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/json.h"

#define PRINTED_MAX                                                                    \
	INT64_C(999999999999999) /* fifteen digits are printed as they are */

static bool is_printed(int64_t value)
{
	return value >= -PRINTED_MAX && value <= PRINTED_MAX;
}

static cJSON *json_digits_node(int64_t value)
{
	char text[24];

	if (is_printed(value))
		return cJSON_CreateNumber((double)value);
	snprintf(text, sizeof text, "%" PRId64, value);
	return cJSON_CreateRaw(text);
}

void json_digits_add(cJSON *object, const char *key, int64_t value)
{
	cJSON_AddItemToObject(object, key, json_digits_node(value));
}

int64_t json_digits_get(const cJSON *object, const char *key, int64_t fallback)
{
	const cJSON *node = json_get(object, key);
	int64_t value;
	char *end;

	if (cJSON_IsRaw(node)) {
		value = strtoll(node->valuestring, &end, 10);
		return *end ? fallback : value;
	}
	return json_whole(node, &value) ? value : fallback;
}

static void replace_numbers(cJSON *parent)
{
	cJSON *next;

	for (cJSON *child = parent->child; child; child = next) {
		int64_t value;

		next = child->next;
		if (json_whole(child, &value) && !is_printed(value)) {
			cJSON *node = json_digits_node(value);

			/* It keeps its key: a replacement takes the place, not the name. */
			node->string = child->string;
			child->string = NULL;
			cJSON_ReplaceItemViaPointer(parent, child, node);
		} else {
			replace_numbers(child);
		}
	}
}

cJSON *json_digits_copy(const cJSON *tree)
{
	cJSON *copy = cJSON_Duplicate(tree, true);

	if (copy)
		replace_numbers(copy);
	return copy;
}
