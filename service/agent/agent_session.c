#include "service/agent/agent_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/agent/agent_stream.h"
#include "service/agent/agent_turn.h"
#include "service/agent/backoff.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* before a stored session is read again */
#define MAX_PAUSE_NS   (250 * CLOCK_MS)
#define MESSAGE_NS     (500 * CLOCK_MS) /* the longest wait for the message's response */
#define CREATIONS_MAX  2 /* the second one after a check of agent and environment */

enum agent_session_state {
	AGENT_SESSION_RESUMING,     /* reads the stored session */
	AGENT_SESSION_SETTLING,     /* interrupts its earlier turn and waits for idle */
	AGENT_SESSION_PROVISIONING, /* waits for the agent and the environment */
	AGENT_SESSION_CREATING,
	AGENT_SESSION_OPEN,
	AGENT_SESSION_BROKEN, /* no turn is possible any more */
	AGENT_SESSION_RELEASING,
	AGENT_SESSION_RELEASED,
	AGENT_SESSION_CLOSED, /* destroyed; the timer's handle is closing */
};

struct agent_session {
	enum agent_session_state state;
	struct agent_client *client;
	char *id; /* of the remote session; NULL: none yet */
	char *room, *bot;
	const struct agent_session_events *events;
	void *arg;
	/* SETTLING: until the next look; RELEASING: the wait for the message's response */
	uv_timer_t timer;

	/* to open it */
	struct agent_provision_waiter waiter;
	struct agent_http_call *opening;
	unsigned creations; /* requests to create the session */
	int64_t open_by_ns;
	struct backoff backoff;

	/* while it is open */
	struct agent_stream *stream;
	struct agent_turn turn;
	enum agent_remote remote;

	struct agent_release *release;
	agent_release_fn *released;
	void *released_arg;
};

static void on_timer(uv_timer_t *timer);

static void stop_opening(struct agent_session *session)
{
	uv_timer_stop(&session->timer);
	agent_provision_leave(session->client->provision, &session->waiter);
	agent_http_cancel(session->opening);
	session->opening = NULL;
}

/* The only writer of `state`. Three states have nothing under way any more. */
static void enter(struct agent_session *session, enum agent_session_state state)
{
	session->state = state;
	if (state != AGENT_SESSION_BROKEN && state != AGENT_SESSION_RELEASED &&
		state != AGENT_SESSION_CLOSED)
		return;
	stop_opening(session);
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

/* The events or the remote session ended. The caller is done with the session. */
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
	if (agent_turn_is_sending_result(&session->turn))
		return AGENT_REMOTE_UNKNOWN;
	if (session->turn.state == AGENT_TURN_WAITING)
		return AGENT_REMOTE_WAITING;
	if (session->turn.state != AGENT_TURN_NONE)
		return AGENT_REMOTE_RUNNING;
	/* a turn that is not ours is not interrupted without need */
	return session->remote == AGENT_REMOTE_RUNNING ? AGENT_REMOTE_UNKNOWN
						       : AGENT_REMOTE_IDLE;
}

