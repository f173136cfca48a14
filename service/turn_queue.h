/*
 * turn_queue - what one session is asked, in order: one runs, the others wait.
 */
#ifndef SERVICE_TURN_QUEUE_H
#define SERVICE_TURN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"

struct turn;
struct metrics;

enum turn_end {
	TURN_ANSWERED,
	TURN_INTERRUPTED, /* its session had to close */
	TURN_FAILED,
	TURN_TIMED_OUT,
};
#define TURN_ENDS (TURN_TIMED_OUT + 1)

const char *turn_end_name(enum turn_end end);

/* Once for each turn, from the loop, unless it was forgotten. text is the reply, or why
 * there is none; borrowed. */
typedef void turn_done_fn(void *arg, enum turn_end end, const char *text);

/* Nobody waits for its end any more. One that runs goes on; one that waits is dropped.
 */
void turn_forget(struct turn *turn);

/* Embedded in its owner; zeroed but for metrics and the callback. */
struct turn_queue {
	struct metrics *metrics;
	/* A turn that waited was forgotten. */
	void (*dropped)(void *arg);
	void *arg;
	struct turn *waiting, *running;
	unsigned waiting_count;
};

/* Those that are left end unheard. */
void turn_queue_done(struct turn_queue *turns);

/* At the end of the queue. Copies text. */
struct turn *turn_queue_add(struct turn_queue *turns, const char *text,
	turn_done_fn *done, void *arg) MUST_CHECK;

/* The first that waits runs now; gives its text, borrowed until its end. */
const char *turn_queue_begin(struct turn_queue *turns);

/* The running one is over. */
void turn_queue_end(struct turn_queue *turns, enum turn_end end, const char *text);

/* All that wait are over. */
void turn_queue_drop(struct turn_queue *turns, enum turn_end end, const char *text);

#endif
