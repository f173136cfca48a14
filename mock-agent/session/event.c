#include "mock-agent/session/event.h"

#include <stdio.h>

#include "lib/json.h"
#include "mock-agent/api_format.h"

cJSON *event_create(const char *type)
{
	cJSON *event = cJSON_CreateObject();
	char id[API_FORMAT_ID_SIZE];

	api_format_id(id, "sevt");
	cJSON_AddStringToObject(event, "id", id);
	cJSON_AddStringToObject(event, "type", type);
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

static cJSON *thread_event(const char *type, const char *agent, const char *thread)
{
	cJSON *event = event_create(type);

	cJSON_AddStringToObject(event, "agent_name", agent);
	cJSON_AddStringToObject(event, "session_thread_id", thread);
	return event;
}

static void add_stop(cJSON *event, const char *reason, const char *use_id)
{
	cJSON *stop = cJSON_AddObjectToObject(event, "stop_reason");

	cJSON_AddStringToObject(stop, "type", reason);
	if (use_id)
		cJSON_AddItemToObject(
			stop, "event_ids", cJSON_CreateStringArray(&use_id, 1));
	cJSON_AddNullToObject(event, "stop_details");
}

cJSON *event_thread_running(const char *agent, const char *thread)
{
	return thread_event("session.thread_status_running", agent, thread);
}

cJSON *event_thread_idle(
	const char *agent, const char *thread, const char *reason, const char *use_id)
{
	cJSON *event = thread_event("session.thread_status_idle", agent, thread);

	add_stop(event, reason, use_id);
	return event;
}

cJSON *event_idle(const char *reason, const char *use_id)
{
	cJSON *event = event_create("session.status_idle");

	add_stop(event, reason, use_id);
	return event;
}

cJSON *event_message(const char *text, size_t len)
{
	cJSON *event = event_create("agent.message");
	cJSON *content = cJSON_AddArrayToObject(event, "content");
	cJSON *block = cJSON_CreateObject();
	SCOPED(buf_done) struct buf part = {0};

	buf_add(&part, text, len);
	cJSON_AddStringToObject(block, "type", "text");
	cJSON_AddStringToObject(block, "text", buf_text(&part));
	cJSON_AddItemToArray(content, block);
	return event;
}

cJSON *event_tool_use(const char *name, cJSON *input)
{
	cJSON *event = event_create("agent.custom_tool_use");

	cJSON_AddStringToObject(event, "name", name);
	cJSON_AddItemToObject(event, "input", input);
	return event;
}

cJSON *event_span_end(const char *start_id, bool is_error)
{
	cJSON *event = event_create("span.model_request_end");
	cJSON *usage;

	cJSON_AddStringToObject(event, "model_request_start_id", start_id);
	cJSON_AddBoolToObject(event, "is_error", is_error);
	usage = cJSON_AddObjectToObject(event, "model_usage");
	cJSON_AddNumberToObject(usage, "input_tokens", 1);
	cJSON_AddNumberToObject(usage, "output_tokens", 1);
	cJSON_AddNumberToObject(usage, "cache_creation_input_tokens", 0);
	cJSON_AddNumberToObject(usage, "cache_read_input_tokens", 0);
	cJSON_AddNullToObject(usage, "speed");
	return event;
}

cJSON *event_error(unsigned status)
{
	cJSON *event = event_create("session.error");
	cJSON *error = cJSON_AddObjectToObject(event, "error");
	const char *type = status == 429 ? "model_rate_limited_error"
		: status == 529          ? "model_overloaded_error"
					 : "model_request_failed_error";
	cJSON *retry;
	char message[80];

	snprintf(message, sizeof message, "The model request failed with status %u.",
		status);
	cJSON_AddStringToObject(error, "type", type);
	cJSON_AddStringToObject(error, "message", message);
	retry = cJSON_AddObjectToObject(error, "retry_status");
	cJSON_AddStringToObject(retry, "type", "exhausted");
	return event;
}
