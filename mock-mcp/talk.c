#include "mock-mcp/talk.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/calls.h"
#include "mock-mcp/fate.h"
#include "mock-mcp/protocol.h"
#include "mock-mcp/rpc.h"
#include "mock-mcp/tools.h"

struct talk {
	struct talk_options options;
	struct calls *calls;
	const char *version; /* that initialize agreed on; NULL before */
	bool initialized;
	bool listed;
};

typedef void answer_fn(
	struct talk *talk, const struct rpc_message *request, enum era era);

struct method {
	const char *name;
	unsigned eras;
	bool greets; /* may come before the handshake, or is it */
	answer_fn *answer;
};

static void say(struct talk *talk, char *line)
{
	talk->options.say(talk->options.arg, line);
	free(line);
}

static void refuse(
	struct talk *talk, const char *id, enum rpc_code code, const char *why)
{
	say(talk, rpc_error(id, code, why, NULL));
}

static void note_initialized(struct talk *talk)
{
	if (!talk->initialized)
		log_event("mcp.initialized", LABEL(talk->options.label));
	talk->initialized = true;
}

static void note_tool(const struct talk *talk, const char *event, const char *tool)
{
	log_event(event, LABEL(talk->options.label), "tool", LOG_TEXT(tool));
}

/* Takes result; the line is the caller's to free(). */
static char *compose(const struct talk *talk, const struct rpc_message *request,
	enum era era, cJSON *result)
{
	return rpc_result(
		request->id, protocol_finish(result, era, talk->options.label->name));
}

static void on_call_over(void *arg, const char *tool, const char *answer)
{
	struct talk *talk = arg;

	note_tool(talk, "mcp.tool.end", tool);
	if (answer)
		talk->options.say(talk->options.arg, answer);
}

/* Takes answer, and says it after a while. */
static bool say_later(struct talk *talk, const char *id, const char *tool, char *answer,
	int64_t after_ns)
{
	if (calls_begin(talk->calls, id, tool, answer, after_ns))
		return true;
	refuse(talk, id, RPC_INTERNAL_ERROR, "too much is under way");
	return false;
}

static void answer_initialize(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	const cJSON *params = request->params;
	const char *asked = json_text(params, "protocolVersion");
	const char *name = talk->options.label->name;

	if (!asked || !cJSON_IsObject(json_get(params, "capabilities")) ||
		!cJSON_IsObject(json_get(params, "clientInfo"))) {
		refuse(talk, request->id, RPC_INVALID_PARAMS,
			"initialize: expected params.protocolVersion (a string), "
			"params.capabilities and params.clientInfo (objects)");
		return;
	}
	talk->version = protocol_agree(asked);
	say(talk,
		compose(talk, request, era, protocol_initialize(talk->version, name)));
}

static void answer_discover(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	say(talk, compose(talk, request, era, protocol_discover()));
}

static void answer_ping(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	say(talk, compose(talk, request, era, cJSON_CreateObject()));
}

static void answer_set_level(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	const char *level = json_text(request->params, "level");

	if (level && protocol_is_level(level))
		say(talk, compose(talk, request, era, cJSON_CreateObject()));
	else
		refuse(talk, request->id, RPC_INVALID_PARAMS,
			"logging/setLevel: expected params.level (debug, info, notice, "
			"warning, error, critical, alert or emergency)");
}

static void answer_list(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	if (json_get(request->params, "cursor")) {
		refuse(talk, request->id, RPC_INVALID_PARAMS,
			"tools/list: params.cursor is none that we gave out: there is one "
			"page");
		return;
	}
	say(talk, compose(talk, request, era, protocol_tools(tools_list(), era)));
	if (!talk->listed)
		talk->options.listed(talk->options.arg);
	talk->listed = true;
}

