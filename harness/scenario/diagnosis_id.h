/*
 * diagnosis_id - the names that a diagnosis can have, deepest cause first: what a stop was
 * waiting for goes before who ended it, and that before what it left. docs/diagnoses.md
 * says what each rests on.
 */
#ifndef HARNESS_SCENARIO_DIAGNOSIS_ID_H
#define HARNESS_SCENARIO_DIAGNOSIS_ID_H

enum diagnosis_id {
	DIAGNOSIS_ANY, /* what a scenario expects that does not say */
	DIAGNOSIS_X10, /* it had ended before the stop */
	DIAGNOSIS_X7,  /* crash by a signal */
	DIAGNOSIS_X3,  /* the out-of-memory killer took PID 1 */
	DIAGNOSIS_X6,  /* SIGKILL by somebody else */
	DIAGNOSIS_W3,  /* PID 1 is a launcher that passed no signal on */
	DIAGNOSIS_W2,  /* PID 1 ignores the stop signal */
	DIAGNOSIS_W6,  /* the signal came before its handler existed */
	DIAGNOSIS_W1,  /* PID 1 has no handler for it */
	DIAGNOSIS_H15, /* it believed in a longer grace */
	DIAGNOSIS_H2,  /* sequential teardown */
	DIAGNOSIS_H9,  /* turns in flight needed longer than they were given */
	DIAGNOSIS_H1,  /* it waited for the agent API */
	DIAGNOSIS_H3,  /* it waited for MCP servers */
	DIAGNOSIS_X5,  /* 137 that PID 1 reported */
	DIAGNOSIS_X8,  /* 143 after a complete drain */
	DIAGNOSIS_X9,  /* 143 at once */
	DIAGNOSIS_X1,  /* the grace expired */
	DIAGNOSIS_X2,  /* SIGKILL before that */
	DIAGNOSIS_R1,  /* requests were lost */
	DIAGNOSIS_L1,  /* processes were left */
	DIAGNOSIS_Z0,  /* evidence is missing */
	DIAGNOSIS_X0,  /* a clean stop */
	DIAGNOSIS_L3,  /* zombies were left */
	DIAGNOSES,
};

/* "H2", in the order of the enum, "any" first, NULL-terminated (lib/fields.h). */
extern const char *const diagnosis_ids[DIAGNOSES + 1];

#endif
