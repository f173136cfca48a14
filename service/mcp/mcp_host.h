/*
 * mcp_host - what the MCP servers of all sessions share. All borrowed.
 */
#ifndef SERVICE_MCP_MCP_HOST_H
#define SERVICE_MCP_MCP_HOST_H

#include <uv.h>

struct mcp_host {
	uv_loop_t *loop;
	const struct mcp_config *config;
	struct reaper *reaper;
	struct spawn_queue *spawn_queue;
	struct tool_registry *tools;
	struct metrics *metrics;
};

#endif
