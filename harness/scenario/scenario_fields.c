#include "harness/scenario/scenario_fields.h"

#include <stdlib.h>
#include <string.h>

#include "harness/engine/engine_kind.h"
#include "harness/scenario/event_names.h"
#include "harness/scenario/placeholders.h"
#include "harness/scenario/verdict.h"
#include "lib/mem.h"
#include "lib/suggest.h"

/* What an error calls the member. */
static const char *key_of(const cJSON *node)
{
	return node->string ? node->string : "it";
}

/* --- ready --- */

static bool be_ready(struct ready *ready, enum ready_kind kind,
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
	if (!be_ready(ready, kind, doc, node, err))
		return false;
	ready->text = mem_text(node->valuestring);
	return true;
}

bool read_ready_http(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_ready_text(out, READY_HTTP, doc, node, err);
}

bool read_ready_log(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_ready_text(out, READY_LOG, doc, node, err);
}

bool read_ready_tcp(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct ready *ready = out;
	int64_t port;

	if (!json_whole(node, &port) || port < 1 || port > 65535)
		return json_doc_wrong(doc, node, err,
			"%s: expected a port from 1 to 65535", key_of(node));
	ready->port = port;
	return be_ready(ready, READY_TCP, doc, node, err);
}

bool read_ready_signal(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!cJSON_IsTrue(node))
		return json_doc_wrong(doc, node, err, "%s: expected true, not %s",
			key_of(node), json_kind(node));
	return be_ready(out, READY_SIGNAL, doc, node, err);
}

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

bool read_command(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_read_list(out, doc, node, err);
}

bool read_entrypoint(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist *words = out;

	if (!cJSON_IsString(node))
		return read_command(out, doc, node, err);
	if (!check_placeholders(doc, node, err))
		return false;
	strlist_done(words);
	strlist_add(words, "%s", node->valuestring);
	return true;
}

bool read_env(void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return check_placeholders(doc, node, err) &&
		strlist_read_pairs(out, doc, node, err);
}

/* --- service.session.body --- */

bool read_body(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	char **body = out;
	char *text =
		cJSON_IsString(node) ? mem_text(node->valuestring) : json_print(node);

	(void)doc;
	(void)err;
	free(*body);
	*body = text;
	return true;
}

void free_text(void *out)
{
	char **text = out;

	free(*text);
	*text = NULL;
}

/* --- stop.when --- */

static bool is_known_event(const char *name)
{
	for (size_t i = 0; i < event_names_count(); i++) {
		if (strcmp(event_names[i], name) == 0)
			return true;
	}
	return false;
}

bool read_when(
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
	free_text(out);
	*(char **)out = mem_text(name);
	return true;
}

/* --- expect --- */

static bool read_code(
	int64_t *code, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	if (!json_whole(node, code) || *code < 0 || *code > 255)
		return json_doc_wrong(doc, node, err,
			"exit_code: expected a number from 0 to 255, or a list of them");
	return true;
}

bool read_exit_codes(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *list = cJSON_IsArray(node) ? node : NULL;
	struct exit_codes codes = {0};
	const cJSON *item;

	if (!list) {
		codes.count = 1;
		if (!read_code(&codes.code[0], doc, node, err))
			return false;
	}
	if (list && !list->child)
		return json_doc_wrong(doc, node, err, "exit_code: the list is empty");
	cJSON_ArrayForEach(item, list) {
		if (codes.count == EXPECT_CODES_MAX)
			return json_doc_wrong(doc, item, err, "exit_code: more than %d",
				EXPECT_CODES_MAX);
		if (!read_code(&codes.code[codes.count++], doc, item, err))
			return false;
	}
	*(struct exit_codes *)out = codes;
	return true;
}

static bool read_verdict(unsigned *verdicts, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const char *names[VERDICTS];
	enum verdict verdict;
	const char *near;

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
	near = suggest_name(node->valuestring, names, VERDICTS);
	return json_doc_wrong(doc, node, err, "verdict: there is no \"%.60s\"%s%s%s",
		node->valuestring, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

bool read_verdicts(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	const cJSON *list = cJSON_IsArray(node) ? node : NULL;
	unsigned verdicts = 0;
	const cJSON *item;

	if (!list && !read_verdict(&verdicts, doc, node, err))
		return false;
	if (list && !list->child)
		return json_doc_wrong(doc, node, err, "verdict: the list is empty");
	cJSON_ArrayForEach(item, list) {
		if (!read_verdict(&verdicts, doc, item, err))
			return false;
	}
	*(unsigned *)out = verdicts;
	return true;
}

bool read_count(
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

/* --- engines --- */

static bool check_engines(const struct strlist *words, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	if (words->count == 0)
		return json_doc_wrong(doc, node, err, "engines: the list is empty");
	for (unsigned i = 0; i < words->count; i++) {
		if (!engine_kind_find(words->item[i]))
			return json_doc_wrong(doc, cJSON_GetArrayItem(node, (int)i),
				err, "engines: there is no \"%.60s\"; there are: %s",
				words->item[i], engine_kind_names());
	}
	return true;
}

bool read_engines(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist words = {0};

	if (!strlist_read_list(&words, doc, node, err))
		return false;
	if (!check_engines(&words, doc, node, err)) {
		strlist_done(&words);
		return false;
	}
	strlist_done(out);
	*(struct strlist *)out = words;
	return true;
}

/* --- the mocks --- */

bool read_agent(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return agent_behavior_read(out, doc, node, err);
}

void free_agent(void *out)
{
	agent_behavior_done(out);
}

static bool is_named_twice(const struct mcp_list *list, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < list->count; i++)
		count +=
			list->server[i].name && strcmp(list->server[i].name, name) == 0;
	return count > 1;
}

static bool read_server(struct mcp_list *list, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct mcp_behavior *server;

	if (list->count == SCENARIO_MCP_MAX)
		return json_doc_wrong(
			doc, node, err, "more than %d MCP servers", SCENARIO_MCP_MAX);
	list->server = mem_grown(list->server, list->count + 1, sizeof *list->server);
	list->json = mem_grown(list->json, list->count + 1, sizeof *list->json);
	server = &list->server[list->count];
	*server = (struct mcp_behavior){0};
	mcp_behavior_preset(server);
	list->json[list->count++] = json_print(node);
	if (!mcp_behavior_read(server, doc, node, err))
		return false;
	if (!server->name || !server->name[0])
		return json_doc_wrong(doc, node, err, "mcp: its name is missing");
	if (is_named_twice(list, server->name))
		return json_doc_wrong(doc, node, err,
			"mcp: two servers are named \"%s\"", server->name);
	return true;
}

bool read_mcp(void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct mcp_list list = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"mcp: expected a list such as [{\"name\": \"skills\"}], not %s",
			json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!read_server(&list, doc, item, err)) {
			free_mcp(&list);
			return false;
		}
	}
	free_mcp(out);
	*(struct mcp_list *)out = list;
	return true;
}

