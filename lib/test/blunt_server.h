/*
 * blunt_server - an HTTP server that does at once what the path of a request says.
 *
 * Runs in the loop of the test, which may read and change its listener, counts and
 * connections.
 */
#ifndef LIB_TEST_BLUNT_SERVER_H
#define LIB_TEST_BLUNT_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

#define DRIPS 5
#define LARGE 40000

struct blunt_server {
	uv_loop_t *loop;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} listener;
	int port;
	unsigned accepted, open, requests, waiting;
	struct visit *visits;
	struct buf last; /* the last request, whole */
	unsigned crowd;  /* how many requests to /crowd are answered together */
};

/* One connection to it. */
struct visit {
	struct blunt_server *server;
	struct visit *prev, *next;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} peer;
	uv_timer_t drip;
	unsigned drips;
	unsigned handles;
	unsigned asked; /* requests that came over it */
	struct buf in;
	bool in_crowd;
};

static inline void on_visit_closed(uv_handle_t *handle)
{
	struct visit *visit = handle->data;

	if (--visit->handles > 0)
		return;
	DL_DELETE(visit->server->visits, visit);
	visit->server->open--;
	buf_done(&visit->in);
	free(visit);
}

static inline void leave(struct visit *visit)
{
	if (uv_is_closing(&visit->peer.handle))
		return;
	uv_close(&visit->peer.handle, on_visit_closed);
	uv_close((uv_handle_t *)&visit->drip, on_visit_closed);
}

static inline void slam(struct visit *visit)
{
	if (uv_is_closing(&visit->peer.handle))
		return;
	uv_tcp_close_reset(&visit->peer.tcp, on_visit_closed);
	uv_close((uv_handle_t *)&visit->drip, on_visit_closed);
}

/* The peer reads in the same loop, so what does not fit at once is a mistake of the
 * test. */
static inline void say(struct visit *visit, const char *text)
{
	uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));

	if (bytes.len > 0)
		assert_int_equal(
			uv_try_write(&visit->peer.stream, &bytes, 1), (int)bytes.len);
}

static inline void on_drip(uv_timer_t *timer)
{
	struct visit *visit = timer->data;

	if (visit->drips++ < DRIPS) {
		say(visit, "4\r\ndrip\r\n");
		return;
	}
	uv_timer_stop(timer);
	say(visit, "0\r\n\r\n");
}

