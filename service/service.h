/*
 * service - what a session works with. One of a kind each, all borrowed from main, all
 * outliving every session.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <uv.h>

struct service {
	uv_loop_t *loop;
	const struct config *config;
	struct reaper *reaper; /* of MCP servers */
	struct spawn_queue *spawn_queue;
	struct agent_client *agent;
	struct store *store;
	struct tool_registry *tools;
	struct metrics *metrics;
};

#endif
