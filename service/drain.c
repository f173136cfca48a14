#include "service/drain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/web.h"
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

struct drain {
	struct service *service;
	const struct config *config;
	drain_done_fn *done;
	void *arg;
	enum drain_state state;
	struct stop_order order; /* to the sessions */
	int64_t signal_ns;
	int64_t deadline_ns;    /* of the release; 0: none */
	struct metrics before;  /* at the signal */
	unsigned failed_before; /* sessions, likewise */
	struct stop_stats stop;
	const char *store; /* "written", "locked" by another process, or "failed" */
	struct loop_timer *soon; /* everything is decided in its callback */
	struct loop_timer *delay;
	struct loop_timer *turns;    /* TURN_BUDGET */
	struct loop_timer *deadline; /* of the release */
	struct loop_timer *end;      /* of what was forced */
};

static void be_called_soon(void *arg)
{
	struct drain *drain = arg;

	loop_timer_set(drain->soon, 0);
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
	return drain->config->disconnect == DISCONNECT_SEQUENTIAL &&
		drain->order.mode != STOP_FORCE;
}

/* DISCONNECT=sequential orders one session at a time, the first when no turn is
 * left. */
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
	drain->service->sessions->changed = be_called_soon;
	drain->service->sessions->arg = drain;
	http_api_drain(drain->service->http_api, be_called_soon, drain);
	drain->order = (struct stop_order){
		.mode = STOP_FINISH,
		.release = drain->config->disconnect != DISCONNECT_NONE,
		.jitter_ns = drain->config->disconnect == DISCONNECT_PARALLEL
			? drain->config->drain_jitter_ns
			: 0,
		.deadline_ns = drain->deadline_ns,
	};
	order_sessions(drain);
	be_called_soon(drain);
}

static void end_delay(void *arg)
{
	struct drain *drain = arg;

	if (drain->state != DRAIN_DELAYING)
		return;
	loop_timer_stop(drain->delay);
	begin_draining(drain);
}

static void on_turns(void *arg)
{
	struct drain *drain = arg;

	end_delay(drain);
	if (stop_order_merge(
		    &drain->order, &(struct stop_order){.mode = STOP_INTERRUPT}))
		order_sessions(drain);
	be_called_soon(drain);
}

static int64_t steps_since(
	const struct metrics *now, const struct metrics *before, enum mcp_step step)
{
	return (int64_t)(now->mcp_steps[step] - before->mcp_steps[step] +
		now->cli_steps[step] - before->cli_steps[step]);
}

/* Half of the reserve is for the two calls, which may both wait. */
static void flush(struct drain *drain)
{
	const struct metrics *now = &drain->service->metrics, *before = &drain->before;
	struct err err = {0};

	store_set_patience(drain->service->store,
		(drain->config->grace_ns - drain->config->budget_ns) / 4);
	drain->stop.took_ns = clock_now() - drain->signal_ns;
	drain->stop.failed = drain->service->sessions->failed - drain->failed_before +
		sessions_count(drain->service->sessions);
	drain->stop.killed = (int64_t)(now->mcp_kills - before->mcp_kills +
		now->cli_kills - before->cli_kills);
	drain->stop.eof = steps_since(now, before, MCP_STEP_EOF);
	drain->stop.term = steps_since(now, before, MCP_STEP_TERM);
	drain->stop.kill = steps_since(now, before, MCP_STEP_KILL);
	if (!store_log(store_save_stop(drain->service->store, &drain->stop, &err) &&
			    store_flush(drain->service->store, &err),
		    &err))
		drain->store =
			store_was_locked(drain->service->store) ? "locked" : "failed";
}

static void finish(void *arg)
{
	struct drain *drain = arg;

	if (drain->state == DRAIN_FLUSHING)
		return;
	enter(drain, DRAIN_FLUSHING);
	flush(drain);
	drain->done(drain->arg);
}

/* Forced ends take a moment. Under a deadline they have half of the reserve; the other
 * half is for the flush. */
