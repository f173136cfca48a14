/*
 * leaks - the processes that were alive when PID 1 ended.
 *
 * A container's death hides its leaks from any later process list: the kernel kills
 * what is left and then reports PID 1's end. The kernel's own stamps show them: a
 * descendant that ended after PID 1 began to exit, or was killed, was left behind. So
 * was one that then exited by itself: its stdin ended with PID 1's descriptors, a
 * moment before the kernel killed it.
 *
 * Where PID 1's exit was not traced, a descendant that SIGKILL ended right before it
 * may have been left, or killed and reaped in time. The service's record decides
 * (mcp.reaped); without a record the answer is not known.
 *
 * Where the kernel does not report descendants, lifelines show leaks: one that was cut
 * without process.exit, near or after PID 1's end, and that the service did not record
 * as reaped.
 */
#ifndef HARNESS_JUDGE_LEAKS_H
#define HARNESS_JUDGE_LEAKS_H

#include <stdint.h>

#include "harness/judge/processes.h"
#include "harness/run/evidence.h"

/* What is known of why it was left. */
enum leak_kind {
	LEAK_UNTRACED,   /* signals were not traced */
	LEAK_TOLD,       /* it was told to end, and PID 1 waited */
	LEAK_NOT_WAITED, /* it was told to end, and PID 1 exited without a wait */
	LEAK_KILLED,     /* it was sent SIGKILL, and was still dying */
	LEAK_NEVER_TOLD, /* it got no signal */
	LEAK_ORPHAN,     /* its parent had ended before the stop */
	LEAK_KINDS,
};

struct leak {
	const struct lifeline *lifeline; /* NULL: it had none */
	const struct process *process;   /* NULL: only its lifeline is known */
	char text[160];                  /* "mock-mcp 'skills' of session 2 (pid 17)" */
};

struct leaks {
	struct leak *list; /* owned */
	unsigned count;
	unsigned kinds[LEAK_KINDS];
	unsigned unknown; /* left, or killed and reaped in time */
	unsigned raced;   /* told by PID 1, and gone a moment before it: by chance? */
	unsigned zombies; /* in the last snapshot before the end */
};

/* Keeps processes. */
void leaks_find(struct leaks *leaks, const struct evidence *evidence,
	const struct processes *processes);
void leaks_done(struct leaks *leaks);

#endif
