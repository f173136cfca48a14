/*
 * offspring - the processes that a server starts with: children, their children,
 * daemons and zombies.
 *
 * They are forked, so this comes before any loop. Each has a lifeline of its own (role
 * "mock-mcp-child"), tells of its signals and its exit there, and ends when that hangs
 * up; without a ledger only what keeps stdio tells, on stderr. The reaper takes care
 * of the daemons, the server of the rest except the zombies.
 */
#ifndef MOCK_MCP_OFFSPRING_H
#define MOCK_MCP_OFFSPRING_H

#include "lib/err.h"
#include "mock-mcp/label.h"
#include "mock-mcp/manners.h"

struct offspring;

/* The line to the harness that the server has, and theirs go to the same place. */
struct offspring_line {
	const char *ledger; /* as lifeline_connect() wants it */
	int fd;             /* the server's, -1: none. The children close it */
};

/* Returns in the server alone, when all of them are up; logs "mcp.child" for each of
 * its own. SIGTERM and SIGINT are blocked. When one can't be made, those that were are
 * killed. */
struct offspring *offspring_create(const struct mcp_manners *manners,
	const struct label *label, const struct offspring_line *line,
	struct err *err) MUST_CHECK;

/* Waits for those that have ended. Never blocks. */
void offspring_reap(struct offspring *offspring);

/* Lets go of what is known of them; they stay. Accepts NULL. */
void offspring_destroy(struct offspring *offspring);

#endif
