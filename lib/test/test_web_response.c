#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/test/web_scene.h"

/* Clients that leave */

static void web_notices_that_a_waiting_client_left(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	close(fd);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
	assert_int_equal(web_exchanges(scene->web), 0);
	until(&scene->loop, web_connections(scene->web) == 0);
}

static void hang_up_with_reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static void web_notices_that_a_waiting_client_reset(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	hang_up_with_reset(fd);
	until(&scene->loop, scene->over[WEB_LEFT] == 1);
}

static void web_ignores_an_answer_for_a_client_that_reset(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	hang_up_with_reset(fd);
	web_reply(scene->kept[0], 200, "text/plain", "late", 4);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void web_reports_a_client_that_left_with_its_answer(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_reply(scene->kept[0], 200, NULL, "x", 1);
	until(&scene->loop, receives(scene, fd, "\r\n\r\nx"));
	close(fd);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_ANSWERED], 1);
}

static void web_answers_a_client_that_shut_its_direction(void **state)
{
	struct web_scene *scene = *state;
	size_t len = (size_t)16 << 20;
	char *body = calloc(1, len);
	int fd;

	assert_non_null(body);
	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_reply(scene->kept[0], 200, NULL, body, len);
	until(&scene->loop, receives(scene, fd, "\r\n\r\n"));
	shutdown(fd, SHUT_WR);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_true(scene->received.len > len);
	assert_int_equal(scene->over[WEB_ANSWERED], 1);
	close(fd);
	free(body);
}

static void web_answers_a_client_that_asked_and_shut_its_direction(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "GET /last");
	assert_int_equal(scene->over[WEB_ANSWERED], 1);
	close(fd);
}

/* The end comes before the exchange, or while it waits for its answer. */
static void web_notices_that_a_client_left_before_it_had_to_wait(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	until(&scene->loop, scene->over[WEB_LEFT] == 1);
	close(fd);
	fd = dial_and_say(scene,
		"POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
		"GET /two HTTP/1.1\r\nHost: x\r\n\r\n");
	close(fd);
	until(&scene->loop, scene->over[WEB_LEFT] == 2);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_int_equal(web_exchanges(scene->web), 0);
}

static void web_does_not_blame_the_client_for_an_answer_it_cannot_send(void **state)
{
	struct web_scene *scene = *state;
	char value[40000];
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	memset(value, 'x', sizeof value);
	value[sizeof value - 1] = '\0';
	fd = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_add_header(scene->kept[0], "X-Long", value);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	read_to_end(scene, fd);
	assert_int_equal(scene->received.len, 0);
	close(fd);
}

static void web_drops_a_request_that_never_became_whole(void **state)
{
	static const char *const parts[] = {
		"GE",
		"GET / HTTP/1.1\r\nHo",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
	};
	struct web_scene *scene = *state;

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(parts); i++) {
		int fd = dial_and_say(scene, parts[i]);

		until(&scene->loop, web_connections(scene->web) == 1);
		turn(scene);
		close(fd);
		until(&scene->loop, web_connections(scene->web) == 0);
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
}

/* Streams */

static void stream_arrives_piece_by_piece(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	until(&scene->loop, receives(scene, fd, "\r\n\r\n"));
	assert_received(scene, "Content-Type: text/event-stream\r\n");
	assert_received(scene, "Transfer-Encoding: chunked\r\n");
	web_stream_add(stream, "one\n", 4);
	until(&scene->loop, receives(scene, fd, "4\r\none\n\r\n"));
	web_stream_add(stream, "two\n", 4);
	web_stream_add(stream, "three\n", 6);
	until(&scene->loop, receives(scene, fd, "A\r\ntwo\nthree\n\r\n"));
	assert_not_received(scene, "\r\n0\r\n");
	assert_int_equal(overs(scene), 0);
	web_stream_add(stream, "end\n", 4);
	web_stream_end(stream);
	until(&scene->loop, receives(scene, fd, "4\r\nend\n\r\n0\r\n\r\n"));
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);

	scene->parks = false;
	http_send_text(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /next"));
	close(fd);
}

