#include "mock-mcp/rpc.h"

#include <string.h>

#include "lib/json.h"

bool rpc_read(struct rpc_message *message, const cJSON *node, struct err *err)
{
	const cJSON *id = json_get(node, "id"), *method = json_get(node, "method");
	const char *version = json_text(node, "jsonrpc");

	*message = (struct rpc_message){.params = json_get(node, "params")};
	if (!cJSON_IsObject(node))
		return err_set(err, "a message is an object");
	if (cJSON_IsString(id) || cJSON_IsNumber(id))
		message->id = id;
	else if (id)
		return err_set(err, "id: expected a string or a number");
	if (!version || strcmp(version, "2.0"))
		return err_set(err, "jsonrpc: expected \"2.0\"");
	if (!method && (json_get(node, "result") || json_get(node, "error"))) {
		message->kind = RPC_RESPONSE;
		return true;
	}
	if (!cJSON_IsString(method))
		return err_set(err, "method: expected a string");
	message->kind = id ? RPC_REQUEST : RPC_NOTIFICATION;
	message->method = method->valuestring;
	return true;
}

static cJSON *envelope(void)
{
	cJSON *message = cJSON_CreateObject();

	cJSON_AddStringToObject(message, "jsonrpc", "2.0");
	return message;
}

static cJSON *answer_to(const cJSON *id)
{
	cJSON *message = envelope();

	cJSON_AddItemToObject(
		message, "id", id ? cJSON_Duplicate(id, false) : cJSON_CreateNull());
	return message;
}

char *rpc_result(const cJSON *id, cJSON *result)
{
	SCOPED(json_free) cJSON *message = answer_to(id);

	cJSON_AddItemToObject(
		message, "result", result ? result : cJSON_CreateObject());
	return json_print(message);
}

char *rpc_error(const cJSON *id, enum rpc_code code, const char *text, cJSON *data)
{
	SCOPED(json_free) cJSON *message = answer_to(id);
	cJSON *error = cJSON_AddObjectToObject(message, "error");

	cJSON_AddNumberToObject(error, "code", (int)code);
	cJSON_AddStringToObject(error, "message", text);
	if (data)
		cJSON_AddItemToObject(error, "data", data);
	return json_print(message);
}

char *rpc_notification(const char *method, cJSON *params)
{
	SCOPED(json_free) cJSON *message = envelope();

	cJSON_AddStringToObject(message, "method", method);
	if (params)
		cJSON_AddItemToObject(message, "params", params);
	return json_print(message);
}
