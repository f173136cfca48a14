#include "service/drain.h"

#include <limits.h>
#include <stdlib.h>
#include <uv.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/http_api.h"
#include "service/metrics.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"

#define FORCED_NS (1 * CLOCK_S)

enum drain_state {
	DRAIN_SERVING,
	DRAIN_DELAYING,      /* /ready says 503, work is still taken */
	DRAIN_DRAINING,      /* no work is taken */
	DRAIN_DISCONNECTING, /* and sessions are released */
	DRAIN_FLUSHING,      /* the store is written; then `done` is called */
};

/* The phases of "shutdown.phase". */
static const char *const phases[] = {
	[DRAIN_DRAINING] = "drain",
	[DRAIN_DISCONNECTING] = "disconnect",
	[DRAIN_FLUSHING] = "flush",
};

/* "store" of "shutdown.complete". */
enum drain_store {
	STORE_WRITTEN,
	STORE_LOCKED, /* by another process */
	STORE_FAILED,
};

static const char *const store_names[] = {
	[STORE_WRITTEN] = "written",
	[STORE_LOCKED] = "locked",
	[STORE_FAILED] = "failed",
};

struct drain {
	struct service *service;
	drain_done_fn *done;
	void *arg;
	enum drain_state state;
	struct stop_order order; /* to the sessions */
	int64_t signal_ns;
	int64_t deadline_ns;    /* of the release; 0: none */
	struct metrics before;  /* at the signal */
	unsigned failed_before; /* sessions, likewise */
	struct stop_stats stop;
	enum drain_store store;
	uv_timer_t soon; /* everything is decided in its callback */
	uv_timer_t delay;
	uv_timer_t turns;    /* TURN_BUDGET */
	uv_timer_t deadline; /* of the release, then of what was forced */
};

static void on_soon(uv_timer_t *timer);

static void be_called_soon(struct drain *drain)
{
	uv_timer_start(&drain->soon, on_soon, 0, 0);
}

static void on_changed(void *arg)
{
	be_called_soon(arg);
}

/* The one writer of `state`. */
static void enter(struct drain *drain, enum drain_state state)
{
	drain->state = state;
	if (phases[state])
		log_event("shutdown.phase", "phase", LOG_TEXT(phases[state]));
}

static bool is_sequential(const struct drain *drain)
{
	return drain->service->config.disconnect == DISCONNECT_SEQUENTIAL &&
		drain->order.mode != STOP_FORCE;
}

/* DISCONNECT=sequential orders one session at a time, the first when no turn is left. */
static void order_sessions(struct drain *drain)
{
	bool wait = is_sequential(drain) && drain->state == DRAIN_DRAINING &&
		drain->order.mode == STOP_FINISH &&
		sessions_turns(drain->service->sessions) > 0;

	if (drain->state == DRAIN_DRAINING && drain->order.release && !wait &&
		drain->order.mode != STOP_FORCE)
		enter(drain, DRAIN_DISCONNECTING);
	sessions_stop(drain->service->sessions, &drain->order,
		wait                           ? 0
			: is_sequential(drain) ? 1
					       : UINT_MAX);
}

static void begin_draining(struct drain *drain)
{
	enter(drain, DRAIN_DRAINING);
	sessions_watch(drain->service->sessions, on_changed, drain);
	http_api_drain(drain->service->http_api, on_changed, drain);
	drain->order = (struct stop_order){
		.mode = STOP_FINISH,
		.release = drain->service->config.disconnect != DISCONNECT_NONE,
		.deadline_ns = drain->deadline_ns,
	};
	order_sessions(drain);
	be_called_soon(drain);
}

static void end_delay(struct drain *drain)
{
	if (drain->state != DRAIN_DELAYING)
		return;
	uv_timer_stop(&drain->delay);
	begin_draining(drain);
}

static void on_delay(uv_timer_t *timer)
{
	end_delay(timer->data);
}

