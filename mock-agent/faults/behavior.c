#include "mock-agent/faults/behavior.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static const char *const faults[] = {"none", "hang", "reset", "blackhole", "half_close",
	"error", "truncate", "malform", "refuse", NULL};

static const char *const concurrent_disconnects[] = {
	"parallel", "serial", "reject", NULL};

static const struct field phase_fields[] = {
	{"latency", FIELD_LATENCY, offsetof(struct phase_behavior, latency),
		.preset = "0s",
		.help = "how long it takes: \"250ms\", or a distribution"},
	{"fault", FIELD_CHOICE, offsetof(struct phase_behavior, fault),
		.preset = "none", .choices = faults, .help = "what goes wrong then"},
	{"status", FIELD_INT, offsetof(struct phase_behavior, status), .preset = "500",
		.min = 400, .max = 599, .help = "of \"error\""},
	{"retry_after", FIELD_DURATION, offsetof(struct phase_behavior, retry_after_ns),
		.preset = "0s", .help = "of \"error\": its Retry-After; 0s: none"},
	{"times", FIELD_INT, offsetof(struct phase_behavior, times), .preset = "0",
		.max = 1000000000,
		.help = "the fault strikes this often per session; 0: always"},
	{"takes_effect", FIELD_BOOL, offsetof(struct phase_behavior, takes_effect),
		.preset = "false",
		.help = "of archive and delete: the session ends all the same, the "
			"fault is its answer's"},
	{0},
};

/* clang-format off */
#define PHASE(key, member, words) \
	{key, FIELD_OBJECT, offsetof(struct session_behavior, member), .fields = phase_fields, \
		.help = words}

/* The same rows describe everybody's behavior and a rule's, which begin with them. */
#define BEHAVIOR_ROWS \
	PHASE("connect", connect, "POST /v1/sessions"), \
	PHASE("stream", stream, "GET .../events/stream, until its headers are sent"), \
	PHASE("first_byte", first_byte, "from a user.message to the first event"), \
	PHASE("chunk", chunk, "before each further event of the reply"), \
	{"chunks", FIELD_INT, offsetof(struct session_behavior, chunks), .preset = "1", \
		.min = 1, .max = 10000, .help = "agent.message events of a reply"}, \
	{"tools", FIELD_INT, offsetof(struct session_behavior, tools), .preset = "0", \
		.max = 1000, .help = "custom tools asked per turn, round the list"}, \
	PHASE("interrupt", interrupt, "from user.interrupt to the idle event"), \
	PHASE("status_lag", status_lag, "from the idle event to the stored status's flip"), \
	PHASE("disconnect", disconnect, "archive and delete, unless they are said"), \
	PHASE("archive", archive, "POST .../archive"), \
	PHASE("delete", del, "DELETE of a session"), \
	PHASE("messages", messages, "POST /v1/messages"), \
	{"concurrent_disconnects", FIELD_CHOICE, offsetof(struct session_behavior, concurrent_disconnects), \
		.preset = "parallel", .choices = concurrent_disconnects, \
		.help = "archives and deletes that come while another one is under " \
			"way: all at once, one after the other, or 429"}, \
	{"hold", FIELD_LATENCY, offsetof(struct session_behavior, hold), .preset = "0s", \
		.help = "streams stay open this long after their session"}, \
	{"heartbeat", FIELD_DURATION, offsetof(struct session_behavior, heartbeat_ns), \
		.preset = "15s", .help = "between ping events; 0s: none"}, \
	{"terminated_event", FIELD_BOOL, offsetof(struct session_behavior, terminated_event), \
		.preset = "true", .help = "session.status_terminated on archive"}
/* clang-format on */

