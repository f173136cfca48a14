#include "mock-mcp/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-mcp/jsonrpc.h"
#include "mock-mcp/stdout_lines.h"

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
	uv_timer_t rest; /* until what is held is written */
	unsigned garbage, notifications, errors;
};

static char *notification(struct output *output, int size)
{
	cJSON *params = cJSON_CreateObject();
	SCOPED(mem_free) char *text = mem_textf("%-*u", size, ++output->notifications);

	cJSON_AddStringToObject(params, "level", "info");
	cJSON_AddStringToObject(params, "logger", output->name);
	cJSON_AddStringToObject(params, "data", text);
	return jsonrpc_notification("notifications/message", params);
}

/* Writes a notification of at least that size. Gives its size. */
static size_t notify(struct output *output, int size)
{
	SCOPED(mem_free) char *line = notification(output, size);

	stdout_lines_line(output->out, line);
	return strlen(line) + 1;
}

static void shut(struct output *output)
{
	output->shutting = stdout_lines_waiting(output->out) > 0;
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
	if (!output->flooding || output->ended || stdout_lines_is_gone(output->out))
		return;
	for (unsigned i = 0; i < FLOOD_LINES; i++)
		notify(output, 1);
	stdout_lines_await_clear(output->out);
}

static void on_stderr_clear(void *arg)
{
	struct output *output = arg;

	if (output->ended || stdout_lines_is_gone(output->err))
		return;
	for (unsigned i = 0; i < FLOOD_LINES; i++) {
		SCOPED(mem_free) char *line = mem_textf(
			"%s: debug: still here, %u", output->name, ++output->errors);

		stdout_lines_line(output->err, line);
	}
	stdout_lines_await_clear(output->err);
}

static void begin_flood(struct stdout_lines *lines)
{
	if (stdout_lines_waits_in_loop(lines))
		stdout_lines_await_clear(lines);
}

static void on_closed(uv_handle_t *handle)
{
	struct output *output = handle->data;

	buf_done(&output->held);
	free(output);
}

struct output *output_create(uv_loop_t *loop, const struct mcp_behavior *behavior,
	const char *name, output_clear_fn *clear, void *arg, struct err *err)
{
	struct output *output = mem_zeroed(sizeof *output);
	bool blocking = behavior->stdout_mode == MCP_STDOUT_FILL;
	bool ok;

	output->behavior = behavior;
	output->name = name;
	output->clear = clear;
	output->arg = arg;
	buf_init(&output->held, STDOUT_LINES_MAX);
	uv_timer_init(loop, &output->rest);
	output->rest.data = output;
	output->out = stdout_lines_create(
		loop, STDOUT_FILENO, blocking, on_stdout_clear, output, err);
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

static void on_rest(uv_timer_t *timer)
{
	struct output *output = timer->data;

	output->partial = PARTIAL_NONE;
	if (!output->ended)
		stdout_lines_add(output->out, output->held.data, output->held.len);
	buf_clear(&output->held);
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
		uv_timer_start(&output->rest, on_rest, clock_ms_up(rest_after_ns), 0);
}

void output_line(struct output *output, const char *line)
{
	if (output->ended)
		return;
	if (output->behavior->stdout_mode == MCP_STDOUT_GARBAGE)
		add_garbage(output);
	switch (output->partial) {
	case PARTIAL_NONE:
		stdout_lines_line(output->out, line);
		return;
	case PARTIAL_NEXT:
		write_half(output, line);
		return;
	case PARTIAL_HELD:
		hold(output, line);
		return;
	}
}

void output_listed(struct output *output)
{
	if (output->err)
		begin_flood(output->err);
	switch ((enum mcp_stdout)output->behavior->stdout_mode) {
	case MCP_STDOUT_NORMAL:
	case MCP_STDOUT_GARBAGE:
		return;
	case MCP_STDOUT_FLOOD:
		output->flooding = true;
		begin_flood(output->out);
		return;
	case MCP_STDOUT_FILL:
		output_fill(output);
		return;
	case MCP_STDOUT_PARTIAL:
		output->partial = PARTIAL_NEXT;
		return;
	case MCP_STDOUT_CLOSE:
		shut(output);
		return;
	}
}

void output_fill(struct output *output)
{
	size_t size = 0;

	if (output->behavior->stdout_mode == MCP_STDOUT_FILL)
		while (size < FILL_SIZE)
			size += notify(output, FILL_LINE);
}

size_t output_waiting(const struct output *output)
{
	return stdout_lines_waiting(output->out);
}

void output_await_clear(struct output *output)
{
	output->awaited = true;
	stdout_lines_await_clear(output->out);
}

bool output_end(struct output *output)
{
	output->ended = true;
	if (stdout_lines_waiting(output->out) == 0)
		return false;
	output_await_clear(output);
	return true;
}

void output_destroy(struct output *output)
{
	if (!output)
		return;
	stdout_lines_destroy(output->out);
	stdout_lines_destroy(output->err);
	uv_close((uv_handle_t *)&output->rest, on_closed);
}
