#include "mock-agent/door.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"
#include "mock-agent/bell.h"

/* A listener that was closed, and the connections that came through it. */
struct leaving {
	struct door *door;
	struct web *web;
	struct bell *end;
	struct leaving *prev, *next;
};

struct door {
	uv_loop_t *loop;
	struct web_options options;
	struct web *web; /* NULL: shut */
	struct bell *shutter;
	bool shutting;
	struct leaving *leaving;
};

static void on_end(void *arg)
{
	struct leaving *leaving = arg;

	DL_DELETE(leaving->door->leaving, leaving);
	web_destroy(leaving->web);
	bell_destroy(leaving->end);
	free(leaving);
}

/* It comes from inside the web, which is no place to destroy it. */
static void on_drained(void *arg)
{
	struct leaving *leaving = arg;

	bell_set(leaving->end, 0);
}

static void on_shutter(void *arg)
{
	struct door *door = arg;
	struct leaving *leaving = mem_zeroed(sizeof *leaving);

	door->shutting = false;
	leaving->door = door;
	leaving->web = door->web;
	leaving->end = bell_create(door->loop, on_end, leaving);
	door->web = NULL;
	DL_APPEND(door->leaving, leaving);
	web_drain(leaving->web, 0, on_drained, leaving);
}

struct door *door_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err)
{
	struct door *door = mem_zeroed(sizeof *door);

	door->loop = loop;
	door->options = *options;
	door->shutter = bell_create(loop, on_shutter, door);
	if (!door_open(door, err)) {
		door_destroy(door);
		return NULL;
	}
	return door;
}

uint16_t door_port(const struct door *door)
{
	return door->options.port;
}

bool door_is_open(const struct door *door)
{
	return door->web && !door->shutting;
}

/* Requests ask for it, and a web must not be drained while it hands one over. */
void door_shut(struct door *door)
{
	if (!door_is_open(door))
		return;
	door->shutting = true;
	bell_set(door->shutter, 0);
}

bool door_open(struct door *door, struct err *err)
{
	door->shutting = false;
	bell_stop(door->shutter);
	if (door->web)
		return true;
	door->web = web_create(door->loop, &door->options, err);
	if (!door->web)
		return false;
	door->options.port = web_port(door->web);
	return true;
}

void door_destroy(struct door *door)
{
	struct leaving *leaving, *next;

	if (!door)
		return;
	DL_FOREACH_SAFE(door->leaving, leaving, next)
		on_end(leaving);
	web_destroy(door->web);
	bell_destroy(door->shutter);
	free(door);
}
