/*
 * cli_host - what the CLI processes of all sessions share.
 */
#ifndef SERVICE_CLI_CLI_HOST_H
#define SERVICE_CLI_CLI_HOST_H

#include <stdint.h>
#include <uv.h>

#include "lib/reaper.h"
#include "service/metrics.h"
#include "service/spawn_queue.h"

#define CLI_ROOM_MARK "{room}"

/* Settings: see service/config.c. */
struct cli_config {
	char *path;           /* of the program, looked up in PATH */
	int64_t start_ns;     /* deadline of the answer to initialize */
	int64_t interrupt_ns; /* from the interrupt of a turn until EOF all the same */
	int64_t eof_ns, term_ns; /* steps of the stop, see child_stop() */
	char *mcp_text;          /* MCP_CONFIG's JSON, as given; secret; NULL: none */
	char *allowed_tools;     /* "mcp__skills,mcp__financial"; NULL: none */
};

/* All borrowed. */
struct cli_host {
	uv_loop_t *loop;
	struct reaper *reaper;
	struct spawn_queue *spawn_queue;
	struct metrics *metrics;
	const struct cli_config *config;
	const char *agent_url; /* with the room in place of each CLI_ROOM_MARK */
	const char *key;       /* secret; NULL: the CLI has its own login */
	const char *model;
};

#endif
