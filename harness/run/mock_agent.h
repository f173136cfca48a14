/*
 * mock_agent - the mock agent API of one case: beside the harness, or in a container.
 *
 * It gets the scenario's behavior and writes its events into the ledger. (The mock MCP
 * servers are the service's children, or mock_mcp.h.)
 */
#ifndef HARNESS_RUN_MOCK_AGENT_H
#define HARNESS_RUN_MOCK_AGENT_H

#include <stdbool.h>
#include <uv.h>

#include "harness/run/mock_program.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct mock_agent;

/* Gives a mock agent that clients can connect to: beside the harness it still starts.
 * Keeps options' pointers. */
struct mock_agent *mock_agent_up(const struct mock_options *options,
	const struct scenario *scenario, struct err *err) MUST_CHECK;

/* Waits until it has started. */
bool mock_agent_await(struct mock_agent *mock_agent, struct err *err) MUST_CHECK;

/* As the service reaches it: "http://127.0.0.1:41234". Borrowed. */
const char *mock_agent_url(const struct mock_agent *mock_agent);

/* From now on a turn takes this long before its first event. */
bool mock_agent_slow_turns(
	struct mock_agent *mock_agent, int64_t turn_ns, struct err *err) MUST_CHECK;

bool mock_agent_running(const struct mock_agent *mock_agent);

/* Stops it and waits for its end: then all its events are written. Turns the loop.
 * Accepts NULL. */
void mock_agent_down(struct mock_agent *mock_agent);

#endif
