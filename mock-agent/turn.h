/*
 * turn - what the agent does about a user's message.
 *
 * After the first_byte latency it asks custom tools, one after another, as many as the
 * manners say, and then speaks, a chunk latency before each event; then it is idle, and
 * the stored status follows after the settle latency. Messages that come meanwhile wait
 * and continue the same run. An interrupt ends the turn in whatever it is doing, drops
 * what waits, and makes it idle after the interrupt latency.
 */
#ifndef MOCK_AGENT_TURN_H
#define MOCK_AGENT_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct session;
struct turn;

/* Keeps session, whose part it is. */
struct turn *turn_create(struct session *session);
void turn_destroy(struct turn *turn); /* accepts NULL */

/* message is an echoed user.message; takes it. */
void turn_say(struct turn *turn, cJSON *message);

/* Does some turn wait, or did one wait, for the result of this use? */
bool turn_knows_use(const struct turn *turn, const char *use_id) MUST_CHECK;

/* result is an echoed user.custom_tool_result; takes it. One that comes twice, or too
 * late, changes nothing. */
void turn_answer(struct turn *turn, cJSON *result);

/* event is an echoed user.interrupt; takes it. When nothing runs, nothing happens. */
void turn_interrupt(struct turn *turn, cJSON *event, int64_t delay_ns);

/* Messages that wait for their turn; the caller turns those beyond this away. */
#define TURN_WAITING_MAX 100
unsigned turn_waiting(const struct turn *turn);

/* Nothing of it happens any more. */
void turn_stop(struct turn *turn);

#endif
