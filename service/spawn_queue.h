/*
 * spawn_queue - starts of processes, one in each turn of the loop.
 *
 * A start blocks the loop until the new program runs: half a millisecond, or several when
 * the machine is busy. The queue keeps a thousand sessions that open at once from delaying
 * everything else, above all a stop signal.
 */
#ifndef SERVICE_SPAWN_QUEUE_H
#define SERVICE_SPAWN_QUEUE_H

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

void spawn_queue_add(struct spawn_queue *queue, struct spawn_queue_entry *entry);
/* Does nothing when the entry does not wait. */
void spawn_queue_remove(struct spawn_queue *queue, struct spawn_queue_entry *entry);

/* No entry may wait. The loop must turn for its handle. Accepts NULL. */
void spawn_queue_destroy(struct spawn_queue *queue);

#endif
