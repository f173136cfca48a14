#include "service/drain.h"

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
	DRAIN_DELAYING, /* /ready says no, work is still taken */
	DRAIN_DRAINING, /* no work is taken, sessions are let go */
	DRAIN_DONE,     /* the owner has been told */
};

struct drain {
	const struct service *service;
	struct sessions *sessions;
	struct http_api *http_api;
	drain_done_fn *done;
	void *arg;
	enum drain_state state;
	int64_t signal_ns;
	int64_t deadline_ns;    /* 0: none */
	struct metrics before;  /* the signal */
	unsigned failed_before; /* sessions, likewise */
	struct store_stop stop;
	bool disconnecting; /* that phase has begun */
	bool late;          /* turns are interrupted now */
	bool forced;        /* waiting is over */
	bool out_of_time;   /* even for what was given up */
	uv_timer_t soon;    /* everything is decided in its callback */
	uv_timer_t delay;
	uv_timer_t turns; /* TURN_BUDGET */
	uv_timer_t deadline;
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

static void enter_phase(const char *phase)
{
	log_event("shutdown.phase", "phase", LOG_TEXT(phase));
}

static void begin_disconnecting(struct drain *drain)
{
	if (drain->disconnecting)
		return;
	drain->disconnecting = true;
	enter_phase("disconnect");
}

/* From here on nothing new begins. */
static void begin_draining(struct drain *drain)
{
	drain->state = DRAIN_DRAINING;
	enter_phase("drain");
	sessions_watch(drain->sessions, on_changed, drain);
	http_api_drain(drain->http_api, on_changed, drain);
	switch ((enum config_disconnect)drain->service->config->disconnect) {
	case DISCONNECT_PARALLEL:
		begin_disconnecting(drain);
		sessions_finish(drain->sessions, drain->deadline_ns);
		break;
	case DISCONNECT_SEQUENTIAL:
		sessions_shut(drain->sessions); /* first the turns, then the sessions */
		break;
	case DISCONNECT_NONE:
		sessions_abandon(drain->sessions);
		break;
	}
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

/* Sequentially, each session is interrupted when it is its turn. */
static void on_turns(uv_timer_t *timer)
{
	struct drain *drain = timer->data;

	end_delay(drain);
	drain->late = true;
	if (drain->service->config->disconnect == DISCONNECT_PARALLEL)
		sessions_interrupt(drain->sessions, drain->deadline_ns);
	be_called_soon(drain);
}

static void on_out_of_time(uv_timer_t *timer)
{
	struct drain *drain = timer->data;

	drain->out_of_time = true;
	be_called_soon(drain);
}

/* What was given up takes a moment to be gone. Under a deadline it must be gone when
 * half of the reserve is: the other half is for the flush. */
static int64_t time_for_the_end(const struct drain *drain)
{
	const struct config *config = drain->service->config;
	int64_t end_ns =
		drain->deadline_ns + (config->grace_ns - config->budget_ns) / 2;
	int64_t left_ns = end_ns - clock_now();

	return drain->deadline_ns == 0 || left_ns > FORCED_NS ? FORCED_NS : left_ns;
}

static void force(struct drain *drain, const char *why)
{
	end_delay(drain);
	if (drain->forced || drain->state != DRAIN_DRAINING)
		return;
	drain->forced = true;
	log_event("shutdown.forced", "why", LOG_TEXT(why));
	sessions_give_up(drain->sessions, why);
	uv_timer_start(&drain->deadline, on_out_of_time,
		clock_ms_up(time_for_the_end(drain)), 0);
	be_called_soon(drain);
}

static void on_deadline(uv_timer_t *timer)
{
	force(timer->data, "deadline");
}

static void count_servers(struct drain *drain)
{
	const struct metrics *now = drain->service->metrics, *before = &drain->before;
	const uint64_t *steps = now->mcp_steps, *earlier = before->mcp_steps;

	drain->stop.killed = (int64_t)(now->mcp_kills - before->mcp_kills);
	drain->stop.eof = (int64_t)(steps[CHILD_EOF] - earlier[CHILD_EOF]);
	drain->stop.term = (int64_t)(steps[CHILD_TERM] - earlier[CHILD_TERM]);
	drain->stop.kill = (int64_t)(steps[CHILD_KILL] - earlier[CHILD_KILL]);
}

/* Half of the reserve is for this, and both calls may wait. */
static void flush(struct drain *drain)
{
	const struct config *config = drain->service->config;
	struct err err = {0};

	enter_phase("flush");
	store_set_patience(
		drain->service->store, (config->grace_ns - config->budget_ns) / 4);
	drain->stop.took_ns = clock_now() - drain->signal_ns;
	drain->stop.failed = sessions_failed(drain->sessions) - drain->failed_before +
		sessions_count(drain->sessions);
	count_servers(drain);
	if (!store_save_stop(drain->service->store, &drain->stop, &err) ||
		!store_flush(drain->service->store, &err))
		log_event("store.failed", "why", LOG_TEXT(err.text));
}

static void go_on_sequentially(struct drain *drain)
{
	if (!drain->disconnecting && !drain->late &&
		sessions_turns(drain->sessions) > 0)
		return;
	begin_disconnecting(drain);
	sessions_finish_first(drain->sessions, drain->late);
}

/* Whoever waits for an answer gets it, in a hurry too; only idle connections then get
 * no more time. */
static bool is_empty(const struct drain *drain)
{
	if (sessions_count(drain->sessions) > 0)
		return false;
	return drain->forced ? http_api_is_answered(drain->http_api)
			     : http_api_is_drained(drain->http_api);
}

static void on_soon(uv_timer_t *timer)
{
	struct drain *drain = timer->data;

	if (drain->state != DRAIN_DRAINING)
		return;
	if (drain->service->config->disconnect == DISCONNECT_SEQUENTIAL &&
		!drain->forced)
		go_on_sequentially(drain);
	if (!is_empty(drain) && !drain->out_of_time)
		return;
	flush(drain);
	drain->state = DRAIN_DONE;
	drain->done(drain->arg);
}

struct drain *drain_create(const struct service *service, struct sessions *sessions,
	struct http_api *http_api, drain_done_fn *done, void *arg)
{
	struct drain *drain = mem_zeroed(sizeof *drain);
	uv_timer_t *timers[] = {
		&drain->soon, &drain->delay, &drain->turns, &drain->deadline};

	drain->service = service;
	drain->sessions = sessions;
	drain->http_api = http_api;
	drain->done = done;
	drain->arg = arg;
	for (size_t i = 0; i < COUNT(timers); i++) {
		uv_timer_init(service->loop, timers[i]);
		timers[i]->data = drain;
	}
	return drain;
}

static const char *disconnect_name(enum config_disconnect disconnect)
{
	switch (disconnect) {
	case DISCONNECT_PARALLEL:
		return "parallel";
	case DISCONNECT_SEQUENTIAL:
		return "sequential";
	case DISCONNECT_NONE:
		return "none";
	}
	return NULL;
}

/* In a hurry are: everything in parallel, turns when sequential, nobody otherwise. */
static void start_clocks(struct drain *drain)
{
	const struct config *config = drain->service->config;

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
	const struct config *config = drain->service->config;

	drain->signal_ns = clock_now();
	drain->stop.sessions = sessions_count(drain->sessions);
	drain->before = *drain->service->metrics;
	drain->failed_before = sessions_failed(drain->sessions);
	log_event("shutdown.begin", "signal", LOG_INT(signal), "sessions",
		LOG_INT(drain->stop.sessions), "turns",
		LOG_INT(sessions_turns(drain->sessions)), "grace_ns",
		LOG_INT(config->grace_ns), "budget_ns", LOG_INT(config->budget_ns),
		"disconnect",
		LOG_TEXT(disconnect_name((enum config_disconnect)config->disconnect)),
		"message", LOG_TEXT("Shutting down"));
	uv_update_time(drain->service->loop);
	start_clocks(drain);
	/* What is not forgotten now is found out when it is to be resumed. */
	store_set_patience(drain->service->store, 0);
	drain->state = DRAIN_DELAYING;
	http_api_unready(drain->http_api);
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
		force(drain, "second signal");
		return;
	case DRAIN_DONE:
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
	int exit_code = drain->stop.failed > 0;

	log_event("shutdown.complete", "took_ns",
		LOG_INT(clock_now() - drain->signal_ns), "sessions",
		LOG_INT(drain->stop.sessions), "failed", LOG_INT(drain->stop.failed),
		"killed", LOG_INT(drain->stop.killed), "exit_code", LOG_INT(exit_code),
		"message", LOG_TEXT("Shutdown complete"));
	return exit_code;
}

void drain_destroy(struct drain *drain)
{
	free(drain);
}
