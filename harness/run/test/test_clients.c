#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/clients.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define CLIENTS 2

/* A server that keeps what it is asked and answers when the scene says so. */
struct clients_scene {
	uv_loop_t loop;
	uv_tcp_t listener, *peers[64];
	unsigned peer_count, answered, requests;
	char asked[1024]; /* the newest request */
	char block[1024];
	struct load_request_part part;
	struct evidence evidence;
	struct clients *clients;
};

static void on_alloc(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *block)
{
	struct clients_scene *scene = handle->data;

	*block = uv_buf_init(scene->block, sizeof scene->block);
}

static void on_read(uv_stream_t *peer, ssize_t len, const uv_buf_t *block UNUSED)
{
	struct clients_scene *scene = peer->data;

	if (len > 0 && (size_t)len < sizeof scene->asked) {
		memcpy(scene->asked, scene->block, (size_t)len);
		scene->asked[len] = '\0';
		scene->requests++;
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct clients_scene *scene = listener->data;
	uv_tcp_t *peer = mem_zeroed(sizeof *peer);

	assert_int_equal(status, 0);
	uv_tcp_init(&scene->loop, peer);
	peer->data = scene;
	scene->peers[scene->peer_count++] = peer;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)peer), 0);
	uv_read_start((uv_stream_t *)peer, on_alloc, on_read);
}