void free_mcp(void *out)
{
	struct mcp_list *list = out;

	for (unsigned i = 0; i < list->count; i++) {
		mcp_behavior_done(&list->server[i]);
		free(list->json[i]);
	}
	free(list->server);
	free(list->json);
	*list = (struct mcp_list){0};
}

bool read_elsewhere(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	(void)out;
	(void)doc;
	(void)node;
	(void)err;
	return true;
}

/* --- schemas --- */

cJSON *text_schema(void)
{
	return cJSON_Parse("{\"type\":\"string\"}");
}

cJSON *entrypoint_schema(void)
{
	return cJSON_Parse("{\"type\":[\"string\",\"array\"],"
			   "\"items\":{\"type\":\"string\"}}");
}

cJSON *port_schema(void)
{
	return cJSON_Parse("{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535}");
}

cJSON *true_schema(void)
{
	return cJSON_Parse("{\"const\":true}");
}

cJSON *any_schema(void)
{
	return cJSON_CreateObject();
}

/* One of these, or a list of them. */
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

/* Any text, and what an editor can offer. */
cJSON *when_schema(void)
{
	cJSON *schema = cJSON_Parse("{\"anyOf\":[{\"type\":\"string\"}]}");
	cJSON *known = cJSON_CreateObject();

	cJSON_AddItemToObject(known, "enum",
		cJSON_CreateStringArray(event_names, (int)event_names_count()));
	cJSON_AddItemToArray(cJSON_GetObjectItem(schema, "anyOf"), known);
	return schema;
}

cJSON *exit_codes_schema(void)
{
	return one_or_list(
		cJSON_Parse("{\"type\":\"integer\",\"minimum\":0,\"maximum\":255}"));
}

cJSON *verdicts_schema(void)
{
	cJSON *one = cJSON_CreateObject();
	cJSON *names = cJSON_AddArrayToObject(one, "enum");

	for (unsigned i = 0; i < VERDICTS; i++)
		cJSON_AddItemToArray(
			names, cJSON_CreateString(verdict_name((enum verdict)i)));
	return one_or_list(one);
}

cJSON *count_schema(void)
{
	return cJSON_Parse(
		"{\"anyOf\":[{\"type\":\"integer\",\"minimum\":-1},{\"const\":\"all\"}]}");
}

cJSON *engines_schema(void)
{
	cJSON *schema = cJSON_CreateObject();
	cJSON *items, *names;

	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddNumberToObject(schema, "minItems", 1);
	items = cJSON_AddObjectToObject(schema, "items");
	names = cJSON_AddArrayToObject(items, "enum");
	for (size_t i = 0; i < ENGINE_KINDS; i++)
		cJSON_AddItemToArray(names, cJSON_CreateString(engine_kinds[i].name));
	return schema;
}

cJSON *agent_schema(void)
{
	return agent_behavior_schema();
}

cJSON *mcp_schema(void)
{
	cJSON *schema = cJSON_CreateObject();

	cJSON_AddStringToObject(schema, "type", "array");
	cJSON_AddItemToObject(schema, "items", mcp_behavior_schema());
	return schema;
}

cJSON *matrix_schema(void)
{
	return cJSON_Parse("{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":\"array\",\"minItems\":1}}");
}

cJSON *variants_schema(void)
{
	return cJSON_Parse(
		"{\"type\":\"array\",\"items\":{\"type\":\"object\","
		"\"properties\":{\"where\":{\"type\":\"object\"},"
		"\"set\":{\"type\":\"object\"}},"
		"\"required\":[\"where\",\"set\"],\"additionalProperties\":false}}");
}

cJSON *twin_schema(void)
{
	return cJSON_Parse(
		"{\"type\":\"object\",\"properties\":"
		"{\"set\":{\"type\":\"object\"},\"expect\":{\"type\":\"object\"}},"
		"\"required\":[\"set\",\"expect\"],\"additionalProperties\":false}");
}
