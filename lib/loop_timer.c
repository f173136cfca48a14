#include "lib/loop_timer.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/mem.h"

struct loop_timer {
	uv_timer_t handle;
	loop_timer_fn *fired;
	void *arg;
};

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *timer = handle->data;

	timer->fired(timer->arg);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct loop_timer *loop_timer_create(uv_loop_t *loop, loop_timer_fn *fired, void *arg)
{
	struct loop_timer *timer = mem_zeroed(sizeof *timer);

	timer->fired = fired;
	timer->arg = arg;
	timer->handle.data = timer;
	uv_timer_init(loop, &timer->handle);
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ns)
{
	/* libuv counts from the time when its turn began. */
	uv_update_time(timer->handle.loop);
	uv_timer_start(&timer->handle, on_timer, clock_ms_up(ns), 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->handle);
}

bool loop_timer_is_set(const struct loop_timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->handle);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer)
		uv_close((uv_handle_t *)&timer->handle, on_closed);
}
