#include "service/agent/agent_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* until a stored session is looked at again */
#define LAST_PAUSE_NS  (250 * CLOCK_MS)
#define UNSENT_NS      (500 * CLOCK_MS) /* for what we said, when the talk must end */

static void on_resumed(void *arg, const struct agent_http_response *answer);
static void open_new(struct agent_session *session);

static void on_stream_event(void *arg, const char *type, const cJSON *event)
{
	struct agent_session *session = arg;

	if (strcmp(type, "session.deleted") == 0) {
		session->deleted = true;
		agent_session_break(session, "the session was deleted");
	} else if (strcmp(type, "session.status_terminated") == 0) {
		session->ended = true;
		agent_session_break(session, "the session was terminated");
	} else {
		agent_turn_on_event(session, type, event);
	}
}

static void on_stream_lost(void *arg, bool unknown, const char *why)
{
	struct agent_session *session = arg;

	session->deleted |= unknown;
	agent_session_break(session, why);
}

static const struct agent_stream_events stream_events = {
	.event = on_stream_event, .lost = on_stream_lost};

static void become_open(struct agent_session *session)
{
	session->state = AGENT_SESSION_OPEN;
	session->stream = agent_stream_open(
		session->agent->wire, session->id, &stream_events, session);
	session->events->opened(session->arg, session->id, NULL);
}

static void fail_opening(struct agent_session *session, const char *why)
{
	session->state = AGENT_SESSION_BROKEN;
	free(session->id);
	session->id = NULL;
	session->events->opened(session->arg, NULL, why);
}

/* Takes body. A session that may have been created already is not asked for again:
 * nobody would ever end the first one. */
static void ask(struct agent_session *session, const char *method, const char *path,
	cJSON *body, agent_http_done_fn *done)
{
	struct agent_http_request request = {
		.method = method,
		.path = path,
		.body = body,
		.deadline_ns = session->open_by_ns,
		.repeat = session->state == AGENT_SESSION_CREATING
			? AGENT_HTTP_RETRY_FAILED
			: AGENT_HTTP_RETRY_ALWAYS,
		.done = done,
		.arg = session,
	};

	session->opening = agent_http_start(session->agent->wire, &request);
}

/* True once: a session is refused when its agent or its environment is gone. */
static bool needs_are_doubtful(struct agent_session *session, long status)
{
	if (session->doubted || !agent_provision_is_gone(status))
		return false;
	session->doubted = true;
	return agent_provision_doubt(session->agent->needs);
}

static void on_created(void *arg, const struct agent_http_response *answer)
{
	struct agent_session *session = arg;
	const char *id = json_text(answer->json, "id");
	const char *why = answer->why;

	session->opening = NULL;
	if (!why && (!id || !*id))
		why = "POST /v1/sessions: the answer has no id";
	if (!why)
		session->id = mem_text(id);
	if (session->state == AGENT_SESSION_PARTING)
		agent_session_go_on_parting(session);
	else if (why && needs_are_doubtful(session, answer->status))
		open_new(session);
	else if (why)
		fail_opening(session, why);
	else
		become_open(session);
}

static void create_session(struct agent_session *session)
{
	struct agent_provision *needs = session->agent->needs;
	cJSON *body = cJSON_CreateObject();
	cJSON *metadata = cJSON_AddObjectToObject(body, "metadata");

	cJSON_AddStringToObject(metadata, "room", session->room);
	cJSON_AddStringToObject(metadata, "bot", session->bot);
	cJSON_AddStringToObject(body, "agent", agent_provision_agent(needs));
	cJSON_AddStringToObject(
		body, "environment_id", agent_provision_environment(needs));
	session->state = AGENT_SESSION_CREATING;
	session->open_by_ns = clock_now() + session->agent->request_ns;
	ask(session, "POST", "/v1/sessions", body, on_created);
}

static void on_needs_met(void *arg, const char *why)
{
	struct agent_session *session = arg;

	if (why)
		fail_opening(session, why);
	else
		create_session(session);
}

static void open_new(struct agent_session *session)
{
	free(session->id);
	session->id = NULL;
	session->state = AGENT_SESSION_NEEDING;
	if (agent_provision_met(session->agent->needs, &session->need))
		create_session(session);
}

/* The API says something about this session, and not about us or itself: it does not
 * know it, or will not have it used. A new one is better than none. */
static bool is_lost(const struct agent_http_response *answer)
{
	switch (answer->status) {
	case 400:
	case 403:
	case 404:
	case 410:
	case 414:
	case 422:
		return true;
	}
	return false;
}

static void look_at_stored(struct agent_session *session)
{
	SCOPED(mem_free) char *path = agent_http_path(session->id, "");

	ask(session, "GET", path, NULL, on_resumed);
}

/* An API that takes so long to accept a message may well never do so, and the session
 * must be let go all the same. */
