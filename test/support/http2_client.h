/*
 * http2_client - a client of HTTP/2 that is nghttp2 on a plain socket, for tests.
 *
 * It is in no loop: http2_turn() sends what it has and reads what has come, and a test
 * calls it from the condition of until().
 */
#ifndef TEST_SUPPORT_HTTP2_CLIENT_H
#define TEST_SUPPORT_HTTP2_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

/* What came of one request. */
struct http2_answer {
	int32_t id;
	int status;
	struct buf headers; /* "name: value\n" each */
	struct buf body;
	bool ended;    /* END_STREAM came */
	bool closed;   /* the stream is over, as `code` says */
	uint32_t code; /* of RST_STREAM; 0: in order */

	const char *upload; /* of the request; NULL: none, or nothing to send now */
	size_t upload_len;
	bool more; /* the upload does not end with that */
	bool trailer;
};

struct http2_client {
	int fd;
	nghttp2_session *session;
	struct http2_answer *answers; /* of stream 1, 3, 5 ... */
	unsigned count;
	unsigned closed; /* of the answers */
	struct buf out;  /* what the kernel did not take, or the test holds back */
	bool holds;      /* the test sends `out` itself */
	bool over;       /* the server closed the connection */
	unsigned goaways;
	int32_t goaway_last; /* of the last GOAWAY */
	uint32_t goaway_code;
	uint32_t most_streams; /* the server's setting */
};

static inline struct http2_answer *http2_answer(struct http2_client *client, int32_t id)
{
	unsigned i = (unsigned)(id - 1) / 2;

	assert_true(id > 0 && i < client->count);
	return &client->answers[i];
}

static inline int on_http2_header(nghttp2_session *session UNUSED,
	const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
	const uint8_t *value, size_t value_len, uint8_t flags UNUSED, void *arg)
{
	struct http2_answer *answer = http2_answer(arg, frame->hd.stream_id);

	if (strcmp((const char *)name, ":status") == 0)
		answer->status = atoi((const char *)value);
	buf_addf(&answer->headers, "%.*s: %.*s\n", (int)name_len, (const char *)name,
		(int)value_len, (const char *)value);
	return 0;
}

static inline int on_http2_data(nghttp2_session *session UNUSED, uint8_t flags UNUSED,
	int32_t id, const uint8_t *data, size_t len, void *arg)
{
	buf_add(&http2_answer(arg, id)->body, data, len);
	return 0;
}

static inline int on_http2_frame(
	nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct http2_client *client = arg;

	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
		(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		http2_answer(client, frame->hd.stream_id)->ended = true;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		client->goaways++;
		client->goaway_last = frame->goaway.last_stream_id;
		client->goaway_code = frame->goaway.error_code;
	}
	client->most_streams = nghttp2_session_get_remote_settings(
		session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	return 0;
}

static inline int on_http2_closed(
	nghttp2_session *session UNUSED, int32_t id, uint32_t code, void *arg)
{
	struct http2_client *client = arg;
	struct http2_answer *answer = http2_answer(client, id);

	answer->closed = true;
	answer->code = code;
	client->closed++;
	return 0;
}

static inline ssize_t on_http2_upload(nghttp2_session *session, int32_t id,
	uint8_t *out, size_t room, uint32_t *flags, nghttp2_data_source *source UNUSED,
	void *arg)
{
	static const nghttp2_nv trailer = {(uint8_t *)(uintptr_t) "x-tag",
		(uint8_t *)(uintptr_t) "trailed", 5, 7, NGHTTP2_NV_FLAG_NONE};
	struct http2_answer *answer = http2_answer(arg, id);
	size_t len = answer->upload_len < room ? answer->upload_len : room;

	if (len == 0 && answer->more)
		return NGHTTP2_ERR_DEFERRED;
	memcpy(out, answer->upload, len);
	answer->upload += len;
	answer->upload_len -= len;
	if (answer->upload_len > 0 || answer->more)
		return (ssize_t)len;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (answer->trailer) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		assert_int_equal(nghttp2_submit_trailer(session, id, &trailer, 1), 0);
	}
	return (ssize_t)len;
}

/* Takes fd. window: bytes of an answer that the server may send at once; 0: the usual
 * 65,535. */
