/*
 * cli_command - the CLI's command line and environment, as the agent SDKs make them.
 */
#ifndef SERVICE_CLI_CLI_COMMAND_H
#define SERVICE_CLI_CLI_COMMAND_H

#include <stdbool.h>

#include "lib/strlist.h"
#include "service/cli/cli_host.h"

/* The conversation that a process holds. */
struct cli_conversation {
	const char *id; /* a UUID */
	bool resumes;   /* one that was stored; else it is a new one */
	bool forgets;   /* nothing is stored of it */
};

/* Both for strlist_done(). The MCP servers are children of the CLI, with its
 * environment: SESSION_ROOM and SESSION_BOT are part of it, our secrets are not. */
void cli_command_argv(const struct cli_host *host,
	const struct cli_conversation *conversation, struct strlist *argv);
void cli_command_env(const struct cli_host *host, const char *room, const char *bot,
	struct strlist *env);

#endif
