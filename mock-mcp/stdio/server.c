#include "mock-mcp/stdio/server.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/stdin_lines.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/methods.h"
#include "mock-mcp/stdio/output.h"

#define LEAVE_NS CLOCK_S

static const int handled[] = {SIGTERM, SIGINT, SIGCHLD, 0};
#define HANDLED (COUNT(handled) - 1)

struct server {
	struct server_options options;
	uv_loop_t loop;
	struct stdin_lines *input;
	struct output *output;
	struct peers peers;
	struct peer *peer; /* the client */
	uv_signal_t signals[HANDLED];
	struct loop_timer *start; /* until it has started */
	struct loop_timer *exit;  /* until a reaction exits, at exit_ns */
	struct loop_timer
		*end; /* until the answers are written, for LEAVE_NS at most */
	int64_t exit_ns;
	struct buf early; /* lines that arrive before it has started */
	bool starting;
	bool leaving;
	bool closed_input; /* reads no more: read_stdin is false */
	bool paused;       /* reads no more until the client has read the answers */
};

static void on_end(void *arg)
{
	uv_stop(&((struct server *)arg)->loop);
}

static void update_reading(struct server *server)
{
	stdin_lines_read(server->input,
		!server->leaving && !server->closed_input && !server->paused &&
			server->early.len <= STDIN_LINES_PIECE);
}

static void leave(void *arg)
{
	struct server *server = arg;

	if (server->leaving)
		return;
	server->leaving = true;
	update_reading(server);
	loop_timer_set(server->end, output_end(server->output) ? LEAVE_NS : 0);
}

static void exit_after(struct server *server, int64_t after_ns)
{
	int64_t exit_ns = clock_now() + after_ns;

	if (after_ns == 0) {
		leave(server);
	} else if (!loop_timer_is_set(server->exit) || exit_ns < server->exit_ns) {
		server->exit_ns = exit_ns;
		loop_timer_set(server->exit, after_ns);
	}
}

static void react(struct server *server, const struct reaction *reaction)
{
	if (reaction->kind == REACTION_EXIT)
		exit_after(server, latency_draw(&reaction->after, server->options.rng));
	else if (reaction->kind == REACTION_SPIN)
		reaction_spin();
}

static void on_notify(void *arg, UNUSED void *origin, const char *message)
{
	struct server *server = arg;

	if (output_line(server->output, message))
		server->paused = true;
	update_reading(server);
}

static void on_answer(void *arg, void *origin, const char *message, UNUSED int code)
{
	on_notify(arg, origin, message);
}

static void on_listed(void *arg)
{
	struct server *server = arg;

	output_listed(server->output);
	server->closed_input = !server->options.behavior->read_stdin;
	update_reading(server);
}

static void on_clear(void *arg)
{
	struct server *server = arg;

	if (server->leaving)
		loop_timer_set(server->end, 0);
	server->paused = false;
	update_reading(server);
}

/* EOF and signals have their effect during the start; messages wait. They are answered
 * all at once later, so the amount is limited. */
static void hold(struct server *server, const char *line, size_t len)
{
	buf_add(&server->early, line, len);
	buf_add(&server->early, "\n", 1);
	update_reading(server);
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct server *server = arg;

	if (server->starting && !cut)
		hold(server, line, len);
	else if (!server->closed_input && !server->leaving)
		methods_on_line(server->peer, line, len, cut);
}

static void on_started(void *arg)
{
	struct server *server = arg;
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
	update_reading(server);
}

static void on_eof(void *arg)
{
	struct server *server = arg;

	if (server->leaving || server->closed_input)
		return;
	log_event("mcp.eof", LOG_IDENTITY(server->options.identity));
	crash_at(server->options.behavior, MCP_AT_EOF);
	output_fill(server->output);
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
	output_fill(server->output);
	react(server, number == SIGTERM ? &behavior->on_term : &behavior->on_int);
}

static bool begin_signals(struct server *server, struct err *err)
{
	for (unsigned i = 0; i < HANDLED; i++) {
		int failed = uv_signal_init(&server->loop, &server->signals[i]);

		/* Only the first one can fail: it opens the pipe of all. */
		if (failed)
			return err_set(err, "signals: %s", uv_strerror(failed));
		server->signals[i].data = server;
		uv_signal_start(&server->signals[i], on_signal, handled[i]);
	}
	signals_block_only(NULL);
	return true;
}

static void end_signals(struct server *server)
{
	signals_block_only(handled);
	for (unsigned i = 0; i < HANDLED; i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
}

static bool open_streams(struct server *server, struct err *err)
{
	const struct server_options *options = &server->options;
	const struct mcp_stdin_rate *rate = &options->behavior->stdin_rate;

	server->input = stdin_lines_create(&server->loop, STDIN_FILENO,
		METHODS_TEXT_MAX, on_line, on_eof, server, err);
	if (!server->input)
		return false;
	if (rate->bytes > 0)
		stdin_lines_limit(server->input, (size_t)rate->bytes, rate->every_ns);
	server->output = output_create(&server->loop, options->behavior,
		options->identity->name, on_clear, server, err);
	return server->output != NULL;
}

static const struct peer_transport transport = {
	.answer = on_answer, .notify = on_notify, .listed = on_listed};

static void serve(struct server *server)
{
	const struct server_options *options = &server->options;
	int64_t took_ns = latency_draw(&options->behavior->start, options->rng);
	int64_t left_ns = options->started_ns + took_ns - clock_now();

	server->peer = peer_create(&server->loop,
		&(struct peer_options){
			.behavior = options->behavior,
			.identity = *options->identity,
			.rng = options->rng,
			.peers = &server->peers,
			.transport = &transport,
			.arg = server,
		});
	server->start = loop_timer_create(&server->loop, on_started, server);
	server->exit = loop_timer_create(&server->loop, leave, server);
	server->end = loop_timer_create(&server->loop, on_end, server);
	server->starting = left_ns > 0;
	if (server->starting)
		loop_timer_set(server->start, left_ns);
	update_reading(server);
	uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void destroy(struct server *server)
{
	loop_timer_destroy(server->start);
	loop_timer_destroy(server->exit);
	loop_timer_destroy(server->end);
	peer_destroy(server->peer);
	stdin_lines_destroy(server->input);
	output_destroy(server->output);
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
		return err_set(err, "event loop: %s", uv_strerror(failed));
	}
	server->options = *options;
	opened = open_streams(server, err) && begin_signals(server, err);
	if (opened) {
		serve(server);
		end_signals(server);
	}
	destroy(server);
	return opened;
}
