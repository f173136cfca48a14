#include "lib/run_program.h"

#include <string.h>
#include <sys/wait.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/wait.h"

#define WITHIN_NS (60 * CLOCK_S)

struct program_run {
	struct buf *out;
	struct buf complaint;
	bool over;
	int status;
};

static void on_stdout(void *arg, const char *data, size_t len)
{
	buf_add(((struct program_run *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	buf_add(&((struct program_run *)arg)->complaint, data, len);
}

static void on_exit_of(void *arg, int status)
{
	struct program_run *tool = arg;

	tool->over = true;
	tool->status = status;
}

static bool is_over(const void *arg)
{
	return ((const struct program_run *)arg)->over;
}

static bool run(struct reaper *reaper, struct program_run *tool,
	const char *const *argv, struct err *err)
{
	struct child *child = child_spawn(reaper,
		&(struct child_spec){
			.argv = argv,
			.on_stdout = on_stdout,
			.on_stderr = on_stderr,
			.on_exit = on_exit_of,
			.arg = tool,
		},
		err);
	const char *said;

	if (!child)
		return false;
	wait_until(reaper_loop(reaper), is_over, tool, clock_now() + WITHIN_NS, NULL);
	child_destroy(child);
	if (tool->over && WIFEXITED(tool->status) && WEXITSTATUS(tool->status) == 0)
		return true;
	said = buf_text(&tool->complaint);
	return err_set(err, "%s: %.*s", argv[0], (int)strcspn(said, "\n"),
		said[0]              ? said
			: tool->over ? "it failed without a word"
				     : "it did not come to an end");
}

bool run_program(
	uv_loop_t *loop, const char *const *argv, struct buf *out, struct err *err)
{
	struct reaper *reaper = reaper_create(loop, NULL, NULL, err);
	struct program_run tool = {.out = out};
	bool ok;

	if (!reaper)
		return false;
	buf_init(&tool.complaint, 64 << 10);
	ok = run(reaper, &tool, argv, err);
	buf_done(&tool.complaint);
	reaper_destroy(reaper);
	return ok;
}
