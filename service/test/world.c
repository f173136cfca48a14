#include "service/test/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lifeline.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "service/test/journal.h"
#include "service/test/ledger.h"
#include "service/test/shot.h"

#define LINE_CEILING ((size_t)128 << 10)

struct program {
	struct child *child;
	struct lines lines;
	bool ended;
	int status;
};

struct world {
	uv_loop_t loop;
	uv_timer_t patience;
	bool impatient;
	struct reaper *reaper;
	struct fetch *fetch;
	char *programs; /* where the binaries are */
	char folder[32];
	char *store;
	char **env;
	cJSON *servers;
	char *agent_url, *service_url;
	struct program agent, service, other;
	struct test_ledger *ledger;
	struct journal journal;
	struct shot *shots;
};

/* ---- waiting ---- */

static void on_patience(uv_timer_t *timer)
{
	struct world *world = timer->data;

	world->impatient = true;
}

/* One turn of the loop; fails the test when waiting has lasted too long. */
static void turn(struct world *world, const char *what)
{
	if (world->impatient) {
		journal_tell(&world->journal);
		fail_msg("waited %d s for %s", WORLD_PATIENCE_S, what);
	}
	uv_run(&world->loop, UV_RUN_ONCE);
}

static void be_patient(struct world *world)
{
	world->impatient = false;
	uv_timer_start(&world->patience, on_patience, WORLD_PATIENCE_S * 1000, 0);
}

void world_wait(struct world *world, const bool *is_so, const char *what)
{
	be_patient(world);
	while (!*is_so)
		turn(world, what);
}

void world_idle(struct world *world, int ms)
{
	int64_t until_ns = clock_now() + ms * CLOCK_MS;

	uv_timer_start(&world->patience, on_patience, 1, 1);
	while (clock_now() < until_ns)
		uv_run(&world->loop, UV_RUN_ONCE);
	uv_timer_stop(&world->patience);
}

/* ---- coming and going ---- */

/* This test is build*\/service/test/NAME, the programs are build*\/bin. */
static char *find_programs(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

	assert_true(len > 0);
	path[len] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(path, '/') = '\0';
	return mem_textf("%s/bin", path);
}

struct world *world_create(void)
{
	struct world *world = mem_zeroed(sizeof *world);
	struct err err = {0};
	char *path, *socket;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&world->loop);
	uv_timer_init(&world->loop, &world->patience);
	world->patience.data = world;
	world->reaper = reaper_create(&world->loop, NULL, NULL, &err);
	world->fetch = fetch_create(&world->loop, 64, &err);
	if (!world->reaper || !world->fetch)
		fail_msg("%s", err.text);
	world->programs = find_programs();
	strcpy(world->folder, "/tmp/test-service-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	world->store = mem_textf("%s/store.db", world->folder);
	socket = mem_textf("%s/ledger", world->folder);
	world->ledger = ledger_create(&world->loop, socket, &world->journal);
	path = mem_textf("%s:%s", world->programs, getenv("PATH"));
	world_set(world, "PATH=%s", path);
	world_set(world, "%s=unix:%s", LIFELINE_ENV, socket);
	world_set(world, "PORT=0");
	free(path);
	free(socket);
	return world;
}

static void stop_program(struct program *program)
{
	child_destroy(program->child);
	program->child = NULL;
	lines_done(&program->lines);
}

static void remove_files(const struct world *world)
{
	static const char *const files[] = {
		"store.db", "store.db-wal", "store.db-shm", "ledger"};

	for (size_t i = 0; i < COUNT(files); i++) {
		SCOPED(mem_free) char *path =
			mem_textf("%s/%s", world->folder, files[i]);

		unlink(path);
	}
	rmdir(world->folder);
}

void world_destroy(struct world *world)
{
	stop_program(&world->service);
	stop_program(&world->agent);
	stop_program(&world->other);
	shots_free(&world->shots);
	fetch_destroy(world->fetch);
	ledger_destroy(world->ledger);
	uv_close((uv_handle_t *)&world->patience, NULL);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	reaper_destroy(world->reaper);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	journal_clear(&world->journal);
	remove_files(world);
	for (char **pair = world->env; *pair; pair++)
		free(*pair);
	free(world->env);
	cJSON_Delete(world->servers);
	free(world->agent_url);
	free(world->service_url);
	free(world->programs);
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
	struct program *program = arg;

	if (len > 0)
		lines_feed(&program->lines, data, len);
	else
		lines_end(&program->lines);
}

static void on_exit_of(void *arg, int status)
{
	struct program *program = arg;

	program->ended = true;
	program->status = status;
}

static void start_program(struct world *world, struct program *program,
	const char *name, const char *const *flags)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", world->programs, name);
	const char *argv[8] = {path};
	struct err err = {0};

	for (int i = 1; flags && *flags; i++)
		argv[i] = *flags++;
	stop_program(program);
	lines_init(&program->lines, LINE_CEILING, journal_add, &world->journal);
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

	journal_tell(&world->journal);
	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	fail_msg("%s", buf_text(&text));
}

void world_signal(struct world *world, int number)
{
	assert_int_equal(kill(world_pid(world), number), 0);
}

static int end_of(struct world *world, const struct program *program)
{
	world_wait(world, &program->ended, "the end of a program");
	return WIFSIGNALED(program->status) ? 128 + WTERMSIG(program->status)
					    : WEXITSTATUS(program->status);
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
	const cJSON *event;

	be_patient(world);
	while (!(event = journal_find(&world->journal, name, nth)))
		turn(world, name);
	return event;
}

int64_t world_event_ns(struct world *world, const char *name, unsigned nth)
{
	return json_int(world_event(world, name, nth), "ns", 0);
}

/* What was told before now is in the kernel: some turns of the loop without anything
 * new mean that nothing is left there. */
static void hear(struct world *world)
{
	for (int silent = 0; silent < 3; silent++) {
		unsigned before = world->journal.count;

		uv_run(&world->loop, UV_RUN_NOWAIT);
		if (world->journal.count != before)
			silent = 0;
	}
}

unsigned world_count_with(
	struct world *world, const char *name, const char *key, const char *value)
{
	hear(world);
	return journal_count(&world->journal, name, key, value);
}

unsigned world_count(struct world *world, const char *name)
{
	return world_count_with(world, name, NULL, NULL);
}

void world_expect_silence_about(struct world *world, const char *text)
{
	const char *line;

	hear(world);
	line = journal_mentions(&world->journal, text);
	if (line)
		fail_msg("\"%s\" is told in %s", text, line);
}

void world_forget_events(struct world *world)
{
	journal_clear(&world->journal);
}
