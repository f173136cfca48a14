#include "service/agent/agent_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/agent/agent_opener.h"
#include "service/agent/agent_stream.h"
#include "service/agent/agent_turn.h"

#define MESSAGE_NS (500 * CLOCK_MS) /* the longest wait for the message's response */

enum agent_session_state {
	AGENT_SESSION_OPENING,
	AGENT_SESSION_OPEN,
	AGENT_SESSION_BROKEN, /* no turn is possible any more */
	AGENT_SESSION_RELEASING,
	AGENT_SESSION_RELEASED,
	AGENT_SESSION_CLOSED, /* destroyed; the handles are closing */
};

struct agent_session {
	enum agent_session_state state;
	struct agent_client *client;
	char *id; /* of the remote session; NULL: none yet */
	const struct agent_session_events *events;
	void *arg;
	struct agent_opener *opener; /* NULL: it has finished, or was stopped */
	uv_timer_t timer;  /* RELEASING: the wait for the message's response */
	uv_check_t turned; /* RELEASING: a turn of the loop is over */
	unsigned handles;
	struct agent_stream *stream;
	struct agent_turn turn;
	enum agent_remote remote;

	struct agent_release *release;
	agent_release_fn *released;
	void *released_arg;
};

static void stop_opening(struct agent_session *session)
{
	agent_opener_destroy(session->opener);
	session->opener = NULL;
}

/* The only writer of `state`. Three states have nothing under way any more. */
static void enter(struct agent_session *session, enum agent_session_state state)
{
	session->state = state;
	if (state != AGENT_SESSION_BROKEN && state != AGENT_SESSION_RELEASED &&
		state != AGENT_SESSION_CLOSED)
		return;
	stop_opening(session);
	uv_timer_stop(&session->timer);
	uv_check_stop(&session->turned);
	agent_stream_close(session->stream);
	session->stream = NULL;
}

/* More is known of the remote session; the worst counts. */
static void learn(struct agent_session *session, enum agent_remote remote)
{
	if (session->remote < remote)
		session->remote = remote;
}

/* Takes outcome's text. */
static void report_turn(
	struct agent_session *session, const struct agent_turn_outcome *outcome)
{
	if (outcome->text)
		session->events->turned(session->arg, outcome->end, outcome->text);
	free(outcome->text);
}

/* The events or the remote session ended. The session may be destroyed afterwards. */
static void lose(struct agent_session *session, const char *why)
{
	struct agent_turn_outcome outcome;

	if (session->state == AGENT_SESSION_RELEASING) {
		if (session->remote >= AGENT_REMOTE_TERMINATED)
			agent_release_learn(session->release, session->remote);
		else
			agent_release_lose_stream(session->release);
	}
	if (session->state != AGENT_SESSION_OPEN)
		return;
	if (session->turn.state != AGENT_TURN_NONE)
		learn(session, AGENT_REMOTE_UNKNOWN);
	outcome = agent_turn_end(&session->turn, TURN_FAILED, why);
	enter(session, AGENT_SESSION_BROKEN);
	report_turn(session, &outcome);
	if (session->state == AGENT_SESSION_BROKEN)
		session->events->broke(session->arg, why);
}

static enum agent_remote remote_at_release(const struct agent_session *session)
{
	if (!session->id)
		return AGENT_REMOTE_DELETED;
	if (session->remote >= AGENT_REMOTE_UNKNOWN)
		return session->remote;
	if (agent_turn_is_sending(&session->turn, AGENT_TURN_RESULT))
		return AGENT_REMOTE_UNKNOWN;
	if (session->turn.state == AGENT_TURN_WAITING)
		return AGENT_REMOTE_WAITING;
	if (session->turn.state != AGENT_TURN_NONE)
		return AGENT_REMOTE_RUNNING;
	/* the running turn is not ours: it is interrupted only if necessary */
	return session->remote == AGENT_REMOTE_RUNNING ? AGENT_REMOTE_UNKNOWN
						       : AGENT_REMOTE_IDLE;
}

/* The session is being archived or deleted, and no event of it matters any more: its
 * stream is closed while the API is at work, and not when the answers of all sessions
 * come. But all their requests come first: they leave before this turn of the loop is
 * over. */
