/*
 * behavior - how a mock MCP server behaves: all its misbehaviour, as data.
 *
 * The same object in the mock's --behavior flag or file and as a member of a scenario's
 * "mcp" list. The table is public, so the harness checks a scenario with it before
 * anything is started.
 *
 *   {"name": "financial", "on_eof": "ignore", "on_term": {"exit_after": "50ms"}}
 *
 * "Once its tools were listed" below is when the answer to the first tools/list is on
 * its way: then a client's connection is complete, in every version of the protocol.
 */
#ifndef MOCK_MCP_BEHAVIOR_H
#define MOCK_MCP_BEHAVIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/fields.h"
#include "lib/latency.h"

/* What it does about the end of stdin, or about a signal. Written "exit", "ignore",
 * "spin" (burn a processor, hear nothing but SIGKILL) or {"exit_after": "50ms"}. */
enum reaction_kind {
	REACTION_EXIT,
	REACTION_IGNORE,
	REACTION_SPIN,
};

struct reaction {
	enum reaction_kind kind;
	struct latency after; /* REACTION_EXIT: then */
};

/* abort() then: the event that brings the moment is logged, nothing after it. */
enum mcp_crash_point {
	MCP_NEVER,
	MCP_AT_START,      /* before it makes children */
	MCP_AT_INITIALIZE, /* heard its first request that is no ping */
	MCP_AT_TOOL,
	MCP_AT_EOF,
	MCP_AT_TERM,
};

enum mcp_stdout {
	MCP_STDOUT_NORMAL,
	MCP_STDOUT_GARBAGE, /* a line that is no JSON before each answer */
	MCP_STDOUT_FLOOD,   /* once its tools were listed: notifications as fast as they
			       are read, and it hears everything meanwhile */
	MCP_STDOUT_FILL,    /* writes with a blocking write(2), and more than any pipe
			       holds, once its tools were listed, at EOF and at every
			       signal: deaf until that was read */
	MCP_STDOUT_CLOSE,   /* closes it once its tools were listed */
};

enum mcp_child_session {
	MCP_CHILD_SAME,   /* same process group */
	MCP_CHILD_OWN,    /* setsid */
	MCP_CHILD_DAEMON, /* double fork and setsid: its parent is the reaper */
};

/* Made before the server reads stdin: all are up when it answers the first message. */
struct mcp_child_behavior {
	int64_t count;
	int64_t depth;       /* 1: children, 2: each has a child of its own, ... */
	bool stdio;          /* keeps the inherited stdin, stdout, stderr open */
	int session;         /* enum mcp_child_session, of every generation */
	bool ignore_term;    /* SIGTERM is logged, and nothing else */
	int64_t lifetime_ns; /* 0: until it is told to end, or killed */
};

struct mcp_behavior {
	char *name;
	struct latency start; /* from its start until it hears its client */
	struct reaction on_eof, on_int, on_term;
	int64_t exit_code;   /* of every exit by its own decision */
	struct latency tool; /* how long a call takes */
	bool hang_tools;     /* a call never returns */
	bool read_stdin;     /* false: once its tools were listed it reads no more */
	int stdout_mode;     /* enum mcp_stdout, written "stdout" */
	struct mcp_child_behavior children;
	int64_t memory_mib; /* held from its start on, by the server alone */
	int64_t zombies;    /* children that ended and that it does not wait for */
	int crash;          /* enum mcp_crash_point */
};

extern const struct field mcp_fields[]; /* of struct mcp_behavior */

void mcp_behavior_preset(struct mcp_behavior *behavior);

/* Reads node over the behavior: what it does not say keeps its value. What contradicts
 * itself is an error, too. */
bool mcp_behavior_read(struct mcp_behavior *behavior, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void mcp_behavior_done(struct mcp_behavior *behavior);

/* Reports whether mcp_behavior_read() accepts node. */
bool mcp_behavior_check(
	const struct json_doc *doc, const cJSON *node, struct err *err) MUST_CHECK;

/* Gives the caller the JSON Schema of what mcp_behavior_check() accepts. */
cJSON *mcp_behavior_schema(void) MUST_CHECK;

#endif
