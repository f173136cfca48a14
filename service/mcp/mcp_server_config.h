/*
 * mcp_server_config - one MCP server as configured: a program, or an address.
 *
 * The usual form, as other MCP clients read it:
 *
 *   {"command": "mock-mcp", "args": ["--quiet"], "env": {"LEVEL": "3"}, "cwd": "/srv"}
 *   {"type": "http", "url": "http://127.0.0.1:8090/mcp",
 *    "headers": {"Authorization": "Bearer ${TOKEN}"}}
 *
 * and in both "disabled", and "timeout": the milliseconds of a call, and of the start.
 *
 * ${NAME} in any of these texts is a variable of our environment, ${NAME:-text} has
 * another text where that is not set. In "url" and "headers" ${SESSION_ROOM} and
 * ${SESSION_BOT} are the session's, as they are in the environment of a program.
 */
#ifndef SERVICE_MCP_MCP_SERVER_CONFIG_H
#define SERVICE_MCP_MCP_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/json.h"
#include "lib/strlist.h"

struct mcp_server_config {
	char *name;
	struct strlist argv;    /* the command first; empty: over HTTP */
	struct strlist env;     /* "NAME=value", added to the inherited environment */
	char *folder;           /* of the program; NULL: ours */
	char *url;              /* NULL: a program */
	struct strlist headers; /* "Name: value": secrets, which no log may have */
	int64_t timeout_ns;     /* of a call, and of the start; 0: as everywhere */
	bool disabled;
	uint64_t fingerprint; /* of all that says which server it is */
};

/* Reads the member `node` of "mcpServers". The error names its place; what was read
 * until then is for mcp_server_config_done(). */
bool mcp_server_config_read(struct mcp_server_config *server,
	const struct json_doc *doc, const cJSON *node, struct err *err) MUST_CHECK;
void mcp_server_config_done(struct mcp_server_config *server);

/* Of this server in a session. The environment of a program, into *env, is ours without
 * our secrets, SESSION_ROOM and SESSION_BOT, and the server's own. */
void mcp_server_config_env(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *env);
void mcp_server_config_headers(const struct mcp_server_config *server, const char *room,
	const char *bot, struct strlist *headers);
char *mcp_server_config_url(const struct mcp_server_config *server, const char *room,
	const char *bot) MUST_CHECK;

#endif
