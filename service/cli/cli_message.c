#include "service/cli/cli_message.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"

static void read_response(struct cli_message *message, const cJSON *json)
{
	const cJSON *response = json_get(json, "response");
	const char *subtype = json_text(response, "subtype");

	message->kind = CLI_MESSAGE_RESPONSE;
	message->request_id = json_text(response, "request_id");
	message->failed = !subtype || strcmp(subtype, "success") != 0;
	if (!message->failed)
		return;
	message->text = json_text(response, "error");
	if (!message->text)
		message->text = "the CLI refused it";
}

/* A failed turn says why in "result", or in "errors", or only by its subtype. */
static void read_result(struct cli_message *message, const cJSON *json)
{
	const cJSON *first = cJSON_GetArrayItem(json_get(json, "errors"), 0);
	const char *subtype = json_text(json, "subtype");

	message->kind = CLI_MESSAGE_RESULT;
	message->failed = json_bool(json, "is_error", false) || !subtype ||
		strcmp(subtype, "success") != 0;
	message->text = json_text(json, "result");
	if (!message->text && cJSON_IsString(first))
		message->text = first->valuestring;
	if (!message->text)
		message->text = message->failed && subtype ? subtype : "";
}

bool cli_message_read(struct cli_message *message, const cJSON *json)
{
	const char *type = json_text(json, "type");

	*message = (struct cli_message){.kind = CLI_MESSAGE_OTHER};
	if (!type)
		return false;
	if (strcmp(type, "control_response") == 0) {
		read_response(message, json);
	} else if (strcmp(type, "control_request") == 0) {
		message->kind = CLI_MESSAGE_REQUEST;
		message->request_id = json_text(json, "request_id");
	} else if (strcmp(type, "result") == 0) {
		read_result(message, json);
	}
	return true;
}

cJSON *cli_message_user(const char *text)
{
	return json_fill(NULL,
		"{'type': 'user', 'session_id': '', 'parent_tool_use_id': null, "
		"'message': {'role': 'user', 'content': %s}}",
		text);
}

cJSON *cli_message_request(const char *request_id, const char *subtype)
{
	return json_fill(NULL,
		"{'type': 'control_request', 'request_id': %s, "
		"'request': {'subtype': %s}}",
		request_id, subtype);
}

cJSON *cli_message_refusal(const char *request_id)
{
	return json_fill(NULL,
		"{'type': 'control_response', 'response': {'subtype': 'error', "
		"'request_id': %s, 'error': 'not supported'}}",
		request_id);
}
