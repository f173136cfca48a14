/*
 * spawn_queue - starts of processes, one in each turn of the loop.
 *
 * A start holds the loop up until the new program runs: a millisecond, or ten when the
 * machine is busy. A hundred sessions that open at once must not keep everybody else
 * waiting, a stop signal least of all; so whoever has something to start waits in line.
 */
#ifndef SERVICE_MCP_SPAWN_QUEUE_H
#define SERVICE_MCP_SPAWN_QUEUE_H

#include <stdbool.h>
#include <uv.h>

#include "lib/cc.h"

struct spawn_queue;

/* Embedded in its owner; `start` comes once, from the loop. */
struct spawn_queue_entry {
	void (*start)(void *arg);
	void *arg;
	struct spawn_queue_entry *prev, *next;
	bool waiting;
};

/* Keeps loop. */
struct spawn_queue *spawn_queue_create(uv_loop_t *loop) MUST_CHECK;

void spawn_queue_add(struct spawn_queue *spawn_queue, struct spawn_queue_entry *ticket);
void spawn_queue_remove(struct spawn_queue *spawn_queue,
	struct spawn_queue_entry *ticket); /* if it waits */

/* Nobody waits any more. The loop must turn for its handle. Accepts NULL. */
void spawn_queue_destroy(struct spawn_queue *spawn_queue);

#endif
