#include "lib/wait.h"

#include "lib/clock.h"

/* The timer only ends a turn of the loop. */
static void on_deadline(uv_timer_t *timer UNUSED)
{
}

static void on_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

enum wait_end wait_until(uv_loop_t *loop, wait_fn *is_so, const void *arg,
	int64_t deadline_ns, const bool *interrupted)
{
	enum wait_end end = WAIT_SO;
	bool closed = false;
	uv_timer_t timer;

	uv_timer_init(loop, &timer);
	timer.data = &closed;
	while (!is_so(arg)) {
		int64_t left = deadline_ns - clock_now();

		if (interrupted && *interrupted) {
			end = WAIT_INTERRUPTED;
			break;
		}
		if (left <= 0) {
			end = WAIT_DEADLINE;
			break;
		}
		uv_update_time(loop);
		uv_timer_start(&timer, on_deadline, clock_ms_up(left), 0);
		uv_run(loop, UV_RUN_ONCE);
	}
	/* The timer is on this stack, so it closes before the return. */
	uv_close((uv_handle_t *)&timer, on_closed);
	while (!closed)
		uv_run(loop, UV_RUN_NOWAIT);
	return end;
}
