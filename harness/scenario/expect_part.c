#include "harness/scenario/expect_part.h"

#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/verdict.h"
#include "lib/mem.h"
#include "lib/suggest.h"

/* --- one value, or a list of them --- */

/* node itself, or the next item of it where it is a list; NULL at the end. */
static const cJSON *next_of(const cJSON *node, const cJSON *item)
{
	if (!cJSON_IsArray(node))
		return item ? NULL : node;
	return item ? item->next : node->child;
}

static bool is_filled(const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return next_of(node, NULL) ||
		json_doc_wrong(doc, node, err, "%s: the list is empty", node->string);
}

/* Takes one. */
static cJSON *one_or_list(cJSON *one)
{
	cJSON *schema = cJSON_Parse(
		"{\"anyOf\":[{\"type\":\"array\",\"minItems\":1,\"items\":{}}]}");
	cJSON *any = schema->child;

	cJSON_ReplaceItemInObjectCaseSensitive(
		any->child, "items", cJSON_Duplicate(one, true));
	cJSON_InsertItemInArray(any, 0, one);
	return schema;
}

static bool read_exit_codes(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct exit_codes codes = {0};

	for (const cJSON *item = next_of(node, NULL); item;
		item = next_of(node, item)) {
		int64_t code;

		if (codes.count == EXPECT_CODES_MAX)
			return json_doc_wrong(doc, item, err, "exit_code: more than %d",
				EXPECT_CODES_MAX);
		if (!json_whole(item, &code) || code < 0 || code > 255)
			return json_doc_wrong(doc, item, err,
				"exit_code: expected a number from 0 to 255, or a list "
				"of them");
		codes.code[codes.count++] = code;
	}
	*(struct exit_codes *)out = codes;
	return is_filled(doc, node, err);
}

static cJSON *exit_codes_schema(void)
{
	return one_or_list(
		cJSON_Parse("{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}"));
}

static const struct field_type exit_codes_type = {
	.read = read_exit_codes, .schema = exit_codes_schema};

static bool wrong_verdict(
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(mem_free) char *hint = NULL;

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err,
			"verdict: expected a name such as \"clean\", not %s",
			json_kind(node));
	hint = suggest_hint(node->valuestring, verdict_names, VERDICTS);
	return json_doc_wrong(doc, node, err, "verdict: there is no \"%.60s\"%s",
		node->valuestring, hint);
}

static bool read_verdicts(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	unsigned verdicts = 0;

	for (const cJSON *item = next_of(node, NULL); item;
		item = next_of(node, item)) {
		enum verdict verdict;

		if (!cJSON_IsString(item) ||
			!verdict_parse(&verdict, item->valuestring))
			return wrong_verdict(doc, item, err);
		verdicts |= 1u << verdict;
	}
	*(unsigned *)out = verdicts;
	return is_filled(doc, node, err);
}

static cJSON *verdicts_schema(void)
{
	return one_or_list(field_schema_choice(verdict_names));
}

static const struct field_type verdicts_type = {
	.read = read_verdicts, .schema = verdicts_schema};

/* --- a number, or "all" --- */

static bool read_count(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	int64_t count = EXPECT_ALL;

	if ((!cJSON_IsString(node) || strcmp(node->valuestring, "all") != 0) &&
		(!json_whole(node, &count) || count < EXPECT_ANY))
		return json_doc_wrong(doc, node, err,
			"%s: expected a number or \"all\", not %s", node->string,
			cJSON_IsNumber(node) ? "this one" : json_kind(node));
	*(int64_t *)out = count;
	return true;
}

static const struct field_type count_type = {.read = read_count,
	.schema_text = "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":-1},"
		       "{\"const\":\"all\"}]}"};

const struct field expect_fields[] = {
	{"exit_code", FIELD_OTHER, offsetof(struct expect_part, exit_codes),
		.type = &exit_codes_type, .help = "a number or a list of them"},
	{"verdict", FIELD_OTHER, offsetof(struct expect_part, verdicts),
		.type = &verdicts_type, .help = "a verdict or a list of them"},
	{"within", FIELD_DURATION, offsetof(struct expect_part, within_ns),
		.help = "from the signal's delivery to the end of PID 1"},
	{"diagnosis", FIELD_CHOICE, offsetof(struct expect_part, diagnosis),
		.choices = diagnosis_ids, .preset = "any",
		.help = "id of the deepest cause (docs/diagnoses.md)"},
	{"disconnected", FIELD_OTHER, offsetof(struct expect_part, disconnected),
		.type = &count_type, .preset = "-1",
		.help = "sessions that the agent API saw disconnected: a number or \"all\""},
	{"orphans", FIELD_OTHER, offsetof(struct expect_part, orphans),
		.type = &count_type, .preset = "-1",
		.help = "processes that were alive when PID 1 ended"},
	{"lost", FIELD_OTHER, offsetof(struct expect_part, lost), .type = &count_type,
		.preset = "-1", .help = "accepted requests without a whole answer"},
	{"failed", FIELD_OTHER, offsetof(struct expect_part, failed),
		.type = &count_type, .preset = "-1",
		.help = "of a rollout: requests that were neither finished nor turned away "
			"with 429 or 503 and Retry-After"},
	{"log", FIELD_OTHER, offsetof(struct expect_part, log), .type = &strlist_type,
		.help = "texts that the service's log must contain"},
	{"log_absent", FIELD_OTHER, offsetof(struct expect_part, log_absent),
		.type = &strlist_type,
		.help = "texts that the service's log must not contain"},
	{0},
};
