#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/engine/cri/log.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define STAMP "2026-11-30T21:09:10.067833701Z "

/* A log file, of which the test is the runtime. */
struct scene {
	uv_loop_t loop;
	char *folder, *path;
	int fd; /* the runtime's */
	struct cri_log *log;
	struct buf lines; /* each with a bar behind it */
	int64_t ns;       /* of the last one */
	unsigned told_over;
};

static void on_line(void *arg, int64_t ns, const char *line, size_t len)
{
	struct scene *scene = arg;

	scene->ns = ns;
	buf_add(&scene->lines, line, len);
	buf_adds(&scene->lines, "|");
}

static void on_over(void *arg)
{
	((struct scene *)arg)->told_over++;
}

static void create_file(struct scene *scene)
{
	scene->fd = open(scene->path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0640);
	assert_true(scene->fd >= 0);
}

static void open_log(struct scene *scene, bool create, bool last)
{
	struct err err;

	scene->log = cri_log_open(&scene->loop,
		&(struct cri_log_spec){
			.path = scene->path,
			.create = create,
			.last = last,
			.line = on_line,
			.line_arg = scene,
			.over = on_over,
			.over_arg = scene,
		},
		&err);
	if (!scene->log)
		fail_msg("%s", err.text);
}

static void write_text(const struct scene *scene, const char *text)
{
	assert_int_equal(write(scene->fd, text, strlen(text)), strlen(text));
}

static int set_up(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->folder = temp_dir_create();
	scene->path = mem_textf("%s/0.log", scene->folder);
	scene->fd = -1;
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	cri_log_close(scene->log);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	if (scene->fd >= 0)
		close(scene->fd);
	temp_dir_remove(scene->folder);
	buf_done(&scene->lines);
	free(scene->path);
	free(scene);
	return 0;
}

static bool has(const struct scene *scene, const char *lines)
{
	return strcmp(buf_text(&scene->lines), lines) == 0;
}

static void log_joins_the_parts_of_a_line_by_stream(void **state)
{
	struct scene *scene = *state;

	open_log(scene, true, false);
	create_file(scene);
	write_text(scene, STAMP "stdout P one ");
	write_text(scene, "\n" STAMP "stderr F other\n" STAMP "stdout F line\n");
	write_text(scene, STAMP "stdout F \n" STAMP "stdout F a  b\r\nno stamp\n");
	until(&scene->loop, has(scene, "other|one line||a  b|"));
	assert_false(cri_log_is_over(scene->log));
	assert_int_equal(scene->told_over, 0);
}

/* Of what ended without a line end the runtime writes a part. */
static void log_ends_when_the_runtime_closes_it(void **state)
{
	struct scene *scene = *state;

	open_log(scene, true, false);
	create_file(scene);
	write_text(scene, STAMP "stdout F one\n" STAMP "stdout P last\n");
	close(scene->fd);
	scene->fd = -1;
	until(&scene->loop, scene->told_over == 1);
	assert_true(cri_log_is_over(scene->log));
	assert_true(has(scene, "one|last|"));
}

static void log_is_followed_when_it_is_rotated(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *old = mem_textf("%s.old", scene->path);

	open_log(scene, true, false);
	create_file(scene);
	write_text(scene, STAMP "stdout F one\n");
	assert_int_equal(rename(scene->path, old), 0);
	write_text(scene, STAMP "stdout F two\n");
	close(scene->fd);
	create_file(scene);
	write_text(scene, STAMP "stdout F three\n");
	until(&scene->loop, has(scene, "one|two|three|"));
	write_text(scene, STAMP "stdout F four\n");
	until(&scene->loop, has(scene, "one|two|three|four|"));
	assert_int_equal(scene->told_over, 0);
	close(scene->fd);
	scene->fd = -1;
	until(&scene->loop, scene->told_over == 1);
}

static void log_begins_with_its_last_line(void **state)
{
	struct scene *scene = *state;

	create_file(scene);
	for (unsigned i = 0; i < 5000; i++)
		write_text(scene, STAMP "stdout F a line of what was said before\n");
	write_text(scene, STAMP "stderr F the last\n");
	open_log(scene, false, true);
	assert_true(has(scene, "the last|"));
	write_text(scene, STAMP "stdout F new\n");
	until(&scene->loop, has(scene, "the last|new|"));
}

static void log_has_the_runtimes_stamps(void **state)
{
	struct scene *scene = *state;
	int64_t wall_ns;
	struct err err;

	assert_true(clock_parse_rfc3339(&wall_ns, "2026-11-20T01:02:03Z", &err));
	open_log(scene, true, false);
	create_file(scene);
	write_text(scene, "2026-11-20T01:02:03Z stdout F past\n");
	until(&scene->loop, has(scene, "past|"));
	/* Two readings of two clocks. */
	assert_true(llabs(scene->ns - clock_of_wall(wall_ns)) < CLOCK_S);
	/* None of a line is after now. */
	write_text(scene, "2199-01-01T00:00:00Z stdout F future\n");
	until(&scene->loop, has(scene, "past|future|"));
	assert_true(scene->ns <= clock_now());
}

static void log_says_that_it_cannot_be_read(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};

	assert_null(cri_log_open(&scene->loop,
		&(struct cri_log_spec){.path = scene->path, .last = true}, &err));
	assert_non_null(strstr(err.text, scene->path));
	assert_true(cri_log_is_over(NULL));
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(log_joins_the_parts_of_a_line_by_stream),
		SCENE(log_ends_when_the_runtime_closes_it),
		SCENE(log_is_followed_when_it_is_rotated),
		SCENE(log_begins_with_its_last_line),
		SCENE(log_has_the_runtimes_stamps),
		SCENE(log_says_that_it_cannot_be_read),
	};
#undef SCENE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
