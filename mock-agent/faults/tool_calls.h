/*
 * tool_calls - which tools the agent calls in a turn: the value of "tools".
 *
 *   2                                          two calls of what is offered, in rotation
 *   {"name": "lookup"}                         one call of that tool
 *   [{"name": "lookup", "input": {"id": 7}, "times": 2}, {"name": "save"}]
 *                                              calls one after another
 *
 * A count never calls a tool with which the client starts another agent, which would have
 * the same behavior and call it too, without end. Such a tool has to be named.
 */
#ifndef MOCK_AGENT_FAULTS_TOOL_CALLS_H
#define MOCK_AGENT_FAULTS_TOOL_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"

#define TOOL_CALLS_MAX 1000 /* of a turn, and rows of the list */

struct tool_call {
	char *name;   /* owned */
	cJSON *input; /* owned; NULL: one that fits the tool's schema */
	int64_t times;
};

struct tool_calls {
	int64_t count;           /* of a count; else 0 */
	struct tool_call *named; /* owned */
	unsigned named_count;
};

extern const struct field_type tool_calls_type;

/* Reports whether the client offers a tool of this name. */
typedef bool tool_offered_fn(const void *tools, const char *name);

/* The call after `made` calls in this turn, by name: what is not offered is left out. NULL:
 * there is no further one, or the calls are a count. Borrowed. */
const struct tool_call *tool_calls_next(const struct tool_calls *calls, int64_t made,
	tool_offered_fn *offered, const void *tools);

/* With this tool a client such as the Claude CLI starts another agent. */
bool tool_starts_agent(const char *name);

#endif
