/*
 * mocks - the mock agent API of one case: beside the harness, or in a container.
 *
 * (The mock MCP servers are the service's own children.) It is told the scenario's
 * manners and reports into the ledger.
 */
#ifndef HARNESS_RUN_MOCKS_H
#define HARNESS_RUN_MOCKS_H

#include <stdbool.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct mocks;

struct mocks_options {
	uv_loop_t *loop;
	struct engine *engine;
	const char *programs;
	const char *folder;  /* of the case */
	const char *network; /* NULL: beside the harness, on loopback */
	const char *ledger;
	uint64_t seed;
	const bool *interrupted;
	const struct evidence *evidence; /* where its events arrive */
};

/* Started and listening. Keeps options' pointers. */
struct mocks *mocks_up(const struct mocks_options *options,
	const struct scenario *scenario, struct err *err) MUST_CHECK;

/* What the service is told: "http://127.0.0.1:41234". */
const char *mocks_agent_url(const struct mocks *mocks);

/* From now on a turn takes this long before its first event. */
bool mocks_slow_turns(struct mocks *mocks, int64_t turn_ns, struct err *err) MUST_CHECK;

bool mocks_running(const struct mocks *mocks);

/* Asked to end, awaited, and gone: all it saw is written. Turns the loop. Accepts NULL. */
void mocks_down(struct mocks *mocks);

#endif
