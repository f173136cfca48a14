#include "mock-mcp/http/http_server.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "mock-mcp/crash.h"
#include "mock-mcp/http/http_router.h"
#include "mock-mcp/http/http_session.h"
#include "mock-mcp/http/http_stateless.h"
#include "mock-mcp/methods.h"

#define LEAVE_NS          CLOCK_S
#define IDLE_NS           (300 * CLOCK_S)
#define SPARE_DESCRIPTORS 64
#define CONNECTIONS_MOST  65536

static const int handled[] = {SIGTERM, SIGINT, SIGCHLD, 0};
#define HANDLED (COUNT(handled) - 1)

struct http_server {
	struct http http;
	uv_loop_t loop;
	struct web *web;
	uv_signal_t signals[HANDLED];
	struct loop_timer *exit; /* until a reaction exits, at exit_ns */
	struct loop_timer *end;  /* until the answers are written, LEAVE_NS at most */
	int64_t exit_ns;
};

/* The way out */

static void on_end(void *arg)
{
	uv_stop(&((struct http_server *)arg)->loop);
}

static void end_sessions(struct http *http)
{
	struct http_session *session, *next;

	http->ending = true;
	HASH_ITER(hh, http->sessions, session, next)
		http_session_end(session, "exit");
	http_stateless_end(http);
}

static void leave(void *arg)
{
	struct http_server *server = arg;

	if (server->http.ending)
		return;
	end_sessions(&server->http);
	loop_timer_set(server->end, LEAVE_NS);
	web_drain(server->web, 0, on_end, server);
}

static void exit_after(struct http_server *server, int64_t after_ns)
{
	int64_t exit_ns = clock_now() + after_ns;

	if (after_ns == 0) {
		leave(server);
	} else if (!loop_timer_is_set(server->exit) || exit_ns < server->exit_ns) {
		server->exit_ns = exit_ns;
		loop_timer_set(server->exit, after_ns);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct http_server *server = handle->data;
	const struct server_options *options = server->http.options;
	const struct mcp_behavior *behavior = options->behavior;
	const struct reaction *reaction =
		number == SIGTERM ? &behavior->on_term : &behavior->on_int;

	if (number == SIGCHLD) {
		children_reap(options->children);
		return;
	}
	log_event("mcp.signal", LOG_IDENTITY(options->identity), "signal",
		LOG_INT(number));
	if (number == SIGTERM)
		crash_at(behavior, MCP_AT_TERM);
	if (server->http.ending)
		return;
	if (reaction->kind == REACTION_EXIT)
		exit_after(server, latency_draw(&reaction->after, options->rng));
	else if (reaction->kind == REACTION_SPIN)
		reaction_spin();
}

/* The beginning */

static bool begin_signals(struct http_server *server, struct err *err)
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

static void end_signals(struct http_server *server)
{
	signals_block_only(handled);
	for (unsigned i = 0; i < HANDLED; i++)
		uv_close((uv_handle_t *)&server->signals[i], NULL);
}

/* A reader never sees half a file: it is renamed into place. */
static bool write_port_file(unsigned port, const char *path, struct err *err)
{
	SCOPED(mem_free) char *draft = NULL;
	FILE *file;
	bool ok;

	if (!path)
		return true;
	draft = mem_textf("%s.new", path);
	file = fopen(draft, "we");
	if (!file)
		return err_sys(err, "write %s", draft);
	ok = fprintf(file, "%u\n", port) > 0;
	ok = fclose(file) == 0 && ok;
	return (ok && rename(draft, path) == 0) || err_sys(err, "write %s", path);
}

static bool begin_listening(struct http_server *server, struct err *err)
{
	const struct server_options *options = server->http.options;
	unsigned spared = options->descriptors > 2 * SPARE_DESCRIPTORS
		? options->descriptors - SPARE_DESCRIPTORS
		: SPARE_DESCRIPTORS;

	server->web = web_create(&server->loop,
		&(struct web_options){
			.host = options->host,
			.port = options->port,
			.connections =
				spared < CONNECTIONS_MOST ? spared : CONNECTIONS_MOST,
			.idle_ns = IDLE_NS,
			.body_ceiling = METHODS_TEXT_MAX,
			.handle = http_router_handle,
			.over = http_router_over,
			.refusal = http_router_refuse_body,
			.arg = &server->http,
		},
		err);
	return server->web &&
		write_port_file(web_port(server->web), options->port_file, err);
}

static void serve(struct http_server *server)
{
	log_event("mcp.listening", LOG_IDENTITY(server->http.options->identity), "port",
		LOG_INT(web_port(server->web)));
	uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void destroy(struct http_server *server)
{
	if (!server->http.ending)
		end_sessions(&server->http);
	web_destroy(server->web);
	loop_timer_destroy(server->exit);
	loop_timer_destroy(server->end);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&server->loop) != 0)
		assert(!"a handle is open");
	free(server);
}

static bool is_loopback(const char *host)
{
	return !strncmp(host, "127.", 4) || !strcmp(host, "::1");
}

bool http_server_run(const struct server_options *options, struct err *err)
{
	struct http_server *server = mem_zeroed(sizeof *server);
	int failed = uv_loop_init(&server->loop);
	bool begun;

	if (failed) {
		free(server);
		return err_set(err, "event loop: %s", uv_strerror(failed));
	}
	server->http.loop = &server->loop;
	server->http.options = options;
	server->http.is_local = is_loopback(options->host);
	server->exit = loop_timer_create(&server->loop, leave, server);
	server->end = loop_timer_create(&server->loop, on_end, server);
	begun = begin_listening(server, err) && begin_signals(server, err);
	if (begun) {
		serve(server);
		end_signals(server);
	}
	destroy(server);
	return begun;
}
