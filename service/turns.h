/*
 * turns - what one session is asked, in order: one runs, the others wait.
 */
#ifndef SERVICE_TURNS_H
#define SERVICE_TURNS_H

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
struct turns {
	struct metrics *metrics;
	/* A turn that waited was forgotten. */
	void (*dropped)(void *arg);
	void *arg;
	struct turn *waiting, *running;
	unsigned waiting_count;
};

/* Those that are left end unheard. */
void turns_done(struct turns *turns);

/* At the end of the queue. Copies text. */
struct turn *turns_add(struct turns *turns, const char *text, turn_done_fn *done,
	void *arg) MUST_CHECK;

/* The first that waits runs now; gives its text, borrowed until its end. */
const char *turns_begin(struct turns *turns);

/* The running one is over. */
void turns_end(struct turns *turns, enum turn_end end, const char *text);

/* All that wait are over. */
void turns_drop(struct turns *turns, enum turn_end end, const char *text);

#endif
