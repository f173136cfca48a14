/*
 * web_scene - a web and its clients in one thread, for tests.
 *
 * The bytes of a client wait in the kernel until the loop turns, so a test decides when
 * the web reads a half request, a reset or a crowd.
 */
#ifndef LIB_TEST_WEB_SCENE_H
#define LIB_TEST_WEB_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/web.h"
#include "test/support/http_client.h"
#include "test/support/until.h"

#define LINGER_NS (60 * CLOCK_MS)

struct web_scene {
	uv_loop_t loop;
	uv_timer_t tick; /* turns the loop: the clients are not in it */
	struct web *web;
	bool parks; /* requests are kept, not echoed */
	struct web_exchange *kept[16];
	unsigned handed;
	unsigned over[3];          /* by enum web_end */
	unsigned closed;           /* connections */
	uint16_t closed_port;      /* the client's, of the last one */
	unsigned closed_exchanges; /* how many exchanges it had */
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
	if (!exchange->client->data)
		exchange->client->data = calloc(1, sizeof(unsigned));
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
	(*(unsigned *)exchange->client->data)++;
}

static inline void on_client_closed(void *arg, struct web_connection *client)
{
	struct web_scene *scene = arg;

	scene->closed++;
	scene->closed_port = client->port;
	scene->closed_exchanges = client->data ? *(unsigned *)client->data : 0;
	free(client->data);
}

static inline void on_drained(void *arg)
{
	struct web_scene *scene = arg;

	scene->drained++;
	scene->drained_ns = clock_now();
}

static const struct web_options defaults = {.host = "127.0.0.1",
	.handle = on_request,
	.over = on_over,
	.closed = on_client_closed};

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

static inline int dial(const struct web_scene *scene)
{
	int fd = http_dial(web_port(scene->web));

	assert_true(fd >= 0);
	return fd;
}

static inline int dial_and_say(const struct web_scene *scene, const char *text)
{
	int fd = dial(scene);

	http_send_text(fd, text);
	return fd;
}

static inline void turn(struct web_scene *scene)
{
	uv_run(&scene->loop, UV_RUN_ONCE);
}

static inline bool receives(struct web_scene *scene, int fd, const char *text)
{
	http_receive(fd, &scene->received);
	return strstr(buf_text(&scene->received), text) != NULL;
}

/* Reads to the end of the connection: 0 for an orderly one, or the errno. */
static inline int read_to_end(struct web_scene *scene, int fd)
{
	int more = 1;

	until(&scene->loop, (more = http_receive(fd, &scene->received)) <= 0);
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

static inline void assert_not_received(const struct web_scene *scene, const char *text)
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
	until(&scene->loop, scene->handed == 1);
	stream = scene->kept[0];
	web_stream_begin(stream, 200, "text/event-stream");
	return stream;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