static inline void http2_open(struct http2_client *client, int fd, uint32_t window)
{
	const nghttp2_settings_entry setting = {
		NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;

	memset(client, 0, sizeof *client);
	client->fd = fd;
	buf_init(&client->out, (size_t)64 << 20);
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	assert_int_equal(nghttp2_option_new(&option), 0);
	nghttp2_option_set_no_http_messaging(option, 1);
	/* A window that is given stays shut. */
	nghttp2_option_set_no_auto_window_update(option, window > 0);
	nghttp2_option_set_peer_max_concurrent_streams(option, 100000);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_http2_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
		callbacks, on_http2_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_http2_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(
		callbacks, on_http2_closed);
	assert_int_equal(nghttp2_session_client_new2(
				 &client->session, callbacks, client, option),
		0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE,
				 &setting, window > 0),
		0);
}

static inline void http2_close(struct http2_client *client)
{
	for (unsigned i = 0; i < client->count; i++) {
		buf_done(&client->answers[i].headers);
		buf_done(&client->answers[i].body);
	}
	free(client->answers);
	nghttp2_session_del(client->session);
	buf_done(&client->out);
	close(client->fd);
}

/* Sends pending frames, and reads what has come. */
static inline void http2_turn(struct http2_client *client)
{
	uint8_t piece[16 << 10];
	const uint8_t *frame;
	ssize_t len;

	while ((len = nghttp2_session_mem_send(client->session, &frame)) > 0)
		assert_true(buf_add(&client->out, frame, (size_t)len));
	assert_int_equal(len, 0);
	while (!client->holds && client->out.len > 0) {
		len = send(client->fd, client->out.data, client->out.len,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (len < 0)
			break;
		buf_drop(&client->out, (size_t)len);
	}
	while ((len = recv(client->fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
		if (nghttp2_session_mem_recv(client->session, piece, (size_t)len) < 0)
			fail_msg("the server broke HTTP/2");
	client->over |= len == 0 || (len < 0 && errno != EAGAIN);
}

/* Asks, with `headers` of pairs: name, value, ..., NULL. Gives the stream. */
static inline int32_t http2_ask_with(struct http2_client *client, const char *method,
	const char *path, const char *const *headers, bool has_body)
{
	const nghttp2_data_provider upload = {.read_callback = on_http2_upload};
	const char *pseudo[] = {":method", method, ":scheme", "http", ":authority",
		"test.example", path ? ":path" : NULL, path, NULL};
	nghttp2_nv pairs[80];
	size_t count = 0;
	int32_t id;

	for (int list = 0; list < 2; list++) {
		const char *const *at = list == 0 ? pseudo : headers;

		for (; at && *at; at += 2)
			pairs[count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)at[0],
				(uint8_t *)(uintptr_t)at[1], strlen(at[0]),
				strlen(at[1]), NGHTTP2_NV_FLAG_NONE};
	}
	id = nghttp2_submit_request(
		client->session, NULL, pairs, count, has_body ? &upload : NULL, NULL);
	assert_true(id > 0);
	client->answers =
		mem_grown(client->answers, client->count + 1, sizeof *client->answers);
	client->answers[client->count++] = (struct http2_answer){.id = id};
	buf_init(&http2_answer(client, id)->body, (size_t)64 << 20);
	return id;
}

static inline int32_t http2_get(struct http2_client *client, const char *path)
{
	return http2_ask_with(client, "GET", path, NULL, false);
}

/* Borrows body until it was sent. more: http2_upload() goes on. */
static inline int32_t http2_post(struct http2_client *client, const char *path,
	const char *body, size_t len, bool more)
{
	int32_t id = http2_ask_with(client, "POST", path, NULL, true);
	struct http2_answer *answer = http2_answer(client, id);

	answer->upload = body;
	answer->upload_len = len;
	answer->more = more;
	return id;
}

static inline void http2_upload(struct http2_client *client, int32_t id,
	const char *body, size_t len, bool more)
{
	struct http2_answer *answer = http2_answer(client, id);

	answer->upload = body;
	answer->upload_len = len;
	answer->more = more;
	(void)nghttp2_session_resume_data(client->session, id);
}

static inline void http2_reset(struct http2_client *client, int32_t id)
{
	assert_int_equal(nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE,
				 id, NGHTTP2_CANCEL),
		0);
}

/* Is the stream over? For until(). */
static inline bool http2_done(struct http2_client *client, int32_t id)
{
	http2_turn(client);
	return http2_answer(client, id)->closed;
}

static inline bool http2_says(struct http2_client *client, int32_t id, const char *text)
{
	http2_turn(client);
	return strstr(buf_text(&http2_answer(client, id)->body), text) != NULL;
}

static inline bool http2_is_over(struct http2_client *client)
{
	http2_turn(client);
	return client->over;
}

#endif
