/* A web that speaks HTTP/2, and a fetch that asks it, in one loop. */
#include "lib/test/web_scene.h"

#include <sys/socket.h>

#include "lib/fetch.h"
#include "lib/mem.h"

#define CROWD  1000
#define BODY   ((size_t)3 << 20)
#define IDLE_S 1

struct ask {
	struct http2_scene *scene;
	struct fetch_call *call;
	bool done;
	struct fetch_result result; /* without its body */
	struct buf body;            /* or what was streamed */
	char *why;
};

struct http2_scene {
	struct web_scene web; /* first */
	struct fetch *fetch;
	struct ask ask[CROWD + 8];
	unsigned asked, answered, ended;
};

static int set_up(void **state)
{
	struct http2_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	uv_loop_init(&scene->web.loop);
	uv_timer_init(&scene->web.loop, &scene->web.tick);
	uv_timer_start(&scene->web.tick, on_tick, 5, 5);
	buf_init(&scene->web.received, (size_t)64 << 20);
	scene->fetch = fetch_create(&scene->web.loop, 8, &err);
	*state = scene;
	return scene->fetch ? 0 : -1;
}

/* teardown() checks that nothing is left on the loop. */
static int tear_down(void **state)
{
	struct http2_scene *scene = *state;

	fetch_destroy(scene->fetch);
	for (unsigned i = 0; i < scene->asked; i++) {
		buf_done(&scene->ask[i].body);
		free(scene->ask[i].why);
	}
	return teardown(state);
}

static void open_http2(struct http2_scene *scene, struct web_options options)
{
	options.http2 = true;
	open_web(&scene->web, options);
}

static void on_answer(void *arg, const struct fetch_result *result)
{
	struct ask *ask = arg;

	ask->done = true;
	ask->scene->ended++;
	ask->scene->answered += result->end == FETCH_ANSWERED;
	ask->result = *result;
	ask->why = mem_text(result->why);
	buf_add(&ask->body, buf_text(result->body), result->body->len);
}

static void on_piece(void *arg, const char *data, size_t len)
{
	buf_add(&((struct ask *)arg)->body, data, len);
}

static struct ask *ask_at(struct http2_scene *scene, uint16_t port, const char *path,
	struct fetch_request request)
{
	SCOPED(mem_free) char *url =
		mem_textf("http://127.0.0.1:%u%s", (unsigned)port, path);
	struct ask *ask = &scene->ask[scene->asked++];
	struct err err = {0};

	ask->scene = scene;
	request.url = url;
	request.http2 = true;
	request.done = on_answer;
	request.arg = ask;
	ask->call = fetch_start(scene->fetch, &request, &err);
	if (!ask->call)
		fail_msg("%s", err.text);
	return ask;
}

static struct ask *ask(
	struct http2_scene *scene, const char *path, struct fetch_request request)
{
	return ask_at(scene, web_port(scene->web.web), path, request);
}

static void wait_for(struct http2_scene *scene, const struct ask *ask)
{
	until(&scene->web.loop, ask->done);
}

/* A stream of which the head has been sent and taken. */
static struct web_exchange *stream(struct http2_scene *scene, struct ask **asked)
{
	struct web_exchange *exchange;

	scene->web.parks = true;
	*asked = ask(scene, "/stream", (struct fetch_request){.data = on_piece});
	until(&scene->web.loop, scene->web.handed == 1);
	exchange = scene->web.kept[0];
	web_stream_begin(exchange, 200, "text/event-stream");
	web_stream_add(exchange, "one", 3);
	until(&scene->web.loop, (*asked)->body.len == 3);
	return exchange;
}

static void http2_request_has_its_headers_query_and_body(void **state)
{
	static const char *const headers[] = {
		"X-Tag: seven", "Connection: close", NULL};
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_http2(scene, defaults);
	asked = ask(scene, "/a%20b?size=1+2&size=3",
		(struct fetch_request){
			.headers = headers, .body = "xyz", .body_len = 3});
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_ANSWERED);
	assert_int_equal(asked->result.status, 200);
	assert_string_equal(
		buf_text(&asked->body), "POST /a b size=1 2 tag=seven body=xyz");
	assert_true(asked->result.sent);
	assert_false(asked->result.reused);
	assert_int_equal(scene->web.over[WEB_ANSWERED], 1);
}

