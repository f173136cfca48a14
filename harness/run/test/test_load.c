#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/load.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

/* A server that answers each request with the same bytes, and one session of load. */
struct load_scene {
	uv_loop_t loop;
	uv_tcp_t listener, client;
	uv_write_t write;
	char block[4096];
	const char *answer;
	struct scenario scenario;
	struct evidence evidence;
	struct load *load;
};

static void on_alloc(uv_handle_t *handle, size_t wanted UNUSED, uv_buf_t *block)
{
	struct load_scene *scene = handle->data;

	*block = uv_buf_init(scene->block, sizeof scene->block);
}

static void on_read(uv_stream_t *client, ssize_t len, const uv_buf_t *block UNUSED)
{
	struct load_scene *scene = client->data;
	uv_buf_t answer = uv_buf_init(
		(char *)(size_t)scene->answer, (unsigned)strlen(scene->answer));

	uv_read_stop(client);
	if (len > 0)
		uv_write(&scene->write, client, &answer, 1, NULL);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct load_scene *scene = listener->data;

	assert_int_equal(status, 0);
	uv_tcp_init(&scene->loop, &scene->client);
	scene->client.data = scene;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&scene->client), 0);
	uv_read_start((uv_stream_t *)&scene->client, on_alloc, on_read);
}

static int set_up(void **state)
{
	struct load_scene *scene = mem_zeroed(sizeof *scene);
	struct sockaddr_in address;
	int len = sizeof address;
	SCOPED(mem_free) char *base = NULL;
	struct err err = {0};

	uv_loop_init(&scene->loop);
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(&scene->loop, &scene->listener);
	scene->listener.data = scene;
	uv_tcp_bind(&scene->listener, (struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&scene->listener, 4, on_connection);
	uv_tcp_getsockname(&scene->listener, (struct sockaddr *)&address, &len);
	base = mem_textf("http://127.0.0.1:%d", ntohs(address.sin_port));
	scene->scenario.load.sessions = 1;
	scene->scenario.service.session = (struct session_request){
		.path = mem_text("/hook/{room}"),
		.body = mem_text("{\"n\":{n},\"api\":\"{agent_url}/room/{room}\","
				 "\"other\":\"{x}\"}"),
		.status = 200,
		.within_ns = 5 * CLOCK_S,
	};
	scene->load = load_create(&scene->loop, &scene->scenario, base,
		"http://127.0.0.1:7", &scene->evidence, &err);
	assert_non_null(scene->load);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct load_scene *scene = *state;

	load_destroy(scene->load);
	uv_close((uv_handle_t *)&scene->listener, NULL);
	uv_close((uv_handle_t *)&scene->client, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	evidence_done(&scene->evidence);
	free(scene->scenario.service.session.path);
	free(scene->scenario.service.session.body);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static bool session_ended(const void *arg)
{
	return ((const struct load_scene *)arg)->load->ended[REQUEST_OPEN] == 1;
}

static const char *open_session(struct load_scene *scene, const char *answer)
{
	scene->answer = answer;
	load_begin(scene->load, REQUEST_OPEN);
	assert_int_equal(wait_until(&scene->loop, session_ended, scene,
				 clock_now() + 5 * CLOCK_S, NULL),
		WAIT_SO);
	return scene->load->trouble[REQUEST_OPEN];
}

static void a_good_answer_is_no_trouble(void **state)
{
	assert_null(
		open_session(*state, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
}

static void path_and_body_name_the_room_and_the_agent_api(void **state)
{
	struct load_scene *scene = *state;

	open_session(scene, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	assert_non_null(strstr(scene->block, "POST /hook/1 HTTP/1.1"));
	assert_non_null(strstr(scene->block,
		"{\"n\":1,\"api\":\"http://127.0.0.1:7/room/1\",\"other\":\"{x}\"}"));
}

static void a_wrong_status_says_which_one_was_wanted(void **state)
{
	assert_string_equal(open_session(*state,
				    "HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\n"
				    "created"),
		"session 1: HTTP 201, wanted 200: \"created\"");
}

static void a_page_of_html_is_not_quoted(void **state)
{
	assert_string_equal(
		open_session(*state,
			"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n"
			"<html></html>"),
		"session 1: HTTP 404, wanted 200 (13 bytes)");
}

static void an_error_body_is_one_inert_line(void **state)
{
	assert_string_equal(open_session(*state,
				    "HTTP/1.1 500 Oops\r\nContent-Length: 15\r\n\r\n"
				    "bad \033[2Jday\nmore"),
		"session 1: HTTP 500, wanted 200: \"bad \xef\xbf\xbd[2Jday\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_answer_is_no_trouble),
		SCENE(path_and_body_name_the_room_and_the_agent_api),
		SCENE(a_wrong_status_says_which_one_was_wanted),
		SCENE(a_page_of_html_is_not_quoted),
		SCENE(an_error_body_is_one_inert_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
