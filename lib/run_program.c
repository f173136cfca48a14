#include "lib/run_program.h"

#include <string.h>
#include <sys/wait.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/wait.h"

#define WITHIN_NS (60 * CLOCK_S)

struct program_run {
	struct buf *out;
	struct buf stderr_text;
	bool over;
	int status;
};

static void on_stdout(void *arg, const char *data, size_t len)
{
	buf_add(((struct program_run *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	buf_add(&((struct program_run *)arg)->stderr_text, data, len);
}

static void on_exit_of(void *arg, int status)
{
	struct program_run *run = arg;

	run->over = true;
	run->status = status;
}

static bool is_over(const void *arg)
{
	return ((const struct program_run *)arg)->over;
}

static bool run_with(struct reaper *reaper, struct program_run *run,
	const char *const *argv, struct err *err)
{
	struct child *child = child_spawn(reaper,
		&(struct child_spec){
			.argv = argv,
			.on_stdout = on_stdout,
			.on_stderr = on_stderr,
			.on_exit = on_exit_of,
			.arg = run,
		},
		err);
	const char *why;

	if (!child)
		return false;
	wait_until(reaper_loop(reaper), is_over, run, clock_now() + WITHIN_NS, NULL);
	child_destroy(child);
	if (run->over && WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0)
		return true;
	why = buf_text(&run->stderr_text);
	return err_set(err, "%s: %.*s", argv[0], (int)strcspn(why, "\n"),
		why[0]              ? why
			: run->over ? "it failed and printed nothing"
				    : "it did not end");
}

bool run_program(
	uv_loop_t *loop, const char *const *argv, struct buf *out, struct err *err)
{
	struct reaper *reaper = reaper_create(loop, NULL, NULL, err);
	struct program_run run = {.out = out};
	bool ok;

	if (!reaper)
		return false;
	buf_init(&run.stderr_text, 64 << 10);
	ok = run_with(reaper, &run, argv, err);
	buf_done(&run.stderr_text);
	reaper_destroy(reaper);
	return ok;
}
