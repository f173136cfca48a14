/*
 * server - the life of the mock: from its first line to its exit.
 *
 * It lives by its stdin and by signals, and reacts to them as its behavior say. What it
 * says is never cut or lost while somebody reads it; when it leaves, the answers that
 * are ready are handed over first, for a second at most.
 */
#ifndef MOCK_MCP_SERVER_H
#define MOCK_MCP_SERVER_H

#include <stdint.h>

#include "lib/err.h"
#include "mock-mcp/behavior.h"
#include "mock-mcp/children.h"
#include "mock-mcp/log_identity.h"

struct server_options {
	const struct mcp_behavior *behavior;
	const struct log_identity *identity;
	struct children *children;
	struct rng *rng;
	int64_t started_ns; /* CLOCK_MONOTONIC */
};

/* Lives. SIGTERM, SIGINT and SIGCHLD are blocked before; the first two again after.
 * Keeps what the options point to. False when it could not begin. */
bool server_run(const struct server_options *options, struct err *err) MUST_CHECK;

#endif
