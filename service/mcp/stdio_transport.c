#include "service/mcp/stdio_transport.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "lib/lines.h"
#include "lib/mem.h"

#define STDERR_LINE_CEILING ((size_t)16 << 10)

struct stdio_transport {
	struct mcp_transport base;
	struct child *child;
	struct lines lines;  /* of its stdout */
	struct lines errors; /* of its stderr */
	bool destroyed;
	unsigned busy; /* callbacks of ours that are running */
};

/* A callback may destroy the transport, whose memory stays until the last returns. */
static void enter(struct stdio_transport *stdio)
{
	stdio->busy++;
}

static void leave(struct stdio_transport *stdio)
{
	if (--stdio->busy > 0 || !stdio->destroyed)
		return;
	lines_done(&stdio->lines);
	lines_done(&stdio->errors);
	free(stdio);
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct stdio_transport *stdio = arg;

	if (!stdio->destroyed && len > 0)
		stdio->base.events->message(stdio->base.arg, line, len, cut);
}

static void on_error_line(void *arg, char *line, size_t len, UNUSED bool cut)
{
	struct stdio_transport *stdio = arg;

	if (!stdio->destroyed && len > 0)
		stdio->base.events->unexpected_output(stdio->base.arg, line);
}

static void on_stdout(void *arg, const char *data, size_t len)
{
	struct stdio_transport *stdio = arg;

	enter(stdio);
	if (len > 0)
		lines_feed(&stdio->lines, data, len);
	else
		lines_end(&stdio->lines);
	if (len == 0 && !stdio->destroyed)
		stdio->base.events->silent(stdio->base.arg);
	leave(stdio);
}

static void on_stderr(void *arg, const char *data, size_t len)
{
	struct stdio_transport *stdio = arg;

	enter(stdio);
	if (len > 0)
		lines_feed(&stdio->errors, data, len);
	else
		lines_end(&stdio->errors);
	leave(stdio);
}

static void on_step(void *arg, enum child_step step)
{
	struct stdio_transport *stdio = arg;

	stdio->base.events->step(stdio->base.arg, (enum mcp_step)step);
}

static void on_reaped(void *arg, int status)
{
	struct stdio_transport *stdio = arg;
	SCOPED(mem_free) char *why = WIFSIGNALED(status)
		? mem_textf("it was killed by signal %d", WTERMSIG(status))
		: mem_textf("it exited with code %d", WEXITSTATUS(status));

	stdio->base.events->ended(stdio->base.arg,
		&(struct mcp_end){.why = why, .is_process = true, .status = status});
}

static bool send_line(struct mcp_transport *transport,
	const struct mcp_message *message, const char **why)
{
	struct stdio_transport *stdio = (struct stdio_transport *)transport;
	SCOPED(mem_free) char *line = mem_textf("%s\n", message->text);

	if (child_write(stdio->child, line, message->len + 1))
		return true;
	*why = "it does not read its stdin";
	return false;
}

static void settle(
	UNUSED struct mcp_transport *transport, UNUSED int64_t id, UNUSED bool answered)
{
}

static void negotiated(
	UNUSED struct mcp_transport *transport, UNUSED const char *version)
{
}

static void stop(struct mcp_transport *transport, int64_t eof_ns, int64_t term_ns)
{
	child_stop(((struct stdio_transport *)transport)->child, eof_ns, term_ns);
}

static pid_t pid(const struct mcp_transport *transport)
{
	return child_pid(((const struct stdio_transport *)transport)->child);
}

static void destroy(struct mcp_transport *transport)
{
	struct stdio_transport *stdio = (struct stdio_transport *)transport;

	enter(stdio);
	stdio->destroyed = true;
	child_destroy(stdio->child);
	leave(stdio);
}

static const struct mcp_transport_ops ops = {
	.send = send_line,
	.settle = settle,
	.negotiated = negotiated,
	.stop = stop,
	.pid = pid,
	.destroy = destroy,
};

struct mcp_transport *stdio_transport_start(struct reaper *reaper,
	const struct stdio_transport_spec *spec,
	const struct mcp_transport_events *events, void *arg, struct err *err)
{
	struct stdio_transport *stdio = mem_zeroed(sizeof *stdio);
	struct child_spec child = {
		.argv = spec->argv,
		.env = spec->env,
		.folder = spec->folder,
		.on_stdout = on_stdout,
		.on_stderr = on_stderr,
		.on_step = on_step,
		.on_exit = on_reaped,
		.arg = stdio,
		.with_stdin = true,
	};

	stdio->base = (struct mcp_transport){&ops, events, arg};
	lines_init(&stdio->lines, MCP_MESSAGE_CEILING, on_line, stdio);
	lines_init(&stdio->errors, STDERR_LINE_CEILING, on_error_line, stdio);
	stdio->child = child_spawn(reaper, &child, err);
	if (stdio->child)
		return &stdio->base;
	destroy(&stdio->base);
	return NULL;
}
