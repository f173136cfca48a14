#include "service/session.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/metrics.h"
#include "service/service.h"
#include "service/session_resources.h"

#define STOPPING "interrupted: the session is being closed"

const char *const session_state_names[] = {
	"cold", "connecting", "hot", "busy", "closing", "closed"};

/* The first fields of each log event. */
#define OF(session) "room", LOG_TEXT((session)->room), "bot", LOG_TEXT((session)->bot)

static void be_called_soon(void *arg)
{
	struct session *session = arg;

	loop_timer_set(session->soon, 0);
}

/* The one writer of `state`. */
static void enter(struct session *session, enum session_state state)
{
	session->state = state;
	be_called_soon(session);
}

static void count_path(struct session *session, enum session_path path)
{
	session->counts[path]++;
	session->service->metrics.sessions[path]++;
}

static void end_turn(struct session *session, enum turn_end end, const char *text)
{
	/* The log and its readers know three ends. */
	enum turn_end how = end == TURN_TIMED_OUT ? TURN_FAILED : end;

	loop_timer_stop(session->bound);
	session_resources_save(session->resources, end == TURN_INTERRUPTED);
	if (end == TURN_ANSWERED)
		log_event(
			"turn.end", OF(session), "how", LOG_TEXT(turn_end_names[how]));
	else
		log_event("turn.end", OF(session), "how", LOG_TEXT(turn_end_names[how]),
			"why", LOG_TEXT(text));
	turn_queue_end(&session->turns, end, text);
}

static void begin_closing(struct session *session)
{
	bool stopping = session->order.mode != STOP_NONE;
	struct stop_order order = session->order;

	if (!stopping)
		order = (struct stop_order){
			.mode = STOP_FINISH,
			.release = true,
			.deadline_ns = clock_now() + session->service->config.budget_ns,
		};
	if (session->turns.running)
		end_turn(session, TURN_INTERRUPTED, STOPPING);
	enter(session, SESSION_CLOSING);
	session_resources_stop(
		session->resources, &order, stopping && !session->turns.waiting);
}

static void finish_closing(struct session *session)
{
	SCOPED(mem_free) char *message = mem_textf(
		"Closed session for room %s, bot '%s'", session->room, session->bot);

	session->failed = session->resources->failed;
	session_resources_destroy(session->resources);
	session->resources = NULL;
	log_event("session.closed", OF(session), "message", LOG_TEXT(message));
	enter(session, session->turns.waiting ? SESSION_COLD : SESSION_CLOSED);
}

static void on_turn_ended(void *arg, enum turn_end end, const char *text)
{
	struct session *session = arg;

	if (session->state != SESSION_BUSY)
		return;
	if (end != TURN_ANSWERED && session->timed_out)
		end = TURN_TIMED_OUT;
	end_turn(session, end, text);
	enter(session, SESSION_HOT);
}

static const struct session_resources_events session_resources_events = {
	.changed = be_called_soon,
	.turn_ended = on_turn_ended,
};

static void on_bound(void *arg)
{
	struct session *session = arg;

	if (!session->timed_out) {
		session->timed_out = true;
		loop_timer_set(session->bound, session->service->config.request_ns);
		session_agent_interrupt(session->resources->agent);
		return;
	}
	end_turn(session, TURN_TIMED_OUT,
		"the turn took too long, and did not end when it was interrupted");
	enter(session, SESSION_HOT);
	session_resources_break(session->resources, "a turn that does not end");
}

static void begin_turn(struct session *session)
{
	const char *text = turn_queue_begin(&session->turns);
	struct err err = {0};

	if (!session->fresh)
		count_path(session, SESSION_PATH_HOT);
	session->fresh = session->timed_out = false;
	log_event("turn.begin", OF(session));
	if (!session_agent_send(session->resources->agent, text, &err)) {
		end_turn(session, TURN_FAILED, err.text);
		session_resources_break(session->resources, err.text);
		return;
	}
	enter(session, SESSION_BUSY);
	loop_timer_set(session->bound, session->service->config.turn_ns);
}

