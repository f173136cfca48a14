/*
 * tool_registry - which MCP server has which tools.
 *
 * A server lists its tools only while it runs, but the agent needs their declaration
 * before the first session. So lists are kept, also in the store. An unknown server is
 * started by the first session that opens, which keeps it; other sessions wait for its
 * list. After a failure, a session that opens later tries again: at once when the
 * failure was quick, else after a pause.
 */
#ifndef SERVICE_MCP_TOOL_REGISTRY_H
#define SERVICE_MCP_TOOL_REGISTRY_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"

struct mcp_config;
struct store;
struct tool_registry;

/* Keeps servers and store. A server is named by its index in servers. */
struct tool_registry *tool_registry_create(
	const struct mcp_config *servers, struct store *store) MUST_CHECK;
/* Accepts NULL. */
void tool_registry_destroy(struct tool_registry *tools);

/* Every list is known, or its reading has failed. */
bool tool_registry_settled(const struct tool_registry *tools);

/* To be called when a session begins to open: servers whose reading failed are unknown
 * again, if their pause is over. Waiting sessions must not call it, or a hundred of
 * them would wait for each other's attempts. */
void tool_registry_try_again(struct tool_registry *tools);

/* May the caller read this server's list? True: it must report the outcome by one of
 * the three below. False: the list is known, or another session reads it. */
bool tool_registry_claim(struct tool_registry *tools, unsigned server) MUST_CHECK;
/* The list was not read; another session may. */
void tool_registry_release(struct tool_registry *tools, unsigned server);

/* Also without a claim. list is a tools/list array, borrowed. */
void tool_registry_learn(
	struct tool_registry *tools, unsigned server, const cJSON *list);
void tool_registry_failed(struct tool_registry *tools, unsigned server);

/* Embedded in its owner, which waits for tool_registry_settled(). `changed` comes from
 * inside the call that changed something. */
struct tool_registry_waiter {
	void (*changed)(void *arg);
	void *arg;
	struct tool_registry_waiter *prev, *next;
	bool waiting;
};

void tool_registry_wait(
	struct tool_registry *tools, struct tool_registry_waiter *waiter);
/* Does nothing when the waiter does not wait. */
void tool_registry_unwait(
	struct tool_registry *tools, struct tool_registry_waiter *waiter);

/* The known tools as the agent API declares them, borrowed until the next change; NULL:
 * unchanged since the last call. Names are made valid for the API, and unique
 * ("server__tool" where two servers have a tool of one name). */
const cJSON *tool_registry_declare(struct tool_registry *tools);

/* Finds the server of a declared tool, and the tool's name there (borrowed).
 * "server__tool" is found as well. */
bool tool_registry_find(const struct tool_registry *tools, const char *name,
	unsigned *server, const char **tool);

#endif
