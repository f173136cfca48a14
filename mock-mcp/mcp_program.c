#include "mock-mcp/mcp_program.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/hash.h"
#include "lib/lifeline.h"
#include "lib/mem.h"
#include "lib/settings.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/version.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/features/tools.h"

enum mock_mcp_exit {
	EXIT_BROKEN = 1,
	EXIT_USAGE = 2,
};

struct mock_mcp_config {
	char *name;
	char *behavior;
	char *ledger;
	int64_t seed;
	char *host;
	int64_t port; /* -1: not over HTTP, unless the behavior says so */
	char *port_file;
};

static const struct field settings[] = {
	{"NAME", FIELD_TEXT, offsetof(struct mock_mcp_config, name), NULL,
		.help = "the server's name, instead of the behavior's"},
	{"BEHAVIOR", FIELD_TEXT, offsetof(struct mock_mcp_config, behavior), NULL,
		.help = "the behavior (see below): JSON, or the path of a file with it"},
	{"LEDGER", FIELD_TEXT, offsetof(struct mock_mcp_config, ledger), NULL,
		.help = "where events go: \"unix:/path\" or \"tcp:host:port\", by default "
			"the value of " LIFELINE_ENV ", else stderr"},
	{"SEED", FIELD_INT, offsetof(struct mock_mcp_config, seed), "1",
		.help = "seed of the latencies, together with name and session: the same "
			"seed draws the same ones",
		.max = INT64_MAX},
	{"HOST", FIELD_TEXT, offsetof(struct mock_mcp_config, host), "127.0.0.1",
		.help = "over HTTP: address to listen at, in numbers"},
	{"PORT", FIELD_INT, offsetof(struct mock_mcp_config, port), "-1",
		.help = "over HTTP: port to listen at; 0: any free one, -1: on stdin and "
			"stdout, unless the behavior has \"transport\": \"http\"",
		.min = -1, .max = 65535},
	{"PORT_FILE", FIELD_TEXT, offsetof(struct mock_mcp_config, port_file), NULL,
		.help = "over HTTP: file for the port, written when it listens"},
	{0},
};

static const char introduction[] =
	"An MCP server on stdin and stdout, or over Streamable HTTP (--port), to test MCP "
	"clients: how they start their "
	"servers, call them, and above all stop them. It speaks 2026-07-28 "
	"(server/discover) and, after initialize, 2025-11-25, 2025-06-18, 2025-03-26 and "
	"2024-11-05. By default it is a good server that exits at the end of stdin; its "
	"behavior can make it a bad one.\v";

static const char examples[] =
	"\n"
	"Before an exit the answers that are ready are written, and calls in progress are "
	"dropped. Children have started when the first message is answered. Events are "
	"JSON lines: process.start, mcp.initialized, mcp.tool.begin, mcp.tool.end, mcp.eof, "
	"mcp.signal, mcp.child, process.exit. Their \"session\" is the environment variable "
	"SESSION_ROOM.\n"
	"\n"
	"Over HTTP the endpoint is http://127.0.0.1:PORT/mcp. One server has all sessions: "
	"the \"session\" of an event is the header X-Session-Room of the client's requests, or "
	"what follows in the path (/mcp/7). Further events: mcp.listening, "
	"mcp.session.begin, mcp.session.end, mcp.delete.begin, mcp.delete.end, "
	"mcp.stream.opened, mcp.stream.closed. GET /health is 200.\n"
	"\n"
	"Examples:\n"
	"  a server that only SIGKILL ends\n"
	"    mock-mcp --behavior='{\"on_eof\": \"ignore\", \"on_term\": \"ignore\"}'\n"
	"  a server that takes a second to end, with calls of about 200 ms\n"
	"    mock-mcp --behavior='{\"on_eof\": {\"exit_after\": \"1s\"}, \"tool\":\n"
	"      {\"distribution\": \"lognormal\", \"median\": \"200ms\", \"sigma\": 0.5}}'\n"
	"  a wrapper whose child keeps the pipes open after its end\n"
	"    mock-mcp --behavior='{\"children\": {\"count\": 1, \"stdio\": true}}'\n"
	"  a server that reads 64 bytes at a time, and 10 ms later the next\n"
	"    mock-mcp --behavior='{\"stdin_rate\": {\"bytes\": 64, \"every\": \"10ms\"}}'\n"
	"  half an answer, and the other half two seconds later\n"
	"    mock-mcp --behavior='{\"stdout\": \"partial\", \"rest_after\": \"2s\"}'\n"
	"  over HTTP, with resources, prompts and the tools of the conformance suite\n"
	"    mock-mcp --port 8090 --behavior='{\"features\": \"all\"}'\n"
	"  a DELETE of a session that is never answered\n"
	"    mock-mcp --port 8090 --behavior='{\"http\": {\"delete_fault\": \"hang\"}}'\n"
	"\n"
	"With a ledger, the server and its children end when the ledger closes.\n"
	"Exit codes: exit_code of the behavior; 1 could not run, or the ledger closed; 2 "
	"wrong flags or behavior.\n";

/* free() returns larger pieces than this to the system. By default glibc keeps
 * megabytes after one large message, in each of thousands of servers. */
#define PIECE_KEPT (64 << 10)

static const int handled[] = {SIGTERM, SIGINT, SIGCHLD, 0};

static bool read_settings(
	struct mock_mcp_config *config, int argc, char **argv, struct err *err)
{
	SCOPED(buf_done) struct buf help = {0};

