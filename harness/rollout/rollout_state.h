/*
 * rollout_state - a rollout under way: what is up, and what its steps report. Only the files
 * rollout_*.c that run it look into it.
 */
#ifndef HARNESS_ROLLOUT_ROLLOUT_STATE_H
#define HARNESS_ROLLOUT_ROLLOUT_STATE_H

#include "harness/rollout/balancer.h"
#include "harness/rollout/rollout_run.h"
#include "harness/rollout/witnesses.h"
#include "harness/run/ledger.h"
#include "harness/run/mock_agent.h"
#include "lib/cc.h"
#include "lib/fetch.h"
#include "lib/wait.h"

struct rollout_state {
	const struct rollout_options *options;
	const struct scenario *scenario;
	struct rollout *rollout;
	struct evidence *evidence;
	char *folder;
	struct ledger *ledger;
	struct mock_agent *mock_agent;
	struct balancer *balancer; /* NULL: none */
	struct witnesses *witnesses;
	struct traffic *traffic;
	struct fetch *probes;
	char *base; /* where the requests go */
	unsigned answered,
		probing;          /* tasks that have answered once, and are asked now */
	const char *drained;      /* node that is to be active again, or NULL */
	const char *dead;         /* node that was ended, or NULL */
	unsigned requests_before; /* that had ended when the last step was done */
	bool removed;
};

/* Reports what the rollout is doing now. */
void rollout_step_says(struct rollout_state *state, const char *format, ...)
	PRINTF(2, 3);

/* Writes the evidence's trouble, the first one, and returns false. */
bool rollout_trouble(struct rollout_state *state, enum trouble kind, const char *format,
	...) PRINTF(3, 4);

enum wait_end rollout_await(
	const struct rollout_state *state, wait_fn *is_so, int64_t within_ns);

/* Does the balancer get this task: wanted, running, with an address? */
bool rollout_takes_requests(const struct cluster_task *task);

#endif