static void go_on_connecting(struct session *session)
{
	const struct session_resources *resources = session->resources;

	if (resources->broken) {
		turn_queue_drop(&session->turns, TURN_FAILED, resources->broken);
		begin_closing(session);
	} else if (session->order.mode != STOP_NONE && !session->turns.waiting) {
		begin_closing(session);
	} else if (session_resources_is_open(resources)) {
		session->fresh = true;
		count_path(session,
			resources->resumed ? SESSION_PATH_WARM : SESSION_PATH_COLD);
		enter(session, SESSION_HOT);
	}
}

static void go_on_hot(struct session *session)
{
	if (session->resources->broken)
		begin_closing(session);
	else if (session->turns.waiting)
		begin_turn(session);
	else if (session->order.mode != STOP_NONE)
		begin_closing(session);
}

static void on_soon(void *arg)
{
	struct session *session = arg;

	switch (session->state) {
	case SESSION_COLD:
		if (session->turns.waiting) {
			enter(session, SESSION_CONNECTING);
			session->resources = session_resources_open(session->service,
				session->room, session->bot, &session_resources_events,
				session);
		} else if (session->order.mode != STOP_NONE) {
			enter(session, SESSION_CLOSED);
		}
		break;
	case SESSION_CONNECTING:
		go_on_connecting(session);
		break;
	case SESSION_HOT:
		go_on_hot(session);
		break;
	case SESSION_BUSY:
		if (session->resources->broken) {
			end_turn(session, TURN_FAILED, session->resources->broken);
			enter(session, SESSION_HOT);
		}
		break;
	case SESSION_CLOSING:
		if (session_resources_is_over(session->resources))
			finish_closing(session);
		break;
	case SESSION_CLOSED:
		session->events->closed(session->arg, session);
		return; /* it may be destroyed */
	}
	session->events->changed(session->arg, session);
}

struct session *session_create(struct service *service, const char *room,
	const char *bot, const struct session_events *events, void *arg)
{
	struct session *session = mem_zeroed(sizeof *session);

	session->service = service;
	session->events = events;
	session->arg = arg;
	session->room = mem_text(room);
	session->bot = mem_text(bot);
	session->turns = (struct turn_queue){
		.metrics = &service->metrics,
		.dropped = be_called_soon,
		.arg = session,
	};
	session->soon = loop_timer_create(&service->loop, on_soon, session);
	session->bound = loop_timer_create(&service->loop, on_bound, session);
	return session;
}

struct turn *session_say(
	struct session *session, const char *text, turn_done_fn *done, void *arg)
{
	if (session->order.mode != STOP_NONE ||
		session->turns.waiting_count >= session->service->config.queue_limit)
		return NULL;
	/* Closed, but `closed` was not called yet. */
	if (session->state == SESSION_CLOSED)
		enter(session, SESSION_COLD);
	be_called_soon(session);
	return turn_queue_add(&session->turns, text, done, arg);
}

void session_close(struct session *session)
{
	assert(session->state == SESSION_HOT);
	begin_closing(session);
}

bool session_stop(struct session *session, const struct stop_order *order)
{
	if (!stop_order_merge(&session->order, order))
		return false;
	if (session->order.mode >= STOP_INTERRUPT)
		turn_queue_drop(&session->turns, TURN_INTERRUPTED, STOPPING);
	switch (session->state) {
	case SESSION_CONNECTING:
	case SESSION_HOT:
	case SESSION_BUSY:
		if (session->order.mode >= STOP_INTERRUPT)
			begin_closing(session);
		break;
	case SESSION_CLOSING:
		session_resources_stop(session->resources, &session->order, true);
		break;
	case SESSION_COLD:
	case SESSION_CLOSED:
		break;
	}
	be_called_soon(session);
	return true;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	session_resources_destroy(session->resources);
	turn_queue_done(&session->turns);
	loop_timer_destroy(session->soon);
	loop_timer_destroy(session->bound);
	free(session->room);
	free(session->bot);
	free(session);
}
