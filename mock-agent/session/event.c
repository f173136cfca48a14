#include "mock-agent/session/event.h"

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/api_format.h"

cJSON *event_create(const char *type)
{
	char id[API_FORMAT_ID_SIZE];
	cJSON *event;

	api_format_id(id, "sevt");
	event = json_fill(NULL, "{'id': %s, 'type': %s}", id, type);
	api_format_stamp(event, "processed_at");
	return event;
}

cJSON *event_echo(const cJSON *sent, bool processed)
{
	const char *type = json_text(sent, "type");
	cJSON *event = event_create(type ? type : "");
	const cJSON *member;

	cJSON_ArrayForEach(member, sent) {
		if (!json_get(event, member->string))
			api_format_set(event, member->string, member);
	}
	if (!processed)
		api_format_set(event, "processed_at", NULL);
	return event;
}

cJSON *event_thread_running(const char *agent, const char *thread)
{
	return json_fill(event_create("session.thread_status_running"),
		"{'agent_name': %s, 'session_thread_id': %s}", agent, thread);
}

static cJSON *add_stop(cJSON *event, const char *reason, const char *use_id)
{
	if (!use_id)
		return json_fill(event,
			"{'stop_reason': {'type': %s}, 'stop_details': null}", reason);
	return json_fill(event,
		"{'stop_reason': {'type': %s, 'event_ids': [%s]}, "
		"'stop_details': null}",
		reason, use_id);
}

cJSON *event_thread_idle(
	const char *agent, const char *thread, const char *reason, const char *use_id)
{
	return add_stop(
		json_fill(event_create("session.thread_status_idle"),
			"{'agent_name': %s, 'session_thread_id': %s}", agent, thread),
		reason, use_id);
}

cJSON *event_idle(const char *reason, const char *use_id)
{
	return add_stop(event_create("session.status_idle"), reason, use_id);
}

cJSON *event_message(const char *text)
{
	return json_fill(event_create("agent.message"),
		"{'content': [{'type': 'text', 'text': %s}]}", text);
}

cJSON *event_tool_use(const struct turn_tool *tool, cJSON *input)
{
	static const char *const types[] = {
		[TURN_TOOL_CUSTOM] = "agent.custom_tool_use",
		[TURN_TOOL_OWN] = "agent.tool_use",
		[TURN_TOOL_MCP] = "agent.mcp_tool_use",
	};
	cJSON *event =
		json_fill(event_create(types[tool->kind]), "{'name': %s}", tool->name);

	if (tool->kind == TURN_TOOL_MCP)
		json_fill(event, "{'mcp_server_name': %s}", tool->server);
	if (tool->kind != TURN_TOOL_CUSTOM)
		json_fill(event, "{'evaluated_permission': %s}",
			tool->asks ? "ask" : "allow");
	cJSON_AddItemToObject(event, "input", input);
	return event;
}

cJSON *event_tool_result(
	const struct turn_tool *tool, const char *use_id, const char *text, bool failed)
{
	const bool mcp = tool->kind == TURN_TOOL_MCP;
	cJSON *event = json_fill(
		event_create(mcp ? "agent.mcp_tool_result" : "agent.tool_result"),
		"{'content': [{'type': 'text', 'text': %s}]}", text);

	cJSON_AddStringToObject(event, mcp ? "mcp_tool_use_id" : "tool_use_id", use_id);
	cJSON_AddBoolToObject(event, "is_error", failed);
	return event;
}

cJSON *event_span_end(const char *start_id, bool is_error)
{
	cJSON *event = json_fill(event_create("span.model_request_end"),
		"{'model_request_start_id': %s, 'model_usage': {'input_tokens': 1, "
		"'output_tokens': 1, 'cache_creation_input_tokens': 0, "
		"'cache_read_input_tokens': 0, 'speed': null}}",
		start_id);

	cJSON_AddBoolToObject(event, "is_error", is_error);
	return event;
}

cJSON *event_error(unsigned status)
{
	const char *type = status == 429 ? "model_rate_limited_error"
		: status == 529          ? "model_overloaded_error"
					 : "model_request_failed_error";
	SCOPED(mem_free) char *message =
		mem_textf("The model request failed with status %u.", status);

	return json_fill(event_create("session.error"),
		"{'error': {'type': %s, 'message': %s, "
		"'retry_status': {'type': 'exhausted'}}}",
		type, message);
}
