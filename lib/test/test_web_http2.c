#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/test/web_http2_scene.h"

/* A stream that the server has begun to answer. */
static struct web_exchange *begin_http2_stream(
	struct web_scene *scene, struct http2_client *client, int32_t *id)
{
	unsigned before = scene->handed;
	struct web_exchange *stream;

	scene->parks = true;
	*id = http2_get(client, "/stream");
	until(&scene->loop, (http2_turn(client), scene->handed == before + 1));
	stream = scene->kept[before % COUNT(scene->kept)];
	web_stream_begin(stream, 200, "text/event-stream");
	web_stream_add(stream, "first", 5);
	until(&scene->loop, http2_says(client, *id, "first"));
	return stream;
}

/* Which version a client speaks */

static void both_versions_are_served_at_one_port(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;
	int fd;

	open_web(scene, http2_options());
	open_client(scene, &client);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	id = http2_get(&client, "/2?size=7");
	until(&scene->loop, http2_done(&client, id));
	until(&scene->loop, receives(scene, fd, "GET /1 size=none tag=none body="));
	assert_answer(&client, id, 200, "GET /2 size=7 tag=none body=");
	assert_int_equal(client.most_streams, WEB_HTTP2_STREAMS);
	assert_int_equal(web_connections(scene->web), 2);
	assert_int_equal(scene->over[WEB_ANSWERED], 2);
	close(fd);
	http2_close(&client);
	until(&scene->loop, scene->closed == 2);
}

static void a_web_without_it_speaks_http1_alone(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, preface);
	(void)read_to_end(scene, fd);
	assert_int_equal(scene->handed, 0);
	close(fd);
}

/* Each byte is read before the next is sent. */
static void a_preface_may_come_in_single_bytes(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	client.holds = true;
	id = http2_get(&client, "/torn");
	http2_turn(&client);
	while (client.out.len > 0) {
		assert_int_equal(send(client.fd, client.out.data, 1, 0), 1);
		buf_drop(&client.out, 1);
		for (int i = 0; i < 3; i++)
			turn(scene);
	}
	client.holds = false;
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "GET /torn size=none tag=none body=");
	http2_close(&client);
}

static void a_request_of_http1_may_come_in_single_bytes(void **state)
{
	static const char request[] = "PUT /torn HTTP/1.1\r\nHost: x\r\n\r\n";
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, http2_options());
	fd = dial(scene);
	for (const char *at = request; *at; at++) {
		assert_int_equal(send(fd, at, 1, 0), 1);
		for (int i = 0; i < 3; i++)
			turn(scene);
	}
	until(&scene->loop, receives(scene, fd, "PUT /torn"));
	close(fd);
}

static void half_a_preface_before_http1_is_the_end(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, http2_options());
	fd = dial_and_say(scene, "PRI * HTTP/2.0\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
	(void)read_to_end(scene, fd);
	until(&scene->loop, web_connections(scene->web) == 0);
	assert_int_equal(scene->handed, 0);
	close(fd);
}

static void a_client_that_leaves_within_the_preface_is_forgotten(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, http2_options());
	fd = dial_and_say(scene, "PR");
	until(&scene->loop, web_connections(scene->web) == 1);
	close(fd);
	until(&scene->loop, web_connections(scene->web) == 0);
}

/* Newcomers that say nothing count, and make room again when their time is over. */
static void clients_that_say_nothing_make_room(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	int silent[2], fd;

	options.connections = COUNT(silent);
	options.idle_ns = 100 * CLOCK_MS;
	open_web(scene, options);
	for (unsigned i = 0; i < COUNT(silent); i++)
		silent[i] = dial(scene);
	until(&scene->loop, web_connections(scene->web) == COUNT(silent));
	fd = dial_and_say(scene, "GET /room HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /room"));
	for (unsigned i = 0; i < COUNT(silent); i++) {
		assert_int_equal(read_to_end(scene, silent[i]), 0);
		close(silent[i]);
	}
	close(fd);
}

/* The request */

