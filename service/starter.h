/*
 * starter - starts of processes, one in each turn of the loop.
 *
 * A start holds the loop up until the new program runs: a millisecond, or ten when the
 * machine is busy. A hundred sessions that open at once must not keep everybody else
 * waiting, a stop signal least of all; so whoever has something to start waits in line.
 */
#ifndef SERVICE_STARTER_H
#define SERVICE_STARTER_H

#include <stdbool.h>
#include <uv.h>

#include "lib/cc.h"

struct starter;

/* Embedded in its owner; `start` comes once, from the loop. */
struct starter_ticket {
	void (*start)(void *arg);
	void *arg;
	struct starter_ticket *prev, *next;
	bool waiting;
};

/* Keeps loop. */
struct starter *starter_create(uv_loop_t *loop) MUST_CHECK;

void starter_wait(struct starter *starter, struct starter_ticket *ticket);
void starter_leave(
	struct starter *starter, struct starter_ticket *ticket); /* if it waits */

/* Nobody waits any more. The loop must turn for its handle. Accepts NULL. */
void starter_destroy(struct starter *starter);

#endif