static void http2_requests_share_one_connection(void **state)
{
	struct http2_scene *scene = *state;

	open_http2(scene, defaults);
	for (unsigned i = 0; i < 5; i++) {
		struct ask *asked = ask(scene, "/", (struct fetch_request){0});

		wait_for(scene, asked);
		assert_int_equal(asked->result.reused, i > 0);
	}
	assert_int_equal(web_connections(scene->web.web), 1);
}

static void http2_crowd_takes_as_many_connections_as_its_streams_need(void **state)
{
	struct http2_scene *scene = *state;

	open_http2(scene, defaults);
	for (unsigned i = 0; i < CROWD; i++)
		ask(scene, "/", (struct fetch_request){0});
	until(&scene->web.loop, scene->ended == CROWD);
	assert_int_equal(scene->answered, CROWD);
	assert_int_equal(web_connections(scene->web.web), CROWD / 100);
	ask(scene, "/", (struct fetch_request){0});
	until(&scene->web.loop, scene->ended == CROWD + 1);
	assert_int_equal(web_connections(scene->web.web), CROWD / 100);
}

static void http2_bodies_larger_than_the_windows_arrive(void **state)
{
	struct http2_scene *scene = *state;
	SCOPED(mem_free) char *body = mem_zeroed(BODY);
	struct web_options options = defaults;
	struct ask *asked;

	memset(body, 'x', BODY);
	options.body_ceiling = BODY;
	open_http2(scene, options);
	asked = ask(scene, "/", (struct fetch_request){.body = body, .body_len = BODY});
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_ANSWERED);
	assert_int_equal(
		asked->body.len, BODY + strlen("POST / size=none tag=none body="));
}

static void http2_answer_to_head_has_no_body(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_http2(scene, defaults);
	asked = ask(scene, "/", (struct fetch_request){.method = "HEAD"});
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_ANSWERED);
	assert_int_equal(asked->body.len, 0);
	assert_false(asked->result.unframed);
}

static void http2_refuses_a_body_or_a_head_that_is_too_large(void **state)
{
	struct http2_scene *scene = *state;
	SCOPED(mem_free) char *long_header = mem_zeroed(8 << 10);
	const char *const headers[] = {long_header, NULL};
	struct web_options options = defaults;
	struct ask *asked;

	memset(long_header, 'x', (8 << 10) - 1);
	memcpy(long_header, "x-long: ", 8);
	options.body_ceiling = 10;
	options.memory = 4 << 10;
	open_http2(scene, options);
	asked = ask(scene, "/",
		(struct fetch_request){.body = "eleven byte", .body_len = 11});
	wait_for(scene, asked);
	assert_int_equal(asked->result.status, 413);
	assert_string_equal(buf_text(&asked->body),
		"{\"error\":\"the body is larger than 10 bytes\"}");
	asked = ask(scene, "/", (struct fetch_request){.headers = headers});
	wait_for(scene, asked);
	assert_int_equal(asked->result.status, 431);
	asked = ask(scene, "/",
		(struct fetch_request){.body = "ten bytes.", .body_len = 10});
	wait_for(scene, asked);
	assert_int_equal(asked->result.status, 200);
	assert_true(asked->result.reused);
}

static void http2_stream_comes_in_pieces_and_ends(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;
	struct web_exchange *exchange;

	open_http2(scene, defaults);
	exchange = stream(scene, &asked);
	web_stream_add(exchange, "two", 3);
	until(&scene->web.loop, asked->body.len == 6);
	assert_false(asked->done);
	web_stream_end(exchange);
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_ANSWERED);
	assert_int_equal(scene->web.over[WEB_ANSWERED], 1);
}

