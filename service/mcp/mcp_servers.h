/*
 * mcp_servers - the MCP servers of one session.
 *
 * A server starts with the session, or at the first call of one of its tools, as
 * MCP_START says. A server that ended is started again by the next call. A failed start
 * is logged and fails the calls of that server alone; the next session tries again.
 */
#ifndef SERVICE_MCP_MCP_SERVERS_H
#define SERVICE_MCP_MCP_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "service/stop_order.h"

struct mcp_servers;
struct mcp_host;

/* All from the loop. */
struct mcp_servers_events {
	/* After mcp_servers_open(): every server that has to run is ready or has
	 * failed, and the tools of all servers are known, or could not be read. */
	void (*settled)(void *arg);
	/* The end of a mcp_servers_call(): content blocks, see mcp_result.h. Both
	 * borrowed. */
	void (*answered)(
		void *arg, const char *use_id, const cJSON *content, bool is_error);
	/* After mcp_servers_stop(): all processes were reaped. */
	void (*gone)(void *arg);
};

/* Keeps all. */
struct mcp_servers *mcp_servers_create(const struct mcp_host *host, const char *room,
	const char *bot, const struct mcp_servers_events *events, void *arg) MUST_CHECK;

void mcp_servers_open(struct mcp_servers *servers);

/* `tool` is a name that tool_registry.h declared. Copies all. */
void mcp_servers_call(struct mcp_servers *servers, const char *use_id, const char *tool,
	const cJSON *input);

/* Starts nothing more. With release, all servers are stopped at the same time, each
 * down its ladder, which is shortened so that SIGKILL comes before the order's
 * deadline. Without release, servers end by themselves, until STOP_FORCE kills them. */
void mcp_servers_stop(struct mcp_servers *servers, const struct stop_order *order);

/* Kills every server that still runs. The loop must turn for its handles. Accepts NULL.
 */
void mcp_servers_destroy(struct mcp_servers *servers);

#endif
