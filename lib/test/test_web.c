/*
 * Client and server share one thread: what a client sends waits in the kernel until
 * the loop turns, so half requests, resets and crowds come about when a test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/web.h"

#define CROWD      1200
#define PATIENCE_S 20
#define LINGER_NS  (60 * CLOCK_MS)

struct scene {
	uv_loop_t loop;
	uv_timer_t tick; /* so that no wait for a client is forever */
	struct web *web;
	bool parks; /* requests are kept instead of echoed */
	struct web_exchange *kept[16];
	unsigned handed;
	unsigned over[3]; /* by enum web_end */
	unsigned drained;
	int64_t drained_ns;
	struct buf heard; /* what the client last read */
};

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static void echo(struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *mood = web_query(exchange, "mood");
	const char *tag = web_header(exchange, "x-tag");

	buf_addf(&text, "%s %s mood=%s tag=%s body=", web_method(exchange),
		web_path(exchange), mood ? mood : "none", tag ? tag : "none");
	buf_add(&text, buf_text(web_body(exchange)), web_body(exchange)->len);
	web_reply(exchange, 200, "text/plain", text.data, text.len);
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct scene *scene = arg;

	web_set_data(exchange, scene);
	if (scene->parks)
		scene->kept[scene->handed % COUNT(scene->kept)] = exchange;
	else
		echo(exchange);
	scene->handed++;
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct scene *scene = arg;

	assert_ptr_equal(web_data(exchange), scene);
	assert_int_equal(web_path(exchange)[0], '/');
	scene->over[end]++;
}

static void on_drained(void *arg)
{
	struct scene *scene = arg;

	scene->drained++;
	scene->drained_ns = clock_now();
}

static const struct web_options defaults = {
	.host = "127.0.0.1", .handle = on_request, .over = on_over};

static void open_web(struct scene *scene, struct web_options options)
{
	struct err err = {0};

	options.arg = scene;
	scene->web = web_create(&scene->loop, &options, &err);
	if (!scene->web)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->tick);
	uv_timer_start(&scene->tick, on_tick, 5, 5);
	buf_init(&scene->heard, (size_t)64 << 20);
	*state = scene;
	return 0;
}

/* Every test ends with nothing left on the loop. */
static int teardown(void **state)
{
	struct scene *scene = *state;

	web_destroy(scene->web);
	uv_close((uv_handle_t *)&scene->tick, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->heard);
	free(scene);
	return 0;
}

/* Clients */

static int try_dial(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static int dial(const struct scene *scene)
{
	int fd = try_dial(web_port(scene->web));

	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int dial_and_say(const struct scene *scene, const char *text)
{
	int fd = dial(scene);

	say(fd, text);
	return fd;
}

static void turn(struct scene *scene)
{
	uv_run(&scene->loop, UV_RUN_ONCE);
}

#define until(scene, condition)                                                  \
	do {                                                                     \
		int64_t end_ns_ = clock_now() + PATIENCE_S * CLOCK_S;            \
		while (!(condition)) {                                           \
			if (clock_now() > end_ns_)                               \
				fail_msg("in vain: %s\nheard: %s", #condition,   \
					buf_text(&(scene)->heard));              \
			turn(scene);                                             \
		}                                                                \
	} while (0)

/* Adds what has come to heard. 1: there may be more, 0: orderly end, -errno. */
static int listen_once(struct scene *scene, int fd)
{
	char piece[65536];
	ssize_t len = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

	if (len > 0)
		assert_true(buf_add(&scene->heard, piece, (size_t)len));
	if (len >= 0)
		return len > 0;
	return errno == EAGAIN ? 1 : -errno;
}

static bool hears(struct scene *scene, int fd, const char *text)
{
	listen_once(scene, fd);
	return strstr(buf_text(&scene->heard), text) != NULL;
}

/* Reads to the end and gives how it came: 0 or the errno. */
static int hear_out(struct scene *scene, int fd)
{
	int more = 1;

	until(scene, (more = listen_once(scene, fd)) <= 0);
	return -more;
}

static void forget(struct scene *scene)
{
	buf_clear(&scene->heard);
}

static void assert_heard(const struct scene *scene, const char *text)
{
	if (!strstr(buf_text(&scene->heard), text))
		fail_msg("expected \"%s\" in: %s", text, buf_text(&scene->heard));
}

static void assert_not_heard(const struct scene *scene, const char *text)
{
	if (strstr(buf_text(&scene->heard), text))
		fail_msg("unexpected \"%s\" in: %s", text, buf_text(&scene->heard));
}

static unsigned overs(const struct scene *scene)
{
	return scene->over[WEB_ANSWERED] + scene->over[WEB_LEFT] + scene->over[WEB_BROKEN];
}

/* Requests and answers */

static void web_hands_over_the_whole_request(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "POST /a%20b?mood=fine&flag HTTP/1.1\r\nHost: x\r\n"
				 "X-Tag: t1\r\nContent-Length: 5\r\n\r\nhel");
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->handed, 0);
	say(fd, "lo");
	until(scene, hears(scene, fd, "body=hello"));
	assert_heard(scene, "HTTP/1.1 200 OK\r\n");
	assert_heard(scene, "Content-Type: text/plain\r\n");
	assert_heard(scene, "POST /a b mood=fine tag=t1 body=hello");
	until(scene, scene->over[WEB_ANSWERED] == 1);
	assert_int_equal(web_exchanges(scene->web), 0);
	assert_int_equal(web_connections(scene->web), 1);
	close(fd);
	until(scene, web_connections(scene->web) == 0);
}

