/*
 * mcp_config - the MCP servers that every session has, as configured.
 *
 * The usual form, as other MCP clients read it; each is a mcp_server_config:
 *
 *   {"mcpServers": {"skills": {"command": "mock-mcp"},
 *                   "financial": {"url": "http://127.0.0.1:8090/mcp"}}}
 */
#ifndef SERVICE_MCP_MCP_CONFIG_H
#define SERVICE_MCP_MCP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "service/mcp/mcp_server_config.h"

#define MCP_CONFIG_SERVERS_MAX 64

enum mcp_start {
	MCP_START_LAZY,    /* a server starts at the first call of one of its tools */
	MCP_START_SESSION, /* all start with their session, and are ready before it */
};

struct mcp_config {
	struct mcp_server_config *list; /* owned; without those that are disabled */
	unsigned count;
	int start;               /* enum mcp_start */
	int64_t start_ns;        /* deadline of start and handshake */
	int64_t call_ns;         /* deadline of a tool call */
	int64_t eof_ns, term_ns; /* steps of the stop, see child_stop() */
};

/* Is this setting the JSON itself, and not the path of a file? */
bool mcp_config_is_text(const char *setting);

/* Reads list and count. The error is "PATH:LINE:COLUMN: what". */
bool mcp_config_read(
	struct mcp_config *config, const char *setting, struct err *err) MUST_CHECK;
void mcp_config_done(struct mcp_config *config);

#endif