static void refuse_tool(struct talk *talk, const char *id, const char *name)
{
	const char *near = tools_nearest(name);
	SCOPED(mem_free) char *why = mem_textf("Unknown tool: %s%s%s%s", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");

	refuse(talk, id, RPC_INVALID_PARAMS, why);
}

/* Takes answer. */
static void run_tool(struct talk *talk, const char *id, const char *tool, char *answer)
{
	const struct mcp_manners *manners = talk->options.manners;
	int64_t after = manners->hang_tools
		? CALLS_NEVER
		: latency_draw(&manners->tool, talk->options.dice);

	note_tool(talk, "mcp.tool.begin", tool);
	fate_crash(manners, MCP_AT_TOOL);
	if (after == 0) {
		note_tool(talk, "mcp.tool.end", tool);
		say(talk, answer);
	} else if (!say_later(talk, id, tool, answer, after)) {
		note_tool(talk, "mcp.tool.end", tool);
	}
}

static void answer_call(
	struct talk *talk, const struct rpc_message *request, enum era era)
{
	const char *id = request->id;
	const cJSON *params = request->params;
	const cJSON *arguments = json_get(params, "arguments");
	const char *name = json_text(params, "name");
	const struct tool *tool = name ? tools_find(name) : NULL;

	if (!name)
		refuse(talk, id, RPC_INVALID_PARAMS,
			"tools/call: expected params.name (a string)");
	else if (!tool)
		refuse_tool(talk, id, name);
	else if (arguments && !cJSON_IsObject(arguments))
		refuse(talk, id, RPC_INVALID_PARAMS,
			"tools/call: expected params.arguments (an object)");
	else
		run_tool(talk, id, name,
			compose(talk, request, era, tools_call(tool, arguments)));
}

static const struct method methods[] = {
	{"initialize", ERA_LEGACY, true, answer_initialize},
	{"ping", ERA_LEGACY, true, answer_ping},
	{"logging/setLevel", ERA_LEGACY, false, answer_set_level},
	{"server/discover", ERA_MODERN, true, answer_discover},
	{"tools/list", ERA_LEGACY | ERA_MODERN, false, answer_list},
	{"tools/call", ERA_LEGACY | ERA_MODERN, false, answer_call},
};

static const struct method *find_method(const char *name, enum era era)
{
	for (unsigned i = 0; i < COUNT(methods); i++)
		if (!strcmp(methods[i].name, name) && methods[i].eras & era)
			return &methods[i];
	return NULL;
}

static bool check_meta(struct talk *talk, const struct rpc_message *message)
{
	struct err err = {0};
	cJSON *data;

	if (protocol_check_meta(message->params, &data, &err))
		return true;
	say(talk,
		rpc_error(message->id,
			data ? RPC_UNSUPPORTED_VERSION : RPC_INVALID_PARAMS, err.text,
			data));
	return false;
}

static void hear_request(struct talk *talk, const struct rpc_message *message)
{
	const char *id = message->id;
	enum era era = protocol_era(message->method, message->params);
	const struct method *method = find_method(message->method, era);

	if (calls_has(talk->calls, id)) {
		refuse(talk, id, RPC_INVALID_REQUEST,
			"id: a request with this one is under way");
	} else if (era == ERA_MODERN && !check_meta(talk, message)) {
		return;
	} else if (!method) {
		refuse(talk, id, RPC_METHOD_NOT_FOUND, "Method not found");
	} else if (message->params && !cJSON_IsObject(message->params)) {
		refuse(talk, id, RPC_INVALID_PARAMS, "params: expected an object");
	} else if (era == ERA_LEGACY && !method->greets && !talk->version) {
		refuse(talk, id, RPC_INVALID_REQUEST,
			"before initialize: a client begins with that, or names its "
			"protocol version in params._meta");
	} else {
		if (method->answer != answer_ping)
			fate_crash(talk->options.manners, MCP_AT_INITIALIZE);
		/* The modern era has no handshake: what comes after the question
		 * which versions we know shows that the client chose. */
		if (era == ERA_MODERN && !method->greets)
			note_initialized(talk);
		method->answer(talk, message, era);
	}
}

static void hear_notification(struct talk *talk, const struct json_doc *doc,
	const struct rpc_message *message)
{
	SCOPED(mem_free) char *id = rpc_id(doc, json_get(message->params, "requestId"));

	if (!strcmp(message->method, "notifications/initialized") && talk->version)
		note_initialized(talk);
	else if (!strcmp(message->method, "notifications/cancelled") && id)
		calls_cancel(talk->calls, id);
}

static void hear_message(
	struct talk *talk, const struct json_doc *doc, const cJSON *node)
{
	SCOPED(rpc_message_done) struct rpc_message message;
	struct err err = {0};

	if (!rpc_read(&message, doc, node, &err)) {
		refuse(talk, message.id, RPC_INVALID_REQUEST, err.text);
		return;
	}
	switch (message.kind) {
	case RPC_REQUEST:
		hear_request(talk, &message);
		return;
	case RPC_NOTIFICATION:
		hear_notification(talk, doc, &message);
		return;
	case RPC_RESPONSE: /* to nothing: we ask for nothing */
		return;
	}
}

/* Each message is answered on a line of its own, which the version with batches leaves
 * to us. */
static void hear_batch(struct talk *talk, const struct json_doc *doc)
{
	int size = cJSON_GetArraySize(doc->root);
	const cJSON *node;

	if (!talk->version || strcmp(talk->version, PROTOCOL_WITH_BATCHES)) {
		refuse(talk, NULL, RPC_INVALID_REQUEST,
			"an array of messages: only " PROTOCOL_WITH_BATCHES
			" has them");
	} else if (size < 1 || size > TALK_BATCH_MAX) {
		refuse(talk, NULL, RPC_INVALID_REQUEST,
			"an array of messages: expected 1 to 64 of them");
	} else {
		cJSON_ArrayForEach(node, doc->root)
			hear_message(talk, doc, node);
	}
}

/* Puts U+FFFD where a string says \u0000, in as many bytes. False: none does. */
static bool replace_nuls(char *line)
{
	bool any = false;

	for (char *at = line; (at = strstr(at, "\\u0000")); any = true)
		memcpy(at, "\\ufffd", strlen("\\ufffd"));
	return any;
}

/* JSON, but of a string that C cuts short: its sender gets an answer all the same, for
 * it would wait. */
static void refuse_nul(struct talk *talk, const struct json_doc *doc)
{
	SCOPED(mem_free) char *id = rpc_id(doc, json_get(doc->root, "id"));

	refuse(talk, id, RPC_INVALID_PARAMS,
		"\\u0000: no string of this server has it");
}

void talk_hear(struct talk *talk, char *line, size_t len, bool cut)
{
	struct json_doc doc = {.text = line};
	SCOPED(json_free) cJSON *root = NULL;

	if (cut) {
		refuse(talk, NULL, RPC_INVALID_REQUEST, "a message of more than 4 MiB");
		return;
	}
	if (line[strspn(line, " \t\r")] == '\0' && strlen(line) == len)
		return; /* a blank line is no message */
	doc.root = root = json_parse(line, len);
	if (root && cJSON_IsArray(root))
		hear_batch(talk, &doc);
	else if (root)
		hear_message(talk, &doc, root);
	else if (replace_nuls(line) && (doc.root = root = json_parse(line, len)))
		refuse_nul(talk, &doc);
	else
		refuse(talk, NULL, RPC_PARSE_ERROR,
			"Parse error: a line that is no JSON");
}

struct talk *talk_create(uv_loop_t *loop, const struct talk_options *options)
{
	struct talk *talk = mem_zeroed(sizeof *talk);

	talk->options = *options;
	talk->calls = calls_create(loop, on_call_over, talk);
	return talk;
}

void talk_destroy(struct talk *talk)
{
	if (!talk)
		return;
	calls_destroy(talk->calls);
	free(talk);
}
