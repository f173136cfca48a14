/*
 * agent_pacer - spreads requests that the agent API limits by HTTP 429.
 *
 * Until the API refuses one, requests are sent when they come: a stop ends all sessions at
 * once. From the first 429 on they are sent one by one, at the rate at which the API
 * accepted them lately and a little more. What is refused waits at least as long as its
 * Retry-After says; the others need not wait for that, because the API counts requests and
 * not clients. So a limit of R a second ends N sessions in little more than N / R, with few
 * requests in vain. A limit that was not met for a while is forgotten.
 *
 * Accepted are, of the requests of the last quarter of a second or longer, those that were
 * not refused: a refusal comes at once, the answer to an accepted one may take long. After
 * the first refusal none is sent until those of the others have come.
 */
#ifndef SERVICE_AGENT_AGENT_PACER_H
#define SERVICE_AGENT_AGENT_PACER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/cc.h"

struct agent_pacer;

/* Embedded in its owner. `send` comes from the loop, once for each time that it waits. */
struct agent_pacer_entry {
	void (*send)(void *arg);
	void *arg;
	int64_t due_ns;  /* not before: CLOCK_MONOTONIC */
	int64_t sent_ns; /* the last time */
	struct agent_pacer_entry *prev, *next;
	bool waiting;
};

/* Keeps loop. */
struct agent_pacer *agent_pacer_create(uv_loop_t *loop) MUST_CHECK;
/* No entry may wait. Accepts NULL. */
void agent_pacer_destroy(struct agent_pacer *pacer);

/* True: send the request now. False: entry->send will say when. */
bool agent_pacer_may_send(
	struct agent_pacer *pacer, struct agent_pacer_entry *entry) MUST_CHECK;

/* The request was answered with 429, and may be sent again in wait_ns: entry->send will
 * say when. */
void agent_pacer_refused(
	struct agent_pacer *pacer, struct agent_pacer_entry *entry, int64_t wait_ns);

/* Does nothing when the entry does not wait. */
void agent_pacer_leave(struct agent_pacer *pacer, struct agent_pacer_entry *entry);

#endif
