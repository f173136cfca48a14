#include "service/spawn_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/mem.h"

struct spawn_queue {
	uv_idle_t idle; /* while it is active, the loop does not sleep */
	struct spawn_queue_entry *entries;
};

static void on_idle(uv_idle_t *idle)
{
	struct spawn_queue *queue = idle->data;
	struct spawn_queue_entry *entry = queue->entries;

	spawn_queue_remove(queue, entry);
	entry->start(entry->arg);
}

struct spawn_queue *spawn_queue_create(uv_loop_t *loop)
{
	struct spawn_queue *queue = mem_zeroed(sizeof *queue);

	uv_idle_init(loop, &queue->idle);
	queue->idle.data = queue;
	return queue;
}

void spawn_queue_add(struct spawn_queue *queue, struct spawn_queue_entry *entry)
{
	assert(!entry->waiting);
	entry->waiting = true;
	DL_APPEND(queue->entries, entry);
	uv_idle_start(&queue->idle, on_idle);
}

void spawn_queue_remove(struct spawn_queue *queue, struct spawn_queue_entry *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	DL_DELETE(queue->entries, entry);
	if (!queue->entries)
		uv_idle_stop(&queue->idle);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void spawn_queue_destroy(struct spawn_queue *queue)
{
	if (!queue)
		return;
	assert(!queue->entries);
	uv_close((uv_handle_t *)&queue->idle, on_closed);
}
