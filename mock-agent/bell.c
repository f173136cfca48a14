#include "mock-agent/bell.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct bell {
	uv_timer_t timer;
	bell_fn *ring;
	void *arg;
};

static void on_timer(uv_timer_t *timer)
{
	struct bell *bell = timer->data;

	bell->ring(bell->arg);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct bell *bell_create(uv_loop_t *loop, bell_fn *ring, void *arg)
{
	struct bell *bell = mem_zeroed(sizeof *bell);

	bell->ring = ring;
	bell->arg = arg;
	bell->timer.data = bell;
	uv_timer_init(loop, &bell->timer);
	return bell;
}

void bell_set(struct bell *bell, int64_t ns)
{
	/* The loop's idea of now is as old as its turn. */
	uv_update_time(bell->timer.loop);
	uv_timer_start(&bell->timer, on_timer, clock_ms_up(ns), 0);
}

void bell_stop(struct bell *bell)
{
	uv_timer_stop(&bell->timer);
}

void bell_destroy(struct bell *bell)
{
	if (bell)
		uv_close((uv_handle_t *)&bell->timer, on_closed);
}
