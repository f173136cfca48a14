/*
 * children - the processes that a server starts with: children, their children,
 * daemons and zombies.
 *
 * They are forked, so this comes before any loop. Each has a lifeline of its own (role
 * "mock-mcp-child"), tells of its signals and its exit there, and ends when that hangs
 * up; without a ledger only what keeps stdio tells, on stderr. The reaper takes care
 * of the daemons, the server of the rest except the zombies.
 */
#ifndef MOCK_MCP_CHILDREN_H
#define MOCK_MCP_CHILDREN_H

#include "lib/err.h"
#include "mock-mcp/behavior.h"
#include "mock-mcp/log_identity.h"

struct children;

/* The line to the harness that the server has, and theirs go to the same place. */
struct children_lifeline {
	const char *ledger; /* as lifeline_connect() wants it */
	int fd;             /* the server's, -1: none. The children close it */
};

/* Returns in the server alone, when all of them are up; logs "mcp.child" for each of
 * its own. SIGTERM and SIGINT are blocked. When one can't be made, those that were are
 * killed. */
struct children *children_create(const struct mcp_behavior *behavior,
	const struct log_identity *identity, const struct children_lifeline *line,
	struct err *err) MUST_CHECK;

/* Waits for those that have ended. Never blocks. */
void children_reap(struct children *children);

/* Lets go of what is known of them; they stay. Accepts NULL. */
void children_destroy(struct children *children);

#endif