static void a_request_says_what_it_says_in_http1(void **state)
{
	static const char *const headers[] = {"x-tag", "a", "x-tag", "b", NULL};
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *exchange;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	id = http2_ask_with(&client, "GET", "/a%20b%2Fc?size=1+2&size=%33&bare&x=%00",
		headers, false);
	until(&scene->loop, (http2_turn(&client), scene->handed == 1));
	exchange = scene->kept[0];
	assert_string_equal(exchange->path, "/a b/c");
	assert_string_equal(exchange->method, "GET");
	assert_string_equal(web_query(exchange, "size", 0), "1 2");
	assert_string_equal(web_query(exchange, "size", 1), "3");
	assert_null(web_query(exchange, "size", 2));
	assert_string_equal(web_query(exchange, "bare", 0), "");
	assert_string_equal(web_query(exchange, "x", 0), "%00");
	assert_string_equal(web_header(exchange, "X-Tag"), "a");
	assert_string_equal(web_header(exchange, "Host"), "test.example");
	assert_null(web_header(exchange, "x-other"));
	assert_string_equal(
		web_target(exchange), "/a%20b%2Fc?size=1+2&size=%33&bare&x=%00");
	web_add_header(exchange, "X-Answer", "yes");
	web_add_header(exchange, "Connection", "close");
	web_add_header(exchange, "Keep-Alive", "1");
	web_add_header(exchange, "Transfer-Encoding", "chunked");
	web_add_header(exchange, "Content-Length", "99");
	web_add_header(exchange, "X-Empty", "");
	web_add_header(exchange, "X-Lines", "a\r\nb");
	web_reply(exchange, 201, "text/plain", "made", 4);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 201, "made");
	buf_add(&scene->received, http2_answer(&client, id)->headers.data,
		http2_answer(&client, id)->headers.len);
	assert_received(scene, "content-type: text/plain\n");
	assert_received(scene, "content-length: 4\n");
	assert_received(scene, "x-answer: yes\n");
	assert_received(scene, "date: ");
	assert_not_received(scene, "connection");
	assert_not_received(scene, "keep-alive");
	assert_not_received(scene, "transfer-encoding");
	assert_not_received(scene, "99");
	assert_not_received(scene, "x-empty");
	assert_not_received(scene, "x-lines");
	http2_close(&client);
}

static void collect_header(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s=%s ", name, value);
}

static void each_header_is_given_and_no_pseudo_header(void **state)
{
	static const char *const headers[] = {"x-tag", "a", "x-other", "b", NULL};
	struct web_scene *scene = *state;
	SCOPED(buf_done) struct buf all = {0};
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	(void)http2_ask_with(&client, "GET", "/", headers, false);
	until(&scene->loop, (http2_turn(&client), scene->handed == 1));
	web_each_header(scene->kept[0], collect_header, &all);
	assert_string_equal(buf_text(&all), "host=test.example x-tag=a x-other=b ");
	http2_close(&client);
	until(&scene->loop, scene->over[WEB_LEFT] == 1);
}

static void a_body_comes_whole_and_its_trailers_are_ignored(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_post(&client, "/body", "hel", 3, true);
	http2_answer(&client, id)->trailer = true;
	http2_turn(&client);
	until(&scene->loop, web_connections(scene->web) == 1);
	assert_int_equal(scene->handed, 0);
	http2_upload(&client, id, "lo", 2, false);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "POST /body size=none tag=none body=hello");
	http2_close(&client);
}

static void a_client_that_expects_it_is_told_to_continue(void **state)
{
	static const char *const headers[] = {"expect", "100-continue", NULL};
	struct web_scene *scene = *state;
	struct http2_client client;
	struct http2_answer *answer;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_ask_with(&client, "POST", "/wait", headers, true);
	answer = http2_answer(&client, id);
	answer->more = true;
	until(&scene->loop, (http2_turn(&client), answer->status == 100));
	assert_int_equal(scene->handed, 0);
	http2_upload(&client, id, "go", 2, false);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "POST /wait size=none tag=none body=go");
	http2_close(&client);
}

