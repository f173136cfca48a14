/*
 * service - the parts of the running service, each one of a kind.
 *
 * main.c makes and destroys them; the parts below borrow the struct. All of them
 * outlive every session.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <uv.h>

#include "lib/rng.h"
#include "service/cli/cli_host.h"
#include "service/config.h"
#include "service/mcp/mcp_instance.h"

#define SERVICE_STOP_SIGNALS 3

struct service {
	uv_loop_t loop;
	struct log_writer *log_writers[2]; /* before answers are sent, and after */
	struct config config;
	unsigned descriptors; /* that may be open */
	struct metrics metrics;
	struct reaper *reaper;
	struct store *store;
	struct agent_client *agent; /* NULL: AGENT=cli */
	struct cli_host cli;        /* of AGENT=cli */
	struct spawn_queue *spawn_queue;
	struct mcp_host
		mcp; /* without servers with AGENT=cli, whose children they are */
	struct sessions *sessions;
	struct http_api *http_api;
	struct drain *drain;
	struct rng rng;                                 /* of DRAIN_JITTER */
	uv_signal_t stop_signals[SERVICE_STOP_SIGNALS]; /* read by main.c only */
	unsigned stop_signal_count;                     /* open ones */
};

#endif
