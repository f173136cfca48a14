#include "service/starter.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/mem.h"

struct starter {
	uv_idle_t idle; /* while it is active, the loop does not sleep */
	struct starter_ticket *tickets;
};

static void on_idle(uv_idle_t *idle)
{
	struct starter *starter = idle->data;
	struct starter_ticket *ticket = starter->tickets;

	starter_leave(starter, ticket);
	ticket->start(ticket->arg);
}

struct starter *starter_create(uv_loop_t *loop)
{
	struct starter *starter = mem_zeroed(sizeof *starter);

	uv_idle_init(loop, &starter->idle);
	starter->idle.data = starter;
	return starter;
}

void starter_wait(struct starter *starter, struct starter_ticket *ticket)
{
	assert(!ticket->waiting);
	ticket->waiting = true;
	DL_APPEND(starter->tickets, ticket);
	uv_idle_start(&starter->idle, on_idle);
}

void starter_leave(struct starter *starter, struct starter_ticket *ticket)
{
	if (!ticket->waiting)
		return;
	ticket->waiting = false;
	DL_DELETE(starter->tickets, ticket);
	if (!starter->tickets)
		uv_idle_stop(&starter->idle);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void starter_destroy(struct starter *starter)
{
	if (!starter)
		return;
	assert(!starter->tickets);
	uv_close((uv_handle_t *)&starter->idle, on_closed);
}
