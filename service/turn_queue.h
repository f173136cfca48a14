/*
 * turn_queue - the turns of one session, in order: one runs, the others wait.
 */
#ifndef SERVICE_TURN_QUEUE_H
#define SERVICE_TURN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "service/metrics.h"

struct turn;

/* Once for each turn, from the loop, unless turn_forget() was called. text is the
 * reply, or the reason why there is none; borrowed. */
typedef void turn_done_fn(void *arg, enum turn_end end, const char *text);

/* `done` does not come any more. A running turn goes on, a waiting one is dropped. */
void turn_forget(struct turn *turn);

/* Embedded in its owner; zeroed but for metrics and the callback. */
struct turn_queue {
	struct metrics *metrics;
	/* A waiting turn was dropped by turn_forget(). */
	void (*dropped)(void *arg);
	void *arg;
	struct turn *waiting, *running;
	unsigned waiting_count;
};

/* Frees all turns; `done` does not come any more. */
void turn_queue_done(struct turn_queue *turns);

/* Adds a turn at the end of the queue. Copies text. */
struct turn *turn_queue_add(struct turn_queue *turns, const char *text,
	turn_done_fn *done, void *arg) MUST_CHECK;

/* The first waiting turn becomes the running one. Gives its text, borrowed until its
 * end.
 */
const char *turn_queue_begin(struct turn_queue *turns);

/* Running and waiting turns. */
static inline unsigned turn_queue_count(const struct turn_queue *turns)
{
	return turns->waiting_count + (turns->running != NULL);
}

/* Ends the running turn. */
void turn_queue_end(struct turn_queue *turns, enum turn_end end, const char *text);

/* Ends all waiting turns. */
void turn_queue_drop(struct turn_queue *turns, enum turn_end end, const char *text);

#endif
