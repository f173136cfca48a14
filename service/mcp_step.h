/*
 * mcp_step - the steps by which an MCP server of a session ends.
 *
 * A child goes down a ladder: the end of its stdin, SIGTERM, SIGKILL. A session with a
 * server over HTTP is ended by DELETE, and dropped when that is not answered in time.
 */
#ifndef SERVICE_MCP_STEP_H
#define SERVICE_MCP_STEP_H

#include "lib/child.h"

/* The ladder's have the numbers of child.h. */
enum mcp_step {
	MCP_STEP_NONE = CHILD_RUNNING,
	MCP_STEP_EOF = CHILD_EOF,
	MCP_STEP_TERM = CHILD_TERM,
	MCP_STEP_KILL = CHILD_KILL,
	MCP_STEP_DELETE,
	MCP_STEP_DROP,
};
#define MCP_STEPS (MCP_STEP_DROP + 1)

extern const char *const mcp_step_names[MCP_STEPS]; /* "none", "eof", ... */

#endif
