/*
 * mcp_program - what the two programs of the mock share: mock-mcp, on stdin and stdout, and
 * mock-mcp-http. Settings, behavior, lifeline and children are the same.
 */
#ifndef MOCK_MCP_MCP_PROGRAM_H
#define MOCK_MCP_MCP_PROGRAM_H

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
	int64_t started_ns;   /* CLOCK_MONOTONIC */
	unsigned descriptors; /* that the process may have open */

	/* MCP_HTTP */
	const char *host;
	uint16_t port;         /* 0: any free one */
	const char *port_file; /* NULL: none */
};

/* Serves until the server exits. False: it could not begin. */
typedef bool mcp_program_serve_fn(
	const struct server_options *options, struct err *err);

/* The whole program. With the behavior or the flags of the other transport it becomes
 * the other program. Gives the exit code. */
int mcp_program_run(enum mcp_transport transport, mcp_program_serve_fn *serve, int argc,
	char **argv);

#endif