static int64_t time_for_the_end(const struct drain *drain)
{
	int64_t end_ns = drain->deadline_ns +
		(drain->config->grace_ns - drain->config->budget_ns) / 2;
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
	loop_timer_stop(drain->deadline);
	loop_timer_set(drain->end, time_for_the_end(drain));
	be_called_soon(drain);
}

static void on_deadline(void *arg)
{
	force(arg, "deadline");
}

/* Also a forced stop answers all requests, but it does not wait for idle
 * connections. */
static bool is_empty(const struct drain *drain)
{
	if (sessions_count(drain->service->sessions) > 0)
		return false;
	return drain->order.mode == STOP_FORCE
		? web_exchanges(drain->service->http_api->web) == 0
		: drain->service->http_api->drained;
}

static void on_soon(void *arg)
{
	struct drain *drain = arg;

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
	uv_loop_t *loop = &service->loop;

	drain->service = service;
	drain->config = &service->config;
	drain->done = done;
	drain->arg = arg;
	drain->store = "written";
	drain->soon = loop_timer_create(loop, on_soon, drain);
	drain->delay = loop_timer_create(loop, end_delay, drain);
	drain->turns = loop_timer_create(loop, on_turns, drain);
	drain->deadline = loop_timer_create(loop, on_deadline, drain);
	drain->end = loop_timer_create(loop, finish, drain);
	return drain;
}

/* parallel: TURN_BUDGET and the deadline. sequential: TURN_BUDGET. none: no time
 * limit. */
static void start_clocks(struct drain *drain)
{

	if (drain->config->disconnect == DISCONNECT_NONE)
		return;
	loop_timer_set(drain->turns, drain->config->turn_budget_ns);
	if (drain->config->disconnect == DISCONNECT_SEQUENTIAL)
		return;
	drain->deadline_ns = drain->signal_ns + drain->config->budget_ns;
	loop_timer_set(drain->deadline, drain->config->budget_ns);
}

static void begin(struct drain *drain, int signal)
{

	drain->signal_ns = clock_now();
	drain->stop.sessions = sessions_count(drain->service->sessions);
	drain->before = drain->service->metrics;
	drain->failed_before = drain->service->sessions->failed;
	log_event("shutdown.begin", "signal", LOG_INT(signal), "sessions",
		LOG_INT(drain->stop.sessions), "turns",
		LOG_INT(sessions_turns(drain->service->sessions)), "grace_ns",
		LOG_INT(drain->config->grace_ns), "budget_ns",
		LOG_INT(drain->config->budget_ns), "disconnect",
		LOG_TEXT(config_disconnects[drain->config->disconnect]), "message",
		LOG_TEXT("Shutting down"));
	start_clocks(drain);
	/* Sessions that are not forgotten now are found to be gone when they are
	 * resumed. */
	store_set_patience(drain->service->store, 0);
	enter(drain, DRAIN_DELAYING);
	http_api_unready(drain->service->http_api);
	if (drain->config->drain_delay_ns > 0)
		loop_timer_set(drain->delay, drain->config->drain_delay_ns);
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
	loop_timer_destroy(drain->soon);
	loop_timer_destroy(drain->delay);
	loop_timer_destroy(drain->turns);
	loop_timer_destroy(drain->deadline);
	loop_timer_destroy(drain->end);
}

int drain_complete(const struct drain *drain)
{
	int exit_code = drain->stop.failed > 0 || strcmp(drain->store, "failed") == 0;

	log_event("shutdown.complete", "took_ns",
		LOG_INT(clock_now() - drain->signal_ns), "sessions",
		LOG_INT(drain->stop.sessions), "failed", LOG_INT(drain->stop.failed),
		"killed", LOG_INT(drain->stop.killed), "store", LOG_TEXT(drain->store),
		"exit_code", LOG_INT(exit_code), "message",
		LOG_TEXT("Shutdown complete"));
	return exit_code;
}

void drain_destroy(struct drain *drain)
{
	free(drain);
}
