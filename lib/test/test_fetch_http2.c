/* A fetch over HTTP/2 against a server that sends the frames that a test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fetch.h"
#include "lib/mem.h"
#include "test/support/own_network.h"
#include "test/support/until.h"

#define CALLS       4
#define CONNECTIONS 8
#define SILENCE_NS  (1200 * CLOCK_MS) /* more than fetch_connection allows */

/* A frame: length, type, flags, stream, payload. */
#define SETTINGS            "\0\0\0\4\0\0\0\0\0"
#define SETTINGS_STREAMS(n) "\0\0\6\4\0\0\0\0\0\0\3\0\0\0" n
#define RST_STREAM(code)    "\0\0\4\3\0\0\0\0\1\0\0\0" code
#define GOAWAY_NONE         "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GOAWAY_ALL          "\0\0\10\7\0\0\0\0\0\177\377\377\377\0\0\0\0"
#define GOAWAY_CALM         "\0\0\10\7\0\0\0\0\0\177\377\377\377\0\0\0\13"
#define PING_ACK            "\0\0\10\6\1\0\0\0\0\0\0\0\0\0\0\0\0"
#define HEADERS_200         "\0\0\1\1\4\0\0\0\1\x88" /* END_HEADERS; :status 200 */
#define HEADERS_413                                                                    \
	"\0\0\5\1\4\0\0\0\1\x08\x03"                                                   \
	"413"
#define HEADERS_LENGTH_9                                                               \
	"\0\0\5\1\4\0\0\0\1\x88\x0f\x0d\x01"                                           \
	"9"
#define DATA_LAST "\0\0\4\0\1\0\0\0\1last"
#define DATA_HALF "\0\0\4\0\0\0\0\0\1half"

#define FRAMES(text) (text), sizeof(text) - 1

struct call {
	struct fetch_call *fetch;
	bool done;
	struct fetch_result result; /* without its body */
	char *why;
};

struct scene {
	uv_loop_t loop;
	uv_timer_t tick; /* turns the loop: the server is not in it */
	int listener, peer[CONNECTIONS];
	unsigned accepted;
	uint16_t port;
	struct fetch *fetch;
	struct call call[CALLS];
	unsigned called;
	struct buf received;
};

static void on_tick(uv_timer_t *timer UNUSED)
{
}

static int set_up(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	struct err err;

	*state = scene;
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->tick);
	uv_timer_start(&scene->tick, on_tick, 5, 5);
	scene->listener =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(scene->listener, (struct sockaddr *)&address, len) != 0 ||
		listen(scene->listener, CONNECTIONS) != 0 ||
		getsockname(scene->listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	scene->port = ntohs(address.sin_port);
	scene->fetch = fetch_create(&scene->loop, 1, &err);
	return scene->fetch ? 0 : -1;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	int closed;

	fetch_destroy(scene->fetch);
	uv_close((uv_handle_t *)&scene->tick, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	closed = uv_loop_close(&scene->loop);
	for (unsigned i = 0; i < scene->accepted; i++)
		close(scene->peer[i]);
	if (scene->listener >= 0)
		close(scene->listener);
	for (unsigned i = 0; i < scene->called; i++)
		free(scene->call[i].why);
	buf_done(&scene->received);
	free(scene);
	return closed;
}

static void on_done(void *arg, const struct fetch_result *result)
{
	struct call *call = arg;

	call->done = true;
	call->result = *result;
	call->why = mem_text(result->why);
}

static struct call *ask(struct scene *scene, struct fetch_request request)
{
	SCOPED(mem_free) char *url =
		mem_textf("http://127.0.0.1:%u/", (unsigned)scene->port);
	struct call *call = &scene->call[scene->called++];
	struct err err = {0};

	request.url = url;
	request.http2 = true;
	request.done = on_done;
	request.arg = call;
	call->fetch = fetch_start(scene->fetch, &request, &err);
	if (!call->fetch)
		fail_msg("%s", err.text);
	return call;
}

static struct call *get(struct scene *scene)
{
	return ask(scene, (struct fetch_request){0});
}

static bool accepts(struct scene *scene)
{
	int fd = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		scene->peer[scene->accepted++] = fd;
	return fd >= 0;
}

/* The next connection says these frames. */
static void greet(struct scene *scene, const char *frames, size_t len)
{
	until(&scene->loop, accepts(scene));
	assert_int_equal(
		send(scene->peer[scene->accepted - 1], frames, len, MSG_NOSIGNAL), len);
}

/* The first connection says these. */
static void say(struct scene *scene, const char *frames, size_t len)
{
	assert_int_equal(send(scene->peer[0], frames, len, MSG_NOSIGNAL), len);
}

/* Has a frame of this type come over the first connection, behind the preface? */
static bool has_frame(struct scene *scene, char type)
{
	char piece[4096];
	ssize_t len = recv(scene->peer[0], piece, sizeof piece, MSG_DONTWAIT);
	size_t at = strlen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	if (len > 0)
		buf_add(&scene->received, piece, (size_t)len);
	while (at + 9 <= scene->received.len) {
		const unsigned char *frame =
			(const unsigned char *)scene->received.data + at;

		if (frame[3] == (unsigned char)type)
			return true;
		at += 9 + ((size_t)frame[0] << 16 | (size_t)frame[1] << 8 | frame[2]);
	}
	return false;
}

static bool is_closed(struct scene *scene, unsigned i)
{
	char piece[4096];
	ssize_t len;

	while ((len = recv(scene->peer[i], piece, sizeof piece, MSG_DONTWAIT)) > 0)
		;
	return len == 0;
}

/* A call whose HEADERS have come. */
static struct call *begin(struct scene *scene)
{
	struct call *call = get(scene);

	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, has_frame(scene, 1));
	return call;
}

