#include "mock-mcp/stdio/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/stdout_lines.h"
#include "mock-mcp/rpc/jsonrpc.h"

#define UNREAD_MAX  ((size_t)4 << 20)
#define FLOOD_LINES 64
#define FILL_SIZE   ((size_t)2 << 20) /* more than the largest pipe, of 1 MiB */
#define FILL_LINE   4096

enum partial_state {
	PARTIAL_NONE,
	PARTIAL_NEXT, /* half of the next line will be written */
	PARTIAL_HELD, /* half of a line is written; what follows is held */
};

struct output {
	const struct mcp_behavior *behavior;
	const char *name;
	output_clear_fn *clear;
	void *arg;
	struct stdout_lines *out;
	struct stdout_lines *err; /* NULL: nothing is written to stderr */
	bool awaited;             /* clear() */
	bool ended;
	bool flooding;
	bool shutting; /* stdout is closed when its lines are written */
	enum partial_state partial;
	struct buf held;
	struct loop_timer *rest; /* until what is held is written */
	unsigned garbage, notifications, errors;
};

/* Writes a notification of at least that size. Gives its size. */
static size_t notify(struct output *output, int size)
{
	SCOPED(mem_free) char *text = mem_textf("%-*u", size, ++output->notifications);
	SCOPED(mem_free) char *line = jsonrpc_notification("notifications/message",
		json_fill(NULL, "{'level': 'info', 'logger': %s, 'data': %s}",
			output->name, text));

	stdout_lines_line(output->out, line);
	return strlen(line) + 1;
}

static void shut(struct output *output)
{
	output->shutting = output->out->queue.len > 0;
	if (output->shutting)
		stdout_lines_await_clear(output->out);
	else
		stdout_lines_shut(output->out);
}

static void on_stdout_clear(void *arg)
{
	struct output *output = arg;
	bool awaited = output->awaited;

	if (output->shutting && !output->ended)
		shut(output);
	output->awaited = false;
	if (awaited)
		output->clear(output->arg);
	if (!output->flooding || output->ended || output->out->gone)
		return;
	for (unsigned i = 0; i < FLOOD_LINES; i++)
		notify(output, 1);
	stdout_lines_await_clear(output->out);
}

static void on_stderr_clear(void *arg)
{
	struct output *output = arg;

	if (output->ended || output->err->gone)
		return;
	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		SCOPED(mem_free) char *line = mem_textf(
			"%s: debug: still here, %u", output->name, ++output->errors);

		stdout_lines_line(output->err, line);
	}
	stdout_lines_await_clear(output->err);
}

static void on_rest(void *arg)
{
	struct output *output = arg;

	output->partial = PARTIAL_NONE;
	if (!output->ended)
		stdout_lines_add(output->out, output->held.data, output->held.len);
	buf_clear(&output->held);
}

struct output *output_create(uv_loop_t *loop, const struct mcp_behavior *behavior,
	const char *name, output_clear_fn *clear, void *arg, struct err *err)
{
	struct output *output = mem_zeroed(sizeof *output);
	bool ok;

	output->behavior = behavior;
	output->name = name;
	output->clear = clear;
	output->arg = arg;
	buf_init(&output->held, STDOUT_LINES_MAX);
	output->rest = loop_timer_create(loop, on_rest, output);
	output->out = stdout_lines_create(loop, STDOUT_FILENO,
		behavior->stdout_mode == MCP_STDOUT_FILL, on_stdout_clear, output, err);
	ok = output->out != NULL;
	if (ok && behavior->stderr_mode == MCP_STDERR_FLOOD) {
		output->err = stdout_lines_create(
			loop, STDERR_FILENO, false, on_stderr_clear, output, err);
		ok = output->err != NULL;
	}
	if (!ok) {
		output_destroy(output);
		return NULL;
	}
	return output;
}

/* Lines that programs print on a stdout that is a protocol's. */
static void add_garbage(struct output *output)
{
	static const char *const lines[] = {
		"Server running on stdio",
		"\033[33mwarning\033[0m: deprecated option",
		"{\"jsonrpc\": \"2.0\", \"id\": 1, \"resu",
		"Traceback (most recent call last):",
		"\xff\xfe\x80 no UTF-8",
		"",
	};

	stdout_lines_line(output->out, lines[output->garbage++ % COUNT(lines)]);
}

static void hold(struct output *output, const char *text)
{
	if (output->behavior->rest_after_ns > 0 && buf_adds(&output->held, text))
		(void)buf_add(&output->held, "\n", 1);
}

static void write_half(struct output *output, const char *line)
{
	size_t half = strlen(line) / 2;
	int64_t rest_after_ns = output->behavior->rest_after_ns;

	output->partial = PARTIAL_HELD;
	stdout_lines_add(output->out, line, half);
	hold(output, line + half);
	if (rest_after_ns > 0)
		loop_timer_set(output->rest, rest_after_ns);
}

static void await_clear(struct output *output)
{
	output->awaited = true;
	stdout_lines_await_clear(output->out);
}

bool output_line(struct output *output, const char *line)
{
	if (output->ended)
		return false;
	if (output->behavior->stdout_mode == MCP_STDOUT_GARBAGE)
		add_garbage(output);
	if (output->partial == PARTIAL_NONE)
		stdout_lines_line(output->out, line);
	else if (output->partial == PARTIAL_NEXT)
		write_half(output, line);
	else
		hold(output, line);
	if (output->out->queue.len <= UNREAD_MAX)
		return false;
	await_clear(output);
	return true;
}

void output_listed(struct output *output)
{
	int mode = output->behavior->stdout_mode;

	if (output->err && !output->err->blocking)
		stdout_lines_await_clear(output->err);
	output->flooding = mode == MCP_STDOUT_FLOOD && !output->out->blocking;
	if (output->flooding)
		stdout_lines_await_clear(output->out);
	else if (mode == MCP_STDOUT_PARTIAL)
		output->partial = PARTIAL_NEXT;
	else if (mode == MCP_STDOUT_CLOSE)
		shut(output);
	output_fill(output);
}

void output_fill(struct output *output)
{
	size_t size = 0;

	if (output->behavior->stdout_mode == MCP_STDOUT_FILL)
		while (size < FILL_SIZE)
			size += notify(output, FILL_LINE);
}

bool output_end(struct output *output)
{
	output->ended = true;
	if (output->out->queue.len == 0)
		return false;
	await_clear(output);
	return true;
}

void output_destroy(struct output *output)
{
	if (!output)
		return;
	stdout_lines_destroy(output->out);
	stdout_lines_destroy(output->err);
	loop_timer_destroy(output->rest);
	buf_done(&output->held);
	free(output);
}
