#include "harness/engine/docker/tool.h"

#include <string.h>
#include <sys/wait.h>

#include "harness/engine/wait.h"
#include "lib/child.h"
#include "lib/clock.h"

#define WITHIN_NS (60 * CLOCK_S)

struct tool {
	struct buf *out;
	struct buf complaint;
	bool over;
	int status;
};

static void on_stdout(void *arg, const char *data, size_t len)
{
	buf_add(((struct tool *)arg)->out, data, len);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	buf_add(&((struct tool *)arg)->complaint, data, len);
}

static void on_exit_of(void *arg, int status)
{
	struct tool *tool = arg;

	tool->over = true;
	tool->status = status;
}

static bool is_over(const void *arg)
{
	return ((const struct tool *)arg)->over;
}

static bool run(struct family *family, struct tool *tool, const char *const *argv,
	struct err *err)
{
	struct child *child = child_spawn(family,
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
	wait_until(family_loop(family), is_over, tool, clock_now() + WITHIN_NS, NULL);
	child_destroy(child);
	if (tool->over && WIFEXITED(tool->status) && WEXITSTATUS(tool->status) == 0)
		return true;
	said = buf_text(&tool->complaint);
	return err_set(err, "%s: %.*s", argv[0], (int)strcspn(said, "\n"),
		said[0]              ? said
			: tool->over ? "it failed without a word"
				     : "it did not come to an end");
}

bool tool_run(
	uv_loop_t *loop, const char *const *argv, struct buf *out, struct err *err)
{
	struct family *family = family_create(loop, NULL, NULL, err);
	struct tool tool = {.out = out};
	bool ok;

	if (!family)
		return false;
	buf_init(&tool.complaint, 64 << 10);
	ok = run(family, &tool, argv, err);
	buf_done(&tool.complaint);
	family_destroy(family);
	return ok;
}
