#include "mock-mcp/methods.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/jsonrpc.h"
#include "mock-mcp/pending_calls.h"
#include "mock-mcp/protocol.h"
#include "mock-mcp/tools.h"

struct methods {
	struct methods_options options;
	struct pending_calls calls;
	const char *version; /* agreed on by initialize; NULL before */
	bool initialized;
	bool listed;
};

/* Gives the result, the caller's. NULL: the method has answered, or will. */
typedef cJSON *answer_fn(struct methods *methods, const struct jsonrpc_message *request,
	enum protocol_style style);

struct method {
	const char *name;
	unsigned styles; /* enum protocol_style */
	bool begins;     /* may come before the handshake, or is it */
	answer_fn *answer;
};

static void send_line(struct methods *methods, char *line)
{
	methods->options.send(methods->options.arg, line);
	free(line);
}

/* Returns NULL, for methods. */
static cJSON *refuse(struct methods *methods, const char *id, enum jsonrpc_code code,
	const char *why)
{
	send_line(methods, jsonrpc_error(id, code, why, NULL));
	return NULL;
}

static void log_initialized(struct methods *methods)
{
	if (!methods->initialized)
		log_event("mcp.initialized", LOG_IDENTITY(methods->options.identity));
	methods->initialized = true;
}

static void log_tool(const struct methods *methods, const char *event, const char *tool)
{
	log_event(
		event, LOG_IDENTITY(methods->options.identity), "tool", LOG_TEXT(tool));
}

/* Takes result; the line is the caller's to free(). */
static char *compose(const struct methods *methods,
	const struct jsonrpc_message *request, enum protocol_style style, cJSON *result)
{
	return jsonrpc_result(request->id,
		protocol_finish(result, style, methods->options.identity->name));
}

static void on_call_over(void *arg, const char *tool, const char *answer)
{
	struct methods *methods = arg;

	log_tool(methods, "mcp.tool.end", tool);
	if (answer)
		methods->options.send(methods->options.arg, answer);
}

static cJSON *answer_initialize(struct methods *methods,
	const struct jsonrpc_message *request, UNUSED enum protocol_style style)
{
	const cJSON *params = request->params;
	const char *asked = json_text(params, "protocolVersion");

	if (!asked || !cJSON_IsObject(json_get(params, "capabilities")) ||
		!cJSON_IsObject(json_get(params, "clientInfo")))
		return refuse(methods, request->id, JSONRPC_INVALID_PARAMS,
			"initialize: expected params.protocolVersion (a string), "
			"params.capabilities and params.clientInfo (objects)");
	methods->version = protocol_agree(asked);
	return protocol_initialize(methods->version, methods->options.identity->name);
}

static cJSON *answer_discover(UNUSED struct methods *methods,
	UNUSED const struct jsonrpc_message *request, UNUSED enum protocol_style style)
{
	return protocol_discover();
}

static cJSON *answer_ping(UNUSED struct methods *methods,
	UNUSED const struct jsonrpc_message *request, UNUSED enum protocol_style style)
{
	return cJSON_CreateObject();
}

static cJSON *answer_set_level(struct methods *methods,
	const struct jsonrpc_message *request, UNUSED enum protocol_style style)
{
	const char *level = json_text(request->params, "level");

	if (level && protocol_is_level(level))
		return cJSON_CreateObject();
	return refuse(methods, request->id, JSONRPC_INVALID_PARAMS,
		"logging/setLevel: expected params.level (debug, info, notice, "
		"warning, error, critical, alert or emergency)");
}

static cJSON *answer_list(struct methods *methods,
	const struct jsonrpc_message *request, enum protocol_style style)
{
	if (json_get(request->params, "cursor"))
		return refuse(methods, request->id, JSONRPC_INVALID_PARAMS,
			"tools/list: params.cursor: there is only one page");
	send_line(methods,
		compose(methods, request, style, protocol_tools(tools_list(), style)));
	if (!methods->listed)
		methods->options.listed(methods->options.arg);
	methods->listed = true;
	return NULL;
}