/* The deadline, which passes in the turn in which the answer was read. */
static void on_turn_end(uv_check_t *check)
{
	const struct call *call = check->data;
	uv_timer_t *deadline = &call->fetch->deadline;

	if (!call->fetch->over)
		return;
	uv_timer_start(deadline, deadline->timer_cb, 0, 0);
	uv_check_stop(check);
}

static void fetch_http2_deadline_behind_the_answer_is_none(void **state)
{
	struct scene *scene = *state;
	struct call *call =
		ask(scene, (struct fetch_request){.timeout_ns = CLOCK_S * 60});
	uv_check_t check;

	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, has_frame(scene, 1));
	uv_check_init(&scene->loop, &check);
	check.data = call;
	say(scene, FRAMES(HEADERS_200 DATA_LAST));
	uv_check_start(&check, on_turn_end);
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_ANSWERED);
	uv_close((uv_handle_t *)&check, NULL);
	until_idle(&scene->loop, 5);
}

static void fetch_http2_waits_for_the_settings(void **state)
{
	struct scene *scene = *state;

	get(scene);
	until(&scene->loop, accepts(scene));
	until(&scene->loop, has_frame(scene, 4));
	until_idle(&scene->loop, 30);
	assert_false(has_frame(scene, 1));
	say(scene, FRAMES(SETTINGS));
	until(&scene->loop, has_frame(scene, 1));
}

static void fetch_http2_refused_stream_was_not_accepted(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(RST_STREAM("\7")));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_REFUSED);
	assert_false(call->result.sent);
	assert_string_equal(call->why, "the server refused the stream");
}

static void fetch_http2_reset_stream_may_have_been_accepted(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(RST_STREAM("\10")));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_true(call->result.sent);
	assert_string_equal(call->why, "the server reset the stream (CANCEL)");
}

/* NO_ERROR within a body is no whole answer. */
static void fetch_http2_answer_that_is_reset_in_order_is_broken(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(HEADERS_200 DATA_HALF RST_STREAM("\0")));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_int_equal(call->result.status, 200);
}

static void fetch_http2_goaway_refuses_what_is_above_it(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(GOAWAY_NONE));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_REFUSED);
	assert_false(call->result.sent);
	get(scene);
	greet(scene, FRAMES(SETTINGS));
	assert_int_equal(scene->accepted, 2);
}

