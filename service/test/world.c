#include "service/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lifeline.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "service/test/shot.h"
#include "test/support/ledger_reader.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"

#define LINE_CEILING ((size_t)128 << 10)

/* A program with its log, whose events join the ledger's. */
struct world_program {
	struct child *child;
	struct lines lines;
	bool ended;
	int status;
};

struct world {
	uv_loop_t loop;
	uv_poll_t ledger_ready;
	struct reaper *reaper;
	struct fetch *fetch;
	char *folder;
	char *store;
	char **env;
	cJSON *servers;
	char *agent_url, *service_url;
	struct world_program agent, service, other;
	struct ledger_reader *ledger;
	struct shot *shots;
};

/* ---- waiting ---- */

/* Like until_turn(), and what came so far is printed when the test fails. */
static void turn(struct world *world, int64_t deadline_ns, const char *what)
{
	if (clock_now() > deadline_ns)
		world_fail(world, "waited in vain for %s", what);
	until_turn(&world->loop, deadline_ns, what);
}

void world_wait(struct world *world, const bool *is_so, const char *what)
{
	int64_t deadline_ns = until_deadline();

	while (!*is_so)
		turn(world, deadline_ns, what);
}

void world_idle(struct world *world, int ms)
{
	until_idle(&world->loop, ms);
}

/* ---- coming and going ---- */

static void on_ledger_ready(uv_poll_t *poll, UNUSED int status, UNUSED int events)
{
	const struct world *world = poll->data;

	ledger_reader_turn(world->ledger, 0);
}

struct world *world_create(void)
{
	struct world *world = mem_zeroed(sizeof *world);
	struct err err = {0};
	char *path, *socket;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&world->loop);
	world->reaper = reaper_create(&world->loop, NULL, NULL, &err);
	world->fetch = fetch_create(&world->loop, 64, &err);
	if (!world->reaper || !world->fetch)
		fail_msg("%s", err.text);
	world->folder = temp_dir_create();
	world->store = mem_textf("%s/store.db", world->folder);
	socket = mem_textf("%s/ledger", world->folder);
	world->ledger = ledger_reader_create(socket);
	uv_poll_init(
		&world->loop, &world->ledger_ready, ledger_reader_fd(world->ledger));
	world->ledger_ready.data = world;
	uv_poll_start(&world->ledger_ready, UV_READABLE, on_ledger_ready);
	path = mem_textf("%s:%s", program_folder(), getenv("PATH"));
	world_set(world, "PATH=%s", path);
	world_set(world, "%s=unix:%s", LIFELINE_ENV, socket);
	world_set(world, "PORT=0");
	free(path);
	free(socket);
	return world;
}

static void stop_program(struct world_program *program)
{
	child_destroy(program->child);
	program->child = NULL;
	lines_done(&program->lines);
}

void world_destroy(struct world *world)
{
	stop_program(&world->service);
	stop_program(&world->agent);
	stop_program(&world->other);
	shots_free(&world->shots);
	fetch_destroy(world->fetch);
	uv_close((uv_handle_t *)&world->ledger_ready, NULL);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	reaper_destroy(world->reaper);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	ledger_reader_destroy(world->ledger);
	temp_dir_remove(world->folder);
	for (char **pair = world->env; *pair; pair++)
		free(*pair);
	free(world->env);
	cJSON_Delete(world->servers);
	free(world->agent_url);
	free(world->service_url);
	free(world->store);
	free(world);
}

void world_set(struct world *world, const char *format, ...)
{
	SCOPED(buf_done) struct buf pair = {0};
	size_t count = 0;
	va_list args;

	va_start(args, format);
	buf_addv(&pair, format, args);
	va_end(args);
	for (; world->env && world->env[count]; count++) {
		size_t len = strcspn(pair.data, "=") + 1;

		if (strncmp(world->env[count], pair.data, len) == 0) {
			free(world->env[count]);
			world->env[count] = buf_take(&pair);
			return;
		}
	}
	world->env = mem_grown(world->env, count + 2, sizeof *world->env);
	world->env[count] = buf_take(&pair);
	world->env[count + 1] = NULL;
}

void world_add_program(struct world *world, const char *name, const char *command,
	const char *arg, const char *other)
{
	SCOPED(mem_free) char *config = NULL;
	cJSON *server, *args;

	if (!world->servers) {
		world->servers = cJSON_CreateObject();
		cJSON_AddObjectToObject(world->servers, "mcpServers");
	}
	server = cJSON_AddObjectToObject(
		cJSON_GetObjectItemCaseSensitive(world->servers, "mcpServers"), name);
	cJSON_AddStringToObject(server, "command", command);
	args = cJSON_AddArrayToObject(server, "args");
	if (arg)
		cJSON_AddItemToArray(args, cJSON_CreateString(arg));
	if (other)
		cJSON_AddItemToArray(args, cJSON_CreateString(other));
	config = json_print(world->servers);
	world_set(world, "MCP_CONFIG=%s", config);
}

void world_add_server(struct world *world, const char *name, const char *behavior)
{
	SCOPED(mem_free) char *flag = mem_textf("--name=%s", name);
	SCOPED(mem_free) char *other =
		behavior ? mem_textf("--behavior=%s", behavior) : NULL;

	world_add_program(world, name, "mock-mcp", flag, other);
}

