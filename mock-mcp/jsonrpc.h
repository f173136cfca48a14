/*
 * jsonrpc - JSON-RPC 2.0 messages, as MCP uses them: one read, one written.
 *
 * What is written is one line without its end: compact JSON has no raw line ends.
 */
#ifndef MOCK_MCP_JSONRPC_H
#define MOCK_MCP_JSONRPC_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "lib/json.h"

enum jsonrpc_code {
	JSONRPC_PARSE_ERROR = -32700,
	JSONRPC_INVALID_REQUEST = -32600,
	JSONRPC_METHOD_NOT_FOUND = -32601,
	JSONRPC_INVALID_PARAMS = -32602,
	JSONRPC_INTERNAL_ERROR = -32603,
	JSONRPC_UNSUPPORTED_VERSION = -32022, /* MCP's own, since 2026-07-28 */
};

enum jsonrpc_kind {
	JSONRPC_REQUEST,
	JSONRPC_NOTIFICATION,
	JSONRPC_RESPONSE,
};

/* Borrowed from the tree that it was read from, except the id. */
struct jsonrpc_message {
	enum jsonrpc_kind kind;
	char *id;            /* of a request, as JSON; owned */
	const char *method;  /* of a request or a notification */
	const cJSON *params; /* whatever was there; NULL: nothing */
};

/* Reads node, which is of that document. When it is none, err says why, and message->id
 * is the id to answer with, or NULL. Either way it is good for jsonrpc_message_done(). */
bool jsonrpc_read(struct jsonrpc_message *message, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void jsonrpc_message_done(struct jsonrpc_message *message);

/* An id as JSON, the caller's to free(): a number digit by digit as its client wrote it,
 * which a double need not hold. NULL when it is neither string nor number. */
char *jsonrpc_id(const struct json_doc *doc, const cJSON *node) MUST_CHECK;

/* The lines are the caller's to free(). id is JSON and borrowed, NULL is null; result, data and
 * params are taken and may be NULL ({}, or no such member). */
char *jsonrpc_result(const char *id, cJSON *result) MUST_CHECK;
char *jsonrpc_error(const char *id, enum jsonrpc_code code, const char *text,
	cJSON *data) MUST_CHECK;
char *jsonrpc_notification(const char *method, cJSON *params) MUST_CHECK;

#endif
