#include "mock-mcp/methods.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/features/completion.h"
#include "mock-mcp/features/prompts.h"
#include "mock-mcp/features/resources.h"
#include "mock-mcp/features/subscriptions.h"
#include "mock-mcp/features/tools.h"
#include "mock-mcp/rpc/call.h"

typedef void method_fn(struct call *call, const cJSON *params);

enum method_flag {
	BEGINS = 1, /* may come before the handshake, or is it */
	RICH = 2,   /* of a server with all features */
	LASTS = 4,  /* its calls may take a while, so their number is limited */
};

struct method {
	const char *name;
	unsigned styles; /* enum protocol_style */
	unsigned flags;  /* enum method_flag */
	method_fn *run;
};

#define BOTH (PROTOCOL_HANDSHAKE | PROTOCOL_STATELESS)

static bool has_all(const struct peer *peer)
{
	return peer->options.behavior->features == MCP_FEATURES_ALL;
}

static void initialize(struct call *call, const cJSON *params)
{
	struct peer *peer = call->peer;
	const char *asked = json_text(params, "protocolVersion");
	const cJSON *capabilities = json_get(params, "capabilities");

	if (!asked || !cJSON_IsObject(capabilities) ||
		!cJSON_IsObject(json_get(params, "clientInfo"))) {
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"initialize: expected params.protocolVersion (a string), "
			"params.capabilities and params.clientInfo (objects)",
			NULL);
		return;
	}
	peer->version = protocol_agree(asked);
	peer->capabilities = protocol_capabilities(capabilities);
	call_answer(call,
		protocol_initialize(
			peer->version, peer->options.identity.name, has_all(peer)));
}

static void discover(struct call *call, UNUSED const cJSON *params)
{
	call_answer(call, protocol_discover(has_all(call->peer)));
}

static void ping(struct call *call, UNUSED const cJSON *params)
{
	call_answer(call, cJSON_CreateObject());
}

static void set_level(struct call *call, const cJSON *params)
{
	const char *text = json_text(params, "level");
	int level = text ? protocol_level(text) : -1;

	if (level < 0) {
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"logging/setLevel: expected params.level (debug, info, notice, "
			"warning, error, critical, alert or emergency)",
			NULL);
		return;
	}
	call->peer->log_level = level;
	call_answer(call, cJSON_CreateObject());
}

static const struct method method_table[] = {
	{"initialize", PROTOCOL_HANDSHAKE, BEGINS, initialize},
	{"ping", PROTOCOL_HANDSHAKE, BEGINS, ping},
	{"logging/setLevel", PROTOCOL_HANDSHAKE, 0, set_level},
	{"server/discover", PROTOCOL_STATELESS, BEGINS, discover},
	{"tools/list", BOTH, 0, tools_list},
	{"tools/call", BOTH, LASTS, tools_call},
	{"resources/list", BOTH, RICH, resources_list},
	{"resources/templates/list", BOTH, RICH, resources_templates},
	{"resources/read", BOTH, RICH, resources_read},
	{"resources/subscribe", PROTOCOL_HANDSHAKE, RICH, subscriptions_add},
	{"resources/unsubscribe", PROTOCOL_HANDSHAKE, RICH, subscriptions_remove},
	{"prompts/list", BOTH, RICH, prompts_list},
	{"prompts/get", BOTH, RICH | LASTS, prompts_get},
	{"completion/complete", BOTH, RICH, completion_complete},
	{"subscriptions/listen", PROTOCOL_STATELESS, RICH | LASTS,
		subscriptions_listen},
};

static const struct method *find_method(
	const char *name, enum protocol_style style, bool all)
{
	for (unsigned i = 0; i < COUNT(method_table); i++)
		if (!strcmp(method_table[i].name, name) &&
			method_table[i].styles & style &&
			(all || !(method_table[i].flags & RICH)))
			return &method_table[i];
	return NULL;
}

bool methods_knows(const char *name, enum protocol_style style, bool all)
{
	return find_method(name, style, all) != NULL;
}

/* Why a request cannot be handled; 0: it can. *data may be set. */
static int check(const struct peer *peer, const struct jsonrpc_message *request,
	enum protocol_style style, cJSON **data, struct err *err)
{
	const struct method *method =
		find_method(request->method, style, has_all(peer));

	*data = NULL;
	if (peer_find(peer, request->id)) {
		err_set(err, "id: a request with this one is under way");
		return JSONRPC_INVALID_REQUEST;
	}
	if (style == PROTOCOL_STATELESS &&
		!protocol_check_meta(request->params, data, err))
		return *data ? JSONRPC_UNSUPPORTED_VERSION : JSONRPC_INVALID_PARAMS;
	if (!method) {
		err_set(err, "Method not found");
		return JSONRPC_METHOD_NOT_FOUND;
	}
	if (request->params && !cJSON_IsObject(request->params)) {
		err_set(err, "params: expected an object");
		return JSONRPC_INVALID_PARAMS;
	}
	if (style == PROTOCOL_HANDSHAKE && !(method->flags & BEGINS) &&
		!peer->version) {
		err_set(err,
			"before initialize: a client begins with that, or names "
			"its protocol version in params._meta");
		return JSONRPC_INVALID_REQUEST;
	}
	return 0;
}