static bool read_rules_shape(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
static cJSON *rules_schema(void);

const struct field session_behavior_fields[] = {BEHAVIOR_ROWS, {0}};

static const struct field rule_fields[] = {
	{"session", FIELD_INT, offsetof(struct behavior_rule, session), .min = 0,
		.max = INT64_C(1) << 53, .help = "whose behavior these are: its label"},
	BEHAVIOR_ROWS,
	{0},
};

const struct field agent_behavior_fields[] = {
	BEHAVIOR_ROWS,
	{"rules", FIELD_OTHER, offsetof(struct agent_behavior, rules),
		.read = read_rules_shape, .schema = rules_schema, .open = true,
		.help = "[{\"session\": 2, ...}]: other behavior for chosen sessions"},
	{0},
};

static const struct {
	const char *name;
	size_t offset;
} phases[] = {
	{"connect", offsetof(struct session_behavior, connect)},
	{"stream", offsetof(struct session_behavior, stream)},
	{"first_byte", offsetof(struct session_behavior, first_byte)},
	{"chunk", offsetof(struct session_behavior, chunk)},
	{"interrupt", offsetof(struct session_behavior, interrupt)},
	{"status_lag", offsetof(struct session_behavior, status_lag)},
	{"disconnect", offsetof(struct session_behavior, disconnect)},
	{"archive", offsetof(struct session_behavior, archive)},
	{"delete", offsetof(struct session_behavior, del)},
	{"messages", offsetof(struct session_behavior, messages)},
};

/* The rules themselves are read when everything beside them was. */
static bool read_rules_shape(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	(void)out;
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
	cJSON *items = fields_schema(rule_fields);
	cJSON *required = cJSON_AddArrayToObject(items, "required");

	cJSON_AddItemToArray(required, cJSON_CreateString("session"));
	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddNumberToObject(schema, "maxItems", BEHAVIOR_RULES_MAX);
	cJSON_AddItemToObject(schema, "items", items);
	return schema;
}

/* Reads again what was accepted before: there is no place and no reason to complain. */
static void reread(const struct field *fields, void *out, const cJSON *said)
{
	const struct json_doc nowhere = {0};
	struct err err;
	bool ok = !said || fields_read(fields, out, &nowhere, said, "", &err);

	assert(ok);
	(void)ok;
}

/* What node says about disconnects it says about archive and delete, member by member,
 * but for what it says about these themselves. */
static void share_disconnect(struct session_behavior *behavior, const cJSON *node)
{
	const cJSON *disconnect = json_get(node, "disconnect");

	reread(phase_fields, &behavior->archive, disconnect);
	reread(phase_fields, &behavior->archive, json_get(node, "archive"));
	reread(phase_fields, &behavior->del, disconnect);
	reread(phase_fields, &behavior->del, json_get(node, "delete"));
}

/* Does name speak of requests that end a session? */
static bool is_ending(const char *name)
{
	return strcmp(name, "disconnect") == 0 || strcmp(name, "archive") == 0 ||
		strcmp(name, "delete") == 0;
}

/* What no table can say: members of a phase that would do nothing. */
static bool check_phase(const struct phase_behavior *phase, const char *name,
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
		{"takes_effect", !is_ending(name), "archive and delete"},
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
	const int status_lag = behavior->status_lag.fault;

	for (unsigned i = 0; i < COUNT(phases); i++) {
		const struct phase_behavior *phase =
			(const void *)((const char *)behavior + phases[i].offset);
		const char *name = phases[i].name;

		if (!check_phase(phase, name, doc, json_get(node, name), err))
			return false;
	}
	if (json_at(node, "status_lag.fault") && status_lag != FAULT_NONE &&
		status_lag != FAULT_HANG)
		return json_doc_wrong(doc, json_at(node, "status_lag.fault"), err,
			"status_lag.fault: only \"hang\" makes sense there, not \"%s\"",
			fault_name(status_lag));
	return true;
}

static bool read_over(const struct field *fields, struct session_behavior *behavior,
	const struct json_doc *doc, const cJSON *node, const char *what,
	struct err *err)
{
	if (!fields_read(fields, behavior, doc, node, what, err))
		return false;
	share_disconnect(behavior, node);
	return check_phases(behavior, doc, node, err);
}

static void read_again(const struct field *fields, struct session_behavior *behavior,
	const cJSON *said)
{
	reread(fields, behavior, said);
	share_disconnect(behavior, said);
}

static int compare_rules(const void *a, const void *b)
{
	const struct behavior_rule *left = a, *right = b;

	return (left->session > right->session) - (left->session < right->session);
}

/* Reads one rule more; doc is NULL for one that was accepted before. */
static bool add_rule(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct behavior_rule *rule = &behavior->rules[behavior->rule_count++];

	fields_preset(rule_fields, rule);
	read_again(agent_behavior_fields, &rule->behavior, behavior->said);
	if (!doc) {
		read_again(rule_fields, &rule->behavior, node);
		return true;
	}
	if (!read_over(rule_fields, &rule->behavior, doc, node, "rules", err))
		return false;
	if (!json_get(node, "session"))
		return json_doc_wrong(
			doc, node, err, "rules: one lacks its \"session\"");
	for (unsigned i = 0; i + 1 < behavior->rule_count; i++) {
		if (behavior->rules[i].session == rule->session)
			return json_doc_wrong(doc, json_get(node, "session"), err,
				"rules: a second one for session %lld",
				(long long)rule->session);
	}
	return true;
}

static bool read_rules(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *rules, struct err *err)
{
	const cJSON *node;
	size_t count = (size_t)cJSON_GetArraySize(rules);

	if (count == 0)
		return true;
	behavior->rules = mem_zeroed(count * sizeof *behavior->rules);
	cJSON_ArrayForEach(node, rules) {
		if (!add_rule(behavior, doc, node, err))
			return false;
	}
	qsort(behavior->rules, count, sizeof *behavior->rules, compare_rules);
	return true;
}

/* Members of a phase are said one by one, everything else as a whole. */
static void remember(cJSON *said, const cJSON *node)
{
	const cJSON *member, *part;

	cJSON_ArrayForEach(member, node) {
		cJSON *before = cJSON_GetObjectItemCaseSensitive(said, member->string);
		bool is_phase = false;

		for (unsigned i = 0; i < COUNT(phases); i++)
			is_phase =
				is_phase || strcmp(phases[i].name, member->string) == 0;
		if (!before || !is_phase) {
			cJSON_DeleteItemFromObjectCaseSensitive(said, member->string);
			cJSON_AddItemToObject(
				said, member->string, cJSON_Duplicate(member, true));
			continue;
		}
		cJSON_ArrayForEach(part, member) {
			cJSON_DeleteItemFromObjectCaseSensitive(before, part->string);
			cJSON_AddItemToObject(
				before, part->string, cJSON_Duplicate(part, true));
		}
	}
}

void agent_behavior_preset(struct agent_behavior *behavior)
{
	*behavior = (struct agent_behavior){0};
	fields_preset(session_behavior_fields, &behavior->all);
	behavior->said = cJSON_CreateObject();
}

static bool fill(struct agent_behavior *behavior, const cJSON *said,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *rules = json_get(node, "rules");

	read_again(agent_behavior_fields, &behavior->all, said);
	if (!read_over(agent_behavior_fields, &behavior->all, doc, node, "", err))
		return false;
	cJSON_Delete(behavior->said);
	behavior->said = cJSON_Duplicate(said, true);
	remember(behavior->said, node);
	/* "archive" said earlier is still nearer than "disconnect" said now. */
	share_disconnect(&behavior->all, behavior->said);
	return rules ? read_rules(behavior, doc, rules, err)
		     : read_rules(behavior, NULL, json_get(said, "rules"), err);
}

bool agent_behavior_read(struct agent_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct agent_behavior fresh;

	agent_behavior_preset(&fresh);
	if (!fill(&fresh, behavior->said, doc, node, err)) {
		agent_behavior_done(&fresh);
		return false;
	}
	agent_behavior_done(behavior);
	*behavior = fresh;
	return true;
}

void agent_behavior_done(struct agent_behavior *behavior)
{
	fields_done(session_behavior_fields, &behavior->all);
	for (unsigned i = 0; i < behavior->rule_count; i++)
		fields_done(session_behavior_fields, &behavior->rules[i].behavior);
	free(behavior->rules);
	cJSON_Delete(behavior->said);
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
	return fields_schema(agent_behavior_fields);
}

/* A preset as the JSON that would have said it. */
static cJSON *preset_json(const struct field *field)
{
	const char *preset = field->preset;

	switch (field->kind) {
	case FIELD_BOOL:
		return cJSON_CreateBool(strcmp(preset, "true") == 0);
	case FIELD_INT:
		return cJSON_CreateNumber((double)strtoll(preset, NULL, 10));
	case FIELD_DURATION:
	case FIELD_LATENCY:
	case FIELD_TEXT:
	case FIELD_CHOICE:
		return cJSON_CreateString(preset);
	case FIELD_OBJECT:
	case FIELD_OTHER:
		break;
	}
	return NULL;
}

static cJSON *fields_json(const struct field *fields, const cJSON *said)
{
	cJSON *object = cJSON_CreateObject();

	for (const struct field *field = fields; field->name; field++) {
		const cJSON *member = json_get(said, field->name);
		cJSON *value;

		if (field->kind == FIELD_OBJECT)
			value = fields_json(field->fields, member);
		else
			value = member ? cJSON_Duplicate(member, true)
				       : preset_json(field);
		if (value)
			cJSON_AddItemToObject(object, field->name, value);
	}
	return object;
}

static void keep_what_was_said(cJSON *object, const cJSON *said, const char *name)
{
	const cJSON *phase = json_get(said, name);

	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	if (phase)
		cJSON_AddItemToObject(object, name, cJSON_Duplicate(phase, true));
}

/* A status without its error would not be read back. */
static void leave_out_what_goes_without(cJSON *phase, int fault)
{
	if (!phase)
		return;
	if (fault != FAULT_ERROR) {
		cJSON_DeleteItemFromObjectCaseSensitive(phase, "status");
		cJSON_DeleteItemFromObjectCaseSensitive(phase, "retry_after");
	}
	if (fault == FAULT_NONE)
		cJSON_DeleteItemFromObjectCaseSensitive(phase, "times");
	if (fault == FAULT_NONE || !is_ending(phase->string))
		cJSON_DeleteItemFromObjectCaseSensitive(phase, "takes_effect");
}

cJSON *agent_behavior_json(const struct agent_behavior *behavior)
{
	cJSON *object = fields_json(agent_behavior_fields, behavior->said);

	/* What was not said about archive and delete is left to disconnect. */
	keep_what_was_said(object, behavior->said, "archive");
	keep_what_was_said(object, behavior->said, "delete");
	for (unsigned i = 0; i < COUNT(phases); i++) {
		const struct phase_behavior *phase =
			(const void *)((const char *)&behavior->all + phases[i].offset);

		leave_out_what_goes_without(
			cJSON_GetObjectItemCaseSensitive(object, phases[i].name),
			phase->fault);
	}
	return object;
}

void agent_behavior_help(struct buf *text)
{
	static const char *const meanings[] = {
		[FAULT_NONE] = "all goes well",
		[FAULT_HANG] = "no answer, ever",
		[FAULT_RESET] = "the connection is reset",
		[FAULT_BLACKHOLE] = "nothing of this session is answered any more",
		[FAULT_HALF_CLOSE] = "our direction of the connection ends, no answer",
		[FAULT_ERROR] = "an HTTP error; in a turn a session.error",
		[FAULT_TRUNCATE] = "half an answer or event, then the end",
		[FAULT_MALFORM] = "an answer or event that is no JSON",
		[FAULT_REFUSE] = "no connection is accepted any more, for anybody",
	};
	struct field others[COUNT(agent_behavior_fields)] = {0};
	unsigned count = 0;

	buf_adds(text, "  <phase> is one of\n");
	for (const struct field *field = agent_behavior_fields; field->name; field++) {
		if (field->kind == FIELD_OBJECT)
			buf_addf(text, "    %-12s%s\n", field->name, field->help);
		else
			others[count++] = *field;
	}
	fields_help(phase_fields, "<phase>", text);
	buf_adds(text, "  <phase>.fault can be\n");
	for (unsigned i = 0; i < COUNT(meanings); i++)
		buf_addf(text, "    %-12s%s\n", fault_name((int)i), meanings[i]);
	buf_adds(text, "\n");
	fields_help(others, "", text);
}

const struct session_behavior *agent_behavior_for(
	const struct agent_behavior *behavior, int64_t session)
{
	const struct behavior_rule wanted = {.session = session};
	const struct behavior_rule *rule = NULL;

	if (behavior->rule_count > 0)
		rule = bsearch(&wanted, behavior->rules, behavior->rule_count,
			sizeof wanted, compare_rules);
	return rule ? &rule->behavior : &behavior->all;
}

const struct phase_behavior *session_behavior_end(
	const struct session_behavior *behavior, bool archive)
{
	return archive ? &behavior->archive : &behavior->del;
}

const char *fault_name(int fault)
{
	assert(fault >= 0 && (size_t)fault < COUNT(faults) - 1);
	return faults[fault];
}
