/*
 * event - the events of a session, as the API writes them.
 *
 * Each constructor gives the caller a tree to cJSON_Delete(), with a fresh id.
 */
#ifndef MOCK_AGENT_SESSION_EVENT_H
#define MOCK_AGENT_SESSION_EVENT_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "mock-agent/session/turn_tools.h"

/* {"id":"sevt_...","type":...,"processed_at":now} */
cJSON *event_create(const char *type) MUST_CHECK;

/* The echo of what a client sent: with an id, and processed_at null while it waits. */
cJSON *event_echo(const cJSON *sent, bool processed) MUST_CHECK;

/* session.thread_status_running */
cJSON *event_thread_running(const char *agent, const char *thread) MUST_CHECK;
/* session.thread_status_idle, session.status_idle. `reason` is "end_turn",
 * "requires_action" (use_id is the event that needs a result) or
 * "retries_exhausted". */
cJSON *event_thread_idle(const char *agent, const char *thread, const char *reason,
	const char *use_id) MUST_CHECK;
cJSON *event_idle(const char *reason, const char *use_id) MUST_CHECK;

cJSON *event_message(const char *text) MUST_CHECK; /* agent.message */
/* agent.custom_tool_use, agent.tool_use or agent.mcp_tool_use; takes input. */
cJSON *event_tool_use(const struct turn_tool *tool, cJSON *input) MUST_CHECK;
/* agent.tool_result or agent.mcp_tool_result of a tool that is not custom. */
cJSON *event_tool_result(const struct turn_tool *tool, const char *use_id,
	const char *text, bool failed) MUST_CHECK;
cJSON *event_span_end(const char *start_id, bool is_error) MUST_CHECK;
cJSON *event_error(unsigned status) MUST_CHECK; /* session.error */

#endif
