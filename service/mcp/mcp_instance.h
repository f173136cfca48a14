/*
 * mcp_instance - one MCP server of a session, from its start to its end: a process that
 * was reaped, or a session over HTTP.
 *
 *   empty -> queued -> starting -> ready
 *     ^        |           |         |
 *     |        v           v         v
 *     +--- (canceled)   ending <-----+      (ended: empty)
 *
 * All that happens to it is logged and counted here.
 */
#ifndef SERVICE_MCP_MCP_INSTANCE_H
#define SERVICE_MCP_MCP_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "service/metrics.h"
#include "service/spawn_queue.h"

struct mcp_client;

/* What the MCP servers of all sessions share. All borrowed. */
struct mcp_host {
	uv_loop_t *loop;
	const struct mcp_config *config;
	struct reaper *reaper;
	struct fetch *fetch; /* of the servers over HTTP */
	struct spawn_queue *spawn_queue;
	struct tool_registry *tools;
	struct metrics *metrics;
};

enum mcp_instance_state {
	MCP_INSTANCE_EMPTY,    /* nothing was started, or the last has ended */
	MCP_INSTANCE_QUEUED,   /* its start waits in the spawn queue */
	MCP_INSTANCE_STARTING, /* from here on there is a process, or a session */
	MCP_INSTANCE_READY,
	MCP_INSTANCE_ENDING, /* it failed to start, or is being stopped */
};

/* Embedded in its owner, which fills in the first part; all borrowed. `changed` comes
 * when the state has changed, from the loop or from inside a call. */
struct mcp_instance {
	const struct mcp_host *host;
	const char *room, *bot;
	unsigned server; /* index in the host's config */
	void (*changed)(void *arg);
	void *arg;

	enum mcp_instance_state state;
	struct mcp_client *mcp; /* while empty: of the one that has ended, or NULL */
	struct spawn_queue_entry entry;
	enum mcp_step step;
	bool reads_tools; /* tool_registry_claim() was true, and is not answered yet */
	unsigned unexpected_output;
};

/* When empty: queues a start. only_unknown: if the server's tools are unknown and no
 * other session reads them. */
void mcp_instance_queue(struct mcp_instance *instance, bool only_unknown);

/* The server's client, started now if need be. NULL when it can't be used. */
struct mcp_client *mcp_instance_client(
	struct mcp_instance *instance, struct err *err) MUST_CHECK;

/* Cancels a queued start, and leaves the reading of tools to other sessions; a running
 * server is not affected. */
void mcp_instance_cancel(struct mcp_instance *instance);

/* Stops a running one down the ladder, see mcp_transport_stop(). */
void mcp_instance_stop(struct mcp_instance *instance, int64_t eof_ns, int64_t term_ns);

/* Kills a running process, drops a session. `changed` does not come from the loop any more. */
void mcp_instance_done(struct mcp_instance *instance);

#endif