	buf_adds(&help, introduction); /* argp breaks the lines */
	buf_adds(&help, "Tools:\n");
	tools_help(&help);
	buf_adds(&help, "\nBehavior, with its defaults:\n");
	mcp_behavior_help(&help);
	buf_adds(&help, examples);
	return settings_read(
		settings, "MOCK_MCP_", config, argc, argv, buf_text(&help), err);
}

/* A port makes it a server over HTTP, before the behavior is checked. */
static bool read_behavior(struct mcp_behavior *behavior,
	const struct mock_mcp_config *config, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	mcp_behavior_preset(behavior);
	if (config->port >= 0)
		behavior->transport = MCP_HTTP;
	if (config->behavior &&
		(!json_doc_given(&doc, "--behavior", config->behavior, err) ||
			!mcp_behavior_read(behavior, &doc, doc.root, err)))
		return false;
	if (behavior->transport == MCP_STDIO &&
		(config->port >= 0 || config->port_file))
		return err_set(err,
			"--port and --port-file go with \"transport\": "
			"\"http\", not with \"stdio\"");
	return true;
}

/* Servers that share a seed must not all draw the same. */
static void seed_rng(struct rng *rng, int64_t seed, const struct log_identity *identity)
{
	const char *const words[] = {identity->name, identity->session};
	uint64_t hash = HASH_BASIS ^ (uint64_t)seed;

	for (unsigned i = 0; i < COUNT(words); i++)
		if (words[i])
			hash = hash_bytes(hash, words[i], strlen(words[i]));
	rng_seed(rng, hash);
}

/* All pages are present, and held to the end. */
static bool hold_memory(int64_t mib, struct err *err)
{
	size_t size = (size_t)mib << 20;

	if (size == 0 ||
		mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
			0) != MAP_FAILED)
		return true;
	return err_sys(err, "memory_mib");
}

static bool serve(struct server_options *options, const struct mock_mcp_config *config,
	mcp_program_serve_fn *serve_by, const struct children_lifeline *line,
	struct err *err)
{
	struct rng rng;
	bool served;

	crash_at(options->behavior, MCP_AT_START);
	options->children =
		children_create(options->behavior, options->identity, line, err);
	if (!options->children)
		return false;
	seed_rng(&rng, config->seed, options->identity);
	options->rng = &rng;
	served = hold_memory(options->behavior->memory_mib, err) &&
		serve_by(options, err);
	children_destroy(options->children);
	return served;
}

/* From the lifeline's first event to the last. Gives the exit code. */
static int run(struct server_options *options, const struct mock_mcp_config *config,
	mcp_program_serve_fn *serve_by, struct err *err)
{
	struct children_lifeline line = {.ledger = config->ledger};
	const struct lifeline_who who = {
		options->behavior->transport == MCP_HTTP ? "mock-mcp-http" : "mock-mcp",
		options->identity->name, options->identity->session};
	int code = EXIT_BROKEN;

	if (!lifeline_connect(&line.fd, line.ledger, &who, err))
		return code;
	if (line.fd >= 0)
		lifeline_end_with(line.fd, EXIT_BROKEN);
	options->descriptors = fd_limit_raise(err);
	if (options->descriptors > 0 && serve(options, config, serve_by, &line, err))
		code = (int)options->behavior->exit_code;
	lifeline_exit(code);
	return code;
}

/* The HTTP server is a program of its own: its libraries would make every server on
 * stdio larger and slower to start. Returns on failure only. */
static bool become_other(char **argv, struct err *err)
{
	char path[PATH_MAX] = {0};
	SCOPED(mem_free) char *other = NULL;

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		return err_sys(err, "/proc/self/exe");
	other = mem_textf("%s/mock-mcp-http", dirname(path));
	execv(other, argv);
	return err_sys(err, "execute %s", other);
}

static int run_or_become(enum mcp_transport transport, struct server_options *options,
	const struct mock_mcp_config *config, mcp_program_serve_fn *serve_by,
	char **argv, struct err *err)
{
	if (options->behavior->transport == (int)transport)
		return run(options, config, serve_by, err);
	if (transport == MCP_STDIO)
		(void)!become_other(argv, err);
	else
		err_set(err, "a server over HTTP: --port is missing");
	return transport == MCP_STDIO ? EXIT_BROKEN : EXIT_USAGE;
}

int mcp_program_run(enum mcp_transport transport, mcp_program_serve_fn *serve_by,
	int argc, char **argv)
{
	struct mock_mcp_config config = {0};
	struct mcp_behavior behavior = {0};
	struct log_identity identity = {
		.transport = transport == MCP_HTTP ? "http" : "stdio"};
	struct server_options options = {
		&behavior, &identity, .started_ns = clock_now()};
	struct err err = {0};
	int code = EXIT_USAGE;

	/* One server over HTTP has the sessions of all rooms. */
	if (transport == MCP_STDIO)
		identity.session = getenv("SESSION_ROOM");
	signals_block_only(handled);
	standard_files_open(EXIT_BROKEN);
	signals_ignore_sigpipe();
	argp_program_version = "mock-mcp " STOPBENCH_VERSION;
	mallopt(M_MMAP_THRESHOLD, PIECE_KEPT);
	if (read_settings(&config, argc, argv, &err) &&
		read_behavior(&behavior, &config, &err)) {
		identity.name = config.name ? config.name : behavior.name;
		options.host = config.host;
		options.port = config.port > 0 ? (uint16_t)config.port : 0;
		options.port_file = config.port_file;
		code = run_or_become(
			transport, &options, &config, serve_by, argv, &err);
	}
	if (err.text[0])
		fprintf(stderr, "mock-mcp: %s\n", err.text);
	mcp_behavior_done(&behavior);
	fields_done(settings, &config);
	return code;
}
