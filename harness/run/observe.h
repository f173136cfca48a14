/*
 * observe - one stop of a subject, from its request to the last fact, as evidence.
 *
 * The stop is begun and sampled while the caller turns the loop; afterwards the engine
 * and the kernel are asked for what they know. A case and `stopbench stop` share it.
 */
#ifndef HARNESS_RUN_OBSERVE_H
#define HARNESS_RUN_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/run/sampler.h"
#include "lib/err.h"

/* The engine counts as stuck 50 s after the grace (engine.h); a little more, so that
 * the facts say so. */
#define OBSERVE_EXTRA_NS (INT64_C(60) * 1000000000)

/* Takes the first snapshot and begins the stop. It is over when subject->stopped; then
 * the sampler is the caller's to end. NULL with err: it could not be begun. */
struct sampler *observe_stop(uv_loop_t *loop, struct subject *subject, int64_t grace_ns,
	struct evidence *evidence, struct err *err) MUST_CHECK;

/* Asks how the sessions of the agent API's clients that the ledger has as closed since
 * the stop was asked for were closed. The ledger is complete. */
void observe_client_closes(const struct subject *subject, struct evidence *evidence);

/* Writes the last facts of a subject, stopped or ended by itself: the engine's, and
 * PID 1's descendants with the time at which each ended. An engine that lost sight of
 * the subject becomes the evidence's trouble. False with err: the engine could not be
 * asked. Turns the loop. */
bool observe_facts(
	struct subject *subject, struct evidence *evidence, struct err *err) MUST_CHECK;

#endif
