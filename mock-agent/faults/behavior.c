#include "mock-agent/faults/behavior.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fields.h"
#include "lib/mem.h"

/* clang-format off */
#define NAME(constant, name, meaning) name,
#define MEANING(constant, name, meaning) meaning,

static const char *const fault_names[] = {AGENT_FAULTS(NAME) NULL};
static const char *const fault_meanings[] = {AGENT_FAULTS(MEANING)};
static const char *const phase_names[] = {AGENT_PHASES(NAME) "hold"};
/* clang-format on */

static const char *const concurrent_disconnects[] = {
	"parallel", "serial", "reject", NULL};

static const struct field phase_fields[] = {
	{"latency", FIELD_OTHER, offsetof(struct phase_behavior, latency),
		.preset = "0s", .type = &latency_type,
		.help = "how long it takes: \"250ms\", or a distribution"},
	{"fault", FIELD_CHOICE, offsetof(struct phase_behavior, fault),
		.preset = "none", .choices = fault_names,
		.help = "the fault after the latency"},
	{"status", FIELD_INT, offsetof(struct phase_behavior, status), .preset = "500",
		.min = 400, .max = 599, .help = "of \"error\""},
	{"retry_after", FIELD_DURATION, offsetof(struct phase_behavior, retry_after_ns),
		.preset = "0s", .help = "of \"error\": its Retry-After; 0s: none"},
	{"times", FIELD_INT, offsetof(struct phase_behavior, times), .preset = "0",
		.max = 1000000000, .help = "faults per session; 0: no limit"},
	{"takes_effect", FIELD_BOOL, offsetof(struct phase_behavior, takes_effect),
		.preset = "false",
		.help = "of archive and delete: the session ends, only the response "
			"is lost"},
	{0},
};

/* clang-format off */
#define PHASE_ROW(constant, name, meaning) \
	{name, FIELD_OBJECT, offsetof(struct session_behavior, phase[PHASE_##constant]), \
		.fields = phase_fields, .help = meaning},

/* The same rows describe everybody's behavior and a rule's, which begin with them. */
#define BEHAVIOR_ROWS \
	AGENT_PHASES(PHASE_ROW) \
	{"disconnect", FIELD_OBJECT, offsetof(struct session_behavior, disconnect), \
		.fields = phase_fields, .help = "the defaults of archive and delete"}, \
	{"chunks", FIELD_INT, offsetof(struct session_behavior, chunks), .preset = "1", \
		.min = 1, .max = 10000, .help = "agent.message events of a reply"}, \
	{"tools", FIELD_OTHER, offsetof(struct session_behavior, tools), .preset = "0", \
		.type = &tool_calls_type, \
		.help = "tool calls per turn: a count, in rotation, or " \
			"{\"name\": \"lookup\", \"input\": {...}, \"times\": 2}, or a list " \
			"of these"}, \
	{"concurrent_disconnects", FIELD_CHOICE, \
		offsetof(struct session_behavior, concurrent_disconnects), \
		.preset = "parallel", .choices = concurrent_disconnects, \
		.help = "archives and deletes that overlap: all at once, one after the " \
			"other, or 429"}, \
	{"cli", FIELD_OBJECT, offsetof(struct session_behavior, cli), \
		.fields = cli_behavior_fields, \
		.help = "the stand-in CLI (mock-agent --stdio)"}, \
	{"hold", FIELD_OTHER, \
		offsetof(struct session_behavior, phase[PHASE_HOLD].latency), .preset = "0s", \
		.type = &latency_type, \
		.help = "streams stay open this long after their session"}, \
	{"heartbeat", FIELD_DURATION, offsetof(struct session_behavior, heartbeat_ns), \
		.preset = "15s", .help = "between ping events; 0s: none"}, \
	{"terminated_event", FIELD_BOOL, offsetof(struct session_behavior, terminated_event), \
		.preset = "true", .help = "session.status_terminated on archive"}
/* clang-format on */

static bool read_rules_shape(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
static cJSON *rules_schema(void);

static const struct field_type rules_type = {
	.read = read_rules_shape, .schema = rules_schema, .open = true};

static const struct field session_fields[] = {BEHAVIOR_ROWS, {0}};

static const struct field rule_fields[] = {
	{"session", FIELD_INT, offsetof(struct behavior_rule, session), .min = 0,
		.max = INT64_C(1) << 53, .required = true,
		.help = "the number of the session"},
	BEHAVIOR_ROWS,
	{0},
};

static const struct field agent_fields[] = {
	BEHAVIOR_ROWS,
	{"rate_limit", FIELD_OBJECT, offsetof(struct agent_behavior, rate_limit),
		.fields = rate_limit_fields,
		.help = "HTTP 429 with Retry-After above a rate"},
	{"rules", FIELD_OTHER, offsetof(struct agent_behavior, rules),
		.type = &rules_type,
		.help = "[{\"session\": 2, ...}]: other behavior for chosen sessions"},
	{0},
};

/* check_rules() reads the rules. */
static bool read_rules_shape(UNUSED void *out, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err, "rules: expected a list, not %s",
			json_kind(node));
	if (cJSON_GetArraySize(node) > BEHAVIOR_RULES_MAX)
		return json_doc_wrong(
			doc, node, err, "rules: more than %d", BEHAVIOR_RULES_MAX);
	return true;
}

static cJSON *rules_schema(void)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddNumberToObject(schema, "maxItems", BEHAVIOR_RULES_MAX);
	cJSON_AddItemToObject(schema, "items", fields_schema(rule_fields));
	return schema;
}

/* Merging. Objects merge member by member, except latencies and tools, which are one
 * value. */

static void merge(cJSON *target, const cJSON *patch)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, patch) {
		cJSON *before =
			cJSON_GetObjectItemCaseSensitive(target, member->string);

		if (cJSON_IsObject(before) && cJSON_IsObject(member) &&
			!json_get(member, "distribution") &&
			strcmp(member->string, "tools") != 0) {
			merge(before, member);
			continue;
		}
		cJSON_DeleteItemFromObjectCaseSensitive(target, member->string);
		cJSON_AddItemToObject(
			target, member->string, cJSON_Duplicate(member, true));
	}
}

