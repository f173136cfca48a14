/*
 * case - one case on one engine, from its start to its end.
 *
 * Starts the mocks and the service, waits until it is ready, opens sessions, stops it at
 * its moment, observes until PID 1 has ended and the ledger is quiet, and removes it all.
 * What was observed is the evidence; a case that could not be brought to its stop has
 * its trouble written there.
 */
#ifndef HARNESS_RUN_CASE_H
#define HARNESS_RUN_CASE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/cc.h"

/* What the case is doing now, for progress: "waiting for 3 sessions". Borrowed. */
typedef void case_step_fn(void *arg, const char *what);
/* A case that ran; its service's container and its folder are still there. */
struct case_state;

struct case_options {
	uv_loop_t *loop;
	struct engine *engine;
	const char *programs; /* folder of our programs */
	/* of this run, exists; the case makes its own below it */
	const char *run_folder;
	const bool *interrupted;
	uint64_t seed;
	case_step_fn *step; /* may be NULL */
	void *arg;
};

/* Runs the case up to its last observation. Always fills evidence (zeroed before), also
 * when the case comes to nothing. Keeps scenario and evidence until case_finish(). */
struct case_state *case_run(const struct case_options *options,
	const struct scenario *scenario, struct evidence *evidence) MUST_CHECK;
/* Brings everything down that is still up and frees the case. `keep` leaves the
 * service's container and the case's folder where they are, for a person to look at. */
void case_finish(struct case_state *state, bool keep);

#endif