static void fetch_http2_connection_that_ends_breaks_its_calls(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	shutdown(scene->peer[0], SHUT_RDWR);
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_true(call->result.sent);
	assert_non_null(strstr(call->why, "the peer closed the connection"));
}

static void fetch_http2_connection_that_ends_before_settings_speaks_no_http2(
	void **state)
{
	struct scene *scene = *state;
	struct call *call = get(scene);

	greet(scene, FRAMES("HTTP/1.1 400 Bad Request\r\n\r\n"));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_FAILED);
	assert_false(call->result.sent);
	assert_string_equal(call->why, "the server does not speak HTTP/2");
}

/* Nothing was sent: it may be asked again. */
static void fetch_http2_connection_that_ends_before_settings_breaks_its_calls(
	void **state)
{
	struct scene *scene = *state;
	struct call *call = get(scene);

	until(&scene->loop, accepts(scene));
	until(&scene->loop, has_frame(scene, 4));
	shutdown(scene->peer[0], SHUT_RDWR);
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_false(call->result.sent);
	assert_non_null(strstr(call->why, "the peer closed the connection"));
}

/* A connection that drains is none for new calls, although its streams end. */
static void fetch_http2_draining_connection_is_passed_over(void **state)
{
	struct scene *scene = *state;
	struct call *first = begin(scene);

	get(scene);
	until_idle(&scene->loop, 30);
	say(scene, FRAMES(GOAWAY_ALL));
	until_idle(&scene->loop, 30);
	get(scene);
	greet(scene, FRAMES(SETTINGS));
	until_idle(&scene->loop, 30);
	say(scene, FRAMES(HEADERS_200 DATA_LAST));
	until(&scene->loop, first->done);
	assert_int_equal(first->result.end, FETCH_ANSWERED);
	get(scene);
	until_idle(&scene->loop, 30);
	assert_false(accepts(scene));
}

/* A peer that says nothing: the next call goes elsewhere, and the connection ends. */
static void fetch_http2_silence_before_the_settings_ends_the_connection(void **state)
{
	struct scene *scene = *state;
	struct call *call =
		ask(scene, (struct fetch_request){.timeout_ns = SILENCE_NS});

	until(&scene->loop, accepts(scene));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_TIMED_OUT);
	assert_false(call->result.sent);
	get(scene);
	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, is_closed(scene, 0));
}

/* The stream without a deadline is broken with the connection. */
static void fetch_http2_silence_ends_the_connection(void **state)
{
	struct scene *scene = *state;
	struct call *stream = begin(scene);
	struct call *call =
		ask(scene, (struct fetch_request){.timeout_ns = SILENCE_NS});

	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_TIMED_OUT);
	assert_true(call->result.sent);
	assert_false(stream->done);
	get(scene);
	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, stream->done);
	assert_int_equal(stream->result.end, FETCH_BROKEN);
	assert_non_null(strstr(stream->why, "no answer to a PING"));
	until(&scene->loop, is_closed(scene, 0));
}

/* A slow server that answers a PING keeps the connection. */
static void fetch_http2_slow_server_keeps_the_connection(void **state)
{
	struct scene *scene = *state;
	struct call *stream = begin(scene);
	struct call *call =
		ask(scene, (struct fetch_request){.timeout_ns = SILENCE_NS});

	until(&scene->loop, call->done);
	until(&scene->loop, has_frame(scene, 6)); /* PING */
	say(scene, FRAMES(PING_ACK));
	until_idle(&scene->loop, 30);
	get(scene);
	until_idle(&scene->loop, 1500);
	assert_false(accepts(scene));
	assert_false(stream->done);
}

/* 413 to a body that the server does not let through. */
static void fetch_http2_answer_may_come_before_the_request_is_whole(void **state)
{
	static const char body[1 << 17];
	struct scene *scene = *state;
	struct call *call = ask(
		scene, (struct fetch_request){.body = body, .body_len = sizeof body});

	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, has_frame(scene, 0)); /* DATA */
	say(scene, FRAMES(HEADERS_413 DATA_LAST));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_ANSWERED);
	assert_int_equal(call->result.status, 413);
	until(&scene->loop, has_frame(scene, 3)); /* RST_STREAM */
}

