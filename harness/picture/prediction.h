/*
 * prediction - how long a stop would have taken with one change of its scenario.
 *
 * It takes from each wait of the stop what the change takes away, and puts the stop
 * together again: sessions that are disconnected one after the other add up, and of those
 * that are disconnected at once, and of a session's servers, the last one counts. So what
 * comes next bounds what a change saves. It knows of these changes:
 *
 *   agent: a latency of interrupt, status_lag, archive or delete, of all sessions or of one
 *   mcp: a server that exits as soon as its stdin ends
 *   load.turns: 0
 *   DISCONNECT=parallel, in place of sequential
 *   service.init, in front of a program to which the kernel does not deliver the signal
 */
#ifndef HARNESS_PICTURE_PREDICTION_H
#define HARNESS_PICTURE_PREDICTION_H

#include <stdint.h>

#include "harness/judge/view.h"
#include "harness/picture/stop_steps.h"

/* The stop time in ns, from the evidence alone; -1: that does not say it. Of a service
 * that was killed it says nothing of what would have come next. */
int64_t prediction_stop_ns(const struct view *view, const struct stop_steps *steps,
	const struct scenario *changed);

#endif