static void on_turned(uv_check_t *turned)
{
	struct agent_session *session = turned->data;

	if (agent_release_is_starting(session->release))
		return;
	uv_check_stop(turned);
	if (!agent_release_is_ending(session->release))
		return;
	agent_stream_close(session->stream);
	session->stream = NULL;
	agent_release_lose_stream(session->release);
}

/* The release begins once the requests that it depends on are answered. */
static void begin_release(struct agent_session *session)
{
	if (session->state != AGENT_SESSION_RELEASING ||
		!agent_release_is_held(session->release) || session->opener ||
		agent_turn_is_sending(&session->turn, AGENT_TURN_MESSAGE))
		return;
	agent_release_begin(session->release, session->id, remote_at_release(session),
		session->stream && agent_stream_is_open(session->stream));
	/* A turn that has not ended still tells the stream what it expects. */
	if (session->stream && session->turn.state == AGENT_TURN_NONE)
		uv_check_start(&session->turned, on_turned);
}

/* The session may be destroyed afterwards. */
static void act(struct agent_session *session, struct agent_turn_outcome outcome)
{
	if (outcome.lost && outcome.lost->unsure)
		learn(session, AGENT_REMOTE_UNKNOWN);
	if (outcome.lost && outcome.lost->status == 404)
		learn(session, AGENT_REMOTE_DELETED);
	report_turn(session, &outcome);
	if (outcome.lost && session->state == AGENT_SESSION_OPEN)
		lose(session, outcome.lost->why);
}

static void on_turn_answered(void *arg, struct agent_turn_outcome outcome)
{
	struct agent_session *session = arg;

	act(session, outcome);
	begin_release(session);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	struct agent_session *session = arg;

	session->events->wants_tool(session->arg, use_id, name, input);
}

static const struct agent_turn_events turn_events = {
	.answered = on_turn_answered, .wants_tool = on_wants_tool};

static void on_stream_event(void *arg, const char *type, const cJSON *event)
{
	struct agent_session *session = arg;
	bool is_idle = strcmp(type, "session.status_idle") == 0;
	bool deleted = strcmp(type, "session.deleted") == 0;

	if (deleted || strcmp(type, "session.status_terminated") == 0) {
		learn(session,
			deleted ? AGENT_REMOTE_DELETED : AGENT_REMOTE_TERMINATED);
		lose(session,
			deleted ? "the session was deleted"
				: "the session was terminated");
		return;
	}
	if (strncmp(type, "session.status_", strlen("session.status_")) == 0 &&
		session->remote < AGENT_REMOTE_UNKNOWN)
		session->remote = is_idle ? AGENT_REMOTE_IDLE : AGENT_REMOTE_RUNNING;
	act(session, agent_turn_event(&session->turn, type, event));
	if (is_idle && session->state == AGENT_SESSION_RELEASING &&
		!agent_release_is_held(session->release))
		agent_release_learn(session->release, AGENT_REMOTE_IDLE);
	else
		begin_release(session);
}

static void on_stream_lost(void *arg, bool deleted, const char *why)
{
	struct agent_session *session = arg;

	if (deleted)
		learn(session, AGENT_REMOTE_DELETED);
	lose(session, why);
}

static const struct agent_stream_events stream_events = {
	.event = on_stream_event, .lost = on_stream_lost};

static void on_opened(void *arg, const char *id, const char *why)
{
	struct agent_session *session = arg;
	struct agent_http *http = session->client->http;

	session->id = mem_text(id);
	if (session->state == AGENT_SESSION_RELEASING) {
		stop_opening(session);
		begin_release(session);
		return;
	}
	enter(session, id ? AGENT_SESSION_OPEN : AGENT_SESSION_BROKEN);
	stop_opening(session);
	if (id) {
		session->stream =
			agent_stream_open(http, session->id, &stream_events, session);
		session->turn = (struct agent_turn){
			.http = http,
			.stream = session->stream,
			.session_id = session->id,
			.events = &turn_events,
			.arg = session,
		};
	}
	session->events->opened(session->arg, session->id, why);
}

/* The API may never accept the message; the session is released all the same. */
static void on_timer(uv_timer_t *timer)
{
	struct agent_session *session = timer->data;

	if (!agent_turn_is_sending(&session->turn, AGENT_TURN_MESSAGE))
		return;
	agent_turn_drop_message(&session->turn);
	learn(session, AGENT_REMOTE_UNKNOWN);
	begin_release(session);
}