static void fetch_http2_answer_that_is_not_sound_is_broken(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(HEADERS_LENGTH_9 DATA_LAST));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_string_equal(call->why, "the answer is not sound HTTP/2");
}

/* DATA of a stream that nobody has opened. */
static void fetch_http2_server_that_breaks_the_rules_is_told_so(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES("\0\0\0\0\0\0\0\0\7"));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_non_null(strstr(
		call->why, "the server broke the rules of HTTP/2 (PROTOCOL_ERROR)"));
}

static void fetch_http2_error_of_a_goaway_is_told(void **state)
{
	struct scene *scene = *state;
	struct call *call = begin(scene);

	say(scene, FRAMES(GOAWAY_CALM));
	shutdown(scene->peer[0], SHUT_RDWR);
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_BROKEN);
	assert_non_null(strstr(
		call->why, "the peer closed the connection (ENHANCE_YOUR_CALM)"));
}

static void fetch_http2_request_that_cannot_be_sent_fails(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *line = mem_zeroed(1 << 17);
	const char *const headers[] = {line, NULL};
	struct call *call;

	memset(line, 'x', (1 << 17) - 1);
	memcpy(line, "x-long: ", 8);
	call = ask(scene, (struct fetch_request){.headers = headers});
	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_FAILED);
	assert_false(call->result.sent);
	assert_string_equal(call->why, "the headers are too large for HTTP/2");
}

/* One connection has room again, the other one no more. */
static void fetch_http2_limit_may_change(void **state)
{
	struct scene *scene = *state;

	get(scene);
	greet(scene, FRAMES(SETTINGS_STREAMS("\1")));
	until(&scene->loop, has_frame(scene, 1));
	get(scene);
	greet(scene, FRAMES(SETTINGS_STREAMS("\2")));
	until_idle(&scene->loop, 30);
	say(scene, FRAMES(SETTINGS_STREAMS("\2")));
	until_idle(&scene->loop, 30);
	assert_int_equal(
		send(scene->peer[1], FRAMES(SETTINGS_STREAMS("\1")), MSG_NOSIGNAL),
		sizeof SETTINGS_STREAMS("\1") - 1);
	until_idle(&scene->loop, 30);
	get(scene);
	until_idle(&scene->loop, 30);
	assert_false(accepts(scene));
	get(scene);
	until(&scene->loop, accepts(scene));
}

/* libuv would connect to the path that its first bytes name. */
static void fetch_http2_path_of_a_socket_is_not_cut(void **state)
{
	struct scene *scene = *state;
	char path[200] = "/tmp/";
	struct call *call;

	memset(path + 5, 'x', sizeof path - 6);
	call = ask(scene, (struct fetch_request){.socket = path});
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_REFUSED);
	assert_non_null(strstr(call->why, "name too long"));
}

static void on_byte(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	uv_poll_stop(poll);
	get(poll->data);
}

/* The request is submitted in the turn in which the GOAWAY comes. */
static void fetch_http2_goaway_refuses_what_was_not_written(void **state)
{
	struct scene *scene = *state;
	struct call *late = &scene->call[1];
	uv_poll_t poll;
	int byte[2];

	begin(scene);
	assert_int_equal(pipe2(byte, O_CLOEXEC | O_NONBLOCK), 0);
	uv_poll_init(&scene->loop, &poll, byte[0]);
	poll.data = scene;
	uv_poll_start(&poll, UV_READABLE, on_byte);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_int_equal(write(byte[1], "", 1), 1);
	say(scene, FRAMES(GOAWAY_ALL));
	until(&scene->loop, late->done);
	assert_int_equal(late->result.end, FETCH_REFUSED);
	assert_false(late->result.sent);
	uv_close((uv_handle_t *)&poll, NULL);
	until_idle(&scene->loop, 5);
	close(byte[0]);
	close(byte[1]);
}

static void fetch_http2_refused_connection_accepts_nothing(void **state)
{
	struct scene *scene = *state;
	struct call *call;

	close(scene->listener);
	scene->listener = -1;
	call = get(scene);
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_REFUSED);
	assert_non_null(strstr(call->why, "connection refused"));
}

