/*
 * web_scene - a web and its clients, for tests.
 *
 * They share one thread: what a client sends waits in the kernel until the loop turns,
 * so half requests, resets and crowds come about when a test says so.
 */
#ifndef LIB_TEST_WEB_SCENE_H
#define LIB_TEST_WEB_SCENE_H

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
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/web.h"

#define PATIENCE_S 20
#define LINGER_NS  (60 * CLOCK_MS)

struct web_scene {
	uv_loop_t loop;
	uv_timer_t tick; /* so that no wait for a client is forever */
	struct web *web;
	bool parks; /* requests are kept, not echoed */
	struct web_exchange *kept[16];
	unsigned handed;
	unsigned over[3]; /* by enum web_end */
	unsigned drained;
	int64_t drained_ns;
	struct buf received; /* what the client last read */
};

static inline void on_tick(uv_timer_t *timer UNUSED)
{
}

static inline void echo(struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf text = {0};
	const char *size = web_query(exchange, "size", 0);
	const char *tag = web_header(exchange, "x-tag");

	buf_addf(&text, "%s %s size=%s tag=%s body=", exchange->method, exchange->path,
		size ? size : "none", tag ? tag : "none");
	buf_add(&text, buf_text(&exchange->body), exchange->body.len);
	web_reply(exchange, 200, "text/plain", text.data, text.len);
}

static inline void on_request(void *arg, struct web_exchange *exchange)
{
	struct web_scene *scene = arg;

	exchange->data = scene;
	if (scene->parks)
		scene->kept[scene->handed % COUNT(scene->kept)] = exchange;
	else
		echo(exchange);
	scene->handed++;
}

static inline void on_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct web_scene *scene = arg;

	assert_ptr_equal(exchange->data, scene);
	assert_int_equal(exchange->path[0], '/');
	scene->over[end]++;
}

static inline void on_drained(void *arg)
{
	struct web_scene *scene = arg;

	scene->drained++;
	scene->drained_ns = clock_now();
}

static const struct web_options defaults = {
	.host = "127.0.0.1", .handle = on_request, .over = on_over};

static inline void open_web(struct web_scene *scene, struct web_options options)
{
	struct err err = {0};

	options.arg = scene;
	scene->web = web_create(&scene->loop, &options, &err);
	if (!scene->web)
		fail_msg("%s", err.text);
}

static inline int setup(void **state)
{
	struct web_scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->tick);
	uv_timer_start(&scene->tick, on_tick, 5, 5);
	buf_init(&scene->received, (size_t)64 << 20);
	*state = scene;
	return 0;
}

/* Checks that nothing is left on the loop. */
static inline int teardown(void **state)
{
	struct web_scene *scene = *state;

	web_destroy(scene->web);
	uv_close((uv_handle_t *)&scene->tick, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->received);
	free(scene);
	return 0;
}

/* Clients */

static inline int try_dial(uint16_t port)
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

static inline int dial(const struct web_scene *scene)
{
	int fd = try_dial(web_port(scene->web));

	assert_true(fd >= 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline int dial_and_say(const struct web_scene *scene, const char *text)
{
	int fd = dial(scene);

	say(fd, text);
	return fd;
}

static inline void turn(struct web_scene *scene)
{
	uv_run(&scene->loop, UV_RUN_ONCE);
}

#define until(scene, condition)                                                        \
	do {                                                                           \
		int64_t end_ns_ = clock_now() + PATIENCE_S * CLOCK_S;                  \
		while (!(condition)) {                                                 \
			if (clock_now() > end_ns_)                                     \
				fail_msg("in vain: %s\nheard: %s", #condition,         \
					buf_text(&(scene)->received));                 \
			turn(scene);                                                   \
		}                                                                      \
	} while (0)

/* Adds what has come to received. 1: there may be more, 0: orderly end, -errno. */
static inline int listen_once(struct web_scene *scene, int fd)
{
	char piece[65536];
	ssize_t len;

	while ((len = recv(fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
		assert_true(buf_add(&scene->received, piece, (size_t)len));
	if (len == 0)
		return 0;
	return errno == EAGAIN ? 1 : -errno;
}

static inline bool receives(struct web_scene *scene, int fd, const char *text)
{
	listen_once(scene, fd);
	return strstr(buf_text(&scene->received), text) != NULL;
}

/* Reads to the end and gives how it came: 0 or the errno. */
static inline int hear_out(struct web_scene *scene, int fd)
{
	int more = 1;

	until(scene, (more = listen_once(scene, fd)) <= 0);
	return -more;
}

static inline void forget(struct web_scene *scene)
{
	buf_clear(&scene->received);
}

static inline void assert_received(const struct web_scene *scene, const char *text)
{
	if (!strstr(buf_text(&scene->received), text))
		fail_msg("expected \"%s\" in: %s", text, buf_text(&scene->received));
}

static inline void assert_not_heard(const struct web_scene *scene, const char *text)
{
	if (strstr(buf_text(&scene->received), text))
		fail_msg("unexpected \"%s\" in: %s", text, buf_text(&scene->received));
}

static inline unsigned overs(const struct web_scene *scene)
{
	return scene->over[WEB_ANSWERED] + scene->over[WEB_LEFT] +
		scene->over[WEB_BROKEN];
}

/* A client whose request was handed over, and the answer begun. */
static inline struct web_exchange *begin_stream(struct web_scene *scene, int *fd)
{
	struct web_exchange *stream;

	scene->parks = true;
	*fd = dial_and_say(scene, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	until(scene, scene->handed == 1);
	stream = scene->kept[0];
	web_stream_begin(stream, 200, "text/event-stream");
	return stream;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
