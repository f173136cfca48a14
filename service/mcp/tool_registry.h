/*
 * tool_registry - which MCP server has which tools.
 *
 * A server tells its tools only when it runs; the agent wants them declared before the
 * first session. So lists are kept, in the store too, and a server nobody knows yet is
 * asked once: by the first session that opens, whose server it stays. The others wait
 * for that (see kit). One that failed to tell is asked again by a session that opens
 * later; seldom, if it keeps sessions waiting.
 */
#ifndef SERVICE_MCP_TOOL_REGISTRY_H
#define SERVICE_MCP_TOOL_REGISTRY_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct agent_client;
struct mcp_config;
struct store;
struct tool_registry;

/* Keeps servers and store; servers go by their index there. */
struct tool_registry *tool_registry_create(
	const struct mcp_config *servers, struct store *store) MUST_CHECK;
/* Accepts NULL. */
void tool_registry_destroy(struct tool_registry *tools);

/* Nothing is being asked or left to ask: every list is known, or could not be had. */
bool tool_registry_settled(const struct tool_registry *tools);

/* A session begins to open, and claims what is unknown: servers that failed to tell are
 * unknown again, if it is time. Those who wait already do not try again, or a hundred
 * would wait for each other's tries. */
void tool_registry_try_again(struct tool_registry *tools);

/* May the caller ask this server? True: it must tell what became of it by one of the
 * three below. False: there is no need, or somebody else is at it. */
bool tool_registry_claim(struct tool_registry *tools, unsigned server) MUST_CHECK;
void tool_registry_release(
	struct tool_registry *tools, unsigned server); /* it was not asked */

/* Also from whoever started a server for another reason. list is a tools/list array,
 * borrowed. */
void tool_registry_learn(
	struct tool_registry *tools, unsigned server, const cJSON *list);
void tool_registry_failed(struct tool_registry *tools, unsigned server);

/* Somebody who waits for tool_registry_settled(); hears of every change, during it. */
struct tool_registry_waiter {
	void (*changed)(void *arg);
	void *arg;
	struct tool_registry_waiter *prev, *next;
	bool waiting;
};

void tool_registry_wait(
	struct tool_registry *tools, struct tool_registry_waiter *waiter);
void tool_registry_unwait(struct tool_registry *tools,
	struct tool_registry_waiter *waiter); /* if it waits */

/* Tells the agent the tools that are known, if it was told others. Names are made fit
 * for it, and unique ("server__tool" where two servers have one name). */
void tool_registry_declare(struct tool_registry *tools, struct agent_client *agent);

/* Which server has the tool that was declared as `name`, and what it is called there
 * (borrowed). "server__tool" is understood for all. */
bool tool_registry_find(const struct tool_registry *tools, const char *name,
	unsigned *server, const char **tool);

#endif