/* What web answers itself */

static void add_refusal(void *arg UNUSED, const struct web_exchange *exchange UNUSED,
	struct buf *head, struct buf *body)
{
	buf_adds(head, "X-Refused: yes\r\nX-Second: too\r\n");
	buf_adds(body, "{\"no\":1}");
}

/* The answer comes at once. The rest is passed over, for one that sends on would lose the
 * answer with a reset; who never ends is reset. */
static void a_body_that_is_too_large_is_refused(void **state)
{
	static const char *const lengths[] = {"content-length", "1001", NULL};
	static const char large[1001];
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;
	int32_t ids[2];

	options.body_ceiling = 1000;
	options.refusal = add_refusal;
	open_web(scene, options);
	open_client(scene, &client);
	ids[0] = http2_ask_with(&client, "POST", "/declared", lengths, true);
	http2_answer(&client, ids[0])->more = true;
	ids[1] = http2_post(&client, "/sent", large, sizeof large, true);
	for (unsigned i = 0; i < COUNT(ids); i++) {
		struct http2_answer *answer = http2_answer(&client, ids[i]);

		until(&scene->loop, (http2_turn(&client), answer->ended));
		assert_false(answer->closed);
		http2_upload(&client, ids[i], large, sizeof large, i == 1);
		until(&scene->loop, http2_done(&client, ids[i]));
		assert_answer(&client, ids[i], 413, "{\"no\":1}");
		assert_non_null(strstr(
			buf_text(&answer->headers), "x-refused: yes\nx-second: too\n"));
	}
	assert_int_equal(scene->handed, 0);
	assert_int_equal(overs(scene), 0);
	assert_false(http2_is_over(&client)); /* the others go on */
	http2_close(&client);
}

static void a_head_that_is_too_large_is_refused(void **state)
{
	struct web_scene *scene = *state;
	static char text[9000];
	const char *const headers[] = {"x-large", text, "x-larger", text, NULL};
	struct http2_client client;
	int32_t id;

	memset(text, 'x', sizeof text - 1);
	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_ask_with(&client, "GET", "/", headers, false);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->status, 431);
	assert_int_equal(scene->handed, 0);
	http2_close(&client);
}

static void no_tunnel_is_opened(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_ask_with(&client, "CONNECT", NULL, NULL, true);
	http2_answer(&client, id)->more = true;
	until(&scene->loop, http2_done(&client, id));
	assert_int_not_equal(http2_answer(&client, id)->status, 200);
	assert_int_equal(scene->handed, 0);
	http2_close(&client);
}

/* The answer */

static void the_answer_to_a_head_has_no_body(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id, stream;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_ask_with(&client, "HEAD", "/", NULL, false);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "");
	assert_non_null(strstr(
		buf_text(&http2_answer(&client, id)->headers), "content-length: 31\n"));
	scene->parks = true;
	stream = http2_ask_with(&client, "HEAD", "/", NULL, false);
	until(&scene->loop, (http2_turn(&client), scene->handed == 2));
	web_stream_begin(scene->kept[1], 200, "text/plain");
	web_stream_add(scene->kept[1], "nobody", 6);
	until(&scene->loop, http2_done(&client, stream));
	assert_answer(&client, stream, 200, "");
	assert_int_equal(scene->over[WEB_ANSWERED], 2);
	http2_close(&client);
}

/* Larger than every window and buffer between both. */
static void some_answers_have_no_body(void **state)
{
	static const unsigned statuses[] = {204, 304};
	struct web_scene *scene = *state;
	struct http2_client client;

	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	for (unsigned i = 0; i < COUNT(statuses); i++) {
		int32_t id = http2_get(&client, "/");

		until(&scene->loop, (http2_turn(&client), scene->handed == i + 1));
		web_reply(scene->kept[i], statuses[i], "text/plain", "none", 4);
		until(&scene->loop, http2_done(&client, id));
		assert_answer(&client, id, (int)statuses[i], "");
	}
	http2_close(&client);
}

