/*
 * mcp_instance - where one MCP server of a session sits: its process, from start to reaping.
 *
 * Everything that happens to it is logged and counted here.
 */
#ifndef SERVICE_MCP_MCP_INSTANCE_H
#define SERVICE_MCP_MCP_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/child.h"
#include "lib/err.h"
#include "service/mcp/spawn_queue.h"

struct mcp_client;
struct service;
struct mcp_server_config;

enum mcp_instance_state {
	MCP_INSTANCE_EMPTY,  /* nobody was started, or who was is gone */
	MCP_INSTANCE_QUEUED, /* waits for the starter */
	MCP_INSTANCE_STARTING,
	MCP_INSTANCE_READY,
	MCP_INSTANCE_ENDING, /* it failed to start, or is on its way down */
};

/* Embedded in its owner, who fills in the first part; all borrowed. `changed` comes
 * when the state has changed, from the loop or from inside a call. */
struct mcp_instance {
	const struct service *service;
	const char *room, *bot;
	unsigned server; /* index in config */
	void (*changed)(void *arg);
	void *arg;

	enum mcp_instance_state state;
	struct mcp_client *mcp; /* of an empty seat: a dead one's, or NULL */
	struct spawn_queue_entry ticket;
	enum child_step step;
	bool claimed; /* we owe tools.h an answer */
	unsigned unexpected_output;
};

/* If it is empty: takes its turn with the starter. */
void mcp_instance_queue(struct mcp_instance *instance);

/* The same if nobody but us would ask this server for its tools. */
void mcp_instance_queue_to_ask(struct mcp_instance *instance);

/* The server, started now if need be. NULL when it can't be used, and why. */
struct mcp_client *mcp_instance_take(
	struct mcp_instance *instance, struct err *err) MUST_CHECK;

/* Is there a process? */
bool mcp_instance_is_running(const struct mcp_instance *instance);
/* Will there be a ready one, or the report that there won't? */
bool mcp_instance_is_starting(const struct mcp_instance *instance);

/* It does not start any more; who runs, runs on. */
void mcp_instance_calm(struct mcp_instance *instance);

/* Down the ladder, see child_stop(). */
void mcp_instance_stop(struct mcp_instance *instance, int64_t eof_ns, int64_t term_ns);

/* Kills who still runs; no `changed` any more. */
void mcp_instance_done(struct mcp_instance *instance);

#endif
