#include "mock-mcp/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

char *jsonrpc_id(const struct json_doc *doc, const cJSON *node)
{
	if (cJSON_IsString(node))
		return json_print(node);
	return cJSON_IsNumber(node) ? json_doc_text(doc, node) : NULL;
}

bool jsonrpc_read(struct jsonrpc_message *message, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const cJSON *id = json_get(node, "id"), *method = json_get(node, "method");
	const char *version = json_text(node, "jsonrpc");

	*message = (struct jsonrpc_message){.params = json_get(node, "params")};
	if (!cJSON_IsObject(node))
		return err_set(err, "a message is an object");
	message->id = jsonrpc_id(doc, id);
	if (id && !message->id)
		return err_set(err, "id: expected a string or a number");
	if (!version || strcmp(version, "2.0"))
		return err_set(err, "jsonrpc: expected \"2.0\"");
	if (!method && (json_get(node, "result") || json_get(node, "error"))) {
		message->kind = JSONRPC_RESPONSE;
		return true;
	}
	if (!cJSON_IsString(method))
		return err_set(err, "method: expected a string");
	message->kind = id ? JSONRPC_REQUEST : JSONRPC_NOTIFICATION;
	message->method = method->valuestring;
	return true;
}

void jsonrpc_message_done(struct jsonrpc_message *message)
{
	free(message->id);
}

static cJSON *envelope(void)
{
	cJSON *message = cJSON_CreateObject();

	cJSON_AddStringToObject(message, "jsonrpc", "2.0");
	return message;
}

static cJSON *answer_to(const char *id)
{
	cJSON *message = envelope();

	cJSON_AddRawToObject(message, "id", id ? id : "null");
	return message;
}

char *jsonrpc_result(const char *id, cJSON *result)
{
	SCOPED(json_free) cJSON *message = answer_to(id);

	cJSON_AddItemToObject(
		message, "result", result ? result : cJSON_CreateObject());
	return json_print(message);
}

char *jsonrpc_error(
	const char *id, enum jsonrpc_code code, const char *text, cJSON *data)
{
	SCOPED(json_free) cJSON *message = answer_to(id);
	cJSON *error = cJSON_AddObjectToObject(message, "error");

	cJSON_AddNumberToObject(error, "code", (int)code);
	cJSON_AddStringToObject(error, "message", text);
	if (data)
		cJSON_AddItemToObject(error, "data", data);
	return json_print(message);
}

char *jsonrpc_notification(const char *method, cJSON *params)
{
	SCOPED(json_free) cJSON *message = envelope();

	cJSON_AddStringToObject(message, "method", method);
	if (params)
		cJSON_AddItemToObject(message, "params", params);
	return json_print(message);
}