static cJSON *refuse_tool(struct methods *methods, const char *id, const char *name)
{
	const char *near = tools_suggest(name);
	SCOPED(mem_free) char *why = mem_textf("Unknown tool: %s%s%s%s", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");

	return refuse(methods, id, JSONRPC_INVALID_PARAMS, why);
}

/* Takes answer. */
static void run_tool(
	struct methods *methods, const char *id, const char *tool, char *answer)
{
	const struct mcp_behavior *behavior = methods->options.behavior;
	int64_t after = behavior->hang_tools
		? PENDING_CALLS_NEVER
		: latency_draw(&behavior->tool, methods->options.rng);

	log_tool(methods, "mcp.tool.begin", tool);
	crash_at(behavior, MCP_AT_TOOL);
	if (after == 0) {
		log_tool(methods, "mcp.tool.end", tool);
		send_line(methods, answer);
	} else if (!pending_calls_begin(&methods->calls, id, tool, answer, after)) {
		refuse(methods, id, JSONRPC_INTERNAL_ERROR, "too much is under way");
		log_tool(methods, "mcp.tool.end", tool);
	}
}

static cJSON *answer_call(struct methods *methods,
	const struct jsonrpc_message *request, enum protocol_style style)
{
	const cJSON *arguments = json_get(request->params, "arguments");
	const char *name = json_text(request->params, "name");
	const struct tool *tool = name ? tools_find(name) : NULL;

	if (!name)
		return refuse(methods, request->id, JSONRPC_INVALID_PARAMS,
			"tools/call: expected params.name (a string)");
	if (!tool)
		return refuse_tool(methods, request->id, name);
	if (arguments && !cJSON_IsObject(arguments))
		return refuse(methods, request->id, JSONRPC_INVALID_PARAMS,
			"tools/call: expected params.arguments (an object)");
	run_tool(methods, request->id, name,
		compose(methods, request, style, tools_call(tool, arguments)));
	return NULL;
}

static const struct method method_table[] = {
	{"initialize", PROTOCOL_HANDSHAKE, true, answer_initialize},
	{"ping", PROTOCOL_HANDSHAKE, true, answer_ping},
	{"logging/setLevel", PROTOCOL_HANDSHAKE, false, answer_set_level},
	{"server/discover", PROTOCOL_STATELESS, true, answer_discover},
	{"tools/list", PROTOCOL_HANDSHAKE | PROTOCOL_STATELESS, false, answer_list},
	{"tools/call", PROTOCOL_HANDSHAKE | PROTOCOL_STATELESS, false, answer_call},
};

static const struct method *find_method(const char *name, enum protocol_style style)
{
	for (unsigned i = 0; i < COUNT(method_table); i++)
		if (!strcmp(method_table[i].name, name) &&
			method_table[i].styles & style)
			return &method_table[i];
	return NULL;
}

static bool check_meta(struct methods *methods, const struct jsonrpc_message *message)
{
	struct err err = {0};
	cJSON *data;

	if (protocol_check_meta(message->params, &data, &err))
		return true;
	send_line(methods,
		jsonrpc_error(message->id,
			data ? JSONRPC_UNSUPPORTED_VERSION : JSONRPC_INVALID_PARAMS,
			err.text, data));
	return false;
}

static void on_request(struct methods *methods, const struct jsonrpc_message *message)
{
	const char *id = message->id;
	enum protocol_style style = protocol_style_of(message->method, message->params);
	const struct method *method = find_method(message->method, style);
	cJSON *result;

	if (pending_calls_find(&methods->calls, id)) {
		refuse(methods, id, JSONRPC_INVALID_REQUEST,
			"id: a request with this one is under way");
	} else if (style == PROTOCOL_STATELESS && !check_meta(methods, message)) {
		return;
	} else if (!method) {
		refuse(methods, id, JSONRPC_METHOD_NOT_FOUND, "Method not found");
	} else if (message->params && !cJSON_IsObject(message->params)) {
		refuse(methods, id, JSONRPC_INVALID_PARAMS,
			"params: expected an object");
	} else if (style == PROTOCOL_HANDSHAKE && !method->begins &&
		!methods->version) {
		refuse(methods, id, JSONRPC_INVALID_REQUEST,
			"before initialize: a client begins with that, or names its "
			"protocol version in params._meta");
	} else {
		if (method->answer != answer_ping)
			crash_at(methods->options.behavior, MCP_AT_INITIALIZE);
		/* The stateless style has no handshake: the first request after
		 * server/discover shows that the client chose a version. */
		if (style == PROTOCOL_STATELESS && !method->begins)
			log_initialized(methods);
		result = method->answer(methods, message, style);
		if (result)
			send_line(methods, compose(methods, message, style, result));
	}
}

static void on_notification(struct methods *methods, const struct json_doc *doc,
	const struct jsonrpc_message *message)
{
	SCOPED(mem_free) char *id =
		jsonrpc_id(doc, json_get(message->params, "requestId"));

	if (!strcmp(message->method, "notifications/initialized") && methods->version)
		log_initialized(methods);
	else if (!strcmp(message->method, "notifications/cancelled") && id)
		pending_calls_cancel(&methods->calls, id);
}

static void on_message(
	struct methods *methods, const struct json_doc *doc, const cJSON *node)
{
	SCOPED(jsonrpc_message_done) struct jsonrpc_message message;
	struct err err = {0};

	if (!jsonrpc_read(&message, doc, node, &err)) {
		refuse(methods, message.id, JSONRPC_INVALID_REQUEST, err.text);
		return;
	}
	/* A response has no effect: the server sends no requests. */
	if (message.method && message.id)
		on_request(methods, &message);
	else if (message.method)
		on_notification(methods, doc, &message);
}

/* Each message is answered on a line of its own, as the version with batches allows. */
static void on_batch(struct methods *methods, const struct json_doc *doc)
{
	int size = cJSON_GetArraySize(doc->root);
	const cJSON *node;

	if (!methods->version || strcmp(methods->version, PROTOCOL_WITH_BATCHES)) {
		refuse(methods, NULL, JSONRPC_INVALID_REQUEST,
			"an array of messages: only " PROTOCOL_WITH_BATCHES
			" has them");
	} else if (size < 1 || size > METHODS_BATCH_MAX) {
		refuse(methods, NULL, JSONRPC_INVALID_REQUEST,
			"an array of messages: expected 1 to 64 of them");
	} else {
		cJSON_ArrayForEach(node, doc->root)
			on_message(methods, doc, node);
	}
}

/* Replaces each \u0000 by \ufffd, of the same length. False: there is none. */
static bool replace_nuls(char *line)
{
	bool any = false;

	for (char *at = line; (at = strstr(at, "\\u0000")); any = true)
		memcpy(at, "\\ufffd", strlen("\\ufffd"));
	return any;
}

/* JSON with a string that C cuts short. Its sender waits for an answer. */
static void refuse_nul(struct methods *methods, const struct json_doc *doc)
{
	SCOPED(mem_free) char *id = jsonrpc_id(doc, json_get(doc->root, "id"));

	refuse(methods, id, JSONRPC_INVALID_PARAMS,
		"\\u0000: no string of this server has it");
}

void methods_on_line(struct methods *methods, char *line, size_t len, bool cut)
{
	struct json_doc doc = {.text = line};
	SCOPED(json_free) cJSON *root = NULL;

	if (cut) {
		refuse(methods, NULL, JSONRPC_INVALID_REQUEST,
			"a message of more than 4 MiB");
		return;
	}
	if (line[strspn(line, " \t\r")] == '\0' && strlen(line) == len)
		return; /* a blank line is no message */
	doc.root = root = json_parse(line, len);
	if (root && cJSON_IsArray(root))
		on_batch(methods, &doc);
	else if (root)
		on_message(methods, &doc, root);
	else if (replace_nuls(line) && (doc.root = root = json_parse(line, len)))
		refuse_nul(methods, &doc);
	else
		refuse(methods, NULL, JSONRPC_PARSE_ERROR,
			"Parse error: a line that is not JSON");
}

struct methods *methods_create(uv_loop_t *loop, const struct methods_options *options)
{
	struct methods *methods = mem_zeroed(sizeof *methods);

	methods->options = *options;
	methods->calls = (struct pending_calls){loop, on_call_over, .arg = methods};
	return methods;
}

void methods_destroy(struct methods *methods)
{
	if (!methods)
		return;
	pending_calls_clear(&methods->calls);
	free(methods);
}
