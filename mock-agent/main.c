/*
 * mock-agent - an agent API to test agent programs against.
 */
#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/health_probe.h"
#include "lib/lifeline.h"
#include "lib/log.h"
#include "lib/log_writer.h"
#include "lib/mem.h"
#include "lib/settings.h"
#include "lib/signals.h"
#include "lib/standard_files.h"
#include "lib/version.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/router.h"
#include "mock-agent/mock.h"
#include "mock-agent/openai/response_background.h"

#define SPARE_DESCRIPTORS   64 /* for what is no connection */
#define CONNECTIONS_MOST    65536
#define CONTROL_CONNECTIONS 64
#define BODY_CEILING        ((size_t)32 << 20) /* as the hosted API */
#define CONNECTION_MEMORY   ((size_t)6 << 10)  /* the heads of clients have 1 KiB */
#define IDLE_NS             (300 * CLOCK_S)
#define HEALTH_NS           (3 * CLOCK_S)

enum {
	EXIT_OK,
	EXIT_UNHEALTHY,
	EXIT_USAGE,
	EXIT_NO_START,
};

struct mock_agent_config {
	char *host;
	int64_t port;
	bool inetd;
	char *port_file;
	int64_t control_port;
	char *behavior;
	int64_t seed;
	char *key;
	char *control_key;
	char *ledger;
	char *health;
};

static const struct field settings[] = {
	{"HOST", FIELD_TEXT, offsetof(struct mock_agent_config, host), "127.0.0.1",
		.help = "address to listen at, in numbers: 127.0.0.1, 0.0.0.0, ::1"},
	{"PORT", FIELD_INT, offsetof(struct mock_agent_config, port), "0",
		.help = "port to listen at; 0: any free one", .max = 65535},
	{"INETD", FIELD_BOOL, offsetof(struct mock_agent_config, inetd), "false",
		.help = "serve at the listening socket that is stdin, in place of HOST "
			"and PORT, as a server of inetd's \"wait\" does, or of systemd's "
			"StandardInput=socket"},
	{"PORT_FILE", FIELD_TEXT, offsetof(struct mock_agent_config, port_file), NULL,
		.help = "file for the port, written when it listens; a second line has "
			"the control port"},
	{"CONTROL_PORT", FIELD_INT, offsetof(struct mock_agent_config, control_port),
		"-1",
		.help = "a second port, which still accepts connections when the first "
			"one refuses them; 0: any free one, -1: none",
		.min = -1, .max = 65535},
	{"BEHAVIOR", FIELD_TEXT, offsetof(struct mock_agent_config, behavior), NULL,
		.help = "the behavior (see below): JSON, or the path of a file with it"},
	{"SEED", FIELD_INT, offsetof(struct mock_agent_config, seed), "1",
		.help = "seed of the latencies: the same seed draws the same ones",
		.max = INT64_MAX},
	{"KEY", FIELD_TEXT, offsetof(struct mock_agent_config, key), NULL,
		.help = "credential that clients need; without it every one is accepted",
		.secret = true},
	{"CONTROL_KEY", FIELD_TEXT, offsetof(struct mock_agent_config, control_key),
		NULL,
		.help = "what /control needs in the header X-Control-Key, instead of the "
			"credential",
		.secret = true},
	{"LEDGER", FIELD_TEXT, offsetof(struct mock_agent_config, ledger), NULL,
		.help = "where events go: \"unix:/path\" or \"tcp:host:port\", by default "
			"the value of " LIFELINE_ENV
			", else stderr. The mock ends when "
			"the ledger closes"},
	{"HEALTH", FIELD_TEXT, offsetof(struct mock_agent_config, health), NULL,
		.help = "do not serve: check the health of the mock-agent at this port "
			"or URL, and exit 0 or 1"},
	{0},
};

