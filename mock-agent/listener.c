#include "mock-agent/listener.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/loop_timer.h"
#include "lib/mem.h"

/* The connections of a listener that was shut. */
struct old_web {
	struct listener *listener;
	struct web *web;
	struct old_web *prev, *next;
};

struct listener {
	uv_loop_t *loop;
	struct web_options options;
	struct web *web; /* NULL: shut */
	struct loop_timer *shut_timer;
	bool shutting;
	struct old_web *old_webs;
};

static void on_drained(void *arg)
{
	struct old_web *old = arg;

	DL_DELETE(old->listener->old_webs, old);
	web_destroy(old->web);
	free(old);
}

static void on_shut_timer(void *arg)
{
	struct listener *listener = arg;
	struct old_web *old = mem_zeroed(sizeof *old);

	listener->shutting = false;
	old->listener = listener;
	old->web = listener->web;
	listener->web = NULL;
	DL_APPEND(listener->old_webs, old);
	web_drain(old->web, 0, on_drained, old);
}

struct listener *listener_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err)
{
	struct listener *listener = mem_zeroed(sizeof *listener);

	listener->loop = loop;
	listener->options = *options;
	listener->shut_timer = loop_timer_create(loop, on_shut_timer, listener);
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

/* A request may ask for it, and a web must not be drained during its own callback. */
void listener_shut(struct listener *listener)
{
	if (!listener_is_open(listener))
		return;
	listener->shutting = true;
	loop_timer_set(listener->shut_timer, 0);
}

bool listener_open(struct listener *listener, struct err *err)
{
	listener->shutting = false;
	loop_timer_stop(listener->shut_timer);
	if (listener->web)
		return true;
	listener->web = web_create(listener->loop, &listener->options, err);
	if (!listener->web)
		return false;
	listener->options.port = web_port(listener->web);
	listener->options.inetd = false; /* another socket when it is opened again */
	return true;
}

void listener_destroy(struct listener *listener)
{
	struct old_web *old, *next;

	if (!listener)
		return;
	DL_FOREACH_SAFE(listener->old_webs, old, next)
		on_drained(old);
	web_destroy(listener->web);
	loop_timer_destroy(listener->shut_timer);
	free(listener);
}