static void web_tells_a_bare_query_name_from_a_missing_one(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /?flag&empty= HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	assert_string_equal(web_query(scene->kept[0], "flag"), "");
	assert_string_equal(web_query(scene->kept[0], "empty"), "");
	assert_null(web_query(scene->kept[0], "other"));
	close(fd);
}

static void web_joins_a_chunked_body(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "PUT /c HTTP/1.1\r\nHost: x\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	turn(scene);
	say(fd, "2;ext=1\r\nde\r\n0\r\n\r\n");
	until(scene, hears(scene, fd, "PUT /c mood=none tag=none body=abcde"));
	close(fd);
}

static void web_asks_a_waiting_client_to_continue(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
				 "Content-Length: 2\r\n\r\n");
	until(scene, hears(scene, fd, "HTTP/1.1 100 Continue\r\n\r\n"));
	assert_int_equal(scene->handed, 0);
	say(fd, "ok");
	until(scene, hears(scene, fd, "body=ok"));
	close(fd);
}

static void web_sends_no_body_to_head(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(hear_out(scene, fd), 0);
	assert_heard(scene, "Content-Length: 32\r\n");
	assert_not_heard(scene, "body=");
	until(scene, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_sends_no_stream_to_head(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	until(scene, scene->handed == 1);
	web_stream_begin(scene->kept[0], 200, "text/event-stream");
	web_stream_add(scene->kept[0], "data", 4);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_not_heard(scene, "data");
	until(scene, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_answers_when_the_owner_does(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	assert_int_equal(web_exchanges(scene->web), 1);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_false(hears(scene, fd, "HTTP"));
	web_add_header(scene->kept[0], "X-One", "1");
	web_add_header(scene->kept[0], "X-Two", "2");
	web_reply(scene->kept[0], 529, NULL, NULL, 0);
	until(scene, hears(scene, fd, "\r\n\r\n"));
	assert_heard(scene, "HTTP/1.1 529 ");
	assert_heard(scene, "X-One: 1\r\n");
	assert_heard(scene, "X-Two: 2\r\n");
	assert_heard(scene, "Content-Length: 0\r\n");
	until(scene, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void web_answers_pipelined_requests_in_order(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
				 "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nz"
				 "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "/3 mood"));
	assert_int_equal(scene->handed, 3);
	until(scene, scene->over[WEB_ANSWERED] == 3);
	assert_true(strstr(scene->heard.data, "/1 ") < strstr(scene->heard.data, "/2 "));
	assert_true(strstr(scene->heard.data, "/2 ") < strstr(scene->heard.data, "/3 "));
	assert_int_equal(web_connections(scene->web), 1);
	say(fd, "GET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "/4 mood"));
	close(fd);
}

/* More than any buffer on the way holds, in both directions. */
static void web_carries_large_bodies(void **state)
{
	struct scene *scene = *state;
	size_t len = (size_t)6 << 20, sent = 0;
	char *body = malloc(len);
	char header[128];
	int fd;

	assert_non_null(body);
	memset(body, 'x', len);
	open_web(scene, (struct web_options){.handle = on_request,
				.over = on_over,
				.body_ceiling = len});
	snprintf(header, sizeof header,
		"POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
	fd = dial_and_say(scene, header);
	while (sent < len) {
		ssize_t some =
			send(fd, body + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (some > 0)
			sent += (size_t)some;
		else
			turn(scene);
	}
	until(scene, (listen_once(scene, fd), scene->heard.len > len));
	until(scene, scene->over[WEB_ANSWERED] == 1);
	assert_memory_equal(scene->heard.data + scene->heard.len - len, body, len);
	close(fd);
	free(body);
}

/* Refusals */

static void web_refuses_what_is_too_large(void **state)
{
	static const struct {
		const char *request;
		const char *why;
	} rows[] = {
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "announced"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n"
		 "Expect: 100-continue\r\n\r\n",
			"announced and asked for"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "32\r\n01234567890123456789012345678901234567890123456789\r\n"
		 "33\r\n012345678901234567890123456789012345678901234567890\r\n",
			"found while it arrives, the end still out"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n"
		 "\r\n",
			"past what a number holds"},
	};
	struct scene *scene = *state;
	struct web_options options = defaults;

	options.body_ceiling = 100;
	open_web(scene, options);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial_and_say(scene, rows[i].request);

		forget(scene);
		hear_out(scene, fd);
		if (strncmp(buf_text(&scene->heard), "HTTP/1.1 413 ", 13) != 0)
			fail_msg("%s: %s", rows[i].why, buf_text(&scene->heard));
		assert_heard(scene, "Connection: close\r\n");
		close(fd);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

static void web_takes_a_body_that_just_fits(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	options.body_ceiling = 5;
	open_web(scene, options);
	fd = dial_and_say(scene,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345");
	until(scene, hears(scene, fd, "body=12345"));
	close(fd);
}

static void web_refuses_what_is_not_http(void **state)
{
	static const struct {
		const char *request;
		const char *answer; /* "" when there is none */
		const char *why;
	} rows[] = {
		{"GET / HTTQ/1.1\r\n\r\n", "HTTP/1.1 400 ", "another protocol"},
		{"GET /\r\n\r\n", "HTTP/1.1 400 ", "no version"},
		{"GET / HTTP/9.0\r\n\r\n", "HTTP/1.1 505 ", "a version to come"},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 ", "not a header"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
			"HTTP/1.1 400 ", "a length that is no number"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
			"HTTP/1.1 400 ", "a negative length"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\nhello",
			"HTTP/1.1 400 ", "a length with something behind it"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			"HTTP/1.1 400 ", "a chunk without a length"},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "2\r\nabcd\r\n",
			"HTTP/1.1 400 ", "a chunk longer than it says"},
		{"nonsense\r\n\r\n", "", "not even a request line"},
	};
	struct scene *scene = *state;

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(rows); i++) {
		int fd = dial_and_say(scene, rows[i].request);
		const char *answer = rows[i].answer;

		forget(scene);
		hear_out(scene, fd);
		if (strncmp(buf_text(&scene->heard), answer, strlen(answer)) != 0 ||
			(!*answer && scene->heard.len > 0))
			fail_msg("%s: %s", rows[i].why, buf_text(&scene->heard));
		close(fd);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

static void web_refuses_an_endless_header(void **state)
{
	struct scene *scene = *state;
	char line[1024];
	int fd;

	open_web(scene, defaults);
	memset(line, 'x', sizeof line);
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	fd = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 64; i++)
		say(fd, line);
	hear_out(scene, fd);
	assert_heard(scene, "HTTP/1.1 431 ");
	assert_int_equal(scene->handed, 0);
	close(fd);
}

/* Clients that leave */

static void web_notices_that_a_waiting_client_left(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	close(fd);
	until(scene, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
	assert_int_equal(web_exchanges(scene->web), 0);
	until(scene, web_connections(scene->web) == 0);
}

static void hang_up_with_reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static void web_notices_that_a_waiting_client_reset(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	hang_up_with_reset(fd);
	until(scene, scene->over[WEB_LEFT] == 1);
}

static void web_ignores_an_answer_for_a_client_that_reset(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	hang_up_with_reset(fd);
	web_reply(scene->kept[0], 200, "text/plain", "late", 4);
	until(scene, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void web_forgets_a_request_that_never_became_whole(void **state)
{
	static const char *const parts[] = {
		"GE",
		"GET / HTTP/1.1\r\nHo",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
	};
	struct scene *scene = *state;

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(parts); i++) {
		int fd = dial_and_say(scene, parts[i]);

		until(scene, web_connections(scene->web) == 1);
		turn(scene);
		close(fd);
		until(scene, web_connections(scene->web) == 0);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

/* Streams */

static struct web_exchange *begin_stream(struct scene *scene, int *fd)
{
	struct web_exchange *stream;

	scene->parks = true;
	*fd = dial_and_say(scene, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	stream = scene->kept[0];
	web_stream_begin(stream, 200, "text/event-stream");
	return stream;
}

static void stream_arrives_piece_by_piece(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	until(scene, hears(scene, fd, "\r\n\r\n"));
	assert_heard(scene, "Content-Type: text/event-stream\r\n");
	assert_heard(scene, "Transfer-Encoding: chunked\r\n");
	web_stream_add(stream, "one\n", 4);
	until(scene, hears(scene, fd, "4\r\none\n\r\n"));
	web_stream_add(stream, "two\n", 4);
	web_stream_add(stream, "three\n", 6);
	until(scene, hears(scene, fd, "A\r\ntwo\nthree\n\r\n"));
	assert_not_heard(scene, "\r\n0\r\n");
	assert_int_equal(overs(scene), 0);
	web_stream_add(stream, "end\n", 4);
	web_stream_end(stream);
	until(scene, hears(scene, fd, "4\r\nend\n\r\n0\r\n\r\n"));
	until(scene, scene->over[WEB_ANSWERED] == 1);

	scene->parks = false;
	say(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /next"));
	close(fd);
}

static void stream_may_be_whole_at_once(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "all", 3);
	web_stream_end(stream);
	web_stream_add(stream, "late", 4);
	until(scene, hears(scene, fd, "3\r\nall\r\n0\r\n\r\n"));
	until(scene, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void stream_may_be_empty(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	until(scene, hears(scene, fd, "\r\n\r\n"));
	web_stream_end(stream);
	until(scene, hears(scene, fd, "\r\n\r\n0\r\n\r\n"));
	close(fd);
}

static void stream_to_an_old_client_ends_with_the_connection(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /old HTTP/1.0\r\n\r\n");
	until(scene, scene->handed == 1);
	web_stream_begin(scene->kept[0], 200, "text/plain");
	web_stream_add(scene->kept[0], "plain", 5);
	until(scene, hears(scene, fd, "\r\n\r\nplain"));
	web_stream_end(scene->kept[0]);
	assert_int_equal(hear_out(scene, fd), 0);
	until(scene, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void stream_keeps_its_order_when_the_client_is_slow(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	unsigned n = 0, expected = 0;
	SCOPED(buf_done) struct buf all = {0};
	int fd;

	open_web(scene, (struct web_options){
				.handle = on_request, .over = on_over, .connections = 1});
	scene->parks = true;
	fd = dial_and_say(scene, "GET /old HTTP/1.0\r\n\r\n");
	until(scene, scene->handed == 1);
	stream = scene->kept[0];
	web_stream_begin(stream, 200, "text/plain");
	while (n < 500000) {
		char line[16];

		for (int i = 0; i < 10000; i++)
			web_stream_add(stream, line,
				(size_t)snprintf(line, sizeof line, "%08u\n", n++));
		turn(scene);
		listen_once(scene, fd);
	}
	web_stream_end(stream);
	assert_int_equal(hear_out(scene, fd), 0);
	for (const char *at = strstr(scene->heard.data, "\r\n\r\n") + 4; *at; at += 9)
		assert_int_equal(strtoul(at, NULL, 10), expected++);
	assert_int_equal(expected, n);
	close(fd);
}

static void stream_notices_that_its_client_left(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "one", 3);
	until(scene, hears(scene, fd, "one"));
	close(fd);
	until(scene, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void stream_notices_that_its_client_left_unread(void **state)
{
	static const char block[65536];
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	for (int i = 0; i < 120; i++)
		web_stream_add(stream, block, sizeof block);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(overs(scene), 0);
	close(fd);
	until(scene, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void stream_that_nobody_reads_is_broken(void **state)
{
	static const char block[65536];
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	for (size_t added = 0; added <= WEB_UNSENT_MAX; added += sizeof block)
		web_stream_add(stream, block, sizeof block);
	until(scene, overs(scene) == 1);
	until(scene, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(hear_out(scene, fd), ECONNRESET);
	close(fd);
}

/* Misbehaviour */

static void reset_reaches_a_waiting_client(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	web_reset(scene->kept[0]);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	until(scene, overs(scene) == 1);
	until(scene, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(hear_out(scene, fd), ECONNRESET);
	assert_int_equal(scene->heard.len, 0);
	close(fd);
	until(scene, web_connections(scene->web) == 0);
}

static void reset_overtakes_an_answer(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	web_reset(scene->kept[0]);
	assert_int_equal(hear_out(scene, fd), ECONNRESET);
	until(scene, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void reset_cuts_a_stream(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "one", 3);
	until(scene, hears(scene, fd, "one"));
	web_reset(stream);
	web_stream_add(stream, "two", 3);
	assert_int_equal(hear_out(scene, fd), ECONNRESET);
	assert_not_heard(scene, "two");
	until(scene, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void reset_cuts_a_stream_that_is_being_written(void **state)
{
	static const char block[65536];
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	for (int i = 0; i < 120; i++)
		web_stream_add(stream, block, sizeof block);
	for (int i = 0; i < 5; i++)
		turn(scene);
	web_reset(stream);
	until(scene, overs(scene) == 1);
	until(scene, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(hear_out(scene, fd), ECONNRESET);
	close(fd);
}

static void half_close_ends_our_direction_only(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	web_half_close(scene->kept[0]);
	assert_int_equal(hear_out(scene, fd), 0);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	say(fd, "still listened to");
	for (int i = 0; i < 10; i++)
		turn(scene);
	assert_int_equal(web_exchanges(scene->web), 1);
	close(fd);
	until(scene, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void half_close_can_end_in_a_reset(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	web_half_close(scene->kept[0]);
	assert_int_equal(hear_out(scene, fd), 0);
	web_reset(scene->kept[0]);
	until(scene, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	close(fd);
}

static void half_close_cuts_a_stream(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_half_close(stream);
	web_stream_add(stream, "unheard", 7);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_not_heard(scene, "unheard");
	assert_int_equal(web_exchanges(scene->web), 1);
	close(fd);
	until(scene, scene->over[WEB_LEFT] == 1);
}

/* Draining */

static void drain_is_immediate_without_connections(void **state)
{
	struct scene *scene = *state;
	uint16_t port;

	open_web(scene, defaults);
	port = web_port(scene->web);
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	assert_int_equal(scene->drained, 0);
	until(scene, scene->drained == 1);
	assert_int_equal(try_dial(port), -1);
	assert_int_equal(errno, ECONNREFUSED);
	web_drain(scene->web, 0, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->drained, 1);
}

static void drain_takes_in_whom_the_kernel_accepted(void **state)
{
	struct scene *scene = *state;
	int fds[40];

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = dial_and_say(scene, "GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n");
	web_drain(scene->web, LINGER_NS, on_drained, scene);
	until(scene, scene->drained == 1);
	assert_int_equal(scene->over[WEB_ANSWERED], COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++) {
		forget(scene);
		assert_int_equal(hear_out(scene, fds[i]), 0);
		assert_heard(scene, "Connection: close\r\n");
		assert_heard(scene, "GET /waiting");
		close(fds[i]);
	}
}

static void drain_waits_for_open_exchanges(void **state)
{
	struct scene *scene = *state;
	int64_t answered_ns;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	web_drain(scene->web, 0, on_drained, scene);
	answered_ns = clock_now() + 30 * CLOCK_MS;
	until(scene, clock_now() > answered_ns);
	assert_int_equal(scene->drained, 0);
	web_reply(scene->kept[0], 200, "text/plain", "done", 4);
	until(scene, scene->drained == 1);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_heard(scene, "Connection: close\r\n");
	assert_heard(scene, "\r\n\r\ndone");
	close(fd);
}

static void drain_lingers_for_idle_connections(void **state)
{
	struct scene *scene = *state;
	int64_t began_ns;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /1"));
	assert_not_heard(scene, "Connection: close");
	began_ns = clock_now();
	web_drain(scene->web, LINGER_NS, on_drained, scene);
	until(scene, scene->drained == 1);
	assert_true(scene->drained_ns - began_ns >= LINGER_NS - CLOCK_MS);
	assert_int_equal(web_connections(scene->web), 1);
	close(fd);
}

static void drain_ends_when_the_last_idle_connection_does(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /1"));
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->drained, 0);
	close(fd);
	until(scene, scene->drained == 1);
}

static void drain_still_hands_over_what_warm_connections_bring(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /1"));
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	say(fd, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->drained == 1);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_heard(scene, "Connection: close\r\n");
	assert_heard(scene, "GET /2");
	until(scene, scene->over[WEB_ANSWERED] == 2);
	close(fd);
}

static void drain_waits_for_a_request_that_is_arriving(void **state)
{
	struct scene *scene = *state;
	int64_t pause_ns;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(scene, web_connections(scene->web) == 1);
	turn(scene);
	turn(scene);
	web_drain(scene->web, 0, on_drained, scene);
	pause_ns = clock_now() + 50 * CLOCK_MS;
	until(scene, clock_now() > pause_ns);
	assert_int_equal(scene->drained, 0);
	say(fd, "lo");
	until(scene, scene->drained == 1);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_heard(scene, "body=hello");
	close(fd);
}

static void drain_gives_up_on_a_request_that_fell_silent(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(scene, web_connections(scene->web) == 1);
	web_drain(scene->web, 0, on_drained, scene);
	until(scene, scene->drained == 1);
	assert_int_equal(scene->handed, 0);
	close(fd);
}

static void drain_takes_in_the_crowd_before_a_full_house(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int fds[10];

	options.connections = 3;
	open_web(scene, options);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = dial_and_say(scene, "GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n");
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	until(scene, scene->drained == 1);
	assert_int_equal(scene->over[WEB_ANSWERED], COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void drain_while_on_the_way(void *arg, struct web_exchange *exchange)
{
	struct scene *scene = arg;

	on_request(arg, exchange);
	web_drain(scene->web, 0, on_drained, scene);
}

static void drain_may_begin_in_a_handler(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	options.handle = drain_while_on_the_way;
	open_web(scene, options);
	fd = dial_and_say(scene, "POST /stop HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->drained == 1);
	assert_int_equal(hear_out(scene, fd), 0);
	assert_heard(scene, "Connection: close\r\n");
	close(fd);
}

static void destroy_when_drained(void *arg)
{
	struct scene *scene = arg;

	web_destroy(scene->web);
	scene->web = NULL;
}

static void drained_web_may_be_destroyed_from_its_callback(void **state)
{
	struct scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /1"));
	web_drain(scene->web, LINGER_NS, destroy_when_drained, scene);
	until(scene, !scene->web);
	assert_int_equal(hear_out(scene, fd), 0);
	close(fd);
}

static void on_flag(uv_poll_t *poll, int status, int events)
{
	bool *seen = poll->data;

	(void)status;
	(void)events;
	*seen = true;
	uv_poll_stop(poll);
}

/* libuv's epoll knows a descriptor by its number, and numbers come back. */
static void destroy_leaves_the_next_owner_of_a_descriptor_alone(void **state)
{
	struct scene *scene = *state;
	uv_poll_t polls[2];
	bool seen[2] = {false, false};
	int ends[2][2];

	open_web(scene, defaults);
	web_drain(scene->web, 0, on_drained, scene);
	until(scene, scene->drained == 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
		uv_poll_init(&scene->loop, &polls[i], ends[i][0]);
		polls[i].data = &seen[i];
		uv_poll_start(&polls[i], UV_READABLE, on_flag);
	}
	turn(scene);
	web_destroy(scene->web);
	scene->web = NULL;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(ends[i][1], "x", 1), 1);
		until(scene, seen[i]);
		uv_close((uv_handle_t *)&polls[i], NULL);
	}
	turn(scene);
	for (int i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
}

/* The end */

static void destroy_ends_whatever_is_open(void **state)
{
	struct scene *scene = *state;
	int fds[9];
	unsigned n = 0;

	open_web(scene, defaults);
	fds[n++] = dial_and_say(scene, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fds[0], "GET /idle"));
	scene->parks = true;
	scene->handed = 0;
	for (int i = 0; i < 5; i++)
		fds[n++] = dial_and_say(scene, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 5);
	web_stream_begin(scene->kept[0], 200, NULL); /* parked, its queue empty */
	for (int i = 0; i < 5; i++)
		turn(scene);
	web_stream_begin(scene->kept[1], 200, NULL); /* not yet seen by microhttpd */
	web_stream_add(scene->kept[1], "x", 1);
	web_half_close(scene->kept[2]);
	web_reply(scene->kept[3], 200, NULL, "x", 1);
	fds[n++] = dial_and_say(scene, "GET / HTT");
	fds[n++] = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	fds[n++] = dial_and_say(scene, "GET /unseen HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(n, COUNT(fds));

	scene->over[WEB_ANSWERED] = 0;
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(scene->over[WEB_BROKEN], 5);
	assert_int_equal(overs(scene), 5);
	while (n > 0)
		close(fds[--n]);
}

static void destroy_ends_requests_that_are_arriving(void **state)
{
	struct scene *scene = *state;
	int header, body;

	open_web(scene, defaults);
	header = dial_and_say(scene, "GET / HTT");
	body = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(scene, web_connections(scene->web) == 2);
	turn(scene);
	turn(scene);
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(overs(scene), 0);
	close(header);
	close(body);
}

static void destroy_accepts_null(void **state)
{
	(void)state;
	web_destroy(NULL);
}

/* Listening */

static void web_names_the_address_it_cannot_have(void **state)
{
	static const struct {
		const char *host;
		const char *text; /* with the port as %u */
		const char *why;
	} rows[] = {
		{"127.0.0.1", "listen on 127.0.0.1:%u: ", "taken"},
		{"0.0.0.0", "listen on 0.0.0.0:%u: ", "taken on one of its addresses"},
		{"nowhere", "listen on nowhere:%u: expected an IP address", "a name"},
		{"fe80::zz", "listen on [fe80::zz]:%u: expected an IP address", "no address"},
		{"203.0.113.7", "listen on 203.0.113.7:%u: ", "not one of ours"},
	};
	struct scene *scene = *state;
	struct web_options options = defaults;

	open_web(scene, defaults);
	options.port = web_port(scene->web);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		struct buf text = {0};

		options.host = rows[i].host;
		assert_null(web_create(&scene->loop, &options, &err));
		buf_adds(&text, rows[i].text);
		char *port = strstr(text.data, "%u");
		SCOPED(buf_done) struct buf expected = {0};

		buf_addf(&expected, "%.*s%u%s", (int)(port - text.data), text.data,
			(unsigned)options.port, port + 2);
		if (strncmp(err.text, expected.data, expected.len) != 0)
			fail_msg("%s: %s", rows[i].why, err.text);
		buf_done(&text);
	}
}

static void web_listens_on_ipv6(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct err err = {0};
	int fd;

	options.host = "::1";
	options.arg = scene;
	scene->web = web_create(&scene->loop, &options, &err);
	if (!scene->web && strstr(err.text, strerror(EADDRNOTAVAIL)))
		skip(); /* a machine without IPv6 */
	assert_non_null(scene->web);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin6_port = htons(web_port(scene->web));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	say(fd, "GET /six HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, fd, "GET /six"));
	close(fd);
}

static void web_can_have_a_port_again_at_once(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	open_web(scene, defaults);
	options.port = web_port(scene->web);
	fd = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(hear_out(scene, fd), 0);
	close(fd);
	web_destroy(scene->web);
	open_web(scene, options);
}

static void web_makes_clients_wait_before_a_full_house(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int fds[3];

	options.connections = 2;
	open_web(scene, options);
	for (int i = 0; i < 3; i++)
		fds[i] = dial_and_say(scene, "GET /in HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->over[WEB_ANSWERED] == 2);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(web_connections(scene->web), 2);
	assert_int_equal(scene->handed, 2);
	close(fds[0]);
	until(scene, hears(scene, fds[2], "GET /in"));
	close(fds[1]);
	close(fds[2]);
}

static void web_closes_idle_connections(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int silent, warm;

	options.idle_ns = 1;
	open_web(scene, options);
	silent = dial(scene);
	warm = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(hear_out(scene, warm), 0);
	assert_heard(scene, "GET /1");
	assert_int_equal(hear_out(scene, silent), 0);
	until(scene, web_connections(scene->web) == 0);
	close(silent);
	close(warm);
}

static void web_keeps_a_parked_connection_past_its_idle_time(void **state)
{
	struct scene *scene = *state;
	struct web_options options = defaults;
	int64_t late_ns;
	int fd;

	options.idle_ns = 1;
	open_web(scene, options);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	late_ns = clock_now() + 1300 * CLOCK_MS;
	until(scene, clock_now() > late_ns);
	web_reply(scene->kept[0], 200, NULL, "late", 4);
	until(scene, hears(scene, fd, "\r\n\r\nlate"));
	close(fd);
}

/* The tick alone turns the loop some twenty times. */
static void web_sleeps_while_nothing_happens(void **state)
{
	struct scene *scene = *state;
	struct web_exchange *stream;
	unsigned turns = 0;
	int idle, parked, streamed, arriving, half;
	int64_t end_ns;

	open_web(scene, defaults);
	stream = begin_stream(scene, &streamed);
	web_stream_add(stream, "x", 1);
	parked = dial_and_say(scene, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
	half = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 3);
	web_half_close(scene->kept[2]);
	arriving = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	scene->parks = false;
	idle = dial_and_say(scene, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, hears(scene, idle, "GET /idle"));
	end_ns = clock_now() + 100 * CLOCK_MS;
	for (; clock_now() < end_ns; turns++)
		turn(scene);
	assert_in_range(turns, 1, 200);
	close(idle);
	close(parked);
	close(streamed);
	close(arriving);
	close(half);
}

static void web_holds_a_crowd(void **state)
{
	struct scene *scene = *state;
	struct rlimit files;
	int fds[CROWD];

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < 2 * CROWD + 64)
		skip();
	open_web(scene, defaults);
	scene->parks = true;
	for (unsigned i = 0; i < CROWD; i++) {
		fds[i] = dial_and_say(scene, "GET /crowd HTTP/1.1\r\nHost: x\r\n\r\n");
		if (i % 500 == 499)
			until(scene, scene->handed == i + 1);
	}
	until(scene, scene->handed == CROWD);
	assert_int_equal(web_connections(scene->web), CROWD);
	assert_int_equal(web_exchanges(scene->web), CROWD);
	for (unsigned i = 0; i < CROWD; i++)
		close(fds[i]);
	until(scene, scene->over[WEB_LEFT] == CROWD);
	until(scene, web_connections(scene->web) == 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCENE(web_hands_over_the_whole_request),
		SCENE(web_tells_a_bare_query_name_from_a_missing_one),
		SCENE(web_joins_a_chunked_body),
		SCENE(web_asks_a_waiting_client_to_continue),
		SCENE(web_sends_no_body_to_head),
		SCENE(web_sends_no_stream_to_head),
		SCENE(web_answers_when_the_owner_does),
		SCENE(web_answers_pipelined_requests_in_order),
		SCENE(web_carries_large_bodies),
		SCENE(web_refuses_what_is_too_large),
		SCENE(web_takes_a_body_that_just_fits),
		SCENE(web_refuses_what_is_not_http),
		SCENE(web_refuses_an_endless_header),
		SCENE(web_notices_that_a_waiting_client_left),
		SCENE(web_notices_that_a_waiting_client_reset),
		SCENE(web_ignores_an_answer_for_a_client_that_reset),
		SCENE(web_forgets_a_request_that_never_became_whole),
		SCENE(stream_arrives_piece_by_piece),
		SCENE(stream_may_be_whole_at_once),
		SCENE(stream_may_be_empty),
		SCENE(stream_to_an_old_client_ends_with_the_connection),
		SCENE(stream_keeps_its_order_when_the_client_is_slow),
		SCENE(stream_notices_that_its_client_left),
		SCENE(stream_notices_that_its_client_left_unread),
		SCENE(stream_that_nobody_reads_is_broken),
		SCENE(reset_reaches_a_waiting_client),
		SCENE(reset_overtakes_an_answer),
		SCENE(reset_cuts_a_stream),
		SCENE(reset_cuts_a_stream_that_is_being_written),
		SCENE(half_close_ends_our_direction_only),
		SCENE(half_close_can_end_in_a_reset),
		SCENE(half_close_cuts_a_stream),
		SCENE(drain_is_immediate_without_connections),
		SCENE(drain_takes_in_whom_the_kernel_accepted),
		SCENE(drain_waits_for_open_exchanges),
		SCENE(drain_lingers_for_idle_connections),
		SCENE(drain_ends_when_the_last_idle_connection_does),
		SCENE(drain_still_hands_over_what_warm_connections_bring),
		SCENE(drain_waits_for_a_request_that_is_arriving),
		SCENE(drain_gives_up_on_a_request_that_fell_silent),
		SCENE(drain_takes_in_the_crowd_before_a_full_house),
		SCENE(drain_may_begin_in_a_handler),
		SCENE(drained_web_may_be_destroyed_from_its_callback),
		SCENE(destroy_leaves_the_next_owner_of_a_descriptor_alone),
		SCENE(destroy_ends_whatever_is_open),
		SCENE(destroy_ends_requests_that_are_arriving),
		SCENE(destroy_accepts_null),
		SCENE(web_names_the_address_it_cannot_have),
		SCENE(web_listens_on_ipv6),
		SCENE(web_can_have_a_port_again_at_once),
		SCENE(web_makes_clients_wait_before_a_full_house),
		SCENE(web_closes_idle_connections),
		SCENE(web_keeps_a_parked_connection_past_its_idle_time),
		SCENE(web_sleeps_while_nothing_happens),
		SCENE(web_holds_a_crowd),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