static void a_large_answer_arrives_whole(void **state)
{
	static char body[24 << 20];
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	memset(body, 'x', sizeof body);
	open_web(scene, http2_options());
	open_client(scene, &client);
	scene->parks = true;
	id = http2_get(&client, "/");
	until(&scene->loop, (http2_turn(&client), scene->handed == 1));
	web_reply(scene->kept[0], 200, "text/plain", body, sizeof body);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->body.len, sizeof body);
	assert_memory_equal(http2_answer(&client, id)->body.data, body, sizeof body);
	assert_int_equal(scene->over[WEB_ANSWERED], 1);
	http2_close(&client);
}

static void a_stream_arrives_piece_by_piece(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *stream;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	stream = begin_http2_stream(scene, &client, &id);
	web_stream_add(stream, " second", 7);
	until(&scene->loop, http2_says(&client, id, "second"));
	assert_false(http2_answer(&client, id)->ended);
	web_stream_end(stream);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "first second");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 1);
	http2_close(&client);
}

/* The client's window stays shut. */
static void a_stream_that_nobody_takes_is_reset_at_the_bound(void **state)
{
	static const char piece[1 << 20];
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *stream;
	int32_t id, other;

	open_web(scene, http2_options());
	http2_open(&client, dial(scene), 1000);
	stream = begin_http2_stream(scene, &client, &id);
	for (int i = 0; i < 7; i++)
		web_stream_add(stream, piece, sizeof piece);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(overs(scene), 0);
	web_stream_add(stream, piece, sizeof piece);
	web_stream_add(stream, piece, sizeof piece);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->code, NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(http2_answer(&client, id)->body.len, 1000);
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	scene->parks = false;
	other = http2_get(&client, "/other");
	until(&scene->loop, http2_done(&client, other));
	assert_int_equal(http2_answer(&client, other)->status, 200);
	http2_close(&client);
}

/* Faults hit one stream alone. */

static void assert_other_streams_go_on(struct web_scene *scene,
	struct http2_client *client, struct web_exchange *other, int32_t id)
{
	web_stream_add(other, " still", 6);
	until(&scene->loop, http2_says(client, id, "still"));
	assert_false(client->over);
	assert_int_equal(client->goaways, 0);
}

static void a_reset_is_of_one_stream(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *broken, *other;
	int32_t id, other_id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	broken = begin_http2_stream(scene, &client, &id);
	other = begin_http2_stream(scene, &client, &other_id);
	web_stream_add(broken, " lost", 5);
	web_reset(broken);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->code, NGHTTP2_INTERNAL_ERROR);
	assert_string_equal(buf_text(&http2_answer(&client, id)->body), "first");
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	assert_other_streams_go_on(scene, &client, other, other_id);
	http2_close(&client);
}

static void a_cut_stream_sends_what_it_had_and_no_end(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *cut, *other;
	int32_t id, other_id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	cut = begin_http2_stream(scene, &client, &id);
	other = begin_http2_stream(scene, &client, &other_id);
	web_stream_add(cut, " last", 5);
	web_stream_cut(cut);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->code, NGHTTP2_CANCEL);
	assert_string_equal(buf_text(&http2_answer(&client, id)->body), "first last");
	assert_false(http2_answer(&client, id)->ended);
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	assert_other_streams_go_on(scene, &client, other, other_id);
	http2_close(&client);
}

