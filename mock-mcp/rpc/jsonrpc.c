#include "mock-mcp/rpc/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json_fill.h"
#include "lib/mem.h"

char *jsonrpc_id(const struct json_doc *doc, const cJSON *node)
{
	if (cJSON_IsString(node))
		return json_print(node);
	return cJSON_IsNumber(node) ? json_doc_text(doc, node) : NULL;
}

/* Replaces each \u0000 by \ufffd, of the same length. False: there is none. */
static bool replace_nuls(char *text)
{
	bool any = false;

	for (char *at = text; (at = strstr(at, "\\u0000")); any = true)
		memcpy(at, "\\ufffd", strlen("\\ufffd"));
	return any;
}

/* JSON with a string that C cuts short. Its sender waits for an answer. */
static char *refuse_nul(const struct json_doc *doc)
{
	SCOPED(mem_free) char *id = jsonrpc_id(doc, json_get(doc->root, "id"));

	return jsonrpc_error(id, JSONRPC_INVALID_PARAMS,
		"\\u0000: no string of this server has it", NULL);
}

bool jsonrpc_parse(struct json_doc *doc, char *text, size_t len, char **refusal,
	enum jsonrpc_code *code)
{
	*doc = (struct json_doc){.text = text, .root = json_parse(text, len)};
	if (doc->root)
		return true;
	if (replace_nuls(text) && (doc->root = json_parse(text, len))) {
		*code = JSONRPC_INVALID_PARAMS;
		*refusal = refuse_nul(doc);
		json_free(&doc->root);
		doc->root = NULL;
		return false;
	}
	*code = JSONRPC_PARSE_ERROR;
	*refusal = jsonrpc_error(NULL, *code, "Parse error: Invalid JSON", NULL);
	return false;
}

bool jsonrpc_read(struct jsonrpc_message *message, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *id = json_get(node, "id"), *method = json_get(node, "method");
	const char *version = json_text(node, "jsonrpc");

	*message = (struct jsonrpc_message){
		.params = json_get(node, "params"), .node = node, .doc = doc};
	if (!cJSON_IsObject(node))
		return err_set(err, "a message is an object");
	message->id = jsonrpc_id(doc, id);
	if (id && !message->id)
		return err_set(err, "id: expected a string or a number");
	if (!version || strcmp(version, "2.0"))
		return err_set(err, "jsonrpc: expected \"2.0\"");
	if (!method && (json_get(node, "result") || json_get(node, "error")))
		return true;
	message->method = cJSON_GetStringValue(method);
	return message->method || err_set(err, "method: expected a string");
}

void jsonrpc_message_done(struct jsonrpc_message *message)
{
	free(message->id);
}

#define ENVELOPE "{\"jsonrpc\":\"2.0\","

char *jsonrpc_result(const char *id, cJSON *result)
{
	SCOPED(mem_free) char *text = json_print(result);

	cJSON_Delete(result);
	return mem_textf(ENVELOPE "\"id\":%s,\"result\":%s}", id, text);
}

char *jsonrpc_error(
	const char *id, enum jsonrpc_code code, const char *text, cJSON *data)
{
	SCOPED(json_free) cJSON *error =
		json_fill(NULL, "{'code': %d, 'message': %s}", (int)code, text);
	SCOPED(mem_free) char *json = NULL;

	if (data)
		cJSON_AddItemToObject(error, "data", data);
	json = json_print(error);
	return mem_textf(ENVELOPE "\"id\":%s,\"error\":%s}", id ? id : "null", json);
}

char *jsonrpc_notification(const char *method, cJSON *params)
{
	SCOPED(mem_free) char *text = json_print(params);

	cJSON_Delete(params);
	return mem_textf(ENVELOPE "\"method\":\"%s\",\"params\":%s}", method, text);
}

char *jsonrpc_request(int64_t id, const char *method, cJSON *params)
{
	SCOPED(mem_free) char *text = json_print(params);

	cJSON_Delete(params);
	return mem_textf(ENVELOPE "\"id\":%lld,\"method\":\"%s\",\"params\":%s}",
		(long long)id, method, text);
}
