#include "test/support/until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>

#define LOOK_AGAIN_MS 5

int64_t until_deadline(void)
{
	return clock_now() + UNTIL_PATIENCE_S * CLOCK_S;
}

/* Waits outside of the loop, so that the loop needs no timer for the deadline. */
static void turn(uv_loop_t *loop, int64_t deadline_ns)
{
	int64_t left_ms = (deadline_ns - clock_now()) / CLOCK_MS + 1;
	struct pollfd wait = {.fd = uv_backend_fd(loop), .events = POLLIN};
	int timeout_ms;

	uv_update_time(loop);
	timeout_ms = uv_backend_timeout(loop);
	if (timeout_ms < 0 || timeout_ms > left_ms)
		timeout_ms = left_ms > 0 ? (int)left_ms : 0;
	poll(&wait, 1, timeout_ms);
	uv_run(loop, UV_RUN_NOWAIT);
}

void until_turn(uv_loop_t *loop, int64_t deadline_ns, const char *what)
{
	if (clock_now() > deadline_ns)
		fail_msg("waited in vain for: %s", what);
	if (loop)
		turn(loop, deadline_ns);
	else
		poll(NULL, 0, LOOK_AGAIN_MS);
}

void until_idle(uv_loop_t *loop, int64_t ms)
{
	int64_t end_ns = clock_now() + ms * CLOCK_MS;

	while (clock_now() < end_ns)
		turn(loop, end_ns);
}
