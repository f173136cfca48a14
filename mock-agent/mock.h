/*
 * mock - the mock agent API: its parts, and how they depend on each other.
 *
 *   main -> router -> control, the routes of api/, messages/ and openai/
 *             |
 *   answer/    answer -> answer_format (its instances: messages/message_format,
 *              openai/chat_format, openai/response_format)
 *              -> message -> conversation
 *             |
 *           api_request -> struct mock (this header)
 *             |
 *   session/   api_sessions -> api_turn -> api_session, reply, event, event_log;
 *              client_session <-> client_turn
 *             |
 *   faults/    fault -> schedule -> behavior -> rate_limit
 *             |
 *           listener, api_format
 *             |
 *           lib/
 *
 * Every arrow goes down. What has to go up is a callback: an api_session calls its
 * subscribers, and event_stream is one.
 */
#ifndef MOCK_AGENT_MOCK_H
#define MOCK_AGENT_MOCK_H

#include <stdint.h>
#include <uv.h>

#include "lib/json.h"
#include "mock-agent/faults/fault_schedule.h"
#include "mock-agent/listener.h"
#include "mock-agent/openai/response_store.h"
#include "mock-agent/session/api_sessions.h"
#include "mock-agent/session/client_session.h"
#include "mock-agent/session/session_numbers.h"

struct api_request;
struct resources;
struct response_background;

/* Made by main.c. A reset is POST /control/reset. */
struct mock {
	uv_loop_t *loop;
	const char *key;         /* NULL: every credential is accepted */
	const char *control_key; /* NULL: /control needs what the API needs */
	struct json_doc initial; /* the behavior of the start, and after a reset */
	struct agent_behavior behavior;
	int64_t seed; /* of the start, and of a reset that names none */
	struct fault_schedules schedules;
	struct rate_limit rate_limit;
	struct session_numbers numbers;
	struct resources *agents, *environments; /* not affected by a reset */
	struct api_sessions sessions;
	struct client_sessions clients;
	struct response_store responses;         /* of OpenAI's API */
	struct response_background *backgrounds; /* those in progress */
	/* Archives and deletes that do not overlap: the first one is in progress. */
	struct api_request *ending_queue;
	struct listener *listener;
	struct listener *control_listener; /* is never shut; NULL: none */
};

#endif
