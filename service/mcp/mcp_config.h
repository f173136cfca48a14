/*
 * mcp_config - the stdio MCP servers that every session has, as configured.
 *
 * The usual form, as other MCP clients read it:
 *
 *   {"mcpServers": {"skills": {"command": "mock-mcp", "args": ["--quiet"],
 *                              "env": {"LEVEL": "3"}}}}
 */
#ifndef SERVICE_MCP_MCP_CONFIG_H
#define SERVICE_MCP_MCP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "lib/strlist.h"

#define MCP_CONFIG_SERVERS_MAX 64

enum mcp_start {
	MCP_START_LAZY,    /* a server starts at the first call of one of its tools */
	MCP_START_SESSION, /* all start with their session, and are ready before it */
};

struct mcp_server_config {
	char *name;
	struct strlist argv;  /* the command first */
	struct strlist env;   /* "NAME=value", added to the inherited environment */
	uint64_t fingerprint; /* of name, argv and env */
};

struct mcp_config {
	struct mcp_server_config *list; /* owned */
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

/* The whole environment of this server in a session, into *env, for strlist_done():
 * ours without our secrets, SESSION_ROOM and SESSION_BOT, and the server's own. */
void mcp_config_env(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *env);

#endif
