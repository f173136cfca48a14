#include "harness/report/case_rounds.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

bool case_rounds_is_same(const cJSON *round, const cJSON *other)
{
	return cJSON_Compare(json_get(round, "id"), json_get(other, "id"), true) &&
		cJSON_Compare(json_get(round, "half"), json_get(other, "half"), true) &&
		cJSON_Compare(json_get(round, "axes"), json_get(other, "axes"), true);
}

static struct case_rounds *find(const struct case_list *list, const cJSON *round)
{
	/* The rounds of a case follow one another: the last case first. */
	for (unsigned i = list->count; i-- > 0;) {
		if (case_rounds_is_same(list->item[i].rounds[0], round))
			return &list->item[i];
	}
	return NULL;
}

void case_list_fill(struct case_list *list, const cJSON *results)
{
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		struct case_rounds *item = find(list, round);

		if (!item) {
			list->item = mem_grown(
				list->item, list->count + 1, sizeof *list->item);
			item = &list->item[list->count++];
			*item = (struct case_rounds){0};
		}
		item->rounds =
			mem_grown(item->rounds, item->count + 1, sizeof *item->rounds);
		item->rounds[item->count++] = round;
	}
}

void case_list_done(struct case_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->item[i].rounds);
	free(list->item);
	*list = (struct case_list){0};
}

const struct case_rounds *case_list_find(
	const struct case_list *list, const struct case_rounds *item)
{
	return find(list, item->rounds[0]);
}

char *case_rounds_title(const cJSON *round)
{
	const char *id = json_text(round, "id"), *half = json_text(round, "half");
	struct buf title = {0};
	const cJSON *axis;

	buf_adds(&title, id ? id : "");
	cJSON_ArrayForEach(axis, json_get(round, "axes")) {
		SCOPED(mem_free) char *value = cJSON_IsString(axis)
			? mem_text(axis->valuestring)
			: json_print_inert(axis, false);

		buf_addf(&title, " %s=%s", axis->string, value);
	}
	if (half && strcmp(half, "twin") == 0)
		buf_adds(&title, " (twin)");
	return buf_take(&title);
}