static void a_half_closed_stream_waits_for_its_client(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *shut, *other;
	int32_t id, other_id, unanswered;

	open_web(scene, http2_options());
	open_client(scene, &client);
	shut = begin_http2_stream(scene, &client, &id);
	other = begin_http2_stream(scene, &client, &other_id);
	unanswered = http2_get(&client, "/unanswered");
	until(&scene->loop, (http2_turn(&client), scene->handed == 3));
	web_half_close(shut);
	web_half_close(scene->kept[2]);
	assert_other_streams_go_on(scene, &client, other, other_id);
	assert_false(http2_answer(&client, id)->closed);
	assert_int_equal(http2_answer(&client, unanswered)->status, 0);
	http2_reset(&client, id);
	until(&scene->loop, (http2_turn(&client), scene->over[WEB_LEFT] == 1));
	web_reset(scene->kept[2]);
	until(&scene->loop, http2_done(&client, unanswered));
	assert_int_equal(
		http2_answer(&client, unanswered)->code, NGHTTP2_INTERNAL_ERROR);
	http2_close(&client);
}

/* Clients that leave */

static void a_client_that_resets_its_stream_has_left_it(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *other;
	int32_t id, other_id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	(void)begin_http2_stream(scene, &client, &id);
	other = begin_http2_stream(scene, &client, &other_id);
	http2_reset(&client, id);
	until(&scene->loop, (http2_turn(&client), scene->over[WEB_LEFT] == 1));
	assert_other_streams_go_on(scene, &client, other, other_id);
	http2_close(&client);
	until(&scene->loop, scene->over[WEB_LEFT] == 2);
	until(&scene->loop, scene->closed == 1);
	assert_int_equal(scene->closed_exchanges, 2);
}

/* A stream that is over is not answered any more: these calls do nothing. */
static void answers_that_come_too_late_do_nothing(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *exchange;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	exchange = begin_http2_stream(scene, &client, &id);
	web_reset(exchange);
	web_stream_add(exchange, "late", 4);
	web_stream_end(exchange);
	web_stream_cut(exchange);
	web_half_close(exchange);
	web_reset(exchange);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->code, NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(overs(scene), 1);
	http2_close(&client);
}

static void destroying_breaks_what_is_open(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *full;
	int32_t ids[3];

	open_web(scene, http2_options());
	open_client(scene, &client);
	full = begin_http2_stream(scene, &client, &ids[0]);
	(void)begin_http2_stream(scene, &client, &ids[1]);
	ids[2] = http2_post(&client, "/half", "x", 1, true);
	until(&scene->loop, (http2_turn(&client), client.out.len == 0));
	for (int i = 0; i < 3; i++)
		turn(scene);
	web_stream_add(full, "unsent", 6);
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(scene->over[WEB_BROKEN], 2);
	assert_int_equal(scene->closed, 1);
	until(&scene->loop, http2_is_over(&client));
	http2_close(&client);
}

/* Silence */

static void an_idle_connection_is_closed(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;
	int32_t id;

	options.idle_ns = 50 * CLOCK_MS;
	open_web(scene, options);
	open_client(scene, &client);
	id = http2_get(&client, "/once");
	until(&scene->loop, http2_done(&client, id));
	until(&scene->loop, http2_is_over(&client));
	assert_int_equal(client.goaways, 1);
	assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
	until(&scene->loop, scene->closed == 1);
	http2_close(&client);
}

/* A stream that its server has not answered is not silent. */
static void a_connection_that_waits_for_an_answer_is_not_idle(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;
	struct web_exchange *stream;
	int32_t id;

	options.idle_ns = 20 * CLOCK_MS;
	open_web(scene, options);
	open_client(scene, &client);
	stream = begin_http2_stream(scene, &client, &id);
	until_idle(&scene->loop, 100);
	web_stream_end(stream);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "first");
	http2_close(&client);
}

/* Nor is one whose request is still coming, however slowly. */
static void a_request_that_drips_is_not_idle(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;
	int64_t end_ns, next_ns = 0;
	int32_t id;

	options.idle_ns = CLOCK_S;
	open_web(scene, options);
	open_client(scene, &client);
	end_ns = clock_now() + 3 * CLOCK_S / 2;
	id = http2_post(&client, "/", "x", 1, true);
	while (clock_now() < end_ns) {
		if (clock_now() > next_ns) {
			http2_upload(&client, id, "x", 1, true);
			next_ns = clock_now() + 20 * CLOCK_MS;
		}
		http2_turn(&client);
		turn(scene);
	}
	http2_upload(&client, id, "y", 1, false);
	until(&scene->loop, http2_done(&client, id));
	assert_int_equal(http2_answer(&client, id)->status, 200);
	http2_close(&client);
}

