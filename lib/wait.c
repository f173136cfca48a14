#include "lib/wait.h"

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"

/* The timer only ends a turn of the loop. */
static void on_deadline(void *arg UNUSED)
{
}

enum wait_end wait_until(uv_loop_t *loop, wait_fn *is_so, const void *arg,
	int64_t deadline_ns, const bool *interrupted)
{
	struct loop_timer *timer = loop_timer_create(loop, on_deadline, NULL);
	enum wait_end end = WAIT_SO;

	while (!is_so(arg)) {
		int64_t left_ns = deadline_ns - clock_now();

		if (interrupted && *interrupted)
			end = WAIT_INTERRUPTED;
		else if (left_ns <= 0)
			end = WAIT_DEADLINE;
		if (end != WAIT_SO)
			break;
		loop_timer_set(timer, left_ns);
		uv_run(loop, UV_RUN_ONCE);
	}
	/* The timer's handle closes before the return, when the caller may close the
	 * loop. */
	loop_timer_destroy(timer);
	uv_run(loop, UV_RUN_NOWAIT);
	return end != WAIT_SO && is_so(arg) ? WAIT_SO : end; /* by that last turn */
}
