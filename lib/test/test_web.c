#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "lib/test/web_scene.h"
#include "lib/web_listen.h"

#define CROWD 1200

/* Listening */

static void web_names_the_address_it_cannot_listen_on(void **state)
{
	static const struct {
		const char *host;
		const char *text; /* with the port as %u */
		const char *why;
	} rows[] = {
		{"127.0.0.1", "listen on 127.0.0.1:%u: ", "taken"},
		{"0.0.0.0", "listen on 0.0.0.0:%u: ", "taken on one of its addresses"},
		{"nowhere", "listen on nowhere:%u: expected an IP address", "a name"},
		{"fe80::zz", "listen on [fe80::zz]:%u: expected an IP address",
			"no address"},
		{"203.0.113.7", "listen on 203.0.113.7:%u: ", "not one of ours"},
	};
	struct web_scene *scene = *state;
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
	struct web_scene *scene = *state;
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
	http_send_text(fd, "GET /six HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /six"));
	close(fd);
}

static void web_can_have_a_port_again_at_once(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fd;

	open_web(scene, defaults);
	options.port = web_port(scene->web);
	fd = dial_and_say(
		scene, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(read_to_end(scene, fd), 0);
	close(fd);
	web_destroy(scene->web);
	open_web(scene, options);
}

static void web_lets_clients_wait_when_it_has_no_room(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int fds[3];

	options.connections = 2;
	open_web(scene, options);
	for (int i = 0; i < 3; i++)
		fds[i] = dial_and_say(scene, "GET /in HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->over[WEB_ANSWERED] == 2);
	for (int i = 0; i < 5; i++)
		turn(scene);
	assert_int_equal(web_connections(scene->web), 2);
	assert_int_equal(scene->handed, 2);
	close(fds[0]);
	until(&scene->loop, receives(scene, fds[2], "GET /in"));
	close(fds[1]);
	close(fds[2]);
}

static void web_closes_idle_connections(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int silent, warm;

	options.idle_ns = 1;
	open_web(scene, options);
	silent = dial(scene);
	warm = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(read_to_end(scene, warm), 0);
	assert_received(scene, "GET /1");
	assert_int_equal(read_to_end(scene, silent), 0);
	until(&scene->loop, web_connections(scene->web) == 0);
	close(silent);
	close(warm);
}

static void web_keeps_a_parked_connection_past_its_idle_time(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int64_t late_ns;
	int fd;

	options.idle_ns = 1;
	open_web(scene, options);
	scene->parks = true;
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 1);
	late_ns = clock_now() + 1300 * CLOCK_MS;
	until(&scene->loop, clock_now() > late_ns);
	web_reply(scene->kept[0], 200, NULL, "late", 4);
	until(&scene->loop, receives(scene, fd, "\r\n\r\nlate"));
	close(fd);
}

struct late_answer {
	uv_prepare_t prepare;
	struct web_scene *scene;
};

static void on_prepare(uv_prepare_t *prepare)
{
	struct late_answer *late = prepare->data;

	if (late->scene->handed == 0)
		return;
	uv_prepare_stop(prepare);
	web_reply(late->scene->kept[0], 200, NULL, "late", 4);
}

/* libuv calls the prepare handle that was started first after web's own, just before
 * it goes to sleep. */
static uint16_t own_port(int fd)
{
	struct sockaddr_in address;
	socklen_t len = sizeof address;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

static void web_tells_of_a_connection_when_its_exchanges_are_over(void **state)
{
	struct web_scene *scene = *state;
	uint16_t port;
	int fd;

	open_web(scene, defaults);
	fd = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /1"));
	scene->parks = true;
	http_send_text(fd, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 2);
	assert_int_equal(scene->closed, 0);
	port = own_port(fd);
	close(fd);
	until(&scene->loop, scene->closed == 1);
	assert_int_equal(scene->over[WEB_LEFT], 1);
	assert_int_equal(scene->closed_exchanges, 2);
	assert_int_equal(scene->closed_port, port);
}

static void web_tells_of_each_connection_at_its_own_end(void **state)
{
	struct web_scene *scene = *state;
	int silent, warm;

	open_web(scene, defaults);
	silent = dial(scene);
	warm = dial_and_say(scene, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, warm, "GET /1"));
	until(&scene->loop, web_connections(scene->web) == 2);
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(scene->closed, 2);
	close(silent);
	close(warm);
}

static void web_wakes_for_an_answer_at_the_end_of_a_turn(void **state)
{
	struct web_scene *scene = *state;
	struct late_answer late = {.scene = scene};
	int64_t began_ns;
	int fd;

	uv_prepare_init(&scene->loop, &late.prepare);
	late.prepare.data = &late;
	uv_prepare_start(&late.prepare, on_prepare);
	open_web(scene, defaults);
	scene->parks = true;
	uv_timer_start(&scene->tick, on_tick, 3000, 3000);
	fd = dial_and_say(scene, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	began_ns = clock_now();
	until(&scene->loop, receives(scene, fd, "\r\n\r\nlate"));
	assert_true(clock_now() - began_ns < 2 * CLOCK_S);
	uv_close((uv_handle_t *)&late.prepare, NULL);
	turn(scene);
	close(fd);
}

/* The tick alone turns the loop some twenty times. */
static void web_sleeps_while_nothing_happens(void **state)
{
	struct web_scene *scene = *state;
	struct web_exchange *stream;
	unsigned turns = 0;
	int idle, parked, streamed, arriving, half;
	int64_t end_ns;

	open_web(scene, defaults);
	stream = begin_stream(scene, &streamed);
	web_stream_add(stream, "x", 1);
	parked = dial_and_say(scene, "GET /parked HTTP/1.1\r\nHost: x\r\n\r\n");
	half = dial_and_say(scene, "GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 3);
	web_half_close(scene->kept[2]);
	arriving = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	scene->parks = false;
	idle = dial_and_say(scene, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, idle, "GET /idle"));
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
	struct web_scene *scene = *state;
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
			until(&scene->loop, scene->handed == i + 1);
	}
	until(&scene->loop, scene->handed == CROWD);
	assert_int_equal(web_connections(scene->web), CROWD);
	assert_int_equal(web_exchanges(scene->web), CROWD);
	for (unsigned i = 0; i < CROWD; i++)
		close(fds[i]);
	until(&scene->loop, scene->over[WEB_LEFT] == CROWD);
	until(&scene->loop, web_connections(scene->web) == 0);
}

/* The end */

static void destroy_ends_whatever_is_open(void **state)
{
	struct web_scene *scene = *state;
	int fds[9];
	unsigned n = 0;

	open_web(scene, defaults);
	fds[n++] = dial_and_say(scene, "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fds[0], "GET /idle"));
	scene->parks = true;
	scene->handed = 0;
	for (int i = 0; i < 5; i++)
		fds[n++] = dial_and_say(scene, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, scene->handed == 5);
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
	struct web_scene *scene = *state;
	int header, body;

	open_web(scene, defaults);
	header = dial_and_say(scene, "GET / HTT");
	body = dial_and_say(
		scene, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
	until(&scene->loop, web_connections(scene->web) == 2);
	turn(scene);
	turn(scene);
	web_destroy(scene->web);
	scene->web = NULL;
	assert_int_equal(overs(scene), 0);
	close(header);
	close(body);
}

static void destroy_accepts_null(void **state UNUSED)
{
	web_destroy(NULL);
}

/* As inetd starts a server. */
static void web_listens_at_stdin(void **state)
{
	struct web_scene *scene = *state;
	struct web_options options = defaults;
	int saved = dup(STDIN_FILENO), listener, fd;
	uint16_t port = 0;
	struct err err;

	options.inetd = true;
	options.arg = scene;
	assert_true(web_listen_at("127.0.0.1", &port, &listener, &err));
	assert_int_equal(dup2(listener, STDIN_FILENO), STDIN_FILENO);
	close(listener);
	open_web(scene, options);
	assert_int_equal(web_port(scene->web), port);
	fd = dial_and_say(scene, "GET /in HTTP/1.1\r\nHost: x\r\n\r\n");
	until(&scene->loop, receives(scene, fd, "GET /in"));
	close(fd);
	assert_null(web_create(&scene->loop, &options, &err)); /* it is /dev/null now */
	assert_string_equal(err.text, "listen on stdin: it is not a listening TCP socket");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		SCENE(destroy_ends_whatever_is_open),
		SCENE(destroy_ends_requests_that_are_arriving),
		SCENE(destroy_accepts_null),
		SCENE(web_names_the_address_it_cannot_listen_on),
		SCENE(web_listens_on_ipv6),
		SCENE(web_can_have_a_port_again_at_once),
		SCENE(web_lets_clients_wait_when_it_has_no_room),
		SCENE(web_closes_idle_connections),
		SCENE(web_keeps_a_parked_connection_past_its_idle_time),
		SCENE(web_tells_of_a_connection_when_its_exchanges_are_over),
		SCENE(web_tells_of_each_connection_at_its_own_end),
		SCENE(web_wakes_for_an_answer_at_the_end_of_a_turn),
		SCENE(web_sleeps_while_nothing_happens),
		SCENE(web_holds_a_crowd),
		SCENE(web_listens_at_stdin),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
