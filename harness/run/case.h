/*
 * case - one case on one engine, from its start to its end.
 *
 * Starts the mocks and the service, waits until it is ready, opens sessions, stops it
 * at its moment, observes until PID 1 has ended and the ledger is quiet, and removes it
 * all. What was observed is the evidence; a case that could not be brought to its stop
 * has its trouble written there.
 */
#ifndef HARNESS_RUN_CASE_H
#define HARNESS_RUN_CASE_H

#include "harness/run/case_state.h"

/* Runs the case up to its last observation. Always fills evidence (zeroed before), also
 * when the case comes to nothing. Keeps scenario and evidence until case_finish(). */
struct case_state *case_run(const struct case_options *options,
	const struct scenario *scenario, struct evidence *evidence) MUST_CHECK;
/* Brings everything down that is still up and frees the case. `keep` leaves the
 * service's container and the case's folder where they are, for a person to look at. */
void case_finish(struct case_state *state, bool keep);

#endif
