/*
 * verdict - the verdicts that a case can have, mildest first.
 */
#ifndef HARNESS_SCENARIO_VERDICT_H
#define HARNESS_SCENARIO_VERDICT_H

#include <stdbool.h>

enum verdict {
	VERDICT_CLEAN, /* exit 0 in time, every session closed, nothing lost or left */
	VERDICT_SLOW, /* clean, but over `within` or with under a fifth of grace left */
	VERDICT_INCONCLUSIVE, /* evidence is missing and nothing worse is proven */
	VERDICT_DIRTY, /* in time, but exit code not 0, or sessions not released */
	VERDICT_LEAK,  /* processes were alive when PID 1 ended */
	VERDICT_LOSS,  /* an accepted request was never answered in full */
	VERDICT_CRASH, /* ended by a signal of its own making, or before the stop */
	VERDICT_SELF_KILLED,  /* SIGKILL that the engine did not send */
	VERDICT_OOM,          /* the kernel's out-of-memory killer took PID 1 */
	VERDICT_KILLED,       /* the grace expired: the engine's SIGKILL */
	VERDICT_ENGINE_STUCK, /* the engine never came back */
	VERDICTS,
};

/* "clean", "self-killed", in the order of the enum, NULL-terminated (lib/fields.h). */
extern const char *const verdict_names[VERDICTS + 1];

/* False: no verdict has this name. */
bool verdict_parse(enum verdict *verdict, const char *name);

#endif
