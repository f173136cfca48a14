#include "lib/test/fetch_scene.h"
#include "test/support/temp_dir.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CROWD 1000

static int set_up_large(void **state)
{
	return set_up_pool(state, CROWD);
}

static void fetch_brings_an_answer(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/plain");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_int_equal(scene->result.status, 200);
	assert_string_equal(buf_text(&scene->body), "hello");
	assert_string_equal(scene->why, "");
	assert_true(scene->result.sent);
	assert_false(scene->result.reused);
	assert_non_null(
		strstr(buf_text(&scene->server.last), "GET /plain HTTP/1.1\r\n"));
}

static void fetch_reuses_an_open_connection(void **state)
{
	struct fetch_scene *scene = *state;

	for (unsigned i = 0; i < 5; i++) {
		get(scene, "/plain");
		assert_int_equal(scene->result.end, FETCH_ANSWERED);
		assert_int_equal(scene->result.reused, i > 0);
	}
	assert_int_equal(scene->server.accepted, 1);
	assert_int_equal(scene->server.requests, 5);
}

static void fetch_fresh_connection_is_used_once(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/plain");
	for (unsigned i = 0; i < 3; i++) {
		ask(scene, "/plain", (struct fetch_request){.fresh = true});
		wait_done(scene, 2 + i);
		assert_int_equal(scene->result.end, FETCH_ANSWERED);
		assert_false(scene->result.reused);
	}
	assert_int_equal(scene->server.accepted, 4);
	while (scene->server.open > 1)
		wait_event(scene);
	get(scene, "/plain");
	assert_true(scene->result.reused);
}

static void fetch_keeps_a_fresh_connection_that_is_to_stay(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/plain", (struct fetch_request){.fresh = true, .keep = true});
	wait_done(scene, 1);
	assert_false(scene->result.reused);
	get(scene, "/plain");
	assert_true(scene->result.reused);
	ask(scene, "/plain", (struct fetch_request){.fresh = true, .keep = true});
	wait_done(scene, 3);
	assert_false(scene->result.reused);
	assert_int_equal(scene->server.accepted, 2);
	assert_int_equal(scene->server.open, 2);
}

static void fetch_closes_a_connection_after_its_last_request(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/plain");
	ask(scene, "/plain", (struct fetch_request){.last = true});
	wait_done(scene, 2);
	assert_true(scene->result.reused);
	while (scene->server.open > 0)
		wait_event(scene);
	ask(scene, "/plain",
		(struct fetch_request){.fresh = true, .keep = true, .last = true});
	wait_done(scene, 3);
	assert_false(scene->result.reused);
	while (scene->server.open > 0)
		wait_event(scene);
	assert_int_equal(scene->server.accepted, 2);
}

static void fetch_connects_anew_when_its_idle_connection_was_closed(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/plain");
	leave(scene->server.visits);
	while (scene->server.open > 0)
		wait_event(scene);
	get(scene, "/plain");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_false(scene->result.reused);
	assert_int_equal(scene->server.accepted, 2);
}

static void fetch_gives_up_at_its_deadline(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/hang", (struct fetch_request){.timeout_ns = 40 * CLOCK_MS});
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_TIMED_OUT);
	assert_true(scene->result.ended_ns - scene->result.began_ns >= 40 * CLOCK_MS);
	assert_true(scene->result.sent);
	assert_int_equal(scene->result.status, 0);
	assert_non_null(strstr(scene->why, "40"));
	while (scene->server.open > 0)
		wait_event(scene);
}

/* libuv counts a timer from when its turn began. */
static void fetch_deadline_is_never_early(void **state)
{
	struct fetch_scene *scene = *state;
	struct timespec busy = {.tv_nsec = 120000000};

	uv_update_time(&scene->loop);
	nanosleep(&busy, NULL);
	ask(scene, "/hang", (struct fetch_request){.timeout_ns = 80 * CLOCK_MS});
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_TIMED_OUT);
	assert_true(scene->result.ended_ns - scene->result.began_ns >= 80 * CLOCK_MS);
}

static void fetch_deadlines_are_each_their_own(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/hang", (struct fetch_request){.timeout_ns = 3600 * CLOCK_S});
	ask(scene, "/hang", (struct fetch_request){0});
	ask(scene, "/hang", (struct fetch_request){.timeout_ns = 20 * CLOCK_MS});
	ask(scene, "/plain", (struct fetch_request){.timeout_ns = 3600 * CLOCK_S});
	wait_done(scene, 2);
	assert_int_equal(scene->answered, 1);
	assert_int_equal(scene->done, 2);
}

static void fetch_stream_ends_at_its_deadline(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/half-body-hang",
		(struct fetch_request){.timeout_ns = 30 * CLOCK_MS, .data = on_data});
	while (scene->server.requests == 0)
		wait_event(scene);
	say(scene->server.visits, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_TIMED_OUT);
	assert_int_equal(scene->result.status, 200);
	assert_string_equal(buf_text(&scene->data), "half");
}

