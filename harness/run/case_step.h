/*
 * case_step - what a case is doing now, for whoever watches it.
 */
#ifndef HARNESS_RUN_CASE_STEP_H
#define HARNESS_RUN_CASE_STEP_H

#include <stdint.h>

struct case_step {
	const char *what;  /* "opening 3 sessions", "stopping"; borrowed */
	unsigned sessions; /* that are open at the mock agent API now */
	int64_t asked_ns;  /* when the stop was requested; 0: not yet */
	int64_t grace_ns;  /* how long after it SIGKILL comes */
};

/* At the beginning of each step and, where that was asked for, again and again. */
typedef void case_step_fn(void *arg, const struct case_step *step);

#endif
