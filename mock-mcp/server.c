#include "mock-mcp/server.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/jsonrpc.h"
#include "mock-mcp/methods.h"
#include "mock-mcp/stdin_lines.h"
#include "mock-mcp/stdout_lines.h"

/* While more than this waits to be read by the client, we don't read what it says. */
#define UNREAD_MAX  ((size_t)4 << 20)
#define FLOOD_LINES 64
#define FILL_SIZE   ((size_t)2 << 20) /* the largest pipe that anybody gets is 1 MiB */
#define FILL_LINE   4096
#define LEAVE_MS    1000

static const int heard[] = {SIGTERM, SIGINT, SIGCHLD};

struct server {
	struct server_options options;
	uv_loop_t loop;
	struct stdin_lines *input;
	struct stdout_lines *output;
	struct methods *methods;
	uv_signal_t signals[COUNT(heard)];
	uv_timer_t start; /* until it hears its client */
	uv_timer_t exit;  /* a reaction that comes later */
	uv_timer_t end;   /* the last second */
	struct buf early; /* lines from before it has started */
	bool starting;
	bool leaving;
	bool deaf;   /* reads no more, on purpose */
	bool paused; /* reads no more before the client has */
	bool flooding;
	bool shutting; /* closes stdout when that was handed over */
	unsigned garbage;
	unsigned noise;
};

static void on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void leave(struct server *server)
{
	if (server->leaving)
		return;
	server->leaving = true;
	stdin_lines_stop(server->input);
	if (stdout_lines_waiting(server->output) > 0) {
		stdout_lines_await_clear(server->output);
		uv_timer_start(&server->end, on_end, LEAVE_MS, 0);
	} else {
		uv_timer_start(&server->end, on_end, 0, 0);
	}
}

static void on_exit_due(uv_timer_t *timer)
{
	leave(timer->data);
}

static void exit_after(struct server *server, int64_t after_ns)
{
	uint64_t ms = clock_ms_up(after_ns);

	if (ms == 0) {
		leave(server);
		return;
	}
	uv_update_time(&server->loop);
	if (!uv_is_active((uv_handle_t *)&server->exit) ||
		ms < uv_timer_get_due_in(&server->exit))
		uv_timer_start(&server->exit, on_exit_due, ms, 0);
}

static void react(struct server *server, const struct reaction *reaction)
{
	switch (reaction->kind) {
	case REACTION_EXIT:
		exit_after(server, latency_draw(&reaction->after, server->options.rng));
		return;
	case REACTION_IGNORE:
		return;
	case REACTION_SPIN:
		crash_spin();
	}
}

static char *notification(struct server *server, int size)
{
	cJSON *params = cJSON_CreateObject();
	SCOPED(mem_free) char *text = mem_textf("%-*u", size, ++server->noise);

	cJSON_AddStringToObject(params, "level", "info");
	cJSON_AddStringToObject(params, "logger", server->options.identity->name);
	cJSON_AddStringToObject(params, "data", text);
	return jsonrpc_notification("notifications/message", params);
}

/* Says something of at least that size, and gives its size. */
static size_t chatter(struct server *server, int size)
{
	SCOPED(mem_free) char *line = notification(server, size);

	stdout_lines_line(server->output, line);
	return strlen(line) + 1;
}

/* Blocks, where nobody reads. */
static void fill(struct server *server)
{
	size_t size = 0;

	if (server->options.behavior->stdout_mode == MCP_STDOUT_FILL)
		while (size < FILL_SIZE)
			size += chatter(server, FILL_LINE);
}

/* What programs print on a stdout that they forgot to be a protocol's. */
static void add_garbage(struct server *server)
{
	static const char *const lines[] = {
		"Server running on stdio",
		"\033[33mwarning\033[0m: deprecated option",
		"{\"jsonrpc\": \"2.0\", \"id\": 1, \"resu",
		"Traceback (most recent call last):",
		"\xff\xfe\x80 no UTF-8",
		"",
	};

	if (server->options.behavior->stdout_mode == MCP_STDOUT_GARBAGE)
		stdout_lines_line(
			server->output, lines[server->garbage++ % COUNT(lines)]);
}

static void on_say(void *arg, const char *answer)
{
	struct server *server = arg;

	if (server->leaving)
		return;
	add_garbage(server);
	stdout_lines_line(server->output, answer);
	if (stdout_lines_waiting(server->output) > UNREAD_MAX) {
		server->paused = true;
		stdin_lines_stop(server->input);
		stdout_lines_await_clear(server->output);
	}
}

static void shut(struct server *server)
{
	server->shutting = stdout_lines_waiting(server->output) > 0;
	if (server->shutting)
		stdout_lines_await_clear(server->output);
	else
		stdout_lines_shut(server->output);
}

static void on_listed(void *arg)
{
	struct server *server = arg;

	switch ((enum mcp_stdout)server->options.behavior->stdout_mode) {
	case MCP_STDOUT_NORMAL:
	case MCP_STDOUT_GARBAGE:
		break;
	case MCP_STDOUT_FLOOD:
		server->flooding = stdout_lines_waits_in_loop(server->output);
		if (server->flooding)
			stdout_lines_await_clear(server->output);
		break;
	case MCP_STDOUT_FILL:
		fill(server);
		break;
	case MCP_STDOUT_CLOSE:
		shut(server);
		break;
	}
	if (!server->options.behavior->read_stdin) {
		server->deaf = true;
		stdin_lines_stop(server->input);
	}
}

