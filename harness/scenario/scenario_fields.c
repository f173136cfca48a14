#include "harness/scenario/scenario_fields.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/engine_kind.h"
#include "harness/scenario/event_names.h"
#include "harness/scenario/placeholders.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/verdict.h"
#include "lib/mem.h"
#include "lib/suggest.h"
#include "mock-agent/faults/behavior.h"
#include "mock-mcp/behavior.h"

/* What an error calls the member. */
static const char *key_of(const cJSON *node)
{
	return node->string ? node->string : "it";
}

static void done_text(void *out)
{
	mem_free(out);
}

static cJSON *text_schema(void)
{
	return cJSON_Parse("{\"type\":\"string\"}");
}

/* --- service.ready --- */

static bool set_ready(struct ready *ready, enum ready_kind kind,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (ready->kind != READY_DEFAULT)
		return json_doc_wrong(doc, node, err,
			"ready: one of http, tcp, log and signal, not several");
	ready->kind = kind;
	return true;
}

static bool read_ready_text(struct ready *ready, enum ready_kind kind,
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsString(node) || !node->valuestring[0])
		return json_doc_wrong(doc, node, err, "%s: expected a text, not %s",
			key_of(node),
			cJSON_IsString(node) ? "an empty one" : json_kind(node));
	if (!set_ready(ready, kind, doc, node, err))
		return false;
	ready->text = mem_text(node->valuestring);
	return true;
}

static void done_ready(void *out)
{
	struct ready *ready = out;

	mem_free(&ready->text);
}

static bool read_ready_http(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_ready_text(out, READY_HTTP, doc, node, err);
}

const struct field_type ready_http_type = {
	.read = read_ready_http, .done = done_ready, .schema = text_schema};

static bool read_ready_log(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_ready_text(out, READY_LOG, doc, node, err);
}

const struct field_type ready_log_type = {
	.read = read_ready_log, .done = done_ready, .schema = text_schema};

static bool read_ready_tcp(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct ready *ready = out;
	int64_t port;

	if (!json_whole(node, &port) || port < 1 || port > 65535)
		return json_doc_wrong(doc, node, err,
			"%s: expected a port from 1 to 65535", key_of(node));
	ready->port = port;
	return set_ready(ready, READY_TCP, doc, node, err);
}

static cJSON *port_schema(void)
{
	return cJSON_Parse("{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}");
}

const struct field_type ready_tcp_type = {
	.read = read_ready_tcp, .schema = port_schema};

static bool read_ready_signal(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsTrue(node))
		return json_doc_wrong(doc, node, err, "%s: expected true, not %s",
			key_of(node), json_kind(node));
	return set_ready(out, READY_SIGNAL, doc, node, err);
}

static cJSON *true_schema(void)
{
	return cJSON_Parse("{\"const\":true}");
}

const struct field_type ready_signal_type = {
	.read = read_ready_signal, .schema = true_schema};

/* --- service.entrypoint, command and env --- */

static bool check_placeholders(
	const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct err why;
	const cJSON *item;

	if (cJSON_IsString(node) && !placeholders_check(node->valuestring, &why))
		return json_doc_wrong(doc, node, err, "%s", why.text);
	cJSON_ArrayForEach(item, node) {
		if (!check_placeholders(doc, item, err))
			return false;
	}
	return true;
}

static bool read_command(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_type.read(out, doc, node, err);
}

static bool read_entrypoint(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsString(node))
		return read_command(out, doc, node, err);
	if (!check_placeholders(doc, node, err))
		return false;
	strlist_done(out);
	strlist_add(out, "%s", node->valuestring);
	return true;
}

static bool read_env(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_pairs_type.read(out, doc, node, err);
}

static void done_list(void *out)
{
	strlist_done(out);
}

static cJSON *command_schema(void)
{
	return strlist_type.schema();
}

static cJSON *entrypoint_schema(void)
{
	return cJSON_Parse("{\"type\":[\"string\",\"array\"],"
			   "\"items\":{\"type\":\"string\"}}");
}

static cJSON *env_schema(void)
{
	return strlist_pairs_type.schema();
}

const struct field_type command_type = {
	.read = read_command, .done = done_list, .schema = command_schema};
const struct field_type entrypoint_type = {
	.read = read_entrypoint, .done = done_list, .schema = entrypoint_schema};
const struct field_type env_type = {
	.read = read_env, .done = done_list, .schema = env_schema, .open = true};

/* --- service.session.body --- */

static bool read_body(void *out, const struct json_doc *doc UNUSED, const cJSON *node,
	struct err *err UNUSED)
{
	char *text =
		cJSON_IsString(node) ? mem_text(node->valuestring) : json_print(node);

	mem_free(out);
	*(char **)out = text;
	return true;
}

const struct field_type body_type = {.read = read_body, .done = done_text};

/* --- stop.when --- */