const char *world_store(struct world *world)
{
	return world->store;
}

/* ---- programs ---- */

static void on_stderr(void *arg, const char *data, size_t len)
{
	struct world_program *program = arg;

	if (len > 0)
		lines_feed(&program->lines, data, len);
	else
		lines_end(&program->lines);
}

static void on_exit_of(void *arg, int status)
{
	struct world_program *program = arg;

	program->ended = true;
	program->status = status;
}

static void start_program(struct world *world, struct world_program *program,
	const char *name, const char *const *flags)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", program_folder(), name);
	const char *argv[8] = {path};
	struct err err = {0};

	for (int i = 1; flags && *flags; i++)
		argv[i] = *flags++;
	stop_program(program);
	lines_init(&program->lines, LINE_CEILING, ledger_reader_add, world->ledger);
	program->ended = false;
	program->child = child_spawn(world->reaper,
		&(struct child_spec){
			.argv = argv,
			.env = (const char *const *)world->env,
			.on_stderr = on_stderr,
			.on_exit = on_exit_of,
			.arg = program,
		},
		&err);
	if (!program->child)
		fail_msg("%s (has it been built?)", err.text);
}

void world_start_agent(struct world *world, const char *behavior)
{
	SCOPED(mem_free) char *flag =
		behavior ? mem_textf("--behavior=%s", behavior) : NULL;
	const char *flags[] = {"--port=0", flag, NULL};
	unsigned before = world_count(world, "agent.listening");
	const cJSON *listening;

	start_program(world, &world->agent, "mock-agent", flags);
	listening = world_event(world, "agent.listening", before + 1);
	free(world->agent_url);
	world->agent_url =
		mem_textf("http://127.0.0.1:%d", (int)json_int(listening, "port", 0));
	world_set(world, "AGENT_URL=%s", world->agent_url);
}

void world_signal_agent(struct world *world, int number)
{
	assert_int_equal(kill(child_pid(world->agent.child), number), 0);
}

void world_set_agent(struct world *world, const char *url)
{
	world_set(world, "AGENT_URL=%s", url);
}

void world_start(struct world *world)
{
	unsigned before = world_count(world, "service.listening");

	start_program(world, &world->service, "service", NULL);
	free(world->service_url);
	world->service_url = mem_textf("http://127.0.0.1:%d",
		(int)json_int(world_event(world, "service.listening", before + 1),
			"port", 0));
}

pid_t world_pid(const struct world *world)
{
	return child_pid(world->service.child);
}

const char *world_url(const struct world *world)
{
	return world->service_url;
}

const char *world_agent_url(const struct world *world)
{
	return world->agent_url;
}

struct fetch *world_fetch(struct world *world)
{
	return world->fetch;
}

struct shot **world_shots(struct world *world)
{
	return &world->shots;
}

void world_fail(struct world *world, const char *format, ...)
{
	SCOPED(buf_done) struct buf text = {0};
	va_list args;

	ledger_reader_print(world->ledger);
	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	fail_msg("%s", buf_text(&text));
}

void world_signal(struct world *world, int number)
{
	assert_int_equal(kill(world_pid(world), number), 0);
}

static int end_of(struct world *world, const struct world_program *program)
{
	world_wait(world, &program->ended, "the end of a program");
	return program_code(program->status);
}

int world_exit(struct world *world)
{
	return end_of(world, &world->service);
}

int world_run_service(struct world *world, const char *flag, const char *value)
{
	const char *flags[] = {flag, value, NULL};

	start_program(world, &world->other, "service", flags);
	return end_of(world, &world->other);
}

/* ---- events ---- */

const cJSON *world_event(struct world *world, const char *name, unsigned nth)
{
	int64_t deadline_ns = until_deadline();
	const cJSON *event;

	while (!(event = ledger_reader_find(world->ledger, 0, name, nth)))
		turn(world, deadline_ns, name);
	return event;
}

int64_t world_event_ns(struct world *world, const char *name, unsigned nth)
{
	return json_int(world_event(world, name, nth), "ns", 0);
}

/* Reads what the kernel already has: after three turns of the loop without a new event
 * nothing is left there. */
static void read_events(struct world *world)
{
	for (int silent = 0; silent < 3; silent++) {
		unsigned before = ledger_reader_total(world->ledger);

		uv_run(&world->loop, UV_RUN_NOWAIT);
		if (ledger_reader_total(world->ledger) != before)
			silent = 0;
	}
}

unsigned world_count_with(
	struct world *world, const char *name, const char *key, const char *value)
{
	read_events(world);
	return ledger_reader_count(world->ledger, name, key, value);
}

unsigned world_count(struct world *world, const char *name)
{
	return world_count_with(world, name, NULL, NULL);
}

void world_expect_disconnected(struct world *world, unsigned count)
{
	world_event(world, "agent.disconnect.done", count);
	assert_int_equal(world_count(world, "agent.disconnect.done"), count);
}

void world_expect_silence_about(struct world *world, const char *text)
{
	const char *line;

	read_events(world);
	line = ledger_reader_line(world->ledger, text, 1);
	if (line)
		fail_msg("\"%s\" is in %s", text, line);
}

void world_forget_events(struct world *world)
{
	ledger_reader_clear(world->ledger);
}
