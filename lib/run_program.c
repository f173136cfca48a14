#include "lib/run_program.h"

#include <string.h>
#include <sys/wait.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/wait.h"

#define WITHIN_NS (60 * CLOCK_S)

struct program_run {
	struct buf *out, *errors;
	bool over;
	int status;
};

static void on_stdout(void *arg, const char *data, size_t len)
{
	buf_add(((struct program_run *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	buf_add(((struct program_run *)arg)->errors, data, len);
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

bool run_program_call(uv_loop_t *loop, const struct program_call *call, struct err *err)
{
	SCOPED(buf_done) struct buf errors = {.ceiling = 64 << 10};
	struct program_run run = {.out = call->out, .errors = &errors};
	const struct child_spec spec = {
		.argv = call->argv,
		.folder = call->folder,
		.on_stdout = call->out ? on_stdout : NULL,
		.on_stderr = call->out ? on_stderr : NULL,
		.on_exit = on_exit_of,
		.arg = &run,
	};
	struct reaper *reaper = reaper_create(loop, NULL, NULL, err);
	struct child *child = reaper ? child_spawn(reaper, &spec, err) : NULL;
	const char *why;

	if (child)
		wait_until(loop, is_over, &run, clock_now() + call->within_ns,
			call->interrupted);
	child_destroy(child);
	reaper_destroy(reaper);
	if (!child || (run.over && WIFEXITED(run.status) && !WEXITSTATUS(run.status)))
		return child != NULL;
	why = errors.len > 0 ? buf_text(&errors)
		: !run.over  ? "it did not end"
		: call->out  ? "it failed and printed nothing"
			     : "it failed";
	return err_set(err, "%s: %.*s", call->argv[0], (int)strcspn(why, "\n"), why);
}

bool run_program(
	uv_loop_t *loop, const char *const *argv, struct buf *out, struct err *err)
{
	return run_program_call(loop,
		&(struct program_call){
			.argv = argv,
			.within_ns = WITHIN_NS,
			.out = out,
		},
		err);
}