static void fetch_http2_keeps_to_the_limit_of_streams(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < 3; i++)
		get(scene);
	for (unsigned i = 0; i < 3; i++)
		greet(scene, FRAMES(SETTINGS_STREAMS("\1")));
	until_idle(&scene->loop, 30);
	assert_false(accepts(scene));
}

static void fetch_http2_server_that_allows_no_stream_refuses(void **state)
{
	struct scene *scene = *state;
	struct call *call = get(scene);

	greet(scene, FRAMES(SETTINGS_STREAMS("\0")));
	until(&scene->loop, call->done);
	assert_int_equal(call->result.end, FETCH_REFUSED);
	assert_string_equal(call->why, "the server allows no stream");
}

static void fetch_http2_finds_a_name(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *url =
		mem_textf("http://localhost:%u/", (unsigned)scene->port);
	struct err err = {0};

	assert_non_null(fetch_start(scene->fetch,
		&(struct fetch_request){.url = url,
			.http2 = true,
			.done = on_done,
			.arg = &scene->call[0]},
		&err));
	greet(scene, FRAMES(SETTINGS));
	until(&scene->loop, has_frame(scene, 1));
}

static void fetch_http2_may_be_destroyed_at_any_time(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *url =
		mem_textf("http://localhost:%u/", (unsigned)scene->port);
	struct err err = {0};

	begin(scene);
	get(scene);
	assert_non_null(fetch_start(scene->fetch,
		&(struct fetch_request){.url = url,
			.http2 = true,
			.done = on_done,
			.arg = &scene->call[3]},
		&err));
	fetch_destroy(scene->fetch);
	scene->fetch = NULL;
	until(&scene->loop, has_frame(scene, 7)); /* GOAWAY */
	assert_false(scene->call[0].done);
}

static void fetch_http2_refuses_what_it_cannot_send(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};

	assert_null(fetch_start(scene->fetch,
		&(struct fetch_request){
			.url = "http:///x", .http2 = true, .done = on_done},
		&err));
	assert_string_equal(err.text, "http:///x: no host");
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(fetch_http2_waits_for_the_settings),
		SCENE(fetch_http2_deadline_behind_the_answer_is_none),
		SCENE(fetch_http2_refused_stream_was_not_accepted),
		SCENE(fetch_http2_reset_stream_may_have_been_accepted),
		SCENE(fetch_http2_answer_that_is_reset_in_order_is_broken),
		SCENE(fetch_http2_goaway_refuses_what_is_above_it),
		SCENE(fetch_http2_connection_that_ends_breaks_its_calls),
		SCENE(fetch_http2_connection_that_ends_before_settings_speaks_no_http2),
		SCENE(fetch_http2_connection_that_ends_before_settings_breaks_its_calls),
		SCENE(fetch_http2_draining_connection_is_passed_over),
		SCENE(fetch_http2_silence_before_the_settings_ends_the_connection),
		SCENE(fetch_http2_silence_ends_the_connection),
		SCENE(fetch_http2_slow_server_keeps_the_connection),
		SCENE(fetch_http2_answer_may_come_before_the_request_is_whole),
		SCENE(fetch_http2_answer_that_is_not_sound_is_broken),
		SCENE(fetch_http2_server_that_breaks_the_rules_is_told_so),
		SCENE(fetch_http2_error_of_a_goaway_is_told),
		SCENE(fetch_http2_request_that_cannot_be_sent_fails),
		SCENE(fetch_http2_limit_may_change),
		SCENE(fetch_http2_path_of_a_socket_is_not_cut),
		SCENE(fetch_http2_goaway_refuses_what_was_not_written),
		SCENE(fetch_http2_refused_connection_accepts_nothing),
		SCENE(fetch_http2_keeps_to_the_limit_of_streams),
		SCENE(fetch_http2_server_that_allows_no_stream_refuses),
		SCENE(fetch_http2_finds_a_name),
		SCENE(fetch_http2_may_be_destroyed_at_any_time),
		SCENE(fetch_http2_refuses_what_it_cannot_send),
	};

	own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
