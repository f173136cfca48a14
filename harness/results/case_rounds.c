#include "harness/results/case_rounds.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

struct case_index {
	char *key;   /* the case's title */
	unsigned at; /* in the list */
	UT_hash_handle hh;
};

static const struct case_index *find(const struct case_list *list, const cJSON *round)
{
	SCOPED(mem_free) char *key = case_rounds_title(round);
	struct case_index *found;

	HASH_FIND_STR(list->index, key, found);
	return found;
}

static struct case_rounds *add_case(struct case_list *list, const cJSON *round)
{
	struct case_index *index = mem_zeroed(sizeof *index);

	*index = (struct case_index){
		.key = case_rounds_title(round),
		.at = list->count,
	};
	HASH_ADD_KEYPTR(hh, list->index, index->key, strlen(index->key), index);
	list->item = mem_grown(list->item, list->count + 1, sizeof *list->item);
	list->item[list->count] = (struct case_rounds){0};
	return &list->item[list->count++];
}

void case_list_fill(struct case_list *list, const cJSON *results)
{
	case_list_add(list, json_get(results, "cases"));
}

void case_list_add(struct case_list *list, const cJSON *rounds)
{
	const cJSON *round;

	cJSON_ArrayForEach(round, rounds) {
		const struct case_index *found = find(list, round);
		struct case_rounds *item =
			found ? &list->item[found->at] : add_case(list, round);

		item->rounds =
			mem_grown(item->rounds, item->count + 1, sizeof *item->rounds);
		item->rounds[item->count++] = round;
	}
}

void case_list_done(struct case_list *list)
{
	struct case_index *index, *next;

	HASH_ITER(hh, list->index, index, next) {
		HASH_DEL(list->index, index);
		free(index->key);
		free(index);
	}
	for (unsigned i = 0; i < list->count; i++)
		free(list->item[i].rounds);
	free(list->item);
	*list = (struct case_list){0};
}

const struct case_rounds *case_list_find(
	const struct case_list *list, const struct case_rounds *item)
{
	const struct case_index *found = find(list, item->rounds[0]);

	return found ? &list->item[found->at] : NULL;
}

enum outcome case_rounds_outcome(const cJSON *round)
{
	const cJSON *known = json_get(round, "known_failure");

	if (known)
		return json_bool(known, "passes", false) ? OUTCOME_UNMET
							 : OUTCOME_KNOWN;
	if (!json_bool(round, "could_run", false))
		return OUTCOME_NOT_RUN;
	return json_bool(round, "met", false) && !json_get(round, "regressions")
		? OUTCOME_MET
		: OUTCOME_UNMET;
}

double case_rounds_time_ns(const cJSON *round)
{
	const char *name = json_text(round, "verdict");
	enum verdict verdict;

	if (!json_bool(round, "could_run", false) ||
		json_bool(round, "warm_up", false) || !name ||
		!verdict_parse(&verdict, name) || verdict == VERDICT_KILLED ||
		verdict == VERDICT_ENGINE_STUCK)
		return -1;
	return (double)json_int(round, "stop_ns", -1);
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