static bool is_known_event(const char *name)
{
	for (size_t i = 0; i < event_names_count(); i++)
		if (strcmp(event_names[i], name) == 0)
			return true;
	return false;
}

/* A service of somebody else may log events of its own: a name that is not near a known
 * one is accepted. */
static bool read_when(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const char *name = cJSON_IsString(node) ? node->valuestring : "";
	const char *near;

	if (!name[0])
		return json_doc_wrong(doc, node, err,
			"when: expected an event's name such as \"sessions.ready\"");
	near = is_known_event(name)
		? NULL
		: suggest_name(name, event_names, event_names_count());
	if (near)
		return json_doc_wrong(doc, node, err,
			"when: there is no \"%.60s\"; did you mean \"%s\"?", name,
			near);
	mem_free(out);
	*(char **)out = mem_text(name);
	return true;
}

/* Any text, and what an editor can offer. */
static cJSON *when_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"anyOf\":[{\"type\":\"string\"}]}");
	cJSON *known = cJSON_CreateObject();

	cJSON_AddItemToObject(known, "enum",
		cJSON_CreateStringArray(event_names, (int)event_names_count()));
	cJSON_AddItemToArray(cJSON_GetObjectItem(schema, "anyOf"), known);
	return schema;
}

const struct field_type when_type = {
	.read = read_when, .done = done_text, .schema = when_schema};

/* --- expect --- */

typedef bool read_fn(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);

/* Reads node, or each item of it where it is a list. */
static bool read_one_or_list(read_fn *read, void *out, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return read(out, doc, node, err);
	if (!node->child)
		return json_doc_wrong(
			doc, node, err, "%s: the list is empty", key_of(node));
	cJSON_ArrayForEach(item, node) {
		if (!read(out, doc, item, err))
			return false;
	}
	return true;
}

/* Takes one. */
static cJSON *one_or_list(cJSON *one)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");
	cJSON *list = cJSON_CreateObject();

	cJSON_AddStringToObject(list, "type", "array");
	cJSON_AddNumberToObject(list, "minItems", 1);
	cJSON_AddItemToObject(list, "items", cJSON_Duplicate(one, true));
	cJSON_AddItemToArray(any, one);
	cJSON_AddItemToArray(any, list);
	return schema;
}

static bool read_code(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct exit_codes *codes = out;
	int64_t code;

	if (codes->count == EXPECT_CODES_MAX)
		return json_doc_wrong(
			doc, node, err, "exit_code: more than %d", EXPECT_CODES_MAX);
	if (!json_whole(node, &code) || code < 0 || code > 255)
		return json_doc_wrong(doc, node, err,
			"exit_code: expected a number from 0 to 255, or a list of them");
	codes->code[codes->count++] = code;
	return true;
}

static bool read_exit_codes(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct exit_codes codes = {0};

	if (!read_one_or_list(read_code, &codes, doc, node, err))
		return false;
	*(struct exit_codes *)out = codes;
	return true;
}

static cJSON *exit_codes_schema(void)
{
	return one_or_list(
		cJSON_Parse("{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}"));
}

const struct field_type exit_codes_type = {
	.read = read_exit_codes, .schema = exit_codes_schema};

static bool read_verdict(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	SCOPED(mem_free) char *hint = NULL;
	const char *names[VERDICTS];
	unsigned *verdicts = out;
	enum verdict verdict;

	if (!cJSON_IsString(node))
		return json_doc_wrong(doc, node, err,
			"verdict: expected a name such as \"clean\", not %s",
			json_kind(node));
	if (verdict_parse(&verdict, node->valuestring)) {
		*verdicts |= 1u << verdict;
		return true;
	}
	for (unsigned i = 0; i < VERDICTS; i++)
		names[i] = verdict_name((enum verdict)i);
	hint = suggest_hint(node->valuestring, names, VERDICTS);
	return json_doc_wrong(doc, node, err, "verdict: there is no \"%.60s\"%s",
		node->valuestring, hint);
}

static bool read_verdicts(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	unsigned verdicts = 0;

	if (!read_one_or_list(read_verdict, &verdicts, doc, node, err))
		return false;
	*(unsigned *)out = verdicts;
	return true;
}

static cJSON *verdicts_schema(void)
{
	cJSON *one = cJSON_CreateObject();
	cJSON *names = cJSON_AddArrayToObject(one, "enum");

	for (unsigned i = 0; i < VERDICTS; i++)
		cJSON_AddItemToArray(
			names, cJSON_CreateString(verdict_name((enum verdict)i)));
	return one_or_list(one);
}

const struct field_type verdicts_type = {
	.read = read_verdicts, .schema = verdicts_schema};

