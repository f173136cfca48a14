/*
 * api_turn - what the agent does about a user's message.
 *
 * After the first_byte latency it asks custom tools, one after another, as many as the
 * behavior say, and then speaks, a chunk latency before each event; then it is idle, and
 * the stored status follows after the status_lag latency. Messages that come meanwhile wait
 * and continue the same run. An interrupt ends the turn in whatever it is doing, drops
 * what waits, and makes it idle after the interrupt latency.
 */
#ifndef MOCK_AGENT_SESSION_API_TURN_H
#define MOCK_AGENT_SESSION_API_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct api_session;
struct api_turn;

/* Keeps session, whose part it is. */
struct api_turn *api_turn_create(struct api_session *session);
void api_turn_destroy(struct api_turn *turn); /* accepts NULL */

/* message is an echoed user.message; takes it. */
void api_turn_say(struct api_turn *turn, cJSON *message);

/* Does some turn wait, or did one wait, for the result of this use? */
bool api_turn_knows_use(const struct api_turn *turn, const char *use_id) MUST_CHECK;

/* result is an echoed user.custom_tool_result; takes it. One that comes twice, or too
 * late, changes nothing. */
void api_turn_answer(struct api_turn *turn, cJSON *result);

/* event is an echoed user.interrupt; takes it. When nothing runs, nothing happens. */
void api_turn_interrupt(struct api_turn *turn, cJSON *event, int64_t delay_ns);

/* Messages that wait for their turn; the caller turns those beyond this away. */
#define TURN_WAITING_MAX 100
unsigned api_turn_waiting(const struct api_turn *turn);

/* Nothing of it happens any more. */
void api_turn_stop(struct api_turn *turn);

#endif