static const char about[] =
	"A mock of Anthropic's agent API, to test agent programs against: Managed "
	"Agents (/v1/agents, /v1/environments, /v1/sessions with events, streams, "
	"interrupts and custom tools) and Messages (/v1/messages with streams and "
	"tools, count_tokens, models); and of OpenAI's: chat completions and responses "
	"(/v1/chat/completions, /v1/responses with streams, tools and "
	"previous_response_id, models). The official SDKs work with it when "
	"ANTHROPIC_BASE_URL is http://127.0.0.1:PORT, and OPENAI_BASE_URL "
	"http://127.0.0.1:PORT/v1.\n\n"
	"By default it responds at once and echoes the user's message. Its behavior "
	"can add latencies and faults, for all sessions or for chosen ones:\n\n"
	"  mock-agent --port 8089 --behavior '{\"disconnect\": {\"latency\": "
	"\"4s\"}}'\n\n"
	"The port is in --port-file and in the event agent.listening; stdout stays "
	"empty. GET and PUT /control/behavior show and change the behavior while it "
	"runs:\n\n"
	"  curl -X PUT http://127.0.0.1:8089/control/behavior \\\n"
	"      -d '{\"disconnect\": {\"fault\": \"hang\"}}'\n\n"
	"GET /control/sessions lists the sessions. POST /control/listen {\"accept\": "
	"false} refuses connections, {\"accept\": true} at the control port accepts "
	"them again. POST /control/reset {\"seed\": 7} restores the state of the start. "
	"Every change is an event agent.behavior.changed. With "
	"MOCK_AGENT_CONTROL_KEY, /control needs that key in the header X-Control-Key. "
	"GET /health is 200.\n\n"
	"HTTP/2 is spoken at the same port, without TLS, to clients that begin with its "
	"preface (prior knowledge).\n\n"
	"The number of a session is the metadata.room that it was created with; others "
	"are numbered from 1. Events are JSON lines on stderr, or in the ledger.\n\n"
	"mock-agent --stdio, with the flags of the CLI behind it, is a stand-in for the "
	"CLI that the agent SDKs start (mock-cli --help).\n\n"
	"Exit codes: 0 ended, or healthy (--health); 1 not healthy; 2 bad usage; 3 could "
	"not start.\n\n"
	"The behavior, with its defaults:\n\n";

struct mock_agent_program {
	uv_loop_t loop;
	uv_signal_t term, interrupt;
	struct log_writer *log_writer;
	uv_poll_t ledger;
	bool has_ledger;
	struct mock mock;
};

static void on_signal(uv_signal_t *signal, UNUSED int number)
{
	uv_stop(signal->loop);
}

/* The ledger sends nothing: if it is readable, it has closed. */
static void on_ledger(uv_poll_t *poll, UNUSED int status, UNUSED int events)
{
	uv_stop(poll->loop);
}

/* A reader never sees half a file: it is renamed into place. */
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

static bool watch_ledger(
	struct mock_agent_program *program, int ledger, struct err *err)
{
	int failed;

	if (ledger < 0)
		return true;
	failed = uv_poll_init(&program->loop, &program->ledger, ledger);
	if (failed)
		return err_set(err, "ledger: %s", uv_strerror(failed));
	program->has_ledger = true;
	uv_poll_start(&program->ledger, UV_READABLE | UV_DISCONNECT, on_ledger);
	return true;
}

static struct listener *listen_at(struct mock *mock, bool inetd, const char *host,
	int64_t port, unsigned connections, struct err *err)
{
	return listener_create(mock->loop,
		&(struct web_options){
			.inetd = inetd,
			.host = host,
			.port = (uint16_t)port,
			.connections = connections,
			.http2 = true,
			.idle_ns = IDLE_NS,
			.body_ceiling = BODY_CEILING,
			.memory = CONNECTION_MEMORY,
			.handle = router_handle,
			.over = router_over,
			.refusal = router_refusal,
			.closed = router_closed,
			.arg = mock,
		},
		err);
}

/* `limit`, of descriptors, bounds the connections. */
static bool begin_mock(struct mock *mock, const struct mock_agent_config *config,
	unsigned limit, struct err *err)
{
	unsigned most = limit > 2 * SPARE_DESCRIPTORS ? limit - SPARE_DESCRIPTORS
						      : SPARE_DESCRIPTORS;

	fault_schedules_init(&mock->schedules, &mock->behavior, (uint64_t)mock->seed);
	mock->sessions.loop = mock->loop;
	mock->clients.schedules = &mock->schedules;
	mock->clients.numbers = &mock->numbers;
	mock->agents = resources_create(RESOURCES_AGENTS);
	mock->environments = resources_create(RESOURCES_ENVIRONMENTS);
	mock->listener = mock->schedules.listener =
		listen_at(mock, config->inetd, config->host, config->port,
			most < CONNECTIONS_MOST ? most : CONNECTIONS_MOST, err);
	if (!mock->listener || config->control_port < 0)
		return mock->listener != NULL;
	mock->control_listener = listen_at(mock, false, config->host,
		config->control_port, CONTROL_CONNECTIONS, err);
	return mock->control_listener || err_while(err, "control port");
}

/* Breaks the open streams. The handles close in the loop's next turns. */
static void end_mock(struct mock *mock)
{
	listener_destroy(mock->listener);
	listener_destroy(mock->control_listener);
	api_sessions_clear(&mock->sessions);
	client_sessions_clear(&mock->clients);
	response_background_clear(mock);
	response_store_clear(&mock->responses);
	resources_destroy(mock->agents);
	resources_destroy(mock->environments);
	session_numbers_clear(&mock->numbers);
	fault_schedules_done(&mock->schedules);
}

static const int stop_signals[] = {SIGTERM, SIGINT, 0};