static void on_head_or_data(void *arg, const char *data, size_t len)
{
	on_data(arg, len ? data : "head;", len ? len : 5);
}

static void fetch_tells_the_head_of_a_streamed_answer(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/half-body-hang",
		(struct fetch_request){.data = on_head_or_data, .tells_head = true});
	while (scene->server.requests == 0)
		wait_event(scene);
	say(scene->server.visits, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
	while (scene->data.len == 0)
		wait_event(scene);
	assert_string_equal(buf_text(&scene->data), "head;");
	say(scene->server.visits, "body");
	wait_done(scene, 1);
	assert_string_equal(buf_text(&scene->data), "head;body");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
}

static void fetch_tells_no_head_of_an_error(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/half-body-hang",
		(struct fetch_request){.data = on_head_or_data, .tells_head = true});
	while (scene->server.requests == 0)
		wait_event(scene);
	say(scene->server.visits,
		"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
	wait_done(scene, 1);
	assert_string_equal(buf_text(&scene->data), "");
	assert_int_equal(scene->result.status, 404);
}

static void fetch_reaches_a_unix_socket(void **state)
{
	struct fetch_scene *scene = *state;
	struct blunt_server server = {0};
	char *folder = temp_dir_create();
	SCOPED(mem_free) char *path = mem_textf("%s/socket", folder);
	struct fetch_request request = {
		.url = "http://localhost/plain",
		.done = on_done,
		.arg = scene,
	};

	server_open(&server, &scene->loop, path);
	request.socket = path;
	for (unsigned i = 0; i < 3; i++) {
		start(scene, &request);
		wait_done(scene, i + 1);
		assert_int_equal(scene->result.end, FETCH_ANSWERED);
		assert_int_equal(scene->result.reused, i > 0);
	}
	assert_int_equal(server.accepted, 1);
	assert_int_equal(scene->server.accepted, 0);
	destroy(scene);
	server_close(&server);
	while (server.visits)
		wait_event(scene);
	buf_done(&server.last);
	temp_dir_remove(folder);
}

static void fetch_canceled_has_no_callback(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/plain", (struct fetch_request){.timeout_ns = CLOCK_MS});
	fetch_cancel(scene->call); /* before it began */
	ask(scene, "/hang", (struct fetch_request){0});
	while (scene->server.requests == 0)
		wait_event(scene);
	fetch_cancel(scene->call); /* under way */
	while (scene->server.open > 0)
		wait_event(scene);
	get(scene, "/plain");
	assert_int_equal(scene->done, 1);
}

static void fetch_may_be_canceled_by_a_piece_of_its_body(void **state)
{
	struct fetch_scene *scene = *state;

	scene->cancel_on_data = true;
	ask(scene, "/drip", (struct fetch_request){.data = on_data});
	while (scene->pieces == 0 || scene->server.open > 0)
		wait_event(scene);
	assert_int_equal(scene->pieces, 1);
	assert_int_equal(scene->done, 0);
}

/* The piece and the end came together: the result is known, and never told. */
static void fetch_may_be_canceled_by_its_last_piece(void **state)
{
	struct fetch_scene *scene = *state;

	scene->cancel_on_data = true;
	ask(scene, "/plain", (struct fetch_request){.data = on_data});
	while (scene->pieces == 0)
		wait_event(scene);
	scene->cancel_on_data = false;
	get(scene, "/plain");
	assert_int_equal(scene->pieces, 1);
	assert_int_equal(scene->done, 1);
}

static void fetch_may_be_destroyed_by_a_piece_of_a_body(void **state)
{
	struct fetch_scene *scene = *state;

	scene->destroy_on_data = true;
	ask(scene, "/drip", (struct fetch_request){.data = on_data});
	ask(scene, "/hang", (struct fetch_request){0});
	while (scene->pieces == 0 || scene->server.open > 0)
		wait_event(scene);
	assert_int_equal(scene->done, 0);
}

static void fetch_may_be_destroyed_by_a_result(void **state)
{
	struct fetch_scene *scene = *state;

	scene->destroy_on_done = true;
	scene->server.crowd = 3;
	for (unsigned i = 0; i < 3; i++)
		ask(scene, "/crowd", (struct fetch_request){0});
	while (scene->done == 0 || scene->server.open > 0)
		wait_event(scene);
	assert_int_equal(scene->done, 1);
}

static void fetch_may_be_started_by_a_result(void **state)
{
	struct fetch_scene *scene = *state;
	SCOPED(mem_free) char *url = url_of(scene, "/plain");

	scene->again = true;
	scene->next_url = url;
	get(scene, "/plain");
	wait_done(scene, 2);
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_true(scene->result.reused);
	assert_int_equal(scene->server.accepted, 1);
}

