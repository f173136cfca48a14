#include "harness/engine/test/engine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/wait.h"
#include "test/support/program.h"

#define ARGUMENTS_MAX 16

/* As a run locks its folder: another run that cleans up leaves this one alone. */
static void lock_folder(struct engine_fixture *fixture)
{
	const char *temporary = getenv("TMPDIR");
	SCOPED(mem_free) char *lock = NULL;
	uint32_t number = 0;

	assert_int_equal(getrandom(&number, sizeof number, 0), sizeof number);
	fixture->run_id = mem_textf("%08x", number);
	fixture->folder = mem_textf("%s/stopbench-%s",
		temporary && temporary[0] ? temporary : "/tmp", fixture->run_id);
	lock = mem_textf("%s/lock", fixture->folder);
	assert_int_equal(mkdir(fixture->folder, 0700), 0);
	fixture->case_folder = mem_textf("%s/case", fixture->folder);
	assert_int_equal(mkdir(fixture->case_folder, 0755), 0);
	fixture->lock = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fixture->lock >= 0);
	assert_int_equal(flock(fixture->lock, LOCK_EX | LOCK_NB), 0);
}

/* One link has our process id in its name, which makes the image of them ours alone: it
 * may be removed. */
static void make_folder(struct engine_fixture *fixture)
{
	SCOPED(mem_free) char *own = mem_textf("subjects/of-%d", (int)getpid());
	const char *const programs[] = {"bin/service", "bin/mock-agent", "bin/mock-mcp",
		"bin/mock-mcp-http", "bin/mock-cli", "subjects/puppet", own};
	SCOPED(mem_free) char *puppet = program_path("puppet");
	SCOPED(mem_free) char *subjects = NULL;

	lock_folder(fixture);
	fixture->programs = mem_textf("%s/bin", fixture->folder);
	subjects = mem_textf("%s/subjects", fixture->folder);
	assert_int_equal(mkdir(fixture->programs, 0755), 0);
	assert_int_equal(mkdir(subjects, 0755), 0);
	for (size_t i = 0; i < COUNT(programs); i++) {
		SCOPED(mem_free) char *link =
			mem_textf("%s/%s", fixture->folder, programs[i]);

		assert_int_equal(symlink(puppet, link), 0);
	}
}

struct engine_fixture *engine_fixture_open(const char *engine, struct err *err)
{
	struct engine_fixture *fixture = mem_zeroed(sizeof *fixture);

	uv_loop_init(&fixture->loop);
	buf_init(&fixture->log, 64 << 20);
	make_folder(fixture);
	fixture->engine = engine_create(&fixture->loop, engine,
		&(struct engine_options){
			.run_id = fixture->run_id,
			.programs = fixture->programs,
			.interrupted = &fixture->interrupted,
		},
		err);
	if (fixture->engine && engine_prepare(fixture->engine, NULL, err))
		return fixture;
	engine_fixture_close(fixture);
	return NULL;
}

void engine_fixture_close(struct engine_fixture *fixture)
{
	if (!fixture)
		return;
	subject_down(fixture->subject);
	engine_destroy(fixture->engine);
	uv_run(&fixture->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	fs_remove_tree(fixture->folder);
	close(fixture->lock);
	free(fixture->run_id);
	free(fixture->folder);
	free(fixture->case_folder);
	free(fixture->programs);
	buf_done(&fixture->log);
	free(fixture);
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct engine_fixture *fixture = arg;

	assert_true(ns > 0 && ns <= clock_now());
	buf_add(&fixture->log, line, len);
	buf_adds(&fixture->log, "\n");
	fixture->lines++;
}

struct subject *engine_fixture_try(struct engine_fixture *fixture,
	const struct engine_fixture_spec *spec, const char *const *argv,
	struct err *err)
{
	static const char *const nothing[] = {NULL};

	return engine_up(fixture->engine,
		&(struct subject_spec){
			.name = spec->name ? spec->name : "service",
			.image = spec->image,
			.command = argv,
			.env = spec->env ? spec->env : nothing,
			.run_folder = spec->run_folder ? spec->run_folder
						       : fixture->case_folder,
			.network = spec->network,
			.entrypoint = spec->entrypoint,
			.container = spec->container,
			.grace_ns = spec->grace_ns ? spec->grace_ns : 10 * CLOCK_S,
			.init = spec->init,
			.log = on_log,
			.arg = fixture,
		},
		err);
}

void engine_fixture_up(
	struct engine_fixture *fixture, const struct engine_fixture_spec *spec, ...)
{
	const char *argv[ARGUMENTS_MAX] = {"puppet"};
	struct err err = {0};
	va_list args;

	va_start(args, spec);
	for (unsigned i = 1; i < ARGUMENTS_MAX - 1; i++) {
		argv[i] = va_arg(args, const char *);
		if (!argv[i])
			break;
	}
	va_end(args);
	fixture->subject = engine_fixture_try(fixture, spec, argv, &err);
	if (!fixture->subject)
		fail_msg("%s", err.text);
}

struct wanted {
	const struct engine_fixture *fixture;
	const char *line;
};

bool engine_fixture_has_line(const struct engine_fixture *fixture, const char *line)
{
	const char *at = buf_text(&fixture->log);
	size_t len = strlen(line);

	while (*at) {
		const char *end = strchr(at, '\n');

		if ((size_t)(end - at) == len && memcmp(at, line, len) == 0)
			return true;
		at = end + 1;
	}
	return false;
}

static bool has_line(const void *arg)
{
	const struct wanted *wanted = arg;

	return engine_fixture_has_line(wanted->fixture, wanted->line);
}

void engine_fixture_await_line(struct engine_fixture *fixture, const char *line)
{
	const struct wanted wanted = {fixture, line};

	if (wait_until(&fixture->loop, has_line, &wanted,
		    clock_now() + ENGINE_FIXTURE_PATIENCE_NS, NULL) != WAIT_SO)
		fail_msg("no line \"%s\" in:\n%s", line, buf_text(&fixture->log));
}

static bool is_over(const void *arg)
{
	return !((const struct engine_fixture *)arg)->subject->running;
}

void engine_fixture_await_end(struct engine_fixture *fixture)
{
	assert_int_equal(wait_until(&fixture->loop, is_over, fixture,
				 clock_now() + ENGINE_FIXTURE_PATIENCE_NS, NULL),
		WAIT_SO);
}

static bool is_stopped(const void *arg)
{
	return ((const struct engine_fixture *)arg)->subject->stopped;
}

const struct stop_facts *engine_fixture_settle(struct engine_fixture *fixture)
{
	struct err err = {0};

	assert_int_equal(wait_until(&fixture->loop, is_stopped, fixture,
				 clock_now() + ENGINE_FIXTURE_PATIENCE_NS, NULL),
		WAIT_SO);
	if (!subject_inspect(fixture->subject, &err))
		fail_msg("inspect: %s", err.text);
	return &fixture->subject->facts;
}

const struct stop_facts *engine_fixture_stop(struct engine_fixture *fixture)
{
	struct err err = {0};

	if (!subject_stop(fixture->subject, &err))
		fail_msg("stop: %s", err.text);
	return engine_fixture_settle(fixture);
}

int engine_fixture_listen(const struct engine_fixture *fixture, char *path, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, size, "%s/ledger", fixture->case_folder);
	snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
	assert_true(fd >= 0);
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(chmod(path, 0666), 0);
	return fd;
}
