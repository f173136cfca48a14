#include "service/mcp/spawn_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/mem.h"

struct spawn_queue {
	uv_idle_t idle; /* while it is active, the loop does not sleep */
	struct spawn_queue_entry *tickets;
};

static void on_idle(uv_idle_t *idle)
{
	struct spawn_queue *spawn_queue = idle->data;
	struct spawn_queue_entry *ticket = spawn_queue->tickets;

	spawn_queue_remove(spawn_queue, ticket);
	ticket->start(ticket->arg);
}

struct spawn_queue *spawn_queue_create(uv_loop_t *loop)
{
	struct spawn_queue *spawn_queue = mem_zeroed(sizeof *spawn_queue);

	uv_idle_init(loop, &spawn_queue->idle);
	spawn_queue->idle.data = spawn_queue;
	return spawn_queue;
}

void spawn_queue_add(struct spawn_queue *spawn_queue, struct spawn_queue_entry *ticket)
{
	assert(!ticket->waiting);
	ticket->waiting = true;
	DL_APPEND(spawn_queue->tickets, ticket);
	uv_idle_start(&spawn_queue->idle, on_idle);
}

void spawn_queue_remove(
	struct spawn_queue *spawn_queue, struct spawn_queue_entry *ticket)
{
	if (!ticket->waiting)
		return;
	ticket->waiting = false;
	DL_DELETE(spawn_queue->tickets, ticket);
	if (!spawn_queue->tickets)
		uv_idle_stop(&spawn_queue->idle);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void spawn_queue_destroy(struct spawn_queue *spawn_queue)
{
	if (!spawn_queue)
		return;
	assert(!spawn_queue->tickets);
	uv_close((uv_handle_t *)&spawn_queue->idle, on_closed);
}
