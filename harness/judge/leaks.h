/*
 * leaks - which processes were still there when PID 1 ended.
 *
 * A container's death hides its leaks from any later process list: the kernel kills
 * what is left and then reports PID 1's end. So they are found by the kernel's own
 * stamps: a descendant that ended after PID 1 began to exit, or was killed, was left
 * behind. That holds for one that exits by its own decision as well: its stdin ended with
 * PID 1's descriptors, a moment before the kernel got to it.
 *
 * Where nobody traced PID 1's exit, a descendant that SIGKILL ended right before it may
 * have been left, or killed and reaped in time. The service's own record decides
 * (mcp.reaped); one that keeps none leaves a doubt.
 *
 * Where the kernel does not tell of descendants, the lifelines do: one that was cut
 * without process.exit, near or after PID 1's end, and that the service did not record as
 * reaped.
 */
#ifndef HARNESS_JUDGE_LEAKS_H
#define HARNESS_JUDGE_LEAKS_H

#include <stdint.h>

#include "harness/run/evidence.h"

struct leak {
	const struct lifeline *lifeline; /* NULL: it had none */
	char text[160];                  /* "mock-mcp 'skills' of session 2 (pid 17)" */
};

struct leaks {
	struct leak *list; /* owned */
	unsigned count;
	unsigned doubtful; /* left, or killed and reaped in time: nobody can say */
	unsigned zombies;  /* in the last snapshot before the end */
};

void leaks_find(struct leaks *leaks, const struct evidence *evidence);
void leaks_done(struct leaks *leaks);

#endif