static void stream_may_be_whole_at_once(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "all", 3);
	web_stream_end(stream);
	web_stream_add(stream, "late", 4);
	until(&scene->loop, receives(scene, fd, "3\r\nall\r\n0\r\n\r\n"));
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void stream_may_be_empty(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	until(&scene->loop, receives(scene, fd, "\r\n\r\n"));
	web_stream_end(stream);
	until(&scene->loop, receives(scene, fd, "\r\n\r\n0\r\n\r\n"));
	close(fd);
}

static void stream_to_an_old_client_ends_with_the_connection(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /old HTTP/1.0\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_stream_begin(scene->kept[0], 200, "text/plain");
	web_stream_add(scene->kept[0], "plain", 5);
	until(&scene->loop, receives(scene, fd, "\r\n\r\nplain"));
	web_stream_end(scene->kept[0]);
	assert_int_equal(read_to_end(scene, fd), 0);
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

/* The whole is more than may be unsent, and the queue is never empty meanwhile. */
static void stream_keeps_its_order_when_the_client_is_slow(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	unsigned n = 0, expected = 0;
	char line[101];
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /old HTTP/1.0\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	stream = scene->kept[0];
	web_stream_begin(stream, 200, "text/plain");
	while (n < 200000) {
		unsigned burst = n == 0 ? 40000 : 150;

		for (; burst > 0; burst--)
			web_stream_add(stream, line,
				(size_t)snprintf(line, sizeof line, "%099u\n", n++));
		turn(scene);
		http_receive(fd, &scene->received);
		assert_int_equal(overs(scene), 0);
	}
	web_stream_end(stream);
	assert_int_equal(read_to_end(scene, fd), 0);
	for (const char *at = strstr(scene->received.data, "\r\n\r\n") + 4; *at;
		at += 100)
		assert_int_equal(strtoul(at, NULL, 10), expected++);
	assert_int_equal(expected, n);
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	close(fd);
}

static void stream_notices_that_its_client_left(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "one", 3);
	until(&scene->loop, receives(scene, fd, "one"));
	close(fd);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void stream_notices_that_its_client_left_unread(void **state)
{
	static const char block[65536];
	struct web_scene *scene = *state;
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
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void stream_without_a_reader_is_broken(void **state)
{
	static const char block[65536];
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	for (size_t added = 0; added <= WEB_UNSENT_MAX; added += sizeof block)
		web_stream_add(stream, block, sizeof block);
	until(&scene->loop, overs(scene) == 1);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(read_to_end(scene, fd), ECONNRESET);
	close(fd);
}

/* Faults */

static void reset_reaches_a_waiting_client(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_reset(scene->kept[0]);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	until(&scene->loop, overs(scene) == 1);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(read_to_end(scene, fd), ECONNRESET);
	assert_int_equal(scene->received.len, 0);
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
}

static void reset_overtakes_an_answer(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /reset HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	web_reset(scene->kept[0]);
	assert_int_equal(read_to_end(scene, fd), ECONNRESET);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void reset_cuts_a_stream(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "one", 3);
	until(&scene->loop, receives(scene, fd, "one"));
	web_reset(stream);
	web_stream_add(stream, "two", 3);
	assert_int_equal(read_to_end(scene, fd), ECONNRESET);
	assert_not_received(scene, "two");
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void reset_cuts_a_stream_that_is_being_written(void **state)
{
	static const char block[65536];
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	for (int i = 0; i < 120; i++)
		web_stream_add(stream, block, sizeof block);
	for (int i = 0; i < 5; i++)
		turn(scene);
	web_reset(stream);
	until(&scene->loop, overs(scene) == 1);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(read_to_end(scene, fd), ECONNRESET);
	close(fd);
}

static void cut_ends_a_stream_in_its_middle(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_stream_begin(scene->kept[0], 200, "text/event-stream");
	web_stream_add(scene->kept[0], "half a fr", 9);
	web_stream_cut(scene->kept[0]);
	web_stream_add(scene->kept[0], "unheard", 7);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "half a fr\r\n");
	assert_not_received(scene, "\r\n0\r\n");
	assert_not_received(scene, "unheard");
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void cut_ends_a_stream_that_waits(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_stream_add(stream, "whole", 5);
	until(&scene->loop, receives(scene, fd, "whole\r\n"));
	web_stream_cut(stream);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_not_received(scene, "\r\n0\r\n");
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	close(fd);
}

static void half_close_ends_the_direction_of_the_server_only(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_half_close(scene->kept[0]);
	assert_int_equal(read_to_end(scene, fd), 0);
	web_reply(scene->kept[0], 200, NULL, NULL, 0);
	http_send_text(fd, "still listened to");
	for (int i = 0; i < 10; i++)
		turn(scene);
	assert_int_equal(web_exchanges(scene->web), 1);
	close(fd);
	until(&scene->loop, overs(scene) == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
}

static void half_close_can_end_in_a_reset(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_half_close(scene->kept[0]);
	assert_int_equal(read_to_end(scene, fd), 0);
	web_reset(scene->kept[0]);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	close(fd);
}

static void half_close_cuts_a_stream(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	int fd;

	open_web(scene, defaults);
	stream = begin_stream(scene, &fd);
	web_half_close(stream);
	web_stream_add(stream, "unheard", 7);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_not_received(scene, "unheard");
	assert_int_equal(web_exchanges(scene->web), 1);
	close(fd);
	until(&scene->loop, scene->over[WEB_LEFT] == 1);
}

/* While an older one stays: microhttpd looks at the oldest in every turn. */
static void web_closes_the_connection_of_a_stream_that_was_broken_off(void **state)
{
	struct web_scene *scene = *state;
	int older, left, cut;

	open_web(scene, defaults);
	older = dial(scene);
	until(&scene->loop, web_connections(scene->web) == 1);
	begin_stream(scene, &left);
	until(&scene->loop, receives(scene, left, "text/event-stream"));
	close(left);
	until(&scene->loop, scene->over[WEB_LEFT] == 1);
	until(&scene->loop, web_connections(scene->web) == 1);

	cut = dial_and_say(scene, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 2);
	web_stream_begin(scene->kept[1], 200, "text/plain");
	web_stream_add(scene->kept[1], "half", 4);
	web_stream_cut(scene->kept[1]);
	forget(scene);
	assert_int_equal(read_to_end(scene, cut), 0);
	assert_received(scene, "half");
	assert_not_received(scene, "\r\n0\r\n");
	until(&scene->loop, web_connections(scene->web) == 1);
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	close(cut);
	close(older);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCENE(web_notices_that_a_waiting_client_left),
		SCENE(web_notices_that_a_waiting_client_reset),
		SCENE(web_ignores_an_answer_for_a_client_that_reset),
		SCENE(web_reports_a_client_that_left_with_its_answer),
		SCENE(web_answers_a_client_that_shut_its_direction),
		SCENE(web_answers_a_client_that_asked_and_shut_its_direction),
		SCENE(web_notices_that_a_client_left_before_it_had_to_wait),
		SCENE(web_does_not_blame_the_client_for_an_answer_it_cannot_send),
		SCENE(web_drops_a_request_that_never_became_whole),
		SCENE(stream_arrives_piece_by_piece),
		SCENE(stream_may_be_whole_at_once),
		SCENE(stream_may_be_empty),
		SCENE(stream_to_an_old_client_ends_with_the_connection),
		SCENE(stream_keeps_its_order_when_the_client_is_slow),
		SCENE(stream_notices_that_its_client_left),
		SCENE(stream_notices_that_its_client_left_unread),
		SCENE(stream_without_a_reader_is_broken),
		SCENE(reset_reaches_a_waiting_client),
		SCENE(reset_overtakes_an_answer),
		SCENE(reset_cuts_a_stream),
		SCENE(reset_cuts_a_stream_that_is_being_written),
		SCENE(cut_ends_a_stream_in_its_middle),
		SCENE(cut_ends_a_stream_that_waits),
		SCENE(half_close_ends_the_direction_of_the_server_only),
		SCENE(half_close_can_end_in_a_reset),
		SCENE(half_close_cuts_a_stream),
		SCENE(web_closes_the_connection_of_a_stream_that_was_broken_off),
	};

	return cmocka_run_group_tests_name("web answer", tests, NULL, NULL);
}
