#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "lib/test/web_scene.h"

/* Draining */

static void drain_is_immediate_without_connections(void **state)
{
	struct web_scene *scene = *state;
	uint16_t port;

	open_web(scene, defaults);
	port = web_port(scene->web);
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	assert_int_equal(scene->drained, 0);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(http_dial(port), -1);
	assert_int_equal(errno, ECONNREFUSED);
	web_drain(scene->web, 0, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->drained, 1);
}

/* A client that came now could only be reset. */
static void drain_begins_no_handshake_with_newcomers(void **state)
{
	struct web_scene *scene = *state;
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct pollfd newcomer = {.events = POLLOUT};

	open_web(scene, defaults);
	address.sin_port = htons(web_port(scene->web));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	web_drain(scene->web, 0, on_drained, scene);
	newcomer.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(newcomer.fd >= 0);
	assert_int_equal(
		connect(newcomer.fd, (const struct sockaddr *)&address, sizeof address),
		-1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(poll(&newcomer, 1, 20), 0);
	until(&scene->loop, scene->drained == 1);
	close(newcomer.fd);
}

static void check_whom_the_kernel_accepted(struct web_scene *scene, int64_t linger_ns)
{
	int fds[40];

	open_web(scene, defaults);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] =
			dial_and_say(scene, "GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n");
	web_drain(scene->web, linger_ns, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->over[WEB_ANSWERED], COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++) {
		forget(scene);
		assert_int_equal(read_to_end(scene, fds[i]), 0);
		assert_received(scene, "Connection: close\r\n");
		assert_received(scene, "GET /waiting");
		close(fds[i]);
	}
}

static void drain_takes_in_clients_that_the_kernel_accepted(void **state)
{
	check_whom_the_kernel_accepted(*state, LINGER_NS);
}

static void drain_without_linger_takes_them_in_too(void **state)
{
	check_whom_the_kernel_accepted(*state, 0);
}

static void drain_waits_for_open_exchanges(void **state)
{
	struct web_scene *scene = *state;
	int64_t answered_ns;
	int fd;

	open_web(scene, defaults);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	web_drain(scene->web, 0, on_drained, scene);
	answered_ns = clock_now() + 30 * CLOCK_MS;
	until(&scene->loop, clock_now() > answered_ns);
	assert_int_equal(scene->drained, 0);
	web_reply(scene->kept[0], 200, "text/plain", "done", 4);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "Connection: close\r\n");
	assert_received(scene, "\r\n\r\ndone");
	close(fd);
}

static void drain_lingers_for_idle_connections(void **state)
{
	struct web_scene *scene = *state;
	int64_t began_ns;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /1"));
	assert_not_received(scene, "Connection: close");
	began_ns = clock_now();
	web_drain(scene->web, LINGER_NS, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	assert_true(scene->drained_ns - began_ns >= LINGER_NS - CLOCK_MS);
	assert_int_equal(web_connections(scene->web), 1);
	close(fd);
}

static void drain_ends_when_the_last_idle_connection_does(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /1"));
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(scene->drained, 0);
	close(fd);
	until(&scene->loop, scene->drained == 1);
}

static void drain_hands_over_requests_of_open_connections(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /1"));
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	for (int i = 0; i < 5; i++)
		turn(scene);
	http_send_text(fd, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "Connection: close\r\n");
	assert_received(scene, "GET /2");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 2);
	close(fd);
}

static void drain_waits_for_a_request_that_is_arriving(void **state)
{
	struct web_scene *scene = *state;
	int64_t pause_ns;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(&scene->loop, web_connections(scene->web) == 1);
	turn(scene);
	turn(scene);
	web_drain(scene->web, 0, on_drained, scene);
	pause_ns = clock_now() + 50 * CLOCK_MS;
	until(&scene->loop, clock_now() > pause_ns);
	assert_int_equal(scene->drained, 0);
	http_send_text(fd, "lo");
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "body=hello");
	close(fd);
}

static void drain_gives_up_on_a_request_that_fell_silent(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(&scene->loop, web_connections(scene->web) == 1);
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->handed, 0);
	close(fd);
}

/* A request that comes a byte at a time, and never ends. */
static void drain_is_not_held_up_by_a_body_that_drips(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int64_t began_ns, next_ns = 0;
	int fd;

	options.patience_ns = 300 * CLOCK_MS;
	open_web(scene, options);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n");
	until(&scene->loop, web_connections(scene->web) == 1);
	began_ns = clock_now();
	web_drain(scene->web, 0, on_drained, scene);
	while (!scene->drained) {
		if (clock_now() > next_ns) {
			http_send_text(fd, "x");
			next_ns = clock_now() + 20 * CLOCK_MS;
		}
		if (clock_now() > began_ns + 10 * CLOCK_S)
			fail_msg("it waits for every drop");
		turn(scene);
	}
	assert_true(scene->drained_ns - began_ns >= 290 * CLOCK_MS);
	assert_int_equal(scene->handed, 0);
	close(fd);
}