/* The client has read all that we had to say. */
static void on_clear(void *arg)
{
	struct server *server = arg;

	if (server->leaving) {
		uv_timer_start(&server->end, on_end, 0, 0);
		return;
	}
	if (server->shutting)
		shut(server);
	if (server->paused && !server->deaf)
		stdin_lines_start(server->input);
	server->paused = false;
	if (!server->flooding || stdout_lines_is_gone(server->output))
		return;
	for (unsigned i = 0; i < FLOOD_LINES; i++)
		chatter(server, 1);
	stdout_lines_await_clear(server->output);
}

/* The end of stdin and signals are heard meanwhile: only what is said has to wait. Not
 * much of it, since all of it is answered in one go. */
static void hold(struct server *server, const char *line, size_t len)
{
	buf_add(&server->early, line, len);
	buf_add(&server->early, "\n", 1);
	if (server->early.len > STDIN_LINES_PIECE)
		stdin_lines_stop(server->input);
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct server *server = arg;

	if (server->starting && !cut)
		hold(server, line, len);
	else if (!server->deaf && !server->leaving)
		methods_on_line(server->methods, line, len, cut);
}

static void on_started(uv_timer_t *timer)
{
	struct server *server = timer->data;
	char *line = server->early.data, *end;
	size_t left = server->early.len;

	server->starting = false;
	while (left > 0 && (end = memchr(line, '\n', left))) {
		*end = '\0';
		on_line(server, line, (size_t)(end - line), false);
		left -= (size_t)(end - line) + 1;
		line = end + 1;
	}
	buf_done(&server->early);
	if (!server->deaf && !server->paused && !server->leaving)
		stdin_lines_start(server->input);
}

static void begin_start(struct server *server)
{
	const struct server_options *options = &server->options;
	int64_t took_ns = latency_draw(&options->behavior->start, options->rng);
	int64_t left_ns = options->started_ns + took_ns - clock_now();

	server->starting = left_ns > 0;
	if (server->starting)
		uv_timer_start(&server->start, on_started, clock_ms_up(left_ns), 0);
}

static void on_eof(void *arg)
{
	struct server *server = arg;

	if (server->leaving || server->deaf)
		return;
	log_event("mcp.eof", LOG_IDENTITY(server->options.identity));
	crash_at(server->options.behavior, MCP_AT_EOF);
	fill(server);
	react(server, &server->options.behavior->on_eof);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct server *server = handle->data;
	const struct mcp_behavior *behavior = server->options.behavior;

	if (number == SIGCHLD) {
		children_reap(server->options.children);
		return;
	}
	log_event("mcp.signal", LOG_IDENTITY(server->options.identity), "signal",
		LOG_INT(number));
	if (number == SIGTERM)
		crash_at(behavior, MCP_AT_TERM);
	if (server->leaving)
		return;
	fill(server);
	react(server, number == SIGTERM ? &behavior->on_term : &behavior->on_int);
}

/* Unblocks only when there is somebody to hear them: none is lost, none kills us. */
static void hear_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < COUNT(heard); i++) {
		uv_signal_init(&server->loop, &server->signals[i]);
		server->signals[i].data = server;
		uv_signal_start(&server->signals[i], on_signal, heard[i]);
		sigaddset(&set, heard[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Blocks first: one that comes now must not find us without a handler. */
static void stop_hearing_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < COUNT(heard); i++)
		sigaddset(&set, heard[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (unsigned i = 0; i < COUNT(heard); i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
}

static bool open_streams(struct server *server, struct err *err)
{
	bool blocking = server->options.behavior->stdout_mode == MCP_STDOUT_FILL;

	server->input = stdin_lines_create(&server->loop, STDIN_FILENO,
		METHODS_LINE_MAX, on_line, on_eof, server, err);
	if (!server->input)
		return false;
	server->output = stdout_lines_create(
		&server->loop, STDOUT_FILENO, blocking, on_clear, server, err);
	return server->output != NULL;
}

static struct methods *open_talk(struct server *server)
{
	const struct server_options *options = &server->options;

	return methods_create(&server->loop,
		&(struct methods_options){
			.behavior = options->behavior,
			.identity = options->identity,
			.rng = options->rng,
			.say = on_say,
			.listed = on_listed,
			.arg = server,
		});
}

static void destroy(struct server *server)
{
	methods_destroy(server->methods);
	stdin_lines_destroy(server->input);
	stdout_lines_destroy(server->output);
	buf_done(&server->early);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&server->loop) != 0)
		assert(!"a handle is open");
	free(server);
}

bool server_run(const struct server_options *options, struct err *err)
{
	struct server *server = mem_zeroed(sizeof *server);
	int failed = uv_loop_init(&server->loop);
	bool opened;

	if (failed) {
		free(server);
		return err_set(err, "loop: %s", uv_strerror(failed));
	}
	server->options = *options;
	opened = open_streams(server, err);
	if (opened) {
		server->methods = open_talk(server);
		uv_timer_init(&server->loop, &server->start);
		uv_timer_init(&server->loop, &server->exit);
		uv_timer_init(&server->loop, &server->end);
		server->start.data = server->exit.data = server;
		hear_signals(server);
		begin_start(server);
		stdin_lines_start(server->input);
		uv_run(&server->loop, UV_RUN_DEFAULT);
		stop_hearing_signals(server);
		uv_close((uv_handle_t *)&server->start, NULL);
		uv_close((uv_handle_t *)&server->exit, NULL);
		uv_close((uv_handle_t *)&server->end, NULL);
	}
	destroy(server);
	return opened;
}
