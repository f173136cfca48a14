#include "mock-agent/faults/cli_behavior.h"

#include <stddef.h>

/* Each in the order of its enum. */
static const char *const moment_names[] = {
	"never", "start", "initialize", "turn", "tool", "eof", "term", NULL};
static const char *const busy_eof_names[] = {"wait", "abort", NULL};

#define AT(member) offsetof(struct cli_behavior, member)

const struct field cli_behavior_fields[] = {
	{"start", FIELD_OTHER, AT(start), "0s", .type = &latency_type,
		.help = "time until it handles its client's messages"},
	{"on_eof", FIELD_OTHER, AT(on_eof), "exit", .type = &reaction_type,
		.help = "at EOF of stdin: " REACTION_FORMS},
	{"busy_eof", FIELD_CHOICE, AT(busy_eof), "wait", .choices = busy_eof_names,
		.help = "what EOF of stdin does to a turn that runs: wait, as the real "
			"CLI does, or abort"},
	{"on_int", FIELD_OTHER, AT(on_int), "exit", .type = &reaction_type,
		.help = "at SIGINT, likewise"},
	{"on_term", FIELD_OTHER, AT(on_term), "exit", .type = &reaction_type,
		.help = "at SIGTERM, likewise"},
	{"exit_code", FIELD_INT, AT(exit_code), "0", .max = 255,
		.help = "exit code at EOF; after a failed turn it is 1, after SIGTERM 143"},
	{"mcp_term", FIELD_DURATION, AT(mcp_term_ns), "100ms",
		.help = "from SIGINT to its MCP servers until SIGTERM"},
	{"mcp_kill", FIELD_DURATION, AT(mcp_kill_ns), "400ms",
		.help = "from then until SIGKILL"},
	{"leave_mcp", FIELD_BOOL, AT(leave_mcp), "false",
		.help = "it exits without ending its MCP servers"},
	{"mute", FIELD_BOOL, AT(mute), "false", .help = "it writes nothing to stdout"},
	{"freeze", FIELD_CHOICE, AT(freeze), "never", .choices = moment_names,
		.help = "stops itself (SIGSTOP) at this moment: then only SIGKILL ends it"},
	{"crash", FIELD_CHOICE, AT(crash), "never", .choices = moment_names,
		.help = "abort() at this moment"},
	{0},
};