static inline void begin_dripping(struct visit *visit)
{
	say(visit, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	visit->drips = 0;
	uv_timer_start(&visit->drip, on_drip, 5, 5);
}

static inline void join_crowd(struct visit *visit)
{
	struct blunt_server *server = visit->server;

	visit->in_crowd = true;
	if (++server->waiting < server->crowd)
		return;
	for (visit = server->visits; visit; visit = visit->next) {
		if (visit->in_crowd)
			say(visit, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		visit->in_crowd = false;
	}
	server->waiting = 0;
}

/* Answers with the length and checksum of the body. */
static inline void sum_up(struct visit *visit, const char *body, size_t len)
{
	char text[32];
	SCOPED(mem_free) char *answer = NULL;
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)body[i];
	snprintf(text, sizeof text, "%zu %u", len, sum);
	answer = mem_textf(
		"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
	say(visit, answer);
}

/* More than curl reads at once, and behind it a reset. */
static inline void overwhelm(struct visit *visit)
{
	SCOPED(mem_free) char *text = mem_textf(
		"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%0*d", LARGE, LARGE, 7);

	say(visit, text);
	slam(visit);
}

/* Resets every further request of a connection. */
static inline void answer_once(struct visit *visit)
{
	if (visit->asked == 1)
		say(visit, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonce");
	else
		slam(visit);
}

/* A path that is not among these gets no answer, ever. */
static inline void obey(
	struct visit *visit, const char *path, const char *body, size_t len)
{
	static const struct {
		const char *path;
		void (*then)(struct visit *visit); /* NULL: stay */
		const char *text;
	} answers[] = {
		{"/plain", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
		{"/missing", NULL,
			"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nno such thing"},
		{"/busy", NULL,
			"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
		{"/busy-ms", NULL,
			"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nRetry-After-Ms: 1.5\r\n"
			"Content-Length: 0\r\n\r\n"},
		{"/busy-nonsense", NULL,
			"HTTP/1.1 503 Later\r\nRetry-After: -1\r\nRetry-After-Ms: soon\r\n"
			"Content-Length: 0\r\n\r\n"},
		{"/empty", NULL, "HTTP/1.1 204 No Content\r\n\r\n"},
		{"/head", NULL, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		{"/moved", NULL,
			"HTTP/1.1 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n"},
		{"/patience", NULL,
			"HTTP/1.1 100 Continue\r\n\r\n"
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"/last", leave,
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbye"},
		{"/until-the-end", leave,
			"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall"},
		{"/leave", leave, ""},
		{"/reset", slam, ""},
		{"/half-head", leave, "HTTP/1.1 200 OK\r\nContent-Le"},
		{"/half-body", leave,
			"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
		{"/half-body-reset", slam,
			"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
		{"/half-chunks", leave,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
		{"/whole-reset", slam,
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"},
		{"/garbage", leave, "* this is not HTTP at all\r\n\r\n"},
	};

	for (size_t i = 0; i < COUNT(answers); i++) {
		if (strcmp(path, answers[i].path) != 0)
			continue;
		say(visit, answers[i].text);
		if (answers[i].then)
			answers[i].then(visit);
	}
	if (strcmp(path, "/once") == 0)
		answer_once(visit);
	else if (strcmp(path, "/sum") == 0)
		sum_up(visit, body, len);
	else if (strcmp(path, "/large-reset") == 0)
		overwhelm(visit);
	else if (strcmp(path, "/drip") == 0)
		begin_dripping(visit);
	else if (strcmp(path, "/crowd") == 0)
		join_crowd(visit);
}

/* Takes one whole request from the front of what was read. */
static inline bool take_request(struct visit *visit)
{
	struct blunt_server *server = visit->server;
	const char *text = buf_text(&visit->in);
	const char *end = strstr(text, "\r\n\r\n"), *length;
	char path[64];
	size_t head_len, body_len;

	if (!end)
		return false;
	head_len = (size_t)(end - text) + 4;
	length = strcasestr(text, "\r\nContent-Length:");
	body_len = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
	if (visit->in.len < head_len + body_len)
		return false;
	assert_int_equal(sscanf(text, "%*s %63s", path), 1);
	server->requests++;
	visit->asked++;
	buf_clear(&server->last);
	buf_add(&server->last, text, head_len + body_len);
	buf_drop(&visit->in, head_len + body_len);
	obey(visit, path, buf_text(&server->last) + head_len, body_len);
	return true;
}

static inline void on_visit_alloc(
	uv_handle_t *handle UNUSED, size_t size UNUSED, uv_buf_t *room)
{
	*room = uv_buf_init(mem_zeroed(64 << 10), 64 << 10);
}

static inline void on_visit_read(
	uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct visit *visit = stream->data;

	if (len > 0) {
		assert_true(buf_add(&visit->in, bytes->base, (size_t)len));
		while (!uv_is_closing(&visit->peer.handle) && take_request(visit))
			;
	} else if (len < 0) {
		leave(visit);
	}
	free(bytes->base);
}

static inline void on_visitor(uv_stream_t *listener, int status)
{
	struct blunt_server *server = listener->data;
	struct visit *visit = mem_zeroed(sizeof *visit);

	assert_int_equal(status, 0);
	visit->server = server;
	visit->handles = 2;
	if (listener->type == UV_TCP)
		uv_tcp_init(server->loop, &visit->peer.tcp);
	else
		uv_pipe_init(server->loop, &visit->peer.pipe, 0);
	visit->peer.handle.data = visit;
	uv_timer_init(server->loop, &visit->drip);
	visit->drip.data = visit;
	DL_APPEND(server->visits, visit);
	server->accepted++;
	server->open++;
	assert_int_equal(uv_accept(listener, &visit->peer.stream), 0);
	uv_read_start(&visit->peer.stream, on_visit_alloc, on_visit_read);
}

/* `path` NULL: on a free port of loopback. */
static inline void server_open(
	struct blunt_server *server, uv_loop_t *loop, const char *path)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int len = sizeof address;

	server->loop = loop;
	if (path) {
		uv_pipe_init(loop, &server->listener.pipe, 0);
		assert_int_equal(uv_pipe_bind(&server->listener.pipe, path), 0);
	} else {
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		uv_tcp_init(loop, &server->listener.tcp);
		assert_int_equal(uv_tcp_bind(&server->listener.tcp,
					 (const struct sockaddr *)&address, 0),
			0);
		assert_int_equal(uv_tcp_getsockname(&server->listener.tcp,
					 (struct sockaddr *)&address, &len),
			0);
		server->port = ntohs(address.sin_port);
	}
	server->listener.handle.data = server;
	assert_int_equal(uv_listen(&server->listener.stream, 2048, on_visitor), 0);
}

static inline void server_close(struct blunt_server *server)
{
	struct visit *visit;

	if (server->loop && !uv_is_closing(&server->listener.handle))
		uv_close(&server->listener.handle, NULL);
	for (visit = server->visits; visit; visit = visit->next)
		leave(visit);
}

#endif
