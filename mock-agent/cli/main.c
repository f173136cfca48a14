/*
 * mock-cli - a stand-in for the CLI that the agent SDKs start.
 */
#include <argp.h>
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
#include "lib/man_page.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "mock-agent/cli/stand_in.h"
#include "mock-agent/faults/behavior.h"

#define BEHAVIOR_ENV "MOCK_CLI_BEHAVIOR"
#define SEED_ENV     "MOCK_CLI_SEED"

enum mock_cli_exit {
	EXIT_BROKEN = 1,
	EXIT_USAGE = 2,
};

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

static const char introduction[] =
	"A stand-in for the CLI that the agent SDKs start, to test programs on "
	"ClaudeSDKClient and query() without it. It is named where the SDK takes the CLI's "
	"path (pathToClaudeCodeExecutable, cli_path), or as CLI_PATH of stopbench's "
	"service.\n\n"
	"It reads the real CLI's flags, and passes over those that mean nothing to it. It "
	"speaks stream-json on stdin and stdout, starts the stdio servers of --mcp-config, "
	"and makes each turn by POST ANTHROPIC_BASE_URL/v1/messages; without that variable "
	"it answers by itself.\v"
	"Environment:\n"
	"  " BEHAVIOR_ENV "  the behavior: JSON, or the path of a file with it. The\n"
	"                     keys below are members of \"cli\"; \"rules\" change them for\n"
	"                     chosen sessions (SESSION_ROOM):\n"
	"                     {\"cli\": {\"on_eof\": \"ignore\"}}\n"
	"  " SEED_ENV "      seed of the latencies\n"
	"  " LIFELINE_ENV "   where events go, else stderr\n\n"
	"Events are JSON lines: process.start, cli.initialized, cli.turn.begin, "
	"cli.turn.end, cli.tool, cli.interrupted, cli.eof, cli.signal, process.exit.\n\n"
	"Behavior, with its defaults:\n\n";

static const char exit_codes[] =
	"\nExit codes: exit_code of the behavior; 1 after a turn that failed, or where it "
	"could not run; 2 wrong behavior or --mcp-config; 143 after SIGTERM.\n";

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

/* The help or the page of the manual. */
static int print_help(bool page)
{
	SCOPED(buf_done) struct buf text = {0};
	struct argp argp = {.args_doc = "[FLAGS OF THE CLI]"};

	buf_adds(&text, introduction);
	fields_help(cli_behavior_fields, "cli", &text);
	buf_adds(&text, exit_codes);
	argp.doc = buf_text(&text);
	if (page)
		man_page_print(stdout, &argp, "mock-cli");
	else
		argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK,
			(char *)(uintptr_t) "mock-cli");
	return 0;
}

int main(int argc, char **argv)
{
	int64_t started_ns = clock_now();
	struct cli_arguments arguments;
	struct agent_behavior behavior = {0};
	struct err err = {0};
	int code = EXIT_USAGE;

	standard_files_open(EXIT_BROKEN);
	if (argc == 2 && strcmp(argv[1], "--man") == 0)
		return print_help(true);
	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	if (!cli_arguments_read(&arguments, argv, &err) ||
		!read_behavior(&behavior, &err)) {
		complain(&err, EXIT_USAGE);
	} else if (arguments.version) {
		code = puts(CLI_VERSION " (stopbench mock-cli)") < 0;
	} else if (arguments.help) {
		code = print_help(false);
	} else {
		code = run(&arguments, &behavior, started_ns);
	}
	agent_behavior_done(&behavior);
	cli_arguments_done(&arguments);
	return code;
}
