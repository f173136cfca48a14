/*
 * mcp_config - the stdio MCP servers that every session has, as configured.
 *
 * The field's usual form, so that what people have works here too:
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

#define MCP_CONFIG_SERVERS_MAX 64

struct mcp_server_config {
	char *name;
	char **argv;          /* NULL-terminated; argv[0] is the command */
	char **env;           /* "NAME=value", NULL-terminated: over what it inherits */
	uint64_t fingerprint; /* of all that; another one is another server */
};

struct mcp_config {
	struct mcp_server_config *list; /* owned */
	unsigned count;
};

/* Is this setting the JSON itself, and not the path of a file? */
bool mcp_config_is_text(const char *setting);

/* "PATH:LINE:COLUMN: what" when it is wrong. */
bool mcp_config_read(
	struct mcp_config *servers, const char *setting, struct err *err) MUST_CHECK;
void mcp_config_done(struct mcp_config *servers);

/* The whole environment of this server in a session: ours without our secrets, the
 * server's own, SESSION_ROOM and SESSION_BOT. NULL-terminated, for mcp_config_env_free().
 */
char **mcp_config_env(const struct mcp_server_config *server, const char *room,
	const char *bot) MUST_CHECK;
void mcp_config_env_free(char **env);

#endif
