/*
 * children - the processes that a server starts with: children, their descendants,
 * daemons and zombies.
 *
 * They are forked before there is a loop. Each has its own lifeline (role
 * "mock-mcp-child") for its signals and its exit, and ends when the lifeline closes.
 * Without a ledger only a child that keeps stdio logs, to stderr. The reaper waits for
 * daemons, the server for other children, nobody for zombies.
 */
#ifndef MOCK_MCP_CHILDREN_H
#define MOCK_MCP_CHILDREN_H

#include "lib/err.h"
#include "mock-mcp/behavior.h"
#include "mock-mcp/log_identity.h"

struct children;

/* The server's lifeline, which the children close, and where theirs connect to. */
struct children_lifeline {
	const char *ledger; /* as for lifeline_connect() */
	int fd;             /* -1: none */
};

/* Returns in the server alone, when all are ready; logs "mcp.child" for each of its
 * own. SIGTERM and SIGINT are blocked. On failure those that were started are
 * killed. */
struct children *children_create(const struct mcp_behavior *behavior,
	const struct log_identity *identity, const struct children_lifeline *line,
	struct err *err) MUST_CHECK;

/* Waits for those that have ended. Never blocks. */
void children_reap(struct children *children);

/* Leaves the processes as they are. Accepts NULL. */
void children_destroy(struct children *children);

#endif
