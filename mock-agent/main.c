/*
 * mock-agent - an agent API to test agent programs against.
 */
#include <argp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/fd_limit.h"
#include "lib/health_probe.h"
#include "lib/lifeline.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/settings.h"
#include "lib/signals.h"
#include "lib/version.h"
#include "mock-agent/mock.h"

#define SPARE_DESCRIPTORS 64 /* for what is no connection */
#define CONNECTIONS_MOST  65536

enum {
	EXIT_OK,
	EXIT_UNHEALTHY,
	EXIT_USAGE,
	EXIT_NO_START,
};

struct mock_agent_config {
	char *host;
	int64_t port;
	char *port_file;
	int64_t control_port;
	char *behavior;
	int64_t seed;
	char *key;
	char *ledger;
	char *health;
};

static const struct setting settings[] = {
	{"HOST", SETTING_TEXT, offsetof(struct mock_agent_config, host), "127.0.0.1",
		.help = "address to listen at, in numbers: 127.0.0.1, 0.0.0.0, ::1"},
	{"PORT", SETTING_INT, offsetof(struct mock_agent_config, port), "0",
		.help = "port to listen at; 0: any free one", .max = 65535},
	{"PORT_FILE", SETTING_TEXT, offsetof(struct mock_agent_config, port_file), NULL,
		.help = "file to write the port to, once it listens; a second line has "
			"the control port"},
	{"CONTROL_PORT", SETTING_INT, offsetof(struct mock_agent_config, control_port),
		"-1",
		.help = "a second port, which still accepts when the first one "
			"refuses; 0: any free one, -1: none",
		.min = -1, .max = 65535},
	{"BEHAVIOR", SETTING_TEXT, offsetof(struct mock_agent_config, behavior), NULL,
		.help = "how it behaves: JSON, or the path of a file with it"},
	{"SEED", SETTING_INT, offsetof(struct mock_agent_config, seed), "1",
		.help = "latencies are drawn from it, and the same one draws the same",
		.max = INT64_MAX},
	{"KEY", SETTING_TEXT, offsetof(struct mock_agent_config, key), NULL,
		.help = "credential that clients need; without it every one will do",
		.secret = true},
	{"LEDGER", SETTING_TEXT, offsetof(struct mock_agent_config, ledger), NULL,
		.help = "where events go, \"unix:/path\" or \"tcp:host:port\"; when "
			"its other end goes away, so do we. Else " LIFELINE_ENV
			", else events go to stderr"},
	{"HEALTH", SETTING_TEXT, offsetof(struct mock_agent_config, health), NULL,
		.help = "don't serve: ask the mock-agent at this port (or URL) "
			"whether it is well, and exit 0 or 1"},
	{0},
};

static const char about[] =
	"A mock of Anthropic's agent API, to test agent programs against: Managed "
	"Agents (/v1/agents, /v1/environments, /v1/sessions with events, streams, "
	"interrupts and custom tools) and Messages (/v1/messages with streams and "
	"tools, count_tokens, models). The official SDKs talk to it; point them here "
	"with ANTHROPIC_BASE_URL=http://127.0.0.1:PORT.\n\n"
	"It answers at once and echoes what it is told. With behavior it is slow, "
	"breaks connections, or never answers, for everybody or for chosen "
	"sessions:\n\n"
	"  mock-agent --port 8089 --behavior '{\"disconnect\": {\"latency\": "
	"\"4s\"}}'\n\n"
	"The port that it got is in --port-file, and in the event agent.listening; stdout "
	"says nothing. While it runs, GET and PUT /control/behavior show and change the "
	"behavior:\n\n"
	"  curl -X PUT http://127.0.0.1:8089/control/behavior \\\n"
	"      -d '{\"disconnect\": {\"fault\": \"hang\"}}'\n\n"
	"GET /control/sessions lists who is there, POST /control/listen {\"accept\": "
	"false} refuses connections ({\"accept\": true} is heard at the control port "
	"then), POST /control/reset {\"seed\": 7} starts over, GET /health is 200.\n\n"
	"A session is number metadata.room of its creation, else they are numbered "
	"from 1. Events are JSON lines on stderr, or in the ledger.\n\n"
	"Exit codes: 0 ended, or well (--health); 1 not well; 2 bad usage; 3 could "
	"not start.\n\n"
	"What behavior can say:\n\n";

struct mock_agent_program {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	uv_poll_t ledger;
	bool has_ledger;
	struct mock *mock;
};

static void on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

/* Nobody writes to us there: whatever is to be read is the end. */
static void on_ledger(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_stop(poll->loop);
}