static void a_request_that_fell_silent_is_closed(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;

	options.idle_ns = 50 * CLOCK_MS;
	open_web(scene, options);
	open_client(scene, &client);
	(void)http2_post(&client, "/half", "x", 1, true);
	until(&scene->loop, http2_is_over(&client));
	until(&scene->loop, scene->closed == 1);
	assert_int_equal(scene->handed, 0);
	http2_close(&client);
}

static void an_answer_that_nobody_takes_is_closed(void **state)
{
	static const char body[2000];
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;

	options.idle_ns = 50 * CLOCK_MS;
	open_web(scene, options);
	http2_open(&client, dial(scene), 1000);
	scene->parks = true;
	(void)http2_get(&client, "/");
	until(&scene->loop, (http2_turn(&client), scene->handed == 1));
	web_reply(scene->kept[0], 200, "text/plain", body, sizeof body);
	until(&scene->loop, http2_is_over(&client));
	until(&scene->loop, scene->closed == 1);
	assert_int_equal(scene->over[WEB_BROKEN], 1);
	http2_close(&client);
}

/* Draining */

static void drain_serves_open_streams_and_says_goodbye(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	struct web_exchange *stream;
	int32_t id, late;

	open_web(scene, http2_options());
	open_client(scene, &client);
	stream = begin_http2_stream(scene, &client, &id);
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	late = http2_get(&client, "/late"); /* before it has heard of the drain */
	until(&scene->loop, (http2_turn(&client), scene->handed == 2));
	web_reply(scene->kept[1], 200, "text/plain", "served", 6);
	until(&scene->loop, http2_done(&client, late));
	assert_answer(&client, late, 200, "served");
	until(&scene->loop, (http2_turn(&client), client.goaways == 2));
	assert_int_equal(client.goaway_last, late);
	assert_int_equal(scene->drained, 0);
	web_stream_end(stream);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "first");
	/* The last stream is over: so is the connection, and with it the drain. */
	until(&scene->loop, http2_is_over(&client));
	until(&scene->loop, scene->drained == 1);
	http2_close(&client);
}

static void drain_closes_idle_clients_that_hear_of_it(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_get(&client, "/");
	until(&scene->loop, http2_done(&client, id));
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	until(&scene->loop, (http2_turn(&client), scene->drained == 1));
	until(&scene->loop, http2_is_over(&client));
	/* nghttp2 gives no second one to a client that is done with the first. */
	assert_true(client.goaways > 0);
	assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
	http2_close(&client);
}

static void drain_does_not_wait_for_clients_that_do_not_listen(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client client;
	int32_t id;

	options.patience_ns = 100 * CLOCK_MS;
	open_web(scene, options);
	open_client(scene, &client);
	id = http2_get(&client, "/");
	until(&scene->loop, http2_done(&client, id));
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	http2_close(&client);
}

static void drain_takes_in_http2_clients_that_the_kernel_accepted(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client clients[20];
	int32_t ids[COUNT(clients)];

	open_web(scene, http2_options());
	for (unsigned i = 0; i < COUNT(clients); i++) {
		open_client(scene, &clients[i]);
		ids[i] = http2_get(&clients[i], "/waiting");
		http2_turn(&clients[i]);
	}
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		until(&scene->loop, http2_done(&clients[i], ids[i]));
		assert_answer(&clients[i], ids[i], 200,
			"GET /waiting size=none tag=none body=");
		http2_close(&clients[i]);
	}
	assert_int_equal(scene->over[WEB_ANSWERED], COUNT(clients));
}