/* A reset ends one stream: another of the same connection goes on. */
static void http2_faults_end_their_stream_alone(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *first, *reset, *cut, *silent;
	struct web_exchange *exchange;

	open_http2(scene, defaults);
	exchange = stream(scene, &first);
	reset = ask(scene, "/reset", (struct fetch_request){0});
	cut = ask(scene, "/cut", (struct fetch_request){.data = on_piece});
	silent = ask(
		scene, "/silent", (struct fetch_request){.timeout_ns = 200 * CLOCK_MS});
	until(&scene->web.loop, scene->web.handed == 4);
	web_reset(scene->web.kept[1]);
	web_stream_begin(scene->web.kept[2], 200, "text/plain");
	web_stream_add(scene->web.kept[2], "half", 4);
	web_stream_cut(scene->web.kept[2]);
	web_half_close(scene->web.kept[3]);
	until(&scene->web.loop, scene->ended == 3);
	assert_int_equal(reset->result.end, FETCH_BROKEN);
	assert_string_equal(reset->why, "the server reset the stream (INTERNAL_ERROR)");
	assert_true(reset->result.sent);
	assert_int_equal(cut->result.end, FETCH_BROKEN);
	assert_string_equal(buf_text(&cut->body), "half");
	assert_int_equal(silent->result.end, FETCH_TIMED_OUT);
	until(&scene->web.loop, overs(&scene->web) == 3);
	assert_int_equal(scene->web.over[WEB_BROKEN], 2);
	assert_int_equal(scene->web.over[WEB_LEFT], 1);
	web_stream_add(exchange, "two", 3);
	until(&scene->web.loop, first->body.len == 6);
	assert_int_equal(web_connections(scene->web.web), 1);
}

static void http2_client_that_cancels_has_left(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_http2(scene, defaults);
	stream(scene, &asked);
	fetch_cancel(asked->call);
	until(&scene->web.loop, scene->web.over[WEB_LEFT] == 1);
	assert_int_equal(web_connections(scene->web.web), 1);
	assert_false(asked->done);
}

static void http2_clients_end_has_left_all_its_streams(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_http2(scene, defaults);
	stream(scene, &asked);
	ask(scene, "/", (struct fetch_request){0});
	until(&scene->web.loop, scene->web.handed == 2);
	fetch_destroy(scene->fetch);
	scene->fetch = NULL;
	until(&scene->web.loop, scene->web.closed == 1);
	assert_int_equal(scene->web.over[WEB_LEFT], 2);
	assert_int_equal(scene->web.closed_exchanges, 2);
	assert_int_not_equal(scene->web.closed_port, 0);
}

static void http2_drain_serves_open_streams_and_begins_no_more(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked, *late;
	struct web_exchange *exchange;
	uint16_t port;

	open_http2(scene, defaults);
	port = web_port(scene->web.web);
	exchange = stream(scene, &asked);
	web_drain(scene->web.web, LINGER_NS, on_drained, &scene->web);
	for (int i = 0; i < 5; i++)
		turn(&scene->web);
	late = ask_at(scene, port, "/late", (struct fetch_request){0});
	wait_for(scene, late);
	assert_int_equal(late->result.end, FETCH_REFUSED);
	assert_false(late->result.sent);
	assert_int_equal(scene->web.drained, 0);
	web_stream_add(exchange, "two", 3);
	web_stream_end(exchange);
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_ANSWERED);
	assert_int_equal(asked->body.len, 6);
	until(&scene->web.loop, scene->web.drained == 1);
}

static void http2_web_that_is_destroyed_breaks_its_streams(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_http2(scene, defaults);
	stream(scene, &asked);
	web_destroy(scene->web.web);
	scene->web.web = NULL;
	assert_int_equal(scene->web.over[WEB_BROKEN], 1);
	assert_int_equal(scene->web.closed, 1);
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_BROKEN);
}

static void http2_idle_connection_is_closed(void **state)
{
	struct http2_scene *scene = *state;
	struct web_options options = defaults;
	int silent;

	options.idle_ns = IDLE_S * CLOCK_S;
	open_http2(scene, options);
	wait_for(scene, ask(scene, "/", (struct fetch_request){0}));
	silent = dial(&scene->web);
	until(&scene->web.loop, scene->web.closed == 1);
	assert_int_equal(read_to_end(&scene->web, silent), 0);
	close(silent);
}

