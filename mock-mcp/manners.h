/*
 * manners - how a mock MCP server behaves: all its misbehaviour, as data.
 *
 * The same object in the mock's --manners flag or file and as a member of a scenario's
 * "mcp" list. The table is public, so the harness checks a scenario with it before
 * anything is started.
 *
 *   {"name": "financial", "on_eof": "ignore", "on_term": {"exit_after": "50ms"}}
 */
#ifndef MOCK_MCP_MANNERS_H
#define MOCK_MCP_MANNERS_H

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

enum mcp_moment {
	MCP_NEVER,
	MCP_AT_START,
	MCP_AT_INITIALIZE,
	MCP_AT_TOOL,
	MCP_AT_EOF,
	MCP_AT_TERM,
};

enum mcp_stdout {
	MCP_STDOUT_NORMAL,
	MCP_STDOUT_GARBAGE, /* lines that are no JSON between the answers */
	MCP_STDOUT_FLOOD,   /* notifications as fast as they are read */
	MCP_STDOUT_FILL,    /* blocks in write(2) on its full stdout, deaf until it is read */
	MCP_STDOUT_CLOSE,   /* closes it after the handshake */
};

enum mcp_child_session {
	MCP_CHILD_SAME,   /* same process group */
	MCP_CHILD_OWN,    /* setsid */
	MCP_CHILD_DAEMON, /* double fork and setsid: its parent is the reaper */
};

struct mcp_child_manners {
	int64_t count;
	int64_t depth;     /* 1: children, 2: they have children, ... */
	bool stdio;        /* keeps the inherited stdin and stdout open */
	int session;       /* enum mcp_child_session */
	bool ignore_term;
	int64_t lifetime_ns; /* 0: until killed */
};

struct mcp_manners {
	char *name;
	struct latency start;       /* before it answers initialize */
	struct reaction on_eof, on_int, on_term;
	int64_t exit_code;
	struct latency tool;        /* how long a call takes */
	bool hang_tools;            /* a call never returns */
	bool read_stdin;            /* false: after the handshake it reads no more */
	int stdout_mode;            /* enum mcp_stdout, written "stdout" */
	struct mcp_child_manners children;
	int64_t zombies;            /* children that it made and does not wait for */
	int crash;                  /* enum mcp_moment: abort() then */
};

extern const struct field mcp_fields[]; /* of struct mcp_manners */

void mcp_manners_preset(struct mcp_manners *manners);
bool mcp_manners_read(struct mcp_manners *manners, const struct json_doc *doc,
	const cJSON *node, struct err *err) MUST_CHECK;
void mcp_manners_done(struct mcp_manners *manners);

#endif