struct agent_session *agent_session_open(struct agent_client *client, const char *id,
	const char *room, const char *bot, const struct agent_session_events *events,
	void *arg)
{
	struct agent_session *session = mem_zeroed(sizeof *session);

	session->client = client;
	session->events = events;
	session->arg = arg;
	uv_timer_init(agent_http_loop(client->http), &session->timer);
	uv_check_init(agent_http_loop(client->http), &session->turned);
	session->timer.data = session->turned.data = session;
	session->handles = 2;
	session->opener = agent_opener_start(client, id, room, bot, on_opened, session);
	return session;
}

bool agent_session_exists(const struct agent_session *session)
{
	return session->id != NULL;
}

bool agent_session_send(
	struct agent_session *session, const char *text, struct err *err)
{
	if (session->state != AGENT_SESSION_OPEN)
		return err_set(err, "the agent session is not open");
	if (session->turn.state != AGENT_TURN_NONE)
		return err_set(err, "a turn is running");
	agent_turn_begin(&session->turn, text);
	return true;
}

void agent_session_tool_result(struct agent_session *session, const char *use_id,
	const cJSON *content, bool is_error)
{
	agent_turn_tool_result(&session->turn, use_id, content, is_error);
}

void agent_session_interrupt(struct agent_session *session)
{
	agent_turn_interrupt(&session->turn);
}

static void on_released(void *arg, const char *why)
{
	struct agent_session *session = arg;
	struct agent_turn_outcome outcome = agent_turn_end(
		&session->turn, TURN_INTERRUPTED, why ? why : "interrupted");

	enter(session, AGENT_SESSION_RELEASED);
	report_turn(session, &outcome);
	if (session->state == AGENT_SESSION_RELEASED)
		session->released(session->released_arg, why);
}

/* The message's response may take a quarter of the time left: the interrupt should come
 * after an accepted message, but the rest of the release needs time as well. */
static void wait_for_message(struct agent_session *session, int64_t deadline_ns)
{
	int64_t ns = deadline_ns ? (deadline_ns - clock_now()) / 4 : MESSAGE_NS;

	if (agent_turn_is_sending(&session->turn, AGENT_TURN_MESSAGE))
		uv_timer_start(&session->timer, on_timer,
			clock_ms_up(ns < MESSAGE_NS ? ns : MESSAGE_NS), 0);
}

/* The opener is stopped, unless it may just create a session that must be ended. */
static void stop_opening_for(struct agent_session *session, enum agent_session_end end)
{
	if (end != AGENT_SESSION_KEEP && agent_opener_finish(session->opener))
		return;
	if (end != AGENT_SESSION_KEEP)
		session->id = mem_text(agent_opener_stored_id(session->opener));
	session->remote = AGENT_REMOTE_UNKNOWN;
	stop_opening(session);
}

void agent_session_release(struct agent_session *session, enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg)
{
	assert(!session->release && session->state != AGENT_SESSION_CLOSED);
	session->released = done;
	session->released_arg = arg;
	session->release = agent_release_create(
		session->client->http, end, deadline_ns, on_released, session);
	if (session->opener)
		stop_opening_for(session, end);
	enter(session, AGENT_SESSION_RELEASING);
	agent_turn_release(&session->turn);
	if (session->stream)
		agent_stream_stop_reconnecting(session->stream);
	wait_for_message(session, deadline_ns);
	begin_release(session);
}

void agent_session_give_up(struct agent_session *session, const char *why)
{
	if (session->state == AGENT_SESSION_RELEASING)
		agent_release_give_up(session->release, why);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_session *session = handle->data;

	if (--session->handles > 0)
		return;
	free(session->id);
	free(session);
}

void agent_session_destroy(struct agent_session *session)
{
	if (!session)
		return;
	assert(session->state != AGENT_SESSION_CLOSED);
	enter(session, AGENT_SESSION_CLOSED);
	agent_turn_done(&session->turn);
	agent_release_destroy(session->release);
	session->release = NULL;
	uv_close((uv_handle_t *)&session->timer, on_closed);
	uv_close((uv_handle_t *)&session->turned, on_closed);
}
