/*
 * jsonrpc - JSON-RPC 2.0 messages as MCP uses them: reading and writing one.
 *
 * A written message is one line without its end: compact JSON has no line ends inside.
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

/* All but the id is borrowed from the tree. */
struct jsonrpc_message {
	char *id;            /* as JSON; owned; NULL: of a notification */
	const char *method;  /* NULL: of a response */
	const cJSON *params; /* of any type; NULL: none */
};

/* Reads node, which is part of doc. On failure message->id is the id for the error
 * response, or NULL. In both cases the caller calls jsonrpc_message_done(). */
bool jsonrpc_read(struct jsonrpc_message *message, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void jsonrpc_message_done(struct jsonrpc_message *message);

/* An id as JSON, the caller's to free(): a number has the digits that the client wrote,
 * which a double may lose. NULL: it is neither a string nor a number. */
char *jsonrpc_id(const struct json_doc *doc, const cJSON *node) MUST_CHECK;

/* Give the caller a line to free(). Borrow id, which is JSON; NULL in an error:
 * null. Take result, params and data (NULL: no such member). */
char *jsonrpc_result(const char *id, cJSON *result) MUST_CHECK;
char *jsonrpc_error(const char *id, enum jsonrpc_code code, const char *text,
	cJSON *data) MUST_CHECK;
char *jsonrpc_notification(const char *method, cJSON *params) MUST_CHECK;

#endif
