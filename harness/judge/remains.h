/*
 * remains - which processes were still there when PID 1 ended.
 *
 * A container's death hides its leaks from any later process list: the kernel kills
 * what is left and then reports PID 1's end. So they are found by their lifelines: one
 * that was cut without process.exit, near or after PID 1's end, and that the service did
 * not record as reaped before, belonged to a process that was left behind. One that was
 * cut earlier, and that the service did reap, was a step of its ladder.
 *
 * A child may also exit by its own decision after PID 1 began to exit or was killed: its
 * stdin ended with PID 1's descriptors, a moment before the kernel got to it. It was left
 * behind as well.
 *
 * A process without a lifeline (somebody else's image) is known from the last snapshot,
 * and its end from the kernel: after PID 1 began to exit, it was left behind.
 */
#ifndef HARNESS_JUDGE_REMAINS_H
#define HARNESS_JUDGE_REMAINS_H

#include <stdint.h>

#include "harness/run/evidence.h"

struct remain {
	const struct lifeline *lifeline; /* NULL: it had none, a snapshot knows of it */
	char text[160];                  /* "mock-mcp 'skills' of session 2 (pid 17)" */
};

struct remains {
	struct remain *list; /* owned */
	unsigned count;
	unsigned zombies; /* in the last snapshot before the end */
};

void remains_find(struct remains *remains, const struct evidence *evidence);
void remains_done(struct remains *remains);

#endif
