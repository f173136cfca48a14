/*
 * replacement - a second instance of the service, to which the clients of the first one
 * turn (load.replacement).
 *
 * It is ready before the stop begins, as with an update that starts first. When the agent
 * API has ended a session, its client opens it again there, in a room of its own, so that
 * both are told apart: those of N sessions are the rooms N + 1 to 2 N. It has no MCP
 * servers, and nothing of it is judged.
 */
#ifndef HARNESS_RUN_REPLACEMENT_H
#define HARNESS_RUN_REPLACEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct replacement;

/* All kept. */
struct replacement_options {
	uv_loop_t *loop;
	struct engine *engine;
	const struct scenario *scenario;
	const char *agent_url, *ledger, *run_folder;
	uint64_t seed;
	const bool *interrupted;
};

/* Waits until it is ready. */
struct replacement *replacement_up(
	const struct replacement_options *options, struct err *err) MUST_CHECK;
void replacement_down(struct replacement *replacement); /* accepts NULL */

/* The client of this session, from 1 on, turns to it. */
void replacement_open(struct replacement *replacement, unsigned session);

/* Every client has its answer. Accepts NULL. */
bool replacement_is_quiet(const struct replacement *replacement);

#endif