/* Merges patch over target, with what its "disconnect" means for archive and delete. */
static void merge_expanded(cJSON *target, const cJSON *patch)
{
	SCOPED(json_free) cJSON *endings = cJSON_CreateObject();
	const cJSON *disconnect = json_get(patch, "disconnect");

	if (disconnect) {
		cJSON_AddItemReferenceToObject(
			endings, "archive", (cJSON *)(uintptr_t)disconnect);
		cJSON_AddItemReferenceToObject(
			endings, "delete", (cJSON *)(uintptr_t)disconnect);
	}
	merge(target, endings);
	merge(target, patch);
}

/* Parsing. What was merged has been checked, so that nothing can be wrong with it. */

static void parse(const struct field *fields, void *out, const cJSON *json)
{
	const struct json_doc nowhere = {0};
	struct err err;
	UNUSED bool ok;

	fields_preset(fields, out);
	ok = fields_read(fields, out, &nowhere, json, "", &err);
	assert(ok);
}

static int compare_rules(const void *a, const void *b)
{
	const struct behavior_rule *left = a, *right = b;

	return (left->session > right->session) - (left->session < right->session);
}

/* Takes json. */
static void parse_all(struct agent_behavior *behavior, cJSON *json)
{
	SCOPED(json_free) cJSON *all = cJSON_CreateObject();
	const cJSON *rules = json_get(json, "rules"), *rule;
	int count = cJSON_GetArraySize(rules);

	*behavior = (struct agent_behavior){.json = json};
	merge_expanded(all, json);
	cJSON_DeleteItemFromObjectCaseSensitive(all, "rules");
	cJSON_DeleteItemFromObjectCaseSensitive(all, "rate_limit");
	parse(session_fields, &behavior->all, all);
	if (json_get(json, "rate_limit"))
		parse(rate_limit_fields, &behavior->rate_limit,
			json_get(json, "rate_limit"));
	if (count == 0)
		return;
	behavior->rules = mem_zeroed((size_t)count * sizeof *behavior->rules);
	cJSON_ArrayForEach(rule, rules) {
		SCOPED(json_free) cJSON *own = cJSON_Duplicate(all, true);

		merge_expanded(own, rule);
		parse(rule_fields, &behavior->rules[behavior->rule_count++], own);
	}
	qsort(behavior->rules, (size_t)count, sizeof *behavior->rules, compare_rules);
}

/* Checking. First each value by itself, later how the merged values go together. */

/* Reads node into scratch, which is zeroed. */
static bool check_values(const struct field *fields, void *scratch,
	const struct json_doc *doc, const cJSON *node, const char *what,
	struct err *err)
{
	bool ok;

	fields_preset(fields, scratch);
	ok = fields_read(fields, scratch, doc, node, what, err);
	fields_done(fields, scratch);
	return ok;
}

static bool check_rules(const struct json_doc *doc, const cJSON *rules, struct err *err)
{
	const cJSON *rule, *other;

	cJSON_ArrayForEach(rule, rules) {
		struct behavior_rule scratch = {0};

		if (!check_values(rule_fields, &scratch, doc, rule, "rules", err))
			return false;
		for (other = rules->child; other != rule; other = other->next) {
			if (json_int(other, "session", -1) == scratch.session)
				return json_doc_wrong(doc, json_get(rule, "session"),
					err, "rules: a second one for session %lld",
					(long long)scratch.session);
		}
	}
	return true;
}

