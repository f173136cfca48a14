/*
 * case_state - a case under way: its options, what is up, and what its steps report.
 * Only case.c and trigger.c look into it.
 */
#ifndef HARNESS_RUN_CASE_STATE_H
#define HARNESS_RUN_CASE_STATE_H

#include "harness/engine/engine.h"
#include "harness/run/case_step.h"
#include "harness/run/clients.h"
#include "harness/run/evidence.h"
#include "harness/run/free_port.h"
#include "harness/run/ledger.h"
#include "harness/run/load.h"
#include "harness/run/load_command.h"
#include "harness/run/mock_agent.h"
#include "harness/run/mock_mcp.h"
#include "harness/run/replacement.h"
#include "harness/run/sampler.h"
#include "lib/cc.h"
#include "lib/loop_timer.h"
#include "lib/wait.h"

struct case_options {
	uv_loop_t *loop;
	struct engine *engine;
	const char *programs;   /* folder of our programs */
	const char *run_folder; /* exists; the case makes its own below it */
	const bool *interrupted;
	uint64_t seed;
	case_step_fn *step;    /* may be NULL */
	int64_t step_every_ns; /* the same step once more after this time; 0: never */
	void *arg;
};

struct case_state {
	struct case_options options;
	const struct scenario *scenario;
	struct evidence *evidence;
	char *folder;
	char *network;
	struct ledger *ledger;
	struct mock_agent *mock_agent;
	struct mock_mcp *mock_mcp;
	struct subject *service;
	struct replacement *replacement; /* of load.replacement, or NULL */
	struct free_port free_port;      /* that of {port}, or none */
	int64_t port; /* the service's; 0: our service chooses it and logs it */
	char *base;   /* "http://127.0.0.1:8080", NULL where no port is known */
	struct load *load;
	struct clients *clients;           /* of load.request, or NULL */
	struct load_command *load_command; /* or NULL */
	struct sampler *sampler;
	enum request_kind loading; /* the part of the load that is under way */
	unsigned turns_before; /* agent.turn.begin events before the turns in flight */
	char *last_line;       /* as case_state_last_line() gave it */
	char step[128];        /* what it is doing now */
	int64_t asked_ns;      /* when the stop was requested, for step(); 0: not yet */
	struct loop_timer *again; /* of step_every_ns */
};

/* Reports what the case is doing now. */
void case_state_step(struct case_state *state, const char *format, ...) PRINTF(2, 3);

/* Writes the evidence's trouble and returns false. */
bool case_state_trouble(struct case_state *state, enum trouble kind, const char *format,
	...) PRINTF(3, 4);

enum wait_end case_state_wait(
	const struct case_state *state, wait_fn *is_so, int64_t within_ns);

/* The last line of the service's log, for the trouble's text: a bound that cuts it must
 * not leave half a secret, so it has none. Borrowed until the next call. */
const char *case_state_last_line(struct case_state *state);

/* The stop comes after the service has ended by itself (stop.when is "exit"). */
bool case_state_waits_for_exit(const struct case_state *state);

#endif