/* The release begins once the requests that it depends on are answered. */
static void begin_release(struct agent_session *session)
{
	if (session->state != AGENT_SESSION_RELEASING ||
		!agent_release_is_held(session->release) || session->opening ||
		agent_turn_is_sending_message(&session->turn))
		return;
	agent_release_begin(session->release, session->id, remote_at_release(session),
		session->stream && agent_stream_is_open(session->stream));
}

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

	if (strcmp(type, "session.deleted") == 0) {
		learn(session, AGENT_REMOTE_DELETED);
		lose(session, "the session was deleted");
		return;
	}
	if (strcmp(type, "session.status_terminated") == 0) {
		learn(session, AGENT_REMOTE_TERMINATED);
		lose(session, "the session was terminated");
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

static void become_open(struct agent_session *session)
{
	struct agent_http *http = session->client->http;

	enter(session, AGENT_SESSION_OPEN);
	session->stream = agent_stream_open(http, session->id, &stream_events, session);
	agent_turn_init(&session->turn, http, session->id, session->stream,
		&turn_events, session);
	session->events->opened(session->arg, session->id, NULL);
}

static void forget_id(struct agent_session *session)
{
	free(session->id);
	session->id = NULL;
}

static void fail_opening(struct agent_session *session, const char *why)
{
	enter(session, AGENT_SESSION_BROKEN);
	forget_id(session);
	session->events->opened(session->arg, NULL, why);
}

/* Takes body. A session that may have been created is not requested again: the first
 * one would never be ended. */
static void ask(struct agent_session *session, const char *method, const char *path,
	cJSON *body, agent_http_done_fn *done)
{
	struct agent_http_request request = {
		.method = method,
		.path = path,
		.body = body,
		.deadline_ns = session->open_by_ns,
		.retry = session->state == AGENT_SESSION_CREATING
			? AGENT_HTTP_RETRY_FAILED
			: AGENT_HTTP_RETRY_ALWAYS,
		.done = done,
		.arg = session,
	};

	session->opening = agent_http_start(session->client->http, &request);
}

static void create_session(struct agent_session *session);

static void on_provisioned(void *arg, const char *why)
{
	struct agent_session *session = arg;

	if (why)
		fail_opening(session, why);
	else
		create_session(session);
}

static void open_new(struct agent_session *session)
{
	forget_id(session);
	enter(session, AGENT_SESSION_PROVISIONING);
	if (agent_provision_request(session->client->provision, &session->waiter))
		create_session(session);
}

static void on_created(void *arg, const struct agent_http_response *response)
{
	struct agent_session *session = arg;
	const char *id = json_text(response->json, "id");
	const char *why = response->why;

	session->opening = NULL;
	if (!why && (!id || !*id))
		why = "POST /v1/sessions: the answer has no id";
	if (!why)
		session->id = mem_text(id);
	if (session->state == AGENT_SESSION_RELEASING)
		begin_release(session);
	else if (!why)
		become_open(session);
	else if (agent_provision_is_gone(response->status) &&
		session->creations < CREATIONS_MAX &&
		agent_provision_doubt(session->client->provision))
		open_new(session);
	else
		fail_opening(session, why);
}

static void create_session(struct agent_session *session)
{
	struct agent_provision *provision = session->client->provision;
	cJSON *body = cJSON_CreateObject();
	cJSON *metadata = cJSON_AddObjectToObject(body, "metadata");

	cJSON_AddStringToObject(metadata, "room", session->room);
	cJSON_AddStringToObject(metadata, "bot", session->bot);
	cJSON_AddStringToObject(body, "agent", agent_provision_agent(provision));
	cJSON_AddStringToObject(
		body, "environment_id", agent_provision_environment(provision));
	enter(session, AGENT_SESSION_CREATING);
	session->creations++;
	session->open_by_ns = agent_http_deadline(session->client->http);
	ask(session, "POST", "/v1/sessions", body, on_created);
}

/* The failure is the stored session's, not ours or the API's: a new one may do. */
static bool is_unusable(const struct agent_http_response *response)
{
	switch (response->status) {
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

/* Opens the stored session, or a new one, unless the API failed. */
static void open_stored(
	struct agent_session *session, const struct agent_http_response *response)
{
	if (is_unusable(response))
		open_new(session);
	else if (response->why)
		fail_opening(session, response->why);
	else
		become_open(session);
}

static void on_stored_read(void *arg, const struct agent_http_response *response);

static void read_stored(struct agent_session *session)
{
	SCOPED(mem_free) char *path = agent_http_path(session->id, "");

	ask(session, "GET", path, NULL, on_stored_read);
}

static void read_stored_later(struct agent_session *session)
{
	int64_t pause_ns = backoff_next(&session->backoff);

	if (clock_now() + pause_ns >= session->open_by_ns) {
		SCOPED(mem_free) char *why =
			mem_textf("session %s still runs an earlier turn", session->id);

		fail_opening(session, why);
		return;
	}
	uv_timer_start(&session->timer, on_timer, clock_ms_up(pause_ns), 0);
}

static void on_running_interrupted(
	void *arg, const struct agent_http_response *response UNUSED)
{
	struct agent_session *session = arg;

	session->opening = NULL;
	read_stored_later(session); /* the stored status tells whether it helped */
}

static void on_waiting_interrupted(
	void *arg, const struct agent_http_response *response)
{
	struct agent_session *session = arg;

	session->opening = NULL;
	open_stored(session, response);
}

/* A killed service leaves its turn unfinished. The reply to that turn would be taken for
 * the next one's, and no turn begins while it waits for a tool's result. */
static void interrupt_stored(struct agent_session *session, agent_http_done_fn *done)
{
	SCOPED(mem_free) char *path = agent_http_path(session->id, "/events");

	enter(session, AGENT_SESSION_SETTLING);
	ask(session, "POST", path, agent_http_interrupt(), done);
}

static void on_idle_event_read(void *arg, const struct agent_http_response *response)
{
	struct agent_session *session = arg;
	const char *reason =
		json_text(json_at(response->json, "data.0.stop_reason"), "type");

	session->opening = NULL;
	if (!response->why && reason && strcmp(reason, "requires_action") == 0)
		interrupt_stored(session, on_waiting_interrupted);
	else
		open_stored(session, response);
}

static void on_stored_read(void *arg, const struct agent_http_response *response)
{
	struct agent_session *session = arg;
	const char *status = json_text(response->json, "status");
	bool over = json_text(response->json, "archived_at") ||
		(status && strcmp(status, "terminated") == 0);

	session->opening = NULL;
	if (is_unusable(response) || (!response->why && over)) {
		open_new(session);
	} else if (response->why) {
		fail_opening(session, response->why);
	} else if (!agent_http_is_running(status)) {
		/* the status does not say whether the session waits for a result */
		SCOPED(mem_free) char *path = agent_http_path(session->id,
			"/events?order=desc&limit=1&types%5B%5D=session.status_idle");

		ask(session, "GET", path, NULL, on_idle_event_read);
	} else if (session->state == AGENT_SESSION_SETTLING) {
		read_stored_later(session);
	} else {
		interrupt_stored(session, on_running_interrupted);
	}
}

/* The API may never accept the message; the session is released all the same. */
static void stop_waiting_for_message(struct agent_session *session)
{
	if (!agent_turn_is_sending_message(&session->turn))
		return;
	agent_turn_drop_message(&session->turn);
	learn(session, AGENT_REMOTE_UNKNOWN);
	begin_release(session);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_session *session = timer->data;

	if (session->state == AGENT_SESSION_RELEASING)
		stop_waiting_for_message(session);
	else
		read_stored(session);
}

struct agent_session *agent_session_open(struct agent_client *client, const char *id,
	const char *room, const char *bot, const struct agent_session_events *events,
	void *arg)
{
	struct agent_session *session = mem_zeroed(sizeof *session);

	session->client = client;
	session->id = mem_text(id);
	session->room = mem_text(room);
	session->bot = mem_text(bot);
	session->events = events;
	session->arg = arg;
	session->waiter =
		(struct agent_provision_waiter){.done = on_provisioned, .arg = session};
	session->backoff = (struct backoff){FIRST_PAUSE_NS, MAX_PAUSE_NS};
	session->open_by_ns = agent_http_deadline(client->http);
	uv_timer_init(agent_http_loop(client->http), &session->timer);
	session->timer.data = session;
	if (id)
		read_stored(session);
	else
		open_new(session);
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

	if (agent_turn_is_sending_message(&session->turn))
		uv_timer_start(&session->timer, on_timer,
			clock_ms_up(ns < MESSAGE_NS ? ns : MESSAGE_NS), 0);
}

void agent_session_release(struct agent_session *session, enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg)
{
	bool keep = end == AGENT_SESSION_KEEP;

	assert(!session->release && session->state != AGENT_SESSION_CLOSED);
	session->released = done;
	session->released_arg = arg;
	session->release = agent_release_create(
		session->client->http, end, deadline_ns, on_released, session);
	if (session->state <= AGENT_SESSION_SETTLING)
		learn(session, AGENT_REMOTE_UNKNOWN);
	if (keep && session->state < AGENT_SESSION_OPEN)
		forget_id(session);
	/* a session that may just be created must be ended */
	if (keep || session->state != AGENT_SESSION_CREATING)
		stop_opening(session);
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
	enter(session, AGENT_SESSION_CLOSED);
	agent_turn_done(&session->turn);
	agent_release_destroy(session->release);
	session->release = NULL;
	uv_close((uv_handle_t *)&session->timer, on_closed);
}