static void stop_saying(struct agent_session *session)
{
	if (!agent_turn_is_unsent(session))
		return;
	agent_turn_drop_message(session);
	session->unsure = true;
	agent_session_go_on_parting(session);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_session *session = timer->data;

	if (session->state == AGENT_SESSION_PARTING)
		stop_saying(session);
	else
		look_at_stored(session);
}

static void look_again(struct agent_session *session)
{
	if (clock_now() + session->pause_ns >= session->open_by_ns) {
		SCOPED(mem_free) char *why =
			mem_textf("session %s still runs an earlier turn", session->id);

		fail_opening(session, why);
		return;
	}
	uv_timer_start(&session->timer, on_timer, clock_ms_up(session->pause_ns), 0);
	session->pause_ns *= 2;
	if (session->pause_ns > LAST_PAUSE_NS)
		session->pause_ns = LAST_PAUSE_NS;
}

static void on_stale_turn_interrupted(
	void *arg, const struct agent_http_response *answer)
{
	struct agent_session *session = arg;

	(void)answer; /* the stored status tells whether it did any good */
	session->opening = NULL;
	look_again(session);
}

static void on_stale_wait_interrupted(
	void *arg, const struct agent_http_response *answer)
{
	struct agent_session *session = arg;

	session->opening = NULL;
	if (is_lost(answer))
		open_new(session);
	else if (answer->why)
		fail_opening(session, answer->why);
	else
		become_open(session);
}

/* A service that was killed leaves its turn as it is: that turn's reply is not the next
 * one's, and while it waits for a tool's result no other turn begins. */
static void interrupt_stale_turn(
	struct agent_session *session, agent_http_done_fn *done)
{
	SCOPED(mem_free) char *path = agent_http_path(session->id, "/events");

	session->interrupted = true;
	ask(session, "POST", path, agent_http_interrupt(), done);
}

static void on_last_idle(void *arg, const struct agent_http_response *answer)
{
	struct agent_session *session = arg;
	const char *reason =
		json_text(json_at(answer->json, "data.0.stop_reason"), "type");

	session->opening = NULL;
	if (is_lost(answer))
		open_new(session);
	else if (answer->why)
		fail_opening(session, answer->why);
	else if (reason && strcmp(reason, "requires_action") == 0)
		interrupt_stale_turn(session, on_stale_wait_interrupted);
	else
		become_open(session);
}

/* The stored status does not tell whether an idle session waits for something. */
static void look_why_idle(struct agent_session *session)
{
	SCOPED(mem_free) char *path = agent_http_path(session->id,
		"/events?order=desc&limit=1&types%5B%5D=session.status_idle");

	ask(session, "GET", path, NULL, on_last_idle);
}

static void on_resumed(void *arg, const struct agent_http_response *answer)
{
	struct agent_session *session = arg;
	const char *status = json_text(answer->json, "status");
	bool over = json_text(answer->json, "archived_at") ||
		(status && strcmp(status, "terminated") == 0);
	bool runs = status &&
		(strcmp(status, "running") == 0 || strcmp(status, "rescheduling") == 0);

	session->opening = NULL;
	if (is_lost(answer) || (!answer->why && over))
		open_new(session);
	else if (answer->why)
		fail_opening(session, answer->why);
	else if (runs && session->interrupted)
		look_again(session);
	else if (runs)
		interrupt_stale_turn(session, on_stale_turn_interrupted);
	else
		look_why_idle(session);
}

struct agent_session *agent_session_open(struct agent_client *agent, const char *id,
	const char *room, const char *bot, const struct agent_session_events *events,
	void *arg, struct err *err)
{
	struct agent_session *session = mem_zeroed(sizeof *session);

	(void)err; /* what goes wrong is told by `opened` */
	session->agent = agent;
	session->id = mem_text(id);
	session->room = mem_text(room);
	session->bot = mem_text(bot);
	session->events = events;
	session->arg = arg;
	session->need =
		(struct agent_provision_waiter){.done = on_needs_met, .arg = session};
	session->pause_ns = FIRST_PAUSE_NS;
	session->open_by_ns = clock_now() + agent->request_ns;
	uv_timer_init(agent_http_loop(agent->wire), &session->timer);
	session->timer.data = session;
	if (id)
		look_at_stored(session);
	else
		open_new(session);
	return session;
}

bool agent_session_exists(const struct agent_session *session)
{
	return session->id != NULL;
}