/* An error for a member of said without effect in this phase. `ends`: of sessions. */
static bool check_phase(const struct phase_behavior *phase, const char *name, bool ends,
	const struct json_doc *doc, const cJSON *said, struct err *err)
{
	const bool no_error = phase->fault != FAULT_ERROR;
	const bool no_fault = phase->fault == FAULT_NONE;
	const struct {
		const char *member;
		bool is_idle;
		const char *needed;
	} rows[] = {
		{"status", no_error, "\"fault\": \"error\""},
		{"retry_after", no_error, "\"fault\": \"error\""},
		{"times", no_fault && phase->times > 0, "a fault"},
		{"takes_effect", no_fault && phase->takes_effect, "a fault"},
		{"takes_effect", !ends, "archive and delete"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		const cJSON *member = json_get(said, rows[i].member);

		if (member && rows[i].is_idle)
			return json_doc_wrong(doc, member, err,
				"%s.%s goes with %s alone", name, rows[i].member,
				rows[i].needed);
	}
	return true;
}

static bool check_phases(const struct session_behavior *behavior,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const int lag_fault = behavior->phase[PHASE_STATUS_LAG].fault;

	for (unsigned i = 0; i < PHASE_HOLD; i++) {
		if (!check_phase(&behavior->phase[i], phase_names[i],
			    i == PHASE_ARCHIVE || i == PHASE_DELETE, doc,
			    json_get(node, phase_names[i]), err))
			return false;
	}
	if (json_at(node, "status_lag.fault") && lag_fault != FAULT_NONE &&
		lag_fault != FAULT_HANG)
		return json_doc_wrong(doc, json_at(node, "status_lag.fault"), err,
			"status_lag.fault: only \"hang\" makes sense there, not \"%s\"",
			fault_names[lag_fault]);
	return check_phase(&behavior->disconnect, "disconnect", true, doc,
		json_get(node, "disconnect"), err);
}

static bool check_rate_limit(const struct rate_limit_behavior *limit,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *burst = json_at(node, "rate_limit.burst");

	if (!burst || limit->per_second[RATE_LIMITED_CONNECTS] > 0 ||
		limit->per_second[RATE_LIMITED_DISCONNECTS] > 0)
		return true;
	return json_doc_wrong(doc, burst, err,
		"rate_limit.burst goes with a rate alone: connects or disconnects");
}

static bool check_merged(const struct agent_behavior *behavior,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *rule;

	if (!check_phases(&behavior->all, doc, node, err) ||
		!check_rate_limit(&behavior->rate_limit, doc, node, err))
		return false;
	cJSON_ArrayForEach(rule, json_get(node, "rules")) {
		int64_t session = json_int(rule, "session", -1);

		if (!check_phases(
			    agent_behavior_for(behavior, session), doc, rule, err))
			return false;
	}
	return true;
}

void agent_behavior_preset(struct agent_behavior *behavior)
{
	parse_all(behavior, cJSON_CreateObject());
}

bool agent_behavior_read(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct agent_behavior merged = {0};
	cJSON *json;

	if (!check_values(agent_fields, &merged, doc, node, "", err) ||
		!check_rules(doc, json_get(node, "rules"), err))
		return false;
	json = cJSON_Duplicate(behavior->json, true);
	merge(json, node);
	parse_all(&merged, json);
	if (!check_merged(&merged, doc, node, err)) {
		agent_behavior_done(&merged);
		return false;
	}
	agent_behavior_done(behavior);
	*behavior = merged;
	return true;
}

void agent_behavior_done(struct agent_behavior *behavior)
{
	fields_done(session_fields, &behavior->all);
	for (unsigned i = 0; i < behavior->rule_count; i++)
		fields_done(session_fields, &behavior->rules[i].behavior);
	free(behavior->rules);
	cJSON_Delete(behavior->json);
	*behavior = (struct agent_behavior){0};
}

bool agent_behavior_check(
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(agent_behavior_done) struct agent_behavior behavior;

	agent_behavior_preset(&behavior);
	return agent_behavior_read(&behavior, doc, node, err);
}

cJSON *agent_behavior_schema(void)
{
	return fields_schema(agent_fields);
}

void agent_behavior_help(struct buf *text)
{
	struct field others[COUNT(agent_fields)] = {0};
	unsigned count = 0;

	buf_adds(text, "  <phase> is one of\n");
	for (const struct field *field = agent_fields; field->name; field++) {
		if (field->fields == phase_fields)
			buf_addf(text, "    %-12s%s\n", field->name, field->help);
		else
			others[count++] = *field;
	}
	fields_help(phase_fields, "<phase>", text);
	buf_adds(text, "  <phase>.fault can be\n");
	for (unsigned i = 0; i < COUNT(fault_meanings); i++)
		buf_addf(text, "    %-12s%s\n", fault_names[i], fault_meanings[i]);
	buf_adds(text, "\n");
	fields_help(others, "", text);
}

const struct session_behavior *agent_behavior_for(
	const struct agent_behavior *behavior, int64_t session)
{
	const struct behavior_rule key = {.session = session};
	const struct behavior_rule *rule = NULL;

	if (behavior->rule_count > 0)
		rule = bsearch(&key, behavior->rules, behavior->rule_count, sizeof key,
			compare_rules);
	return rule ? &rule->behavior : &behavior->all;
}

const char *fault_name(int fault)
{
	return fault_names[fault];
}

const char *phase_name(enum phase phase)
{
	return phase_names[phase];
}
