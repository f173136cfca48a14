#include "harness/results/known_failures.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "harness/results/case_rounds.h"
#include "harness/scenario/diagnosis_id.h"
#include "lib/fields.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static const struct field failure_fields[] = {
	{"case", FIELD_TEXT, offsetof(struct known_failure, title), .required = true,
		.help = "its title, as the table and the progress print it"},
	{"diagnosis", FIELD_TEXT, offsetof(struct known_failure, diagnosis),
		.help = "the deepest cause with which it is known"},
	{"why", FIELD_TEXT, offsetof(struct known_failure, why), .required = true,
		.help = "why it is known: an issue, a date"},
	{0},
};

static bool read_failure(struct known_failure *failure, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	fields_preset(failure_fields, failure);
	if (!fields_read(failure_fields, failure, doc, node, "", err))
		return false;
	return failure->diagnosis[0] == '\0' ||
		diagnosis_find(failure->diagnosis) != DIAGNOSIS_ANY ||
		json_doc_wrong(doc, json_get(node, "diagnosis"), err,
			"diagnosis: there is no %s", failure->diagnosis);
}

static bool read_list(
	struct known_failures *known, const struct json_doc *doc, struct err *err)
{
	const cJSON *list = json_get(doc->root, "known_failures"), *node;

	if (!cJSON_IsArray(list))
		return json_doc_wrong(
			doc, doc->root, err, "expected {\"known_failures\": [...]}");
	cJSON_ArrayForEach(node, list) {
		known->list =
			mem_grown(known->list, known->count + 1, sizeof *known->list);
		known->list[known->count] = (struct known_failure){0};
		if (!read_failure(&known->list[known->count++], doc, node, err))
			return false;
	}
	return true;
}

bool known_failures_read(
	struct known_failures *known, const char *path, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	*known = (struct known_failures){0};
	if (json_doc_read(&doc, path, err) && read_list(known, &doc, err))
		return true;
	known_failures_done(known);
	return false;
}

void known_failures_done(struct known_failures *known)
{
	for (unsigned i = 0; i < known->count; i++)
		fields_done(failure_fields, &known->list[i]);
	free(known->list);
	*known = (struct known_failures){0};
}

static const struct known_failure *find(
	const struct known_failures *known, const cJSON *round)
{
	SCOPED(mem_free) char *title = case_rounds_title(round);

	for (unsigned i = 0; i < known->count; i++) {
		if (strcmp(known->list[i].title, title) == 0)
			return &known->list[i];
	}
	return NULL;
}

static bool has_cause(const cJSON *round, const char *diagnosis)
{
	const char *id = json_text(json_at(round, "diagnoses.0"), "id");

	return !diagnosis[0] || (id && strcmp(id, diagnosis) == 0);
}

static void mark_case(
	const struct known_failure *failure, const struct case_rounds *item)
{
	unsigned met = 0, known = 0;

	for (unsigned i = 0; i < item->count; i++) {
		enum outcome outcome = case_rounds_outcome(item->rounds[i]);

		met += outcome == OUTCOME_MET;
		known += outcome == OUTCOME_UNMET &&
			has_cause(item->rounds[i], failure->diagnosis);
	}
	/* It fails for another reason, too, or could not run: that is not known. */
	if (met + known < item->count)
		return;
	for (unsigned i = 0; i < item->count; i++) {
		cJSON *round = (cJSON *)(void *)(size_t)item->rounds[i];
		cJSON *mark = cJSON_AddObjectToObject(round, "known_failure");

		json_add_text(mark, "why", failure->why);
		cJSON_AddBoolToObject(mark, "passes", known == 0);
	}
}

void known_failures_mark(const struct known_failures *known, cJSON *rounds)
{
	SCOPED(case_list_done) struct case_list list = {0};

	case_list_add(&list, rounds);
	for (unsigned i = 0; i < list.count; i++) {
		const struct known_failure *failure =
			find(known, list.item[i].rounds[0]);

		if (failure)
			mark_case(failure, &list.item[i]);
	}
}
