/*
 * cli_servers - the stdio MCP servers of the stand-in CLI.
 *
 * They start in the CLI's process group with its environment, as the real CLI starts
 * them, and end in the same way: all at once SIGINT, then SIGTERM, then SIGKILL, each to
 * the process alone, with stdin open to the end.
 */
#ifndef MOCK_AGENT_CLI_CLI_SERVERS_H
#define MOCK_AGENT_CLI_CLI_SERVERS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

struct cli_servers;

/* All from the loop, never from inside a call. */
struct cli_servers_events {
	/* Every server is connected, or has failed. Again after cli_servers_add(). */
	void (*settled)(void *arg);
	/* The end of a call: the result's content, borrowed. */
	void (*answered)(void *arg, const cJSON *content, bool is_error);
	/* After cli_servers_end(): all processes were reaped. */
	void (*ended)(void *arg);
};

/* config: "mcpServers"; one that is not stdio has failed. Keeps loop and events. */
struct cli_servers *cli_servers_start(uv_loop_t *loop, const cJSON *config,
	const struct cli_servers_events *events, void *arg, struct err *err) MUST_CHECK;

/* Starts further ones. Those past a bound of 128 are left out. */
void cli_servers_add(struct cli_servers *servers, const cJSON *config);

/* `settled` has come. */
bool cli_servers_settled(const struct cli_servers *servers);

/* Adds {"name", "status"} of each, or the tools of all: as the API takes them, named
 * "mcp__SERVER__TOOL". */
void cli_servers_add_status(const struct cli_servers *servers, cJSON *array);
void cli_servers_add_tools(const struct cli_servers *servers, cJSON *array);

/* One call at a time. False: there is no such tool, or its server has ended. */
bool cli_servers_call(
	struct cli_servers *servers, const char *tool, const cJSON *input) MUST_CHECK;
/* notifications/cancelled; `answered` does not come. */
void cli_servers_cancel(struct cli_servers *servers);

/* Down the ladder. `ended` comes also when there are none. */
void cli_servers_end(struct cli_servers *servers, int64_t term_ns, int64_t kill_ns);

/* Kills those that run. The loop must turn for its handles. Accepts NULL. */
void cli_servers_destroy(struct cli_servers *servers);

#endif
