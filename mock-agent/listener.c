#include "mock-agent/listener.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

/* A listener that was closed, and the connections that came through it. */
struct leaving {
	struct listener *listener;
	struct web *web;
	struct loop_timer *end;
	struct leaving *prev, *next;
};

struct listener {
	uv_loop_t *loop;
	struct web_options options;
	struct web *web; /* NULL: shut */
	struct loop_timer *shutter;
	bool shutting;
	struct leaving *leaving;
};

static void on_end(void *arg)
{
	struct leaving *leaving = arg;

	DL_DELETE(leaving->listener->leaving, leaving);
	web_destroy(leaving->web);
	loop_timer_destroy(leaving->end);
	free(leaving);
}

/* It comes from inside the web, which is no place to destroy it. */
static void on_drained(void *arg)
{
	struct leaving *leaving = arg;

	loop_timer_set(leaving->end, 0);
}

static void on_shutter(void *arg)
{
	struct listener *listener = arg;
	struct leaving *leaving = mem_zeroed(sizeof *leaving);

	listener->shutting = false;
	leaving->listener = listener;
	leaving->web = listener->web;
	leaving->end = loop_timer_create(listener->loop, on_end, leaving);
	listener->web = NULL;
	DL_APPEND(listener->leaving, leaving);
	web_drain(leaving->web, 0, on_drained, leaving);
}

struct listener *listener_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err)
{
	struct listener *listener = mem_zeroed(sizeof *listener);

	listener->loop = loop;
	listener->options = *options;
	listener->shutter = loop_timer_create(loop, on_shutter, listener);
	if (!listener_open(listener, err)) {
		listener_destroy(listener);
		return NULL;
	}
	return listener;
}

uint16_t listener_port(const struct listener *listener)
{
	return listener->options.port;
}

bool listener_is_open(const struct listener *listener)
{
	return listener->web && !listener->shutting;
}

/* Requests ask for it, and a web must not be drained while it hands one over. */
void listener_shut(struct listener *listener)
{
	if (!listener_is_open(listener))
		return;
	listener->shutting = true;
	loop_timer_set(listener->shutter, 0);
}

bool listener_open(struct listener *listener, struct err *err)
{
	listener->shutting = false;
	loop_timer_stop(listener->shutter);
	if (listener->web)
		return true;
	listener->web = web_create(listener->loop, &listener->options, err);
	if (!listener->web)
		return false;
	listener->options.port = web_port(listener->web);
	return true;
}

void listener_destroy(struct listener *listener)
{
	struct leaving *leaving, *next;

	if (!listener)
		return;
	DL_FOREACH_SAFE(listener->leaving, leaving, next)
		on_end(leaving);
	web_destroy(listener->web);
	loop_timer_destroy(listener->shutter);
	free(listener);
}
