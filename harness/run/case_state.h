/*
 * case_state - a case under way: what is up, and what its steps report. Private to the files
 * that play a case: case.c and trigger.c.
 */
#ifndef HARNESS_RUN_CASE_STATE_H
#define HARNESS_RUN_CASE_STATE_H

#include "harness/run/case.h"
#include "harness/run/ledger.h"
#include "harness/run/load.h"
#include "harness/run/mock_agent.h"
#include "harness/run/sampler.h"
#include "lib/cc.h"
#include "lib/wait.h"

struct case_state {
	struct case_options options;
	const struct scenario *scenario;
	struct evidence *evidence;
	char *folder;
	char *network;
	struct ledger *ledger;
	struct mock_agent *mock_agent;
	struct subject *service;
	int64_t port; /* the service's; 0: our service chooses it and logs it */
	char *base;   /* "http://127.0.0.1:8080", NULL where no port is known */
	struct load *load;
	struct sampler *sampler;
	unsigned turns_before; /* agent.turn.begin events before the turns in flight */
};

/* Reports what the case is doing now. */
void case_state_step(const struct case_state *state, const char *format, ...)
	PRINTF(2, 3);

/* Both write the evidence's trouble and return false. */
bool case_state_trouble(struct case_state *state, enum trouble kind, const char *format,
	...) PRINTF(3, 4);
bool case_state_interrupted(struct case_state *state);

enum wait_end case_state_wait(
	const struct case_state *state, wait_fn *is_so, int64_t within_ns);

/* The last line of the service's log, for the trouble's text. Borrowed. */
const char *case_state_last_line(const struct case_state *state);

/* Does the stop come after the service has ended by itself (stop.when is "exit")? */
bool case_state_waits_for_exit(const struct case_state *state);

#endif
