/*
 * mcp_servers - the MCP servers of one session.
 *
 * A server is started with the session, or at the first call of one of its tools, as
 * MCP_START says; one that died is started again by the next call. One that fails to
 * start is reported, fails its calls, and hurts nobody else; the next session tries it
 * again.
 */
#ifndef SERVICE_MCP_MCP_SERVERS_H
#define SERVICE_MCP_MCP_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "service/stop_order.h"

struct mcp_servers;
struct service;

/* All from the loop. */
struct mcp_servers_events {
	/* After mcp_servers_open(): what has to run is ready or has failed, and the tools of
	 * all servers are known, as far as they can be. */
	void (*settled)(void *arg);
	/* The end of a mcp_servers_call(): content blocks, see mcp_result.h. Both borrowed. */
	void (*answered)(
		void *arg, const char *use_id, const cJSON *content, bool is_error);
	/* After mcp_servers_stop(): none of the processes is left. */
	void (*gone)(void *arg);
};

/* Keeps means and events; copies room and bot. */
struct mcp_servers *mcp_servers_create(const struct service *service, const char *room,
	const char *bot, const struct mcp_servers_events *events, void *arg) MUST_CHECK;

void mcp_servers_open(struct mcp_servers *servers);

/* `tool` is a name that tools.h declared; what is passed is copied. */
void mcp_servers_call(struct mcp_servers *servers, const char *use_id, const char *tool,
	const cJSON *input);

/* Starts nothing more. With release, each server is stopped down its ladder, all side by
 * side, shortened so that SIGKILL comes before the order's deadline; without, the servers
 * may end by themselves, until STOP_FORCE kills them. Asked again, only faster. */
void mcp_servers_stop(struct mcp_servers *servers, const struct stop_order *order);

/* Kills what still runs. The loop must turn for its handles. Accepts NULL. */
void mcp_servers_destroy(struct mcp_servers *servers);

#endif
