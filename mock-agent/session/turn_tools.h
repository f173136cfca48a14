/*
 * turn_tools - the tools that an agent of Managed Agents has in a turn: custom ones, which
 * the client runs, those of its own toolset, and those of its MCP servers. The mock runs
 * none: a tool of the last two kinds has an answer at once, or once the client allows it.
 */
#ifndef MOCK_AGENT_SESSION_TURN_TOOLS_H
#define MOCK_AGENT_SESSION_TURN_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "mock-agent/faults/tool_calls.h"

enum turn_tool_kind {
	TURN_TOOL_CUSTOM,
	TURN_TOOL_OWN, /* of the agent's toolset */
	TURN_TOOL_MCP,
};

struct turn_tool {
	enum turn_tool_kind kind;
	char *name;          /* owned */
	const char *server;  /* TURN_TOOL_MCP; borrowed */
	const cJSON *schema; /* TURN_TOOL_CUSTOM: of its input; borrowed; NULL: none */
	const char
		*inputs; /* TURN_TOOL_OWN: names of its inputs, with spaces between */
	bool asks;       /* the client has to allow it */
};

struct turn_tools {
	cJSON *declared;        /* owned: the agent's "tools" */
	struct turn_tool *list; /* owned */
	unsigned count;
};

/* Takes declared, which may be NULL. An MCP server's tools are those that it is
 * configured with, and those that `calls` name as mcp__SERVER__TOOL; without any it has
 * one, "call". */
void turn_tools_read(
	struct turn_tools *tools, cJSON *declared, const struct tool_calls *calls);
void turn_tools_done(struct turn_tools *tools); /* accepts a zeroed one */

/* The tool to use after `made` uses in this turn, with its input, which is the caller's;
 * NULL: none. A count goes round the custom tools; an agent without any uses the others.
 * Borrowed. */
const struct turn_tool *turn_tools_next(const struct turn_tools *tools,
	const struct tool_calls *calls, int64_t made, const char *prompt,
	cJSON **input) MUST_CHECK;

#endif
