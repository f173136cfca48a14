/*
 * cli_behavior - how the stand-in CLI (mock-cli) behaves: "cli" of the agent's behavior.
 *
 *   {"cli": {"on_eof": "ignore", "freeze": "turn"}}
 *
 * The defaults are what the real CLI was measured to do.
 */
#ifndef MOCK_AGENT_FAULTS_CLI_BEHAVIOR_H
#define MOCK_AGENT_FAULTS_CLI_BEHAVIOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/latency.h"
#include "lib/reaction.h"

/* When it crashes, or freezes: after the event of that moment was logged. */
enum cli_moment {
	CLI_NEVER,
	CLI_AT_START,
	CLI_AT_INITIALIZE, /* the request of that name */
	CLI_AT_TURN,       /* a user message */
	CLI_AT_TOOL,       /* a call of an MCP server's tool */
	CLI_AT_EOF,
	CLI_AT_TERM,
};

/* EOF of stdin while a turn runs. */
enum cli_busy_eof {
	CLI_BUSY_EOF_WAIT, /* the turn ends first, however long it takes */
	CLI_BUSY_EOF_ABORT,
};

struct cli_behavior {
	struct latency start; /* from the start until it handles its client's lines */
	struct reaction on_eof, on_int, on_term;
	int busy_eof;      /* enum cli_busy_eof */
	int crash;         /* enum cli_moment: abort() */
	int freeze;        /* enum cli_moment: SIGSTOP, which only SIGKILL ends */
	bool mute;         /* it writes nothing to stdout */
	int64_t exit_code; /* of an exit without a failure; SIGTERM: 143 */
	int64_t mcp_term_ns, mcp_kill_ns; /* from SIGINT to SIGTERM, then to SIGKILL */
	bool leave_mcp;                   /* it exits without ending its MCP servers */
};

extern const struct field cli_behavior_fields[];

#endif