static void on_turns(uv_timer_t *timer)
{
	struct drain *drain = timer->data;

	end_delay(drain);
	if (stop_order_merge(
		    &drain->order, &(struct stop_order){.mode = STOP_INTERRUPT}))
		order_sessions(drain);
	be_called_soon(drain);
}

static void count_servers(struct drain *drain)
{
	const struct metrics *now = &drain->service->metrics, *before = &drain->before;
	const uint64_t *steps = now->mcp_steps, *earlier = before->mcp_steps;

	drain->stop.killed = (int64_t)(now->mcp_kills - before->mcp_kills);
	drain->stop.eof = (int64_t)(steps[CHILD_EOF] - earlier[CHILD_EOF]);
	drain->stop.term = (int64_t)(steps[CHILD_TERM] - earlier[CHILD_TERM]);
	drain->stop.kill = (int64_t)(steps[CHILD_KILL] - earlier[CHILD_KILL]);
}

/* Half of the reserve is for the two calls, which may both wait. */
static void flush(struct drain *drain)
{
	const struct config *config = &drain->service->config;
	struct err err = {0};

	store_set_patience(
		drain->service->store, (config->grace_ns - config->budget_ns) / 4);
	drain->stop.took_ns = clock_now() - drain->signal_ns;
	drain->stop.failed = sessions_failed(drain->service->sessions) -
		drain->failed_before + sessions_count(drain->service->sessions);
	count_servers(drain);
	if (store_save_stop(drain->service->store, &drain->stop, &err) &&
		store_flush(drain->service->store, &err))
		return;
	log_event("store.failed", "why", LOG_TEXT(err.text));
	drain->store =
		store_was_locked(drain->service->store) ? STORE_LOCKED : STORE_FAILED;
}

static void finish(struct drain *drain)
{
	if (drain->state == DRAIN_FLUSHING)
		return;
	enter(drain, DRAIN_FLUSHING);
	flush(drain);
	drain->done(drain->arg);
}

static void on_out_of_time(uv_timer_t *timer)
{
	finish(timer->data);
}

/* Forced ends take a moment. Under a deadline they have half of the reserve; the other
 * half is for the flush. */
static int64_t time_for_the_end(const struct drain *drain)
{
	const struct config *config = &drain->service->config;
	int64_t end_ns =
		drain->deadline_ns + (config->grace_ns - config->budget_ns) / 2;
	int64_t left_ns = end_ns - clock_now();

	return drain->deadline_ns == 0 || left_ns > FORCED_NS ? FORCED_NS : left_ns;
}

static void force(struct drain *drain, const char *why)
{
	const struct stop_order order = {
		.mode = STOP_FORCE, .deadline_ns = clock_now(), .why = why};

	end_delay(drain);
	if (drain->order.mode == STOP_FORCE || drain->state == DRAIN_FLUSHING)
		return;
	log_event("shutdown.forced", "why", LOG_TEXT(why));
	stop_order_merge(&drain->order, &order);
	order_sessions(drain);
	uv_timer_start(&drain->deadline, on_out_of_time,
		clock_ms_up(time_for_the_end(drain)), 0);
	be_called_soon(drain);
}

static void on_deadline(uv_timer_t *timer)
{
	force(timer->data, "deadline");
}

/* Also a forced stop answers all requests, but it does not wait for idle connections. */
static bool is_empty(const struct drain *drain)
{
	if (sessions_count(drain->service->sessions) > 0)
		return false;
	return drain->order.mode == STOP_FORCE
		? http_api_is_answered(drain->service->http_api)
		: http_api_is_drained(drain->service->http_api);
}

static void on_soon(uv_timer_t *timer)
{
	struct drain *drain = timer->data;

	if (drain->state != DRAIN_DRAINING && drain->state != DRAIN_DISCONNECTING)
		return;
	if (is_sequential(drain))
		order_sessions(drain);
	if (is_empty(drain))
		finish(drain);
}