/* As many connections as the system lets us have. */
static unsigned connections_bound(void)
{
	unsigned limit = fd_limit_raise();

	if (limit > CONNECTIONS_MOST)
		return CONNECTIONS_MOST;
	return limit > 2 * SPARE_DESCRIPTORS ? limit - SPARE_DESCRIPTORS
					     : SPARE_DESCRIPTORS;
}

/* Whoever waits for the file finds it whole. */
static bool write_port_file(const struct mock *mock, const char *path, struct err *err)
{
	SCOPED(mem_free) char *draft = NULL;
	FILE *file;
	bool ok;

	if (!path)
		return true;
	draft = mem_textf("%s.new", path);
	file = fopen(draft, "we");
	if (!file)
		return err_sys(err, "write %s", draft);
	fprintf(file, "%u\n", listener_port(mock->listener));
	if (mock->control_listener)
		fprintf(file, "%u\n", listener_port(mock->control_listener));
	ok = !ferror(file);
	ok = fclose(file) == 0 && ok;
	return (ok && rename(draft, path) == 0) || err_sys(err, "write %s", path);
}

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

static void watch(struct mock_agent_program *program, int ledger)
{
	uv_loop_init(&program->loop);
	uv_signal_init(&program->loop, &program->term);
	uv_signal_init(&program->loop, &program->interrupt);
	uv_signal_start(&program->term, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	signals_block_only(NULL);
	if (ledger < 0 || uv_poll_init(&program->loop, &program->ledger, ledger) != 0)
		return;
	program->has_ledger = true;
	uv_poll_start(&program->ledger, UV_READABLE | UV_DISCONNECT, on_ledger);
}

/* Breaks what is open: nobody waits for a mock's streams. */
static void leave(struct mock_agent_program *program)
{
	mock_destroy(program->mock);
	uv_close((uv_handle_t *)&program->term, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	if (program->has_ledger)
		uv_close((uv_handle_t *)&program->ledger, NULL);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
}

/* A mistake in them is one of usage, told before anything starts. */
static bool read_behavior(struct json_doc *doc, const char *given, struct err *err)
{
	SCOPED(agent_behavior_done) struct agent_behavior behavior = {0};

	agent_behavior_preset(&behavior);
	return json_doc_given(doc, "--behavior", given ? given : "{}", err) &&
		agent_behavior_read(&behavior, doc, doc->root, err);
}

static bool serve(const struct mock_agent_config *config,
	const struct json_doc *behavior, int ledger, struct err *err)
{
	struct mock_agent_program program = {0};
	const struct mock_options options = {
		.host = config->host,
		.port = (uint16_t)config->port,
		.control_port = config->control_port,
		.connections = connections_bound(),
		.key = config->key,
		.behavior = behavior,
		.seed = (uint64_t)config->seed,
	};
	bool ok;

	watch(&program, ledger);
	program.mock = mock_create(&program.loop, &options, err);
	ok = program.mock && write_port_file(program.mock, config->port_file, err);
	if (ok) {
		log_event("agent.listening", "port",
			LOG_INT(listener_port(program.mock->listener)));
		uv_run(&program.loop, UV_RUN_DEFAULT);
	}
	leave(&program);
	return ok;
}

static int complain(const struct err *err, int exit_code)
{
	fprintf(stderr, "mock-agent: %s\n", err->text);
	return exit_code;
}

static int run(const struct mock_agent_config *config)
{
	SCOPED(json_doc_done) struct json_doc behavior = {0};
	int ledger, code = EXIT_OK;
	struct err err;

	if (config->health)
		return health_probe(config->health, &err)
			? EXIT_OK
			: complain(&err, EXIT_UNHEALTHY);
	if (!read_behavior(&behavior, config->behavior, &err))
		return complain(&err, EXIT_USAGE);
	if (!lifeline_connect(&ledger, config->ledger,
		    &(struct lifeline_who){.role = "mock-agent"}, &err))
		return complain(&err, EXIT_NO_START);
	if (!serve(config, &behavior, ledger, &err))
		code = complain(&err, EXIT_NO_START);
	lifeline_exit(code);
	return code;
}

int main(int argc, char **argv)
{
	SCOPED(buf_done) struct buf help = {0};
	struct mock_agent_config config = {0};
	struct err err;
	int code;

	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	argp_program_version = "mock-agent " STOPBENCH_VERSION;
	buf_adds(&help, about);
	agent_behavior_help(&help);
	if (!settings_read(settings, "MOCK_AGENT_", &config, argc, argv,
		    buf_text(&help), &err))
		return complain(&err, EXIT_USAGE);
	code = run(&config);
	settings_done(settings, &config);
	return code;
}
