/*
 * cli_process - one process of the CLI: its lines, its way down, its log.
 *
 * A process group of its own, with the MCP servers in it, which are the CLI's children.
 * Stopping is the ladder of child.h, as the agent SDKs have it: end of stdin, then
 * SIGTERM to the CLI alone, which ends its servers. SIGKILL is for the whole group.
 */
#ifndef SERVICE_CLI_CLI_PROCESS_H
#define SERVICE_CLI_CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/cli/cli_command.h"
#include "service/cli/cli_host.h"
#include "service/cli/cli_message.h"

struct cli_process;

struct cli_process_spec {
	const char *room, *bot; /* kept */
	struct cli_conversation conversation;
};

/* Both from the loop. */
struct cli_process_events {
	void (*message)(void *arg, const struct cli_message *message);
	/* The process was reaped; `why` says how it ended, with its last line of
	 * stderr where it failed. May destroy it. */
	void (*gone)(void *arg, const char *why);
};

/* Keeps host and events; copies the conversation. */
struct cli_process *cli_process_start(const struct cli_host *host,
	const struct cli_process_spec *spec, const struct cli_process_events *events,
	void *arg, struct err *err) MUST_CHECK;

/* Takes message. False: it does not read its stdin any more. */
bool cli_process_send(struct cli_process *process, cJSON *message);

/* See child_stop(). */
void cli_process_stop(struct cli_process *process, int64_t eof_ns, int64_t term_ns);

/* As child_destroy(). Not from `message`. Accepts NULL. */
void cli_process_destroy(struct cli_process *process);

#endif
