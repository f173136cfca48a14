/*
 * jsonrpc - JSON-RPC 2.0 messages as MCP uses them: reading and writing one.
 *
 * A written message is one line without its end: compact JSON has no line ends inside.
 */
#ifndef MOCK_MCP_JSONRPC_H
#define MOCK_MCP_JSONRPC_H

#include <stdbool.h>
#include <stdint.h>

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
	/* MCP's own. */
	JSONRPC_RESOURCE_NOT_FOUND = -32002, /* up to 2025-11-25 */
	JSONRPC_HEADER_MISMATCH = -32020,    /* these since 2026-07-28 */
	JSONRPC_MISSING_CAPABILITY = -32021,
	JSONRPC_UNSUPPORTED_VERSION = -32022,
	/* Of the HTTP transport, as the official server says it. */
	JSONRPC_REFUSED = -32000,
	JSONRPC_SESSION_NOT_FOUND = -32001,
};

/* All but the id is borrowed from the tree. */
struct jsonrpc_message {
	char *id;            /* as JSON; owned; NULL: of a notification */
	const char *method;  /* NULL: of a response */
	const cJSON *params; /* of any type; NULL: none */
	const cJSON *node;   /* the whole message */
	const struct json_doc *doc;
};

/* Reads a text of one message, or of an array of messages, into doc, which borrows the
 * text; it may be written to. The caller frees doc->root alone. On failure *refusal is
 * the error response, the caller's to free(), and *code is its code. */
bool jsonrpc_parse(struct json_doc *doc, char *text, size_t len, char **refusal,
	enum jsonrpc_code *code) MUST_CHECK;

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
char *jsonrpc_request(int64_t id, const char *method, cJSON *params) MUST_CHECK;

#endif