static void refuse(struct answer_group *group, const char *id, int code,
	const char *why, cJSON *data)
{
	answer_group_owe(group);
	answer_group_pay(
		group, jsonrpc_error(id, (enum jsonrpc_code)code, why, data), code);
}

static void on_request(
	struct answer_group *group, const struct jsonrpc_message *request)
{
	enum protocol_style style = protocol_style_of(request->method, request->params);
	struct peer *peer = group->peer;
	const struct method *method;
	struct call *call;
	struct err err = {0};
	cJSON *data;
	int code = check(peer, request, style, &data, &err);

	if (code) {
		refuse(group, request->id, code, err.text, data);
		return;
	}
	method = find_method(request->method, style, has_all(peer));
	if (method->flags & LASTS && peer->call_count >= PEER_CALLS_MAX) {
		refuse(group, request->id, JSONRPC_INTERNAL_ERROR,
			"too much is under way", NULL);
		return;
	}
	call = call_begin(peer, group, request, style);
	if (method->run != ping)
		crash_at(peer->options.behavior, MCP_AT_INITIALIZE);
	/* The stateless style has no handshake: the first request after
	 * server/discover shows that the client chose a version. */
	if (style == PROTOCOL_STATELESS && !(method->flags & BEGINS))
		peer_initialized(peer);
	method->run(call, request->params);
}

static void on_notification(struct peer *peer, const struct json_doc *doc,
	const struct jsonrpc_message *message)
{
	SCOPED(mem_free) char *id =
		jsonrpc_id(doc, json_get(message->params, "requestId"));
	struct call *call = id ? peer_find(peer, id) : NULL;

	if (!strcmp(message->method, "notifications/initialized") && peer->version)
		peer_initialized(peer);
	else if (!strcmp(message->method, "notifications/cancelled") && call)
		call_cancel(call);
}

static void on_message(
	struct answer_group *group, const struct json_doc *doc, const cJSON *node)
{
	SCOPED(jsonrpc_message_done) struct jsonrpc_message message;
	struct err err = {0};

	if (!jsonrpc_read(&message, doc, node, &err))
		refuse(group, message.id, JSONRPC_INVALID_REQUEST, err.text, NULL);
	else if (message.method && message.id)
		on_request(group, &message);
	else if (message.method)
		on_notification(group->peer, doc, &message);
	else
		peer_on_reply(group->peer, &message);
}

bool methods_accepts_batch(const struct peer *peer, const cJSON *batch, struct err *err)
{
	int size = cJSON_GetArraySize(batch);

	if (!peer->version || strcmp(peer->version, PROTOCOL_WITH_BATCHES) != 0)
		return err_set(err,
			"an array of messages: only " PROTOCOL_WITH_BATCHES
			" has them");
	return (size >= 1 && size <= METHODS_BATCH_MAX) ||
		err_set(err, "an array of messages: expected 1 to %d of them",
			METHODS_BATCH_MAX);
}

bool methods_receive(struct peer *peer, const struct json_doc *doc, void *origin)
{
	bool batch = cJSON_IsArray(doc->root);
	struct answer_group *group;
	struct err err = {0};
	const cJSON *node;
	bool owed;

	if (batch && !methods_accepts_batch(peer, doc->root, &err)) {
		group = answer_group_begin(peer, origin, false);
		refuse(group, NULL, JSONRPC_INVALID_REQUEST, err.text, NULL);
	} else if (batch) {
		group = answer_group_begin(peer, origin, true);
		cJSON_ArrayForEach(node, doc->root)
			on_message(group, doc, node);
	} else {
		group = answer_group_begin(peer, origin, false);
		on_message(group, doc, doc->root);
	}
	owed = group->owed;
	answer_group_end(group);
	return owed;
}

static void refuse_line(struct peer *peer, char *refusal, int code)
{
	peer->options.transport->answer(peer->options.arg, NULL, refusal, code);
	free(refusal);
}

void methods_on_line(struct peer *peer, char *line, size_t len, bool cut)
{
	struct json_doc doc;
	enum jsonrpc_code code;
	char *refusal;

	if (cut) {
		refuse_line(peer,
			jsonrpc_error(NULL, JSONRPC_INVALID_REQUEST,
				"a message of more than 4 MiB", NULL),
			JSONRPC_INVALID_REQUEST);
		return;
	}
	if (line[strspn(line, " \t\r")] == '\0' && strlen(line) == len)
		return; /* a blank line is no message */
	if (!jsonrpc_parse(&doc, line, len, &refusal, &code)) {
		refuse_line(peer, refusal, (int)code);
		return;
	}
	(void)methods_receive(peer, &doc, NULL);
	cJSON_Delete(doc.root);
}