struct drain *drain_create(struct service *service, drain_done_fn *done, void *arg)
{
	struct drain *drain = mem_zeroed(sizeof *drain);
	uv_timer_t *timers[] = {
		&drain->soon, &drain->delay, &drain->turns, &drain->deadline};

	drain->service = service;
	drain->done = done;
	drain->arg = arg;
	for (size_t i = 0; i < COUNT(timers); i++) {
		uv_timer_init(&service->loop, timers[i]);
		timers[i]->data = drain;
	}
	return drain;
}

/* parallel: TURN_BUDGET and the deadline. sequential: TURN_BUDGET. none: no time limit. */
static void start_clocks(struct drain *drain)
{
	const struct config *config = &drain->service->config;

	if (config->disconnect == DISCONNECT_NONE)
		return;
	uv_timer_start(&drain->turns, on_turns, clock_ms_up(config->turn_budget_ns), 0);
	if (config->disconnect == DISCONNECT_SEQUENTIAL)
		return;
	drain->deadline_ns = drain->signal_ns + config->budget_ns;
	uv_timer_start(
		&drain->deadline, on_deadline, clock_ms_up(config->budget_ns), 0);
}

static void begin(struct drain *drain, int signal)
{
	const struct config *config = &drain->service->config;

	drain->signal_ns = clock_now();
	drain->stop.sessions = sessions_count(drain->service->sessions);
	drain->before = drain->service->metrics;
	drain->failed_before = sessions_failed(drain->service->sessions);
	log_event("shutdown.begin", "signal", LOG_INT(signal), "sessions",
		LOG_INT(drain->stop.sessions), "turns",
		LOG_INT(sessions_turns(drain->service->sessions)), "grace_ns",
		LOG_INT(config->grace_ns), "budget_ns", LOG_INT(config->budget_ns),
		"disconnect", LOG_TEXT(config_disconnects[config->disconnect]),
		"message", LOG_TEXT("Shutting down"));
	uv_update_time(&drain->service->loop);
	start_clocks(drain);
	/* Sessions that are not forgotten now are found to be gone when they are resumed. */
	store_set_patience(drain->service->store, 0);
	enter(drain, DRAIN_DELAYING);
	http_api_unready(drain->service->http_api);
	if (config->drain_delay_ns > 0)
		uv_timer_start(&drain->delay, on_delay,
			clock_ms_up(config->drain_delay_ns), 0);
	else
		begin_draining(drain);
}

void drain_signal(struct drain *drain, int signal)
{
	switch (drain->state) {
	case DRAIN_SERVING:
		begin(drain, signal);
		return;
	case DRAIN_DELAYING:
	case DRAIN_DRAINING:
	case DRAIN_DISCONNECTING:
		force(drain, "second signal");
		return;
	case DRAIN_FLUSHING:
		return;
	}
}

void drain_close(struct drain *drain)
{
	uv_close((uv_handle_t *)&drain->soon, NULL);
	uv_close((uv_handle_t *)&drain->delay, NULL);
	uv_close((uv_handle_t *)&drain->turns, NULL);
	uv_close((uv_handle_t *)&drain->deadline, NULL);
}

int drain_complete(const struct drain *drain)
{
	int exit_code = drain->stop.failed > 0 || drain->store == STORE_FAILED;

	log_event("shutdown.complete", "took_ns",
		LOG_INT(clock_now() - drain->signal_ns), "sessions",
		LOG_INT(drain->stop.sessions), "failed", LOG_INT(drain->stop.failed),
		"killed", LOG_INT(drain->stop.killed), "store",
		LOG_TEXT(store_names[drain->store]), "exit_code", LOG_INT(exit_code),
		"message", LOG_TEXT("Shutdown complete"));
	return exit_code;
}

void drain_destroy(struct drain *drain)
{
	free(drain);
}
