/*
 * mock-cli - a stand-in for the CLI that the agent SDKs start.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/hash.h"
#include "lib/lifeline.h"
#include "lib/signals.h"
#include "mock-agent/cli/stand_in.h"
#include "mock-agent/faults/behavior.h"

#define BEHAVIOR_ENV "MOCK_CLI_BEHAVIOR"
#define SEED_ENV     "MOCK_CLI_SEED"

enum mock_cli_exit {
	EXIT_BROKEN = 1,
	EXIT_USAGE = 2,
};

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

static const char about[] =
	"mock-cli: a stand-in for the CLI that the agent SDKs start, to test programs on\n"
	"ClaudeSDKClient and query() without it: pathToClaudeCodeExecutable, cli_path, or\n"
	"CLI_PATH of stopbench's service name it.\n"
	"\n"
	"It reads the real CLI's flags, and passes over those that mean nothing to it. It\n"
	"speaks stream-json on stdin and stdout, starts the stdio servers of --mcp-config, and\n"
	"makes each turn by POST ANTHROPIC_BASE_URL/v1/messages; without that variable it\n"
	"answers by itself.\n"
	"\n"
	"  " BEHAVIOR_ENV
	"  the behavior: JSON, or the path of a file with it. The keys\n"
	"                     below are members of \"cli\"; \"rules\" change them for chosen\n"
	"                     sessions (SESSION_ROOM): {\"cli\": {\"on_eof\": \"ignore\"}}\n"
	"  " SEED_ENV "      seed of the latencies\n"
	"  " LIFELINE_ENV
	"   where events go, else stderr: cli.initialized, cli.turn.begin,\n"
	"                     cli.turn.end, cli.tool, cli.interrupted, cli.eof, cli.signal\n"
	"\n";

/* The label of the events: the room that the service serves, or of the base URL. */
static const char *session_label(void)
{
	const char *room = getenv("SESSION_ROOM");
	const char *url = getenv("ANTHROPIC_BASE_URL");
	const char *in_url = url ? strstr(url, "/room/") : NULL;

	if (room && *room)
		return room;
	return in_url ? in_url + strlen("/room/") : NULL;
}

static bool read_behavior(struct agent_behavior *behavior, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};
	const char *given = getenv(BEHAVIOR_ENV);

	agent_behavior_preset(behavior);
	return !given || !*given ||
		(json_doc_given(&doc, BEHAVIOR_ENV, given, err) &&
			agent_behavior_read(behavior, &doc, doc.root, err));
}

static int complain(const struct err *err, int exit_code)
{
	fprintf(stderr, "mock-cli: %s\n", err->text);
	return exit_code;
}

/* Processes that share a seed must not all draw the same. */
static void seed_rng(struct rng *rng, const char *session)
{
	const char *seed = getenv(SEED_ENV);
	uint64_t hash = hash_text(HASH_BASIS, seed ? seed : "1");

	rng_seed(rng, hash_text(hash, session ? session : ""));
}

/* From the lifeline's first event to the last. */
static int run(const struct cli_arguments *arguments,
	const struct agent_behavior *behavior, int64_t started_ns)
{
	struct rng rng;
	const char *session = session_label();
	struct stand_in_options options = {.arguments = arguments,
		.session = session,
		.rng = &rng,
		.started_ns = started_ns};
	int fd, code = EXIT_BROKEN;
	struct err err = {0};

	options.behavior =
		&agent_behavior_for(behavior, session ? strtoll(session, NULL, 10) : 0)
			 ->cli;
	if (!lifeline_connect(
		    &fd, NULL, &(struct lifeline_who){"mock-cli", NULL, session}, &err))
		return complain(&err, EXIT_BROKEN);
	if (fd >= 0)
		lifeline_end_with(fd, EXIT_BROKEN);
	stand_in_moment(options.behavior, CLI_AT_START);
	seed_rng(&rng, session);
	if (fd_limit_raise(&err) == 0 || !stand_in_run(&options, &code, &err))
		complain(&err, EXIT_BROKEN);
	lifeline_exit(code);
	/* Their handles are open to the end. */
	if (options.behavior->leave_mcp)
		_exit(code);
	return code;
}

static int print_help(void)
{
	SCOPED(buf_done) struct buf help = {0};

	buf_adds(&help, about);
	fields_help(cli_behavior_fields, "cli", &help);
	fputs(buf_text(&help), stdout);
	return 0;
}

int main(UNUSED int argc, char **argv)
{
	int64_t started_ns = clock_now();
	struct cli_arguments arguments;
	struct agent_behavior behavior = {0};
	struct err err = {0};
	int code = EXIT_USAGE;

	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	if (!cli_arguments_read(&arguments, argv, &err) ||
		!read_behavior(&behavior, &err)) {
		complain(&err, EXIT_USAGE);
	} else if (arguments.version) {
		code = puts(CLI_VERSION " (stopbench mock-cli)") < 0;
	} else if (arguments.help) {
		code = print_help();
	} else {
		code = run(&arguments, &behavior, started_ns);
	}
	agent_behavior_done(&behavior);
	cli_arguments_done(&arguments);
	return code;
}
