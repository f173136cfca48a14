#include "lib/strlist.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/mem.h"

void strlist_add(struct strlist *list, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	list->item = mem_grown(list->item, list->count + 2, sizeof *list->item);
	list->item[list->count++] = buf_take(&text);
	list->item[list->count] = NULL;
}

void strlist_done(struct strlist *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct strlist){0};
}

static void replace(struct strlist *list, struct strlist *with)
{
	strlist_done(list);
	*list = *with;
}

static bool read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist list = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"%s: expected a list of strings, not %s",
			node->string ? node->string : "it", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!cJSON_IsString(item)) {
			strlist_done(&list);
			return json_doc_wrong(doc, item, err,
				"%s: expected a string, not %s",
				node->string ? node->string : "it", json_kind(item));
		}
		strlist_add(&list, "%s", item->valuestring);
	}
	replace(out, &list);
	return true;
}

/* Numbers and booleans are accepted as values, too. */
static bool read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist list = {0};
	const cJSON *item;

	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err,
			"%s: expected an object such as {\"NAME\": \"value\"}, not %s",
			node->string ? node->string : "it", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		SCOPED(mem_free) char *number =
			cJSON_IsNumber(item) || cJSON_IsBool(item) ? json_print(item)
								   : NULL;

		if (!number && !cJSON_IsString(item)) {
			strlist_done(&list);
			return json_doc_wrong(doc, item, err,
				"%s.%s: expected a string, not %s",
				node->string ? node->string : "it", item->string,
				json_kind(item));
		}
		strlist_add(&list, "%s=%s", item->string,
			number ? number : item->valuestring);
	}
	replace(out, &list);
	return true;
}

static void done(void *out)
{
	strlist_done(out);
}

static cJSON *list_schema(void)
{
	return cJSON_Parse("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
}

static cJSON *pairs_schema(void)
{
	return cJSON_Parse("{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":[\"string\",\"number\",\"boolean\"]}}");
}

const struct field_type strlist_type = {
	.read = read_list, .done = done, .schema = list_schema};
const struct field_type strlist_pairs_type = {
	.read = read_pairs, .done = done, .schema = pairs_schema, .open = true};
