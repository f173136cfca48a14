#include "lib/fetch_origin.h"

#include <stdlib.h>

#include <utlist.h>

#include "lib/mem.h"

static void on_queued(void *arg)
{
	const struct fetch_origin *origin = arg;

	origin->queued(origin->arg);
}

static void on_room_changed(void *arg, struct fetch_connection *connection)
{
	struct fetch_origin *origin = arg;

	DL_DELETE(origin->connections, connection);
	if (fetch_connection_has_room(connection))
		DL_PREPEND(origin->connections, connection);
	else
		DL_APPEND(origin->connections, connection);
}

static void on_returned(void *arg, struct fetch_stream *stream)
{
	fetch_origin_add(arg, stream);
}

static void on_ended(void *arg, struct fetch_connection *connection)
{
	struct fetch_origin *origin = arg;

	DL_DELETE(origin->connections, connection);
}

static const struct fetch_connection_events events = {
	.queued = on_queued,
	.room_changed = on_room_changed,
	.returned = on_returned,
	.ended = on_ended,
};

void fetch_origin_add(struct fetch_origin *origin, struct fetch_stream *stream)
{
	struct fetch_connection *connection = origin->connections;

	if (!connection || !fetch_connection_has_room(connection)) {
		connection = fetch_connection_open(
			origin->loop, &origin->address, &events, origin);
		DL_PREPEND(origin->connections, connection);
	}
	fetch_connection_add(connection, stream);
}

struct fetch_origin *fetch_origin_create(uv_loop_t *loop,
	const struct fetch_address *address, fetch_origin_queued_fn *queued, void *arg)
{
	struct fetch_origin *origin = mem_zeroed(sizeof *origin);

	origin->address = *address;
	origin->loop = loop;
	origin->queued = queued;
	origin->arg = arg;
	return origin;
}

void fetch_origin_destroy(struct fetch_origin *origin)
{
	struct fetch_connection *connection;

	while ((connection = origin->connections)) {
		DL_DELETE(origin->connections, connection);
		fetch_connection_close(connection);
	}
	free((void *)(uintptr_t)origin->address.name);
	free((void *)(uintptr_t)origin->address.host);
	free(origin);
}
