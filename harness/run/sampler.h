/*
 * sampler - snapshots of the subject's processes around its stop.
 *
 * One just before, then 0.1 s, 1 s and each further second after the stop was asked
 * for, and a quarter of a second before the grace ends: two that show the same wait
 * show a hang. A process that was running then is looked at again, a few times, since it
 * may only have been woken for a moment.
 */
#ifndef HARNESS_RUN_SAMPLER_H
#define HARNESS_RUN_SAMPLER_H

#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"

struct sampler;

/* Takes the first snapshot now and starts. Keeps all; a subject whose PID 1 is not
 * visible has no snapshots. */
struct sampler *sampler_begin(uv_loop_t *loop, const struct subject *subject,
	int64_t grace_ns, struct evidence *evidence) MUST_CHECK;
/* Of a stop that began already, at signal_ns: `before` is the last snapshot of before it
 * (empty: there is none), which is taken over; the connections that are under way now count as its own. */
struct sampler *sampler_begin_late(uv_loop_t *loop, const struct subject *subject,
	int64_t signal_ns, int64_t grace_ns, struct snapshot *before,
	struct evidence *evidence) MUST_CHECK;
/* Called before the subject is brought down. Accepts NULL. */
void sampler_end(struct sampler *sampler);

#endif