static bool read_count(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	int64_t count;

	if (cJSON_IsString(node) && strcmp(node->valuestring, "all") == 0)
		count = EXPECT_ALL;
	else if (!json_whole(node, &count) || count < EXPECT_ANY)
		return json_doc_wrong(doc, node, err,
			"%s: expected a number or \"all\", not %s", key_of(node),
			cJSON_IsNumber(node) ? "this one" : json_kind(node));
	*(int64_t *)out = count;
	return true;
}

static cJSON *count_schema(void)
{
	return cJSON_Parse(
		"{\"anyOf\":[{\"type\":\"integer\",\"minimum\":-1},{\"const\":\"all\"}]}");
}

const struct field_type count_type = {.read = read_count, .schema = count_schema};

/* --- engines --- */

static bool read_engines(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *item;

	if (cJSON_IsArray(node) && !node->child)
		return json_doc_wrong(doc, node, err, "engines: the list is empty");
	cJSON_ArrayForEach(item, node) {
		if (cJSON_IsString(item) && !engine_kind_find(item->valuestring))
			return json_doc_wrong(doc, item, err,
				"engines: there is no \"%.60s\"; there are: %s",
				item->valuestring, engine_kind_names());
	}
	return strlist_type.read(out, doc, node, err);
}

static cJSON *engines_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"type\":\"array\",\"minItems\":1,\"items\":{}}");
	cJSON *names = cJSON_AddArrayToObject(
		cJSON_GetObjectItemCaseSensitive(schema, "items"), "enum");

	for (size_t i = 0; i < ENGINE_KINDS; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(engine_kinds[i].name));
	return schema;
}

const struct field_type engines_type = {
	.read = read_engines, .done = done_list, .schema = engines_schema};

/* --- the mocks --- */

static bool read_agent(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!agent_behavior_check(doc, node, err))
		return false;
	mem_free(out);
	*(char **)out = json_print(node);
	return true;
}

const struct field_type agent_type = {.read = read_agent,
	.done = done_text,
	.schema = agent_behavior_schema,
	.open = true};

static void done_mcp(void *out)
{
	struct mcp_list *list = out;

	for (unsigned i = 0; i < list->count; i++) {
		free(list->server[i].name);
		free(list->server[i].json);
	}
	free(list->server);
	*list = (struct mcp_list){0};
}

static bool read_server(struct mcp_list *list, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *name = json_text(node, "name");

	if (list->count == SCENARIO_MCP_MAX)
		return json_doc_wrong(
			doc, node, err, "more than %d MCP servers", SCENARIO_MCP_MAX);
	if (!mcp_behavior_check(doc, node, err))
		return false;
	if (!name || !name[0])
		return json_doc_wrong(doc, node, err, "mcp: its name is missing");
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->server[i].name, name) == 0)
			return json_doc_wrong(doc, node, err,
				"mcp: two servers are named \"%s\"", name);
	list->server = mem_grown(list->server, list->count + 1, sizeof *list->server);
	list->server[list->count++] =
		(struct mcp_server){mem_text(name), json_print(node)};
	return true;
}

static bool read_mcp(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct mcp_list list = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"mcp: expected a list such as [{\"name\": \"skills\"}], not %s",
			json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!read_server(&list, doc, item, err)) {
			done_mcp(&list);
			return false;
		}
	}
	done_mcp(out);
	*(struct mcp_list *)out = list;
	return true;
}

static cJSON *mcp_schema(void)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddItemToObject(schema, "items", mcp_behavior_schema());
	return schema;
}

const struct field_type mcp_type = {
	.read = read_mcp, .done = done_mcp, .schema = mcp_schema, .open = true};

/* --- what plan.h reads --- */

static bool pass(void *out UNUSED, const struct json_doc *doc UNUSED,
	const cJSON *node UNUSED, struct err *err UNUSED)
{
	return true;
}

static cJSON *matrix_schema(void)
{
	return cJSON_Parse("{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":\"array\",\"minItems\":1}}");
}

static cJSON *variants_schema(void)
{
	return cJSON_Parse(
		"{\"type\":\"array\",\"items\":{\"type\":\"object\","
		"\"properties\":{\"where\":{\"type\":\"object\"},"
		"\"set\":{\"type\":\"object\"}},"
		"\"required\":[\"where\",\"set\"],\"additionalProperties\":false}}");
}

static cJSON *twin_schema(void)
{
	return cJSON_Parse(
		"{\"type\":\"object\",\"properties\":"
		"{\"set\":{\"type\":\"object\"},\"expect\":{\"type\":\"object\"}},"
		"\"required\":[\"set\",\"expect\"],\"additionalProperties\":false}");
}

const struct field_type schema_type = {.read = pass, .schema = text_schema};
const struct field_type matrix_type = {
	.read = pass, .schema = matrix_schema, .open = true};
const struct field_type variants_type = {
	.read = pass, .schema = variants_schema, .open = true};
const struct field_type twin_type = {.read = pass, .schema = twin_schema, .open = true};