static void drain_breaks_off_answers_that_are_not_taken(void **state)
{
	static char body[16 << 20];
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int64_t began_ns;
	int fds[2];

	options.patience_ns = 100 * CLOCK_MS;
	scene->parks = true;
	open_web(scene, options);
	for (unsigned i = 0; i < COUNT(fds); i++) {
		fds[i] = dial_and_say(scene, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		until(&scene->loop, scene->handed == i + 1);
	}
	web_reply(scene->kept[0], 200, "text/plain", body, sizeof body);
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->over[WEB_BROKEN] == 1);
	began_ns = clock_now();
	web_reply(scene->kept[1], 200, "text/plain", body, sizeof body);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->over[WEB_BROKEN], 2);
	assert_true(scene->drained_ns - began_ns >= 90 * CLOCK_MS); /* its own time */
	for (unsigned i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void drain_does_not_wait_for_a_body_whose_client_has_left(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(&scene->loop, web_connections(scene->web) == 1);
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	close(fd);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->handed, 0);
}

static void drain_takes_in_clients_that_waited_for_room(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fds[10];

	options.connections = 3;
	open_web(scene, options);
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] =
			dial_and_say(scene, "GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n");
	web_drain(scene->web, 3600 * CLOCK_S, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(scene->over[WEB_ANSWERED], COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void drain_while_on_the_way(void *arg, struct web_exchange *exchange)
{
	struct web_scene *scene = arg;

	on_request(arg, exchange);
	web_drain(scene->web, 0, on_drained, scene);
}

static void drain_may_begin_in_a_handler(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	options.handle = drain_while_on_the_way;
	open_web(scene, options);
	fd = dial_and_say(scene, "POST /stop HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->drained == 1);
	assert_int_equal(read_to_end(scene, fd), 0);
	assert_received(scene, "Connection: close\r\n");
	close(fd);
}

static void destroy_when_drained(void *arg)
{
	struct web_scene *scene = arg;

	web_destroy(scene->web);
	scene->web = NULL;
}

static void drained_web_may_be_destroyed_from_its_callback(void **state)
{
	struct web_scene *scene = *state;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /1"));
	web_drain(scene->web, LINGER_NS, destroy_when_drained, scene);
	until(&scene->loop, !scene->web);
	assert_int_equal(read_to_end(scene, fd), 0);
	close(fd);
}

static void on_flag(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	bool *seen = poll->data;

	*seen = true;
	uv_poll_stop(poll);
}

/* libuv's epoll knows a descriptor by its number, and numbers come back. */
static void destroy_leaves_the_next_owner_of_a_descriptor_alone(void **state)
{
	struct web_scene *scene = *state;
	uv_poll_t polls[2];
	bool seen[2] = {false, false};
	int ends[2][2];

	open_web(scene, defaults);
	web_drain(scene->web, 0, on_drained, scene);
	until(&scene->loop, scene->drained == 1);
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
		until(&scene->loop, seen[i]);
		uv_close((uv_handle_t *)&polls[i], NULL);
	}
	turn(scene);
	for (int i = 0; i < 4; i++)
		close(ends[i / 2][i % 2]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCENE(drain_is_immediate_without_connections),
		SCENE(drain_begins_no_handshake_with_newcomers),
		SCENE(drain_takes_in_clients_that_the_kernel_accepted),
		SCENE(drain_without_linger_takes_them_in_too),
		SCENE(drain_waits_for_open_exchanges),
		SCENE(drain_lingers_for_idle_connections),
		SCENE(drain_ends_when_the_last_idle_connection_does),
		SCENE(drain_hands_over_requests_of_open_connections),
		SCENE(drain_waits_for_a_request_that_is_arriving),
		SCENE(drain_gives_up_on_a_request_that_fell_silent),
		SCENE(drain_is_not_held_up_by_a_body_that_drips),
		SCENE(drain_breaks_off_answers_that_are_not_taken),
		SCENE(drain_does_not_wait_for_a_body_whose_client_has_left),
		SCENE(drain_takes_in_clients_that_waited_for_room),
		SCENE(drain_may_begin_in_a_handler),
		SCENE(drained_web_may_be_destroyed_from_its_callback),
		SCENE(destroy_leaves_the_next_owner_of_a_descriptor_alone),
	};

	return cmocka_run_group_tests_name("web drain", tests, NULL, NULL);
}