/* To the oldest connections that were not answered. */
static void answer(struct clients_scene *scene, unsigned count, const char *text)
{
	uv_buf_t bytes = uv_buf_init((char *)(size_t)text, (unsigned)strlen(text));

	while (count-- > 0) {
		uv_tcp_t *peer = scene->peers[scene->answered++];

		assert_int_equal(
			uv_try_write((uv_stream_t *)peer, &bytes, 1), (int)bytes.len);
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void hang_up(struct clients_scene *scene, unsigned peer)
{
	uv_close((uv_handle_t *)scene->peers[peer], on_closed);
	scene->peers[peer] = NULL;
}

static int set_up(void **state)
{
	struct clients_scene *scene = mem_zeroed(sizeof *scene);
	struct sockaddr_in address;
	int len = sizeof address;
	SCOPED(mem_free) char *base = NULL;
	struct err err = {0};

	uv_loop_init(&scene->loop);
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(&scene->loop, &scene->listener);
	scene->listener.data = scene;
	uv_tcp_bind(&scene->listener, (struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&scene->listener, 16, on_connection);
	uv_tcp_getsockname(&scene->listener, (struct sockaddr *)&address, &len);
	base = mem_textf("http://127.0.0.1:%d", ntohs(address.sin_port));
	fields_preset(load_request_fields, &scene->part);
	scene->part.path = mem_text("/report/{n}");
	scene->part.concurrency = CLIENTS;
	scene->part.pause_ns = 1 * CLOCK_MS;
	scene->clients = clients_create(
		&scene->loop, &scene->part, base, &scene->evidence, &err);
	assert_non_null(scene->clients);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct clients_scene *scene = *state;

	clients_destroy(scene->clients);
	uv_close((uv_handle_t *)&scene->listener, NULL);
	for (unsigned i = 0; i < scene->peer_count; i++)
		if (scene->peers[i])
			hang_up(scene, i);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	evidence_done(&scene->evidence);
	fields_done(load_request_fields, &scene->part);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static bool are_under_way(const void *arg)
{
	const struct clients_scene *scene = arg;

	return clients_are_under_way(scene->clients) &&
		scene->peer_count >= scene->answered + CLIENTS;
}

static bool all_ended(const void *arg)
{
	const struct clients_scene *scene = arg;

	for (unsigned i = 0; i < CLIENTS; i++)
		if (scene->evidence.requests[i].end == REQUEST_PENDING)
			return false;
	return true;
}

static bool never(const void *arg UNUSED)
{
	return false;
}

static bool once(struct clients_scene *scene, wait_fn *is_so)
{
	return wait_until(&scene->loop, is_so, scene, clock_now() + 2 * CLOCK_S,
		       NULL) == WAIT_SO;
}

#define WHOLE "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"

/* Begins, brings the moment of the stop, and answers with the text. */
static const struct load_request *end_with(
	struct clients_scene *scene, const char *text, bool hangs_up)
{
	clients_begin(scene->clients);
	assert_true(once(scene, are_under_way));
	clients_hold(scene->clients, true);
	assert_true(once(scene, are_under_way));
	scene->evidence.loaded_ns = clock_now();
	answer(scene, CLIENTS, text);
	for (unsigned i = 0; hangs_up && i < CLIENTS; i++)
		hang_up(scene, i);
	assert_true(once(scene, all_ended));
	return scene->evidence.requests;
}

static void clients_send_what_the_scenario_says(void **state)
{
	struct clients_scene *scene = *state;

	scene->part.concurrency = 1;
	scene->part.body = mem_text("{\"id\":{n}}");
	strlist_add(&scene->part.headers, "X-Client=c{n}");
	end_with(scene, WHOLE, false);
	assert_non_null(strstr(scene->asked, "POST /report/"));
	assert_non_null(strstr(scene->asked, "X-Client: c"));
	assert_non_null(strstr(scene->asked, "{\"id\":"));
	assert_null(strstr(scene->asked, "{n}"));
}

static void a_whole_answer_is_one(void **state)
{
	const struct load_request *requests = end_with(*state, WHOLE, false);

	assert_int_equal(requests[0].end, REQUEST_ANSWERED);
	assert_int_equal(requests[1].end, REQUEST_ANSWERED);
	assert_int_equal(requests[1].client, 2);
}

static void a_client_asks_again_until_the_stop(void **state)
{
	struct clients_scene *scene = *state;

	clients_begin(scene->clients);
	assert_true(once(scene, are_under_way));
	answer(scene, CLIENTS, WHOLE);
	assert_true(once(scene, are_under_way));
	assert_int_equal(scene->peer_count, 2 * CLIENTS);
	clients_hold(scene->clients, true);
	answer(scene, CLIENTS, WHOLE);
	assert_true(once(scene, all_ended));
	wait_until(&scene->loop, never, scene, clock_now() + 20 * CLOCK_MS, NULL);
	assert_int_equal(scene->peer_count, 2 * CLIENTS);
	assert_int_equal(scene->evidence.request_count, CLIENTS);
}

static bool each_has_asked_twice(const void *arg)
{
	return ((const struct clients_scene *)arg)->requests == 2 * CLIENTS;
}

static void connections_are_reused_as_the_scenario_says(void **state)
{
	static const struct {
		enum load_connections connections;
		unsigned opened; /* for two requests of each client */
	} rows[] = {
		{LOAD_CONNECTIONS_NEW, 2 * CLIENTS},
		{LOAD_CONNECTIONS_REUSED, CLIENTS},
		{LOAD_CONNECTIONS_BOTH, CLIENTS + CLIENTS / 2},
		{LOAD_CONNECTIONS_AUTO, 2 * CLIENTS},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clients_scene *scene;

		assert_int_equal(set_up(state), 0);
		scene = *state;
		scene->part.connections = (int)rows[i].connections;
		clients_begin(scene->clients);
		assert_true(once(scene, are_under_way));
		answer(scene, CLIENTS, WHOLE);
		assert_true(once(scene, each_has_asked_twice));
		assert_int_equal(scene->peer_count, rows[i].opened);
		tear_down(state);
	}
}

/* In their pause when the stop comes: each sends its last request then. */
static void the_stop_finds_a_request_of_each_client(void **state)
{
	struct clients_scene *scene = *state;

	scene->part.pause_ns = CLOCK_S;
	clients_begin(scene->clients);
	assert_true(once(scene, are_under_way));
	answer(scene, CLIENTS, WHOLE);
	assert_true(once(scene, all_ended));
	clients_hold(scene->clients, true);
	assert_false(clients_are_under_way(scene->clients));
	assert_true(once(scene, are_under_way));
	assert_int_equal(scene->peer_count, 2 * CLIENTS);
}

static void a_stream_is_under_way_with_its_first_bytes(void **state)
{
	struct clients_scene *scene = *state;

	scene->part.stream = true;
	scene->part.pause_ns = CLOCK_S; /* the end of both is seen */
	clients_begin(scene->clients);
	assert_int_equal(wait_until(&scene->loop, are_under_way, scene,
				 clock_now() + 50 * CLOCK_MS, NULL),
		WAIT_DEADLINE);
	answer(scene, CLIENTS,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
	scene->answered = 0;
	assert_true(once(scene, are_under_way));
	answer(scene, CLIENTS, "0\r\n\r\n");
	assert_true(once(scene, all_ended));
	assert_int_equal(scene->evidence.requests[0].end, REQUEST_ANSWERED);
}

static void a_stream_without_its_last_chunk_is_lost(void **state)
{
	struct clients_scene *scene = *state;

	assert_int_equal(end_with(scene,
				 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				 "5\r\nhello\r\n",
				 true)[0]
				 .end,
		REQUEST_BROKEN);
}

static void an_answer_without_the_text_is_lost(void **state)
{
	struct clients_scene *scene = *state;

	scene->part.contains = mem_text("[DONE]");
	assert_int_equal(end_with(scene, WHOLE, false)[0].end, REQUEST_BROKEN);
	assert_non_null(strstr(clients_trouble(scene->clients),
		"the answer ended without \"[DONE]\""));
}

static void the_text_may_come_in_pieces(void **state)
{
	struct clients_scene *scene = *state;

	scene->part.contains = mem_text("hello");
	scene->part.stream = true;
	clients_begin(scene->clients);
	wait_until(
		&scene->loop, are_under_way, scene, clock_now() + 50 * CLOCK_MS, NULL);
	answer(scene, CLIENTS,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n123 hel\r\n");
	scene->answered = 0;
	assert_true(once(scene, are_under_way));
	answer(scene, CLIENTS, "3\r\nlo \r\n0\r\n\r\n");
	assert_true(once(scene, all_ended));
	assert_int_equal(scene->evidence.requests[0].end, REQUEST_ANSWERED);
}

/* Neither length nor chunks: nothing tells the end of the answer from a cut. */
static void an_answer_that_its_connection_ends_is_unproven(void **state)
{
	assert_int_equal(end_with(*state, "HTTP/1.0 200 OK\r\n\r\nhello", true)[0].end,
		REQUEST_UNPROVEN);
}

static void an_answer_with_another_status_is_told(void **state)
{
	struct clients_scene *scene = *state;

	end_with(scene, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", false);
	assert_int_equal(scene->evidence.requests[1].end, REQUEST_WRONG);
	assert_string_equal(scene->evidence.requests[1].why,
		"client 2: HTTP 500, wanted 2xx: \"oops\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(clients_send_what_the_scenario_says),
		SCENE(a_whole_answer_is_one),
		SCENE(a_client_asks_again_until_the_stop),
		cmocka_unit_test(connections_are_reused_as_the_scenario_says),
		SCENE(the_stop_finds_a_request_of_each_client),
		SCENE(a_stream_is_under_way_with_its_first_bytes),
		SCENE(a_stream_without_its_last_chunk_is_lost),
		SCENE(an_answer_without_the_text_is_lost),
		SCENE(the_text_may_come_in_pieces),
		SCENE(an_answer_that_its_connection_ends_is_unproven),
		SCENE(an_answer_with_another_status_is_told),
	};

	return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
