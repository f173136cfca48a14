/*
 * what_if - what held a stop up, and how much shorter it is without: predicted from the
 * stop that was seen, and measured by running the case again.
 *
 * Of the critical chain (chain.h), those links count that hang on something that the
 * scenario says: a latency or a fault of the agent API, the manner in which an MCP server
 * exits, a turn in flight, DISCONNECT, an init, the grace. Each is changed alone. The
 * prediction is that of prediction.h; the measurement are stops with and without the
 * change, in turn and each time the other way round.
 */
#ifndef HARNESS_CAMPAIGN_WHAT_IF_H
#define HARNESS_CAMPAIGN_WHAT_IF_H

#include "harness/campaign/rerun.h"

#define WHAT_IF_MAX       3 /* changes of a case: those that save most */
#define WHAT_IF_PAIRS_MAX 8 /* where SAVING_LEAST (saving.h) do not settle it */

/* Runs the case again, one stop after the other. Gives the caller a list with an object
 * for each change, as docs/results.md has it. Empty: nothing on the chain hangs on the
 * scenario. */
cJSON *what_if_try(
	const struct case_options *options, const struct rerun_of *of) MUST_CHECK;

#endif