static void fetch_destroyed_cancels_what_is_under_way(void **state)
{
	struct fetch_scene *scene = *state;

	for (unsigned i = 0; i < 10; i++)
		ask(scene, i % 2 ? "/hang" : "/plain",
			(struct fetch_request){.timeout_ns = CLOCK_S});
	while (scene->server.requests < 5)
		wait_event(scene);
	scene->done = 0;
	destroy(scene);
	while (scene->server.open > 0)
		wait_event(scene);
	assert_int_equal(scene->done, 0);
}

static void fetch_keeps_no_more_connections_than_asked_for(void **state)
{
	struct fetch_scene *scene = *state;

	scene->server.crowd = 20;
	for (unsigned i = 0; i < 20; i++)
		ask(scene, "/crowd", (struct fetch_request){0});
	wait_done(scene, 20);
	assert_int_equal(scene->answered, 20);
	assert_int_equal(scene->server.accepted, 20);
	while (scene->server.open > 8)
		wait_event(scene);
	get(scene, "/plain");
	assert_true(scene->result.reused);
}

static void fetch_carries_a_crowd_at_once(void **state)
{
	struct fetch_scene *scene = *state;

	scene->server.crowd = CROWD;
	for (unsigned round = 1; round <= 2; round++) {
		for (unsigned i = 0; i < CROWD; i++)
			ask(scene, "/crowd",
				(struct fetch_request){.timeout_ns = 50 * CLOCK_S});
		wait_done(scene, round * CROWD);
		assert_int_equal(scene->answered, round * CROWD);
		assert_int_equal(scene->result.reused, round == 2);
	}
	assert_int_equal(scene->server.accepted, CROWD);
}

static void fetch_sockets_are_hidden_from_programs(void **state)
{
	struct fetch_scene *scene = *state;
	unsigned ours = 0;

	get(scene, "/plain");
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t len = sizeof peer;

		if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 ||
			peer.sin_family != AF_INET ||
			ntohs(peer.sin_port) != scene->server.port)
			continue;
		ours++;
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	}
	assert_int_equal(ours, 1);
}

/* Refused calls, each started by the one before: other events still get their turn. */
static void on_refused(void *arg, const struct fetch_result *result)
{
	struct fetch_scene *scene = arg;
	const struct fetch_request request = {
		.url = "ftp://nonsense",
		.done = on_refused,
		.arg = scene,
	};

	assert_int_equal(result->end, FETCH_FAILED);
	scene->done++;
	start(scene, &request);
}

static void on_tick(uv_timer_t *timer)
{
	(*(unsigned *)timer->data)++;
}

static void fetch_that_fails_for_ever_leaves_the_loop_its_turns(void **state)
{
	struct fetch_scene *scene = *state;
	const struct fetch_request request = {
		.url = "ftp://nonsense",
		.done = on_refused,
		.arg = scene,
	};
	unsigned ticks = 0;
	uv_timer_t timer;

	uv_timer_init(&scene->loop, &timer);
	timer.data = &ticks;
	uv_timer_start(&timer, on_tick, 1, 1);
	start(scene, &request);
	while (ticks < 3 || scene->done < 3)
		wait_event(scene);
	uv_close((uv_handle_t *)&timer, NULL);
	destroy(scene);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static void fetch_destroy_accepts_null(void **state UNUSED)
{
	fetch_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(fetch_brings_an_answer),
		SCENE(fetch_reuses_an_open_connection),
		SCENE(fetch_fresh_connection_is_used_once),
		SCENE(fetch_keeps_a_fresh_connection_that_is_to_stay),
		SCENE(fetch_closes_a_connection_after_its_last_request),
		SCENE(fetch_connects_anew_when_its_idle_connection_was_closed),
		SCENE(fetch_gives_up_at_its_deadline),
		SCENE(fetch_deadline_is_never_early),
		SCENE(fetch_deadlines_are_each_their_own),
		SCENE(fetch_stream_ends_at_its_deadline),
		SCENE(fetch_tells_the_head_of_a_streamed_answer),
		SCENE(fetch_tells_no_head_of_an_error),
		SCENE(fetch_reaches_a_unix_socket),
		SCENE(fetch_canceled_has_no_callback),
		SCENE(fetch_may_be_canceled_by_a_piece_of_its_body),
		SCENE(fetch_may_be_canceled_by_its_last_piece),
		SCENE(fetch_may_be_destroyed_by_a_piece_of_a_body),
		SCENE(fetch_may_be_destroyed_by_a_result),
		SCENE(fetch_may_be_started_by_a_result),
		SCENE(fetch_destroyed_cancels_what_is_under_way),
		SCENE(fetch_keeps_no_more_connections_than_asked_for),
		cmocka_unit_test_setup_teardown(
			fetch_carries_a_crowd_at_once, set_up_large, tear_down),
		SCENE(fetch_sockets_are_hidden_from_programs),
		SCENE(fetch_that_fails_for_ever_leaves_the_loop_its_turns),
		cmocka_unit_test(fetch_destroy_accepts_null),
	};
	struct rlimit files;

	/* Both ends of a crowd of connections. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
