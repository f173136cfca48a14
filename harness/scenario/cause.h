/*
 * cause - the names that a diagnosis can have, deepest cause first: what a stop was
 * waiting for goes before who ended it, and that before what it left. docs/diagnoses.md
 * says what each rests on.
 */
#ifndef HARNESS_SCENARIO_CAUSE_H
#define HARNESS_SCENARIO_CAUSE_H

enum cause {
	CAUSE_ANY, /* what a scenario expects that does not say */
	CAUSE_X10, /* it had ended before the stop */
	CAUSE_X7,  /* crash by a signal */
	CAUSE_X3,  /* the out-of-memory killer took PID 1 */
	CAUSE_X6,  /* SIGKILL by somebody else */
	CAUSE_W3,  /* PID 1 is a launcher that passed no signal on */
	CAUSE_W2,  /* PID 1 ignores the stop signal */
	CAUSE_W6,  /* the signal came before its handler existed */
	CAUSE_W1,  /* PID 1 has no handler for it */
	CAUSE_H15, /* it believed in a longer grace */
	CAUSE_H2,  /* sequential teardown */
	CAUSE_H9,  /* turns in flight needed longer than they were given */
	CAUSE_H1,  /* it waited for the agent API */
	CAUSE_H3,  /* it waited for MCP servers */
	CAUSE_X5,  /* 137 that PID 1 reported */
	CAUSE_X8,  /* 143 after a complete drain */
	CAUSE_X9,  /* 143 at once */
	CAUSE_X1,  /* the grace expired */
	CAUSE_X2,  /* SIGKILL before that */
	CAUSE_R1,  /* requests were lost */
	CAUSE_L1,  /* processes were left */
	CAUSE_Z0,  /* evidence is missing */
	CAUSE_X0,  /* a clean stop */
	CAUSE_L3,  /* zombies were left */
	CAUSES,
};

/* "H2", in the order of the enum, "any" first, NULL-terminated (lib/fields.h). */
extern const char *const cause_ids[CAUSES + 1];

#endif