static void drain_waits_for_an_http2_request_that_is_arriving(void **state)
{
	struct web_scene *scene = *state;
	struct http2_client client;
	int32_t id;

	open_web(scene, http2_options());
	open_client(scene, &client);
	id = http2_post(&client, "/", "hel", 3, true);
	http2_turn(&client);
	until(&scene->loop, web_connections(scene->web) == 1);
	for (int i = 0; i < 3; i++)
		turn(scene);
	web_drain(scene->web, 0, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->drained, 0);
	http2_upload(&client, id, "lo", 2, false);
	until(&scene->loop, http2_done(&client, id));
	assert_answer(&client, id, 200, "POST / size=none tag=none body=hello");
	until(&scene->loop, (http2_turn(&client), scene->drained == 1));
	http2_close(&client);
}

/* One whose window is shut, and one that does not read its socket. */
static void drain_breaks_off_http2_answers_that_are_not_taken(void **state)
{
	static const char body[8 << 20];
	struct web_scene *scene = *state;
	struct web_options options = http2_options();
	struct http2_client clients[2];

	options.patience_ns = 100 * CLOCK_MS;
	scene->parks = true;
	open_web(scene, options);
	http2_open(&clients[0], dial(scene), 1000);
	http2_open(&clients[1], dial(scene), INT32_MAX);
	(void)nghttp2_session_set_local_window_size(
		clients[1].session, NGHTTP2_FLAG_NONE, 0, INT32_MAX);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		(void)http2_get(&clients[i], "/");
		until(&scene->loop, (http2_turn(&clients[i]), scene->handed == i + 1));
	}
	for (unsigned i = 0; i < COUNT(clients); i++)
		web_reply(scene->kept[i], 200, "text/plain", body, sizeof body);
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->over[WEB_BROKEN], 2);
	for (unsigned i = 0; i < COUNT(clients); i++)
		http2_close(&clients[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(both_versions_are_served_at_one_port),
		SCENE(a_web_without_it_speaks_http1_alone),
		SCENE(a_preface_may_come_in_single_bytes),
		SCENE(a_request_of_http1_may_come_in_single_bytes),
		SCENE(half_a_preface_before_http1_is_the_end),
		SCENE(a_client_that_leaves_within_the_preface_is_forgotten),
		SCENE(clients_that_say_nothing_make_room),
		SCENE(a_request_says_what_it_says_in_http1),
		SCENE(each_header_is_given_and_no_pseudo_header),
		SCENE(a_body_comes_whole_and_its_trailers_are_ignored),
		SCENE(a_client_that_expects_it_is_told_to_continue),
		SCENE(a_body_that_is_too_large_is_refused),
		SCENE(a_head_that_is_too_large_is_refused),
		SCENE(no_tunnel_is_opened),
		SCENE(the_answer_to_a_head_has_no_body),
		SCENE(some_answers_have_no_body),
		SCENE(a_large_answer_arrives_whole),
		SCENE(a_stream_arrives_piece_by_piece),
		SCENE(a_stream_that_nobody_takes_is_reset_at_the_bound),
		SCENE(a_reset_is_of_one_stream),
		SCENE(a_cut_stream_sends_what_it_had_and_no_end),
		SCENE(a_half_closed_stream_waits_for_its_client),
		SCENE(a_client_that_resets_its_stream_has_left_it),
		SCENE(answers_that_come_too_late_do_nothing),
		SCENE(destroying_breaks_what_is_open),
		SCENE(an_idle_connection_is_closed),
		SCENE(a_connection_that_waits_for_an_answer_is_not_idle),
		SCENE(a_request_that_drips_is_not_idle),
		SCENE(a_request_that_fell_silent_is_closed),
		SCENE(an_answer_that_nobody_takes_is_closed),
		SCENE(drain_serves_open_streams_and_says_goodbye),
		SCENE(drain_closes_idle_clients_that_hear_of_it),
		SCENE(drain_does_not_wait_for_clients_that_do_not_listen),
		SCENE(drain_takes_in_http2_clients_that_the_kernel_accepted),
		SCENE(drain_waits_for_an_http2_request_that_is_arriving),
		SCENE(drain_breaks_off_http2_answers_that_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
