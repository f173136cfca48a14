/*
 * servers - the stdio MCP servers that every session has, as configured.
 *
 * The field's usual form, so that what people have works here too:
 *
 *   {"mcpServers": {"skills": {"command": "mock-mcp", "args": ["--quiet"],
 *                              "env": {"LEVEL": "3"}}}}
 */
#ifndef SERVICE_SERVERS_H
#define SERVICE_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"

#define SERVERS_MAX 64

struct server {
	char *name;
	char **argv;          /* NULL-terminated; argv[0] is the command */
	char **env;           /* "NAME=value", NULL-terminated: over what it inherits */
	uint64_t fingerprint; /* of all that; another one is another server */
};

struct servers {
	struct server *list; /* owned */
	unsigned count;
};

/* Is this setting the JSON itself, and not the path of a file? */
bool servers_is_text(const char *setting);

/* "PATH:LINE:COLUMN: what" when it is wrong. */
bool servers_read(
	struct servers *servers, const char *setting, struct err *err) MUST_CHECK;
void servers_done(struct servers *servers);

/* The whole environment of this server in a session: ours without our secrets, the
 * server's own, SESSION_ROOM and SESSION_BOT. NULL-terminated, for servers_env_free().
 */
char **servers_env(
	const struct server *server, const char *room, const char *bot) MUST_CHECK;
void servers_env_free(char **env);

#endif
