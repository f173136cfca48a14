#include "harness/engine/test/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/engine/wait.h"
#include "lib/cc.h"
#include "lib/mem.h"

#define ARGUMENTS_MAX 16

/* The puppet is beside the test. */
static char *puppet_path(void)
{
	char path[PATH_MAX] = {0};

	assert_true(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
	return mem_textf("%s/puppet", dirname(path));
}

/* As a run does it: whoever cleans up meanwhile sees that this one is not over. */
static void lock_folder(struct stage *stage)
{
	const char *temporary = getenv("TMPDIR");
	SCOPED(mem_free) char *lock = NULL;
	uint32_t number = 0;

	assert_int_equal(getrandom(&number, sizeof number, 0), sizeof number);
	stage->run_id = mem_textf("%08x", number);
	stage->folder = mem_textf("%s/stopbench-%s",
		temporary && temporary[0] ? temporary : "/tmp", stage->run_id);
	lock = mem_textf("%s/lock", stage->folder);
	assert_int_equal(mkdir(stage->folder, 0755), 0);
	stage->lock = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(stage->lock >= 0);
	assert_int_equal(flock(stage->lock, LOCK_EX | LOCK_NB), 0);
}

/* One has our process id in its name: so an image of them is nobody else's, and may be
 * removed. */
static void make_folder(struct stage *stage)
{
	SCOPED(mem_free) char *own = mem_textf("subjects/of-%d", (int)getpid());
	const char *const programs[] = {"bin/service", "bin/mock-agent", "bin/mock-mcp",
		"subjects/puppet", own};
	SCOPED(mem_free) char *puppet = puppet_path();
	SCOPED(mem_free) char *subjects = NULL;

	lock_folder(stage);
	stage->programs = mem_textf("%s/bin", stage->folder);
	subjects = mem_textf("%s/subjects", stage->folder);
	assert_int_equal(mkdir(stage->programs, 0755), 0);
	assert_int_equal(mkdir(subjects, 0755), 0);
	for (size_t i = 0; i < COUNT(programs); i++) {
		SCOPED(mem_free) char *link =
			mem_textf("%s/%s", stage->folder, programs[i]);

		assert_int_equal(symlink(puppet, link), 0);
	}
}

struct stage *stage_open(const char *engine, struct err *err)
{
	struct stage *stage = mem_zeroed(sizeof *stage);

	uv_loop_init(&stage->loop);
	buf_init(&stage->log, 64 << 20);
	make_folder(stage);
	stage->engine = engine_create(&stage->loop, engine,
		&(struct engine_options){
			.run_id = stage->run_id,
			.programs = stage->programs,
			.interrupted = &stage->interrupted,
		},
		err);
	if (stage->engine && engine_prepare(stage->engine, NULL, err))
		return stage;
	stage_close(stage);
	return NULL;
}

static int remove_one(
	const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	(void)stat;
	(void)type;
	(void)walk;
	return remove(path);
}

void stage_close(struct stage *stage)
{
	if (!stage)
		return;
	subject_down(stage->subject);
	engine_destroy(stage->engine);
	uv_run(&stage->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&stage->loop), 0);
	nftw(stage->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	close(stage->lock);
	free(stage->run_id);
	free(stage->folder);
	free(stage->programs);
	buf_done(&stage->log);
	free(stage);
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct stage *stage = arg;

	assert_true(ns > 0 && ns <= clock_now());
	buf_add(&stage->log, line, len);
	buf_adds(&stage->log, "\n");
	stage->lines++;
}

struct subject *stage_try(struct stage *stage, const struct stage_unit *given,
	const char *const *argv, struct err *err)
{
	static const char *const nothing[] = {NULL};

	return engine_up(stage->engine,
		&(struct unit){
			.name = given->name ? given->name : "service",
			.image = given->image,
			.argv = argv,
			.env = given->env ? given->env : nothing,
			.run_folder = stage->folder,
			.network = given->network,
			.stop_signal = "SIGTERM",
			.grace_ns = given->grace_ns ? given->grace_ns : 10 * CLOCK_S,
			.init = given->init,
			.log = on_log,
			.arg = stage,
		},
		err);
}

void stage_up(struct stage *stage, const struct stage_unit *given, ...)
{
	const char *argv[ARGUMENTS_MAX] = {"puppet"};
	struct err err = {0};
	va_list args;

	va_start(args, given);
	for (unsigned i = 1; i < ARGUMENTS_MAX - 1; i++) {
		argv[i] = va_arg(args, const char *);
		if (!argv[i])
			break;
	}
	va_end(args);
	stage->subject = stage_try(stage, given, argv, &err);
	if (!stage->subject)
		fail_msg("%s", err.text);
}

struct wanted {
	const struct stage *stage;
	const char *line;
};

bool stage_has_line(const struct stage *stage, const char *line)
{
	const char *at = buf_text(&stage->log);
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

	return stage_has_line(wanted->stage, wanted->line);
}

void stage_await_line(struct stage *stage, const char *line)
{
	const struct wanted wanted = {stage, line};

	if (wait_until(&stage->loop, has_line, &wanted, clock_now() + STAGE_PATIENCE_NS,
		    NULL) != WAIT_SO)
		fail_msg("no line \"%s\" in:\n%s", line, buf_text(&stage->log));
}

static bool is_over(const void *arg)
{
	return !subject_running(((const struct stage *)arg)->subject);
}

void stage_await_end(struct stage *stage)
{
	assert_int_equal(wait_until(&stage->loop, is_over, stage,
				 clock_now() + STAGE_PATIENCE_NS, NULL),
		WAIT_SO);
}

static bool is_stopped(const void *arg)
{
	return subject_stopped(((const struct stage *)arg)->subject);
}

const struct stop_facts *stage_settle(struct stage *stage)
{
	struct err err = {0};

	assert_int_equal(wait_until(&stage->loop, is_stopped, stage,
				 clock_now() + STAGE_PATIENCE_NS, NULL),
		WAIT_SO);
	if (!subject_inspect(stage->subject, &err))
		fail_msg("inspect: %s", err.text);
	return subject_facts(stage->subject);
}

const struct stop_facts *stage_stop(struct stage *stage)
{
	struct err err = {0};

	if (!subject_stop(stage->subject, &err))
		fail_msg("stop: %s", err.text);
	return stage_settle(stage);
}