static void http1_and_http2_are_spoken_on_one_port(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;
	int fd;

	open_http2(scene, defaults);
	asked = ask(scene, "/two", (struct fetch_request){0});
	fd = dial_and_say(&scene->web,
		"PUT /one HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	until(&scene->web.loop, receives(&scene->web, fd, "PUT /one"));
	assert_received(&scene->web, "HTTP/1.1 200");
	wait_for(scene, asked);
	assert_string_equal(
		buf_text(&asked->body), "GET /two size=none tag=none body=");
	close(fd);
}

/* The server's SETTINGS: a frame of type 4 that begins the answer. */
static void http2_preface_may_come_byte_by_byte(void **state)
{
	static const char preface[] =
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	struct http2_scene *scene = *state;
	int fd;

	open_http2(scene, defaults);
	fd = dial(&scene->web);
	for (size_t i = 0; i < sizeof preface - 1; i++) {
		assert_int_equal(send(fd, preface + i, 1, MSG_NOSIGNAL), 1);
		turn(&scene->web);
	}
	until(&scene->web.loop,
		http_receive(fd, &scene->web.received) >= 0 &&
			scene->web.received.len >= 9);
	assert_int_equal(scene->web.received.data[3], 4);
	close(fd);
	until(&scene->web.loop, scene->web.closed == 1);
}

/* "P" could be either; at a drain it has to be decided. */
static void http2_newcomer_does_not_hold_up_a_drain(void **state)
{
	struct http2_scene *scene = *state;
	int fd;

	open_http2(scene, defaults);
	fd = dial_and_say(&scene->web, "P");
	turn(&scene->web);
	web_drain(scene->web.web, LINGER_NS, on_drained, &scene->web);
	until(&scene->web.loop, scene->web.drained == 1);
	close(fd);
}

static void http2_garbage_behind_the_preface_ends_the_connection(void **state)
{
	struct http2_scene *scene = *state;
	int fd;

	open_http2(scene, defaults);
	fd = dial_and_say(&scene->web, "PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
	assert_int_equal(read_to_end(&scene->web, fd), 0);
	assert_int_equal(scene->web.handed, 0);
	close(fd);
	until(&scene->web.loop, scene->web.closed == 1);
}

static void http2_client_is_told_that_a_server_speaks_http1(void **state)
{
	struct http2_scene *scene = *state;
	struct ask *asked;

	open_web(&scene->web, defaults);
	asked = ask(scene, "/", (struct fetch_request){0});
	wait_for(scene, asked);
	assert_int_equal(asked->result.end, FETCH_FAILED);
	assert_string_equal(asked->why, "the server does not speak HTTP/2");
}

#undef SCENE
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(http2_request_has_its_headers_query_and_body),
		SCENE(http2_requests_share_one_connection),
		SCENE(http2_crowd_takes_as_many_connections_as_its_streams_need),
		SCENE(http2_bodies_larger_than_the_windows_arrive),
		SCENE(http2_answer_to_head_has_no_body),
		SCENE(http2_refuses_a_body_or_a_head_that_is_too_large),
		SCENE(http2_stream_comes_in_pieces_and_ends),
		SCENE(http2_faults_end_their_stream_alone),
		SCENE(http2_client_that_cancels_has_left),
		SCENE(http2_clients_end_has_left_all_its_streams),
		SCENE(http2_drain_serves_open_streams_and_begins_no_more),
		SCENE(http2_web_that_is_destroyed_breaks_its_streams),
		SCENE(http2_idle_connection_is_closed),
		SCENE(http1_and_http2_are_spoken_on_one_port),
		SCENE(http2_preface_may_come_byte_by_byte),
		SCENE(http2_newcomer_does_not_hold_up_a_drain),
		SCENE(http2_garbage_behind_the_preface_ends_the_connection),
		SCENE(http2_client_is_told_that_a_server_speaks_http1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