void agent_session_break(struct agent_session *session, const char *why)
{
	if (session->state == AGENT_SESSION_PARTING) {
		if (session->parting_begun && (session->ended || session->deleted))
			agent_release_ended(session->release, session->deleted);
		else if (session->parting_begun)
			agent_release_deaf(session->release);
		return;
	}
	if (session->state != AGENT_SESSION_OPEN)
		return;
	session->state = AGENT_SESSION_BROKEN;
	session->unsure |= session->turn.on;
	agent_stream_close(session->stream);
	session->stream = NULL;
	agent_turn_drop(session);
	if (session->turn.on)
		agent_turn_end(session, TURN_FAILED, why);
	if (session->state == AGENT_SESSION_BROKEN)
		session->events->broke(session->arg, why);
}

static enum agent_release_from agent_release_from(const struct agent_session *session)
{
	if (session->unsure || agent_turn_is_answering(session))
		return AGENT_RELEASE_FROM_UNKNOWN;
	if (session->turn.on && session->turn.waiting)
		return AGENT_RELEASE_FROM_WAITING;
	if (session->turn.on)
		return AGENT_RELEASE_FROM_RUNNING;
	return session->running ? AGENT_RELEASE_FROM_UNKNOWN : AGENT_RELEASE_FROM_IDLE;
}

void agent_session_go_on_parting(struct agent_session *session)
{
	bool nothing_left = session->deleted ||
		(session->ended && session->ending != AGENT_SESSION_DELETE);

	if (session->state != AGENT_SESSION_PARTING || session->parting_begun ||
		session->opening || agent_turn_is_unsent(session))
		return;
	session->parting_begun = true;
	agent_release_begin(session->release, nothing_left ? NULL : session->id,
		agent_release_from(session),
		session->stream && agent_stream_hears(session->stream));
}

static void on_parted(void *arg, const char *why)
{
	struct agent_session *session = arg;

	session->state = AGENT_SESSION_PARTED;
	uv_timer_stop(&session->timer);
	agent_http_cancel(session->opening);
	session->opening = NULL;
	agent_stream_close(session->stream);
	session->stream = NULL;
	agent_turn_drop(session);
	if (session->turn.on)
		agent_turn_end(session, TURN_INTERRUPTED, why ? why : "interrupted");
	if (session->state == AGENT_SESSION_PARTED)
		session->let_go(session->let_go_arg, why);
}

/* What was under way to open it has no use any more, but for a session that may just
 * come into being and is to be ended. */
static void stop_opening(struct agent_session *session)
{
	if (session->state == AGENT_SESSION_CREATING &&
		session->ending != AGENT_SESSION_KEEP)
		return;
	session->unsure = session->state == AGENT_SESSION_RESUMING;
	if (session->ending == AGENT_SESSION_KEEP) {
		free(session->id);
		session->id = NULL;
	}
	uv_timer_stop(&session->timer);
	agent_provision_leave(session->agent->needs, &session->need);
	agent_http_cancel(session->opening);
	session->opening = NULL;
}

/* What we said is better known to have been accepted before it is interrupted, but most
 * of the time that is left is for the rest. */
static void await_message(struct agent_session *session, int64_t deadline_ns)
{
	int64_t ns = deadline_ns ? (deadline_ns - clock_now()) / 4 : UNSENT_NS;

	if (agent_turn_is_unsent(session))
		uv_timer_start(&session->timer, on_timer,
			clock_ms_up(ns < UNSENT_NS ? ns : UNSENT_NS), 0);
}

void agent_session_release(struct agent_session *session, enum agent_session_end ending,
	int64_t deadline_ns, agent_release_fn *done, void *arg)
{
	struct agent_release_spec spec = {
		.ending = ending,
		.deadline_ns = deadline_ns,
		.request_ns = session->agent->request_ns,
		.done = on_parted,
		.arg = session,
	};

	assert(!session->release && session->state != AGENT_SESSION_CLOSED);
	session->ending = ending;
	session->let_go = done;
	session->let_go_arg = arg;
	session->release = agent_release_create(session->agent->wire, &spec);
	if (session->state < AGENT_SESSION_OPEN)
		stop_opening(session);
	session->state = AGENT_SESSION_PARTING;
	session->turn.interrupted = true;
	if (session->stream)
		agent_stream_settle(session->stream);
	await_message(session, deadline_ns);
	agent_session_go_on_parting(session);
}

void agent_session_give_up(struct agent_session *session, const char *why)
{
	if (session->state == AGENT_SESSION_PARTING)
		agent_release_give_up(session->release, why);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_session *session = handle->data;

	free(session->id);
	free(session->room);
	free(session->bot);
	free(session);
}

void agent_session_destroy(struct agent_session *session)
{
	if (!session)
		return;
	assert(session->state != AGENT_SESSION_CLOSED);
	session->state = AGENT_SESSION_CLOSED;
	agent_provision_leave(session->agent->needs, &session->need);
	agent_http_cancel(session->opening);
	agent_stream_close(session->stream);
	agent_release_destroy(session->release);
	agent_turn_drop(session);
	uv_close((uv_handle_t *)&session->timer, on_closed);
}
