/*
 * more_signals - stop.signals: further signals to PID 1 while it stops.
 */
#ifndef HARNESS_RUN_MORE_SIGNALS_H
#define HARNESS_RUN_MORE_SIGNALS_H

#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/scenario/stop_part.h"

struct more_signals;

/* From now on the signals are sent, each after its time, as long as PID 1 runs, and
 * the evidence has them. Keeps all. NULL where there are none. */
struct more_signals *more_signals_begin(uv_loop_t *loop, struct subject *subject,
	const struct stop_signals *signals, struct evidence *evidence) MUST_CHECK;
/* Called before the subject is brought down. Accepts NULL. */
void more_signals_end(struct more_signals *more);

#endif
