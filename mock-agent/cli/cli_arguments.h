/*
 * cli_arguments - the CLI's command line, as the agent SDKs make it.
 *
 * Flags that mean nothing to the stand-in are passed over, so that every version of the
 * SDKs can start it. --flag=value and --flag value are the same.
 */
#ifndef MOCK_AGENT_CLI_CLI_ARGUMENTS_H
#define MOCK_AGENT_CLI_CLI_ARGUMENTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

/* Of the real CLI that it stands in for. */
#define CLI_VERSION "2.1.332"

struct cli_arguments {
	bool version, help;
	const char *model;
	const char *session_id; /* of --session-id or --resume; NULL: none */
	cJSON *servers;         /* owned; the "mcpServers" of every --mcp-config */
};

bool cli_arguments_read(
	struct cli_arguments *arguments, char **argv, struct err *err) MUST_CHECK;
void cli_arguments_done(struct cli_arguments *arguments);

#endif
