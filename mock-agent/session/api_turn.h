/*
 * api_turn - the agent's work on a user's message, one turn of a session at a time.
 *
 * After the first_byte latency the turn uses the tools that the behavior says (turn_tools.h),
 * one after another, and then sends the reply, with a chunk latency before each event.
 * Then the session is idle, and its stored status follows after the status_lag latency.
 * Messages that arrive during a turn wait and continue the same run. An interrupt ends
 * the turn in any state, drops the waiting messages, and makes the session idle after
 * the interrupt latency.
 */
#ifndef MOCK_AGENT_SESSION_API_TURN_H
#define MOCK_AGENT_SESSION_API_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct api_session;
struct api_turn;

/* Keeps loop and session. */
struct api_turn *api_turn_create(uv_loop_t *loop, struct api_session *session);
void api_turn_destroy(struct api_turn *turn); /* without an event; accepts NULL */

/* message is an echoed user.message; takes it. */
void api_turn_send(struct api_turn *turn, cJSON *message);

/* Reports whether the use is one of the last ones, with or without a result. */
bool api_turn_has_use(const struct api_turn *turn, const char *use_id) MUST_CHECK;

/* result is an echoed user.custom_tool_result; takes it. A second or a late result of
 * the same use has no effect. */
void api_turn_answer(struct api_turn *turn, cJSON *result);

/* confirmation is an echoed user.tool_confirmation; takes it. Likewise. */
void api_turn_confirm(struct api_turn *turn, cJSON *confirmation);

/* event is an echoed user.interrupt; takes it. Without a turn it is only logged. */
void api_turn_interrupt(struct api_turn *turn, cJSON *event, int64_t delay_ns);

/* The caller refuses messages beyond this number of waiting ones. */
#define TURN_WAITING_MAX 100
unsigned api_turn_waiting(const struct api_turn *turn);

#endif
