#include "lib/web_pump.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/mem.h"

struct web_pump {
	struct MHD_Daemon *daemon;
	web_pump_ran_fn *ran;
	void *arg;
	bool due;
	bool running;
	uv_poll_t traffic; /* microhttpd's epoll descriptor */
	uv_timer_t again;  /* when microhttpd has to run without any traffic */
	uv_prepare_t turn;
	unsigned handles;
};

static void on_again(uv_timer_t *timer)
{
	((struct web_pump *)timer->data)->due = true;
}

static void on_traffic(uv_poll_t *poll, int status UNUSED, int events UNUSED)
{
	((struct web_pump *)poll->data)->due = true;
}

/* The zero timer keeps the loop awake where this comes after on_turn(). */
void web_pump_wake(struct web_pump *pump)
{
	pump->due = true;
	uv_timer_start(&pump->again, on_again, 0, 0);
}

bool web_pump_is_due(const struct web_pump *pump)
{
	return pump->due;
}

/* microhttpd is edge-triggered inside and does not count what was just resumed: after
 * every run both it and the pump are asked when it has to run again. */
static void run(struct web_pump *pump)
{
	MHD_UNSIGNED_LONG_LONG ms;

	pump->due = false;
	pump->running = true;
	MHD_run(pump->daemon);
	pump->running = false;
	if (pump->due)
		return; /* web_pump_wake() has set the timer */
	if (MHD_get_timeout(pump->daemon, &ms) != MHD_YES)
		uv_timer_stop(&pump->again);
	else if (ms == 0)
		web_pump_wake(pump);
	else
		uv_timer_start(&pump->again, on_again, ms, 0);
}

static void on_turn(uv_prepare_t *prepare)
{
	struct web_pump *pump = prepare->data;

	if (!pump->due)
		return;
	run(pump);
	pump->ran(pump->arg);
}

struct web_pump *web_pump_create(uv_loop_t *loop, web_pump_ran_fn *ran, void *arg)
{
	struct web_pump *pump = mem_zeroed(sizeof *pump);

	pump->ran = ran;
	pump->arg = arg;
	uv_timer_init(loop, &pump->again);
	uv_prepare_init(loop, &pump->turn);
	pump->again.data = pump->turn.data = pump;
	pump->handles = 2;
	return pump;
}

bool web_pump_start(struct web_pump *pump, struct MHD_Daemon *daemon, struct err *err)
{
	const union MHD_DaemonInfo *info;
	int failed;

	if (!daemon)
		return err_sys(err, "start microhttpd");
	pump->daemon = daemon;
	info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	failed = uv_poll_init(pump->turn.loop, &pump->traffic, info->epoll_fd);
	if (failed)
		return err_set(err, "watch microhttpd: %s", uv_strerror(failed));
	pump->handles++;
	pump->traffic.data = pump;
	uv_poll_start(&pump->traffic, UV_READABLE, on_traffic);
	uv_prepare_start(&pump->turn, on_turn);
	return true;
}

static void on_closed(uv_handle_t *handle)
{
	struct web_pump *pump = handle->data;

	if (--pump->handles == 0)
		free(pump);
}

/* The poll handle closes before its descriptor: libuv would take the number's next
 * owner off the loop. */
void web_pump_destroy(struct web_pump *pump)
{
	if (!pump)
		return;
	assert(!pump->running);
	if (pump->traffic.data)
		uv_close((uv_handle_t *)&pump->traffic, on_closed);
	pump->running = true;
	if (pump->daemon)
		MHD_stop_daemon(pump->daemon);
	uv_close((uv_handle_t *)&pump->again, on_closed);
	uv_close((uv_handle_t *)&pump->turn, on_closed);
}