/* On failure nothing is open. */
static bool begin_loop(struct mock_agent_program *program, struct err *err)
{
	int failed = uv_loop_init(&program->loop);

	if (failed)
		return err_set(err, "event loop: %s", uv_strerror(failed));
	/* Only the first one can fail: it makes the pipe of all. */
	failed = uv_signal_init(&program->loop, &program->term);
	if (failed) {
		uv_loop_close(&program->loop);
		return err_set(err, "signals: %s", uv_strerror(failed));
	}
	uv_signal_init(&program->loop, &program->interrupt);
	uv_signal_start(&program->term, on_signal, SIGTERM);
	uv_signal_start(&program->interrupt, on_signal, SIGINT);
	signals_block_only(NULL);
	program->log_writer =
		log_writer_create(&program->loop); /* behind the listeners */
	log_gather(true);
	program->mock.loop = &program->loop;
	return true;
}

static void end_loop(struct mock_agent_program *program)
{
	signals_block_only(stop_signals);
	uv_close((uv_handle_t *)&program->term, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	log_writer_destroy(program->log_writer);
	if (program->has_ledger)
		uv_close((uv_handle_t *)&program->ledger, NULL);
	uv_run(&program->loop, UV_RUN_DEFAULT);
	uv_loop_close(&program->loop);
	log_gather(false);
}

static bool serve(struct mock_agent_program *program,
	const struct mock_agent_config *config, int ledger, struct err *err)
{
	unsigned limit = fd_limit_raise(err);
	struct mock *mock = &program->mock;
	bool ok;

	if (limit == 0 || !begin_loop(program, err))
		return false;
	ok = begin_mock(mock, config, limit, err) &&
		watch_ledger(program, ledger, err) &&
		write_port_file(mock, config->port_file, err);
	if (ok) {
		log_event("agent.listening", "port",
			LOG_INT(listener_port(mock->listener)));
		uv_run(&program->loop, UV_RUN_DEFAULT);
	}
	end_mock(mock);
	end_loop(program);
	return ok;
}

static int complain(const struct err *err, int exit_code)
{
	fprintf(stderr, "mock-agent: %s\n", err->text);
	return exit_code;
}

/* A mistake in the behavior is one of usage: it is reported before anything starts. */
static bool read_behavior(struct mock *mock, const char *given, struct err *err)
{
	agent_behavior_preset(&mock->behavior);
	return json_doc_given(
		       &mock->initial, "--behavior", given ? given : "{}", err) &&
		agent_behavior_read(
			&mock->behavior, &mock->initial, mock->initial.root, err);
}

static int run(
	struct mock_agent_program *program, const struct mock_agent_config *config)
{
	int ledger, code = EXIT_OK;
	struct err err;

	if (config->health)
		return health_probe(config->host, config->health, HEALTH_NS, &err)
			? EXIT_OK
			: complain(&err, EXIT_UNHEALTHY);
	if (!read_behavior(&program->mock, config->behavior, &err))
		return complain(&err, EXIT_USAGE);
	if (!lifeline_connect(&ledger, config->ledger,
		    &(struct lifeline_who){.role = "mock-agent"}, &err))
		return complain(&err, EXIT_NO_START);
	if (!serve(program, config, ledger, &err))
		code = complain(&err, EXIT_NO_START);
	lifeline_exit(code);
	return code;
}

/* The stand-in CLI is a program of its own: as many run as there are sessions, and they
 * need nothing of a server. */
static int become_cli(char **argv)
{
	char path[PATH_MAX] = {0};
	SCOPED(mem_free) char *program = NULL;

	if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
		path[0] = '\0';
	program = mem_textf("%s/mock-cli", dirname(path));
	execv(program, argv);
	fprintf(stderr, "mock-agent: --stdio: %s: %s\n", program, strerror(errno));
	return EXIT_NO_START;
}

int main(int argc, char **argv)
{
	SCOPED(buf_done) struct buf help = {0};
	struct mock_agent_config config = {0};
	struct mock_agent_program program = {0};
	struct mock *mock = &program.mock;
	struct err err;
	int code;

	standard_files_open(EXIT_NO_START);
	if (argc > 1 && strcmp(argv[1], "--stdio") == 0)
		return become_cli(argv + 1);
	signals_block_only(stop_signals);
	signals_ignore_sigpipe();
	argp_program_version = "mock-agent " STOPBENCH_VERSION;
	buf_adds(&help, about);
	agent_behavior_help(&help);
	if (!settings_read(settings, "MOCK_AGENT_", &config, argc, argv,
		    buf_text(&help), &err))
		return complain(&err, EXIT_USAGE);
	mock->key = config.key;
	mock->control_key = config.control_key;
	mock->seed = config.seed;
	code = run(&program, &config);
	agent_behavior_done(&mock->behavior);
	json_doc_done(&mock->initial);
	fields_done(settings, &config);
	return code;
}
