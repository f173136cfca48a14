#include "service/talk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* until a stored session is looked at again */
#define LAST_PAUSE_NS  (250 * CLOCK_MS)
#define UNSENT_NS      (500 * CLOCK_MS) /* for what we said, when the talk must end */

static void on_resumed(void *arg, const struct agent_answer *answer);
static void open_new(struct agent_talk *talk);

static void on_stream_event(void *arg, const char *type, const cJSON *event)
{
	struct agent_talk *talk = arg;

	if (strcmp(type, "session.deleted") == 0) {
		talk->deleted = true;
		talk_break(talk, "the session was deleted");
	} else if (strcmp(type, "session.status_terminated") == 0) {
		talk->ended = true;
		talk_break(talk, "the session was terminated");
	} else {
		turn_hear(talk, type, event);
	}
}

static void on_stream_lost(void *arg, bool unknown, const char *why)
{
	struct agent_talk *talk = arg;

	talk->deleted |= unknown;
	talk_break(talk, why);
}

static const struct agent_stream_events stream_events = {
	.event = on_stream_event, .lost = on_stream_lost};

static void become_open(struct agent_talk *talk)
{
	talk->state = TALK_OPEN;
	talk->stream =
		agent_stream_open(talk->agent->wire, talk->id, &stream_events, talk);
	talk->events->opened(talk->arg, talk->id, NULL);
}

static void fail_opening(struct agent_talk *talk, const char *why)
{
	talk->state = TALK_BROKEN;
	free(talk->id);
	talk->id = NULL;
	talk->events->opened(talk->arg, NULL, why);
}

/* Takes body. A session that may have been created already is not asked for again:
 * nobody would ever end the first one. */
static void ask(struct agent_talk *talk, const char *method, const char *path,
	cJSON *body, agent_answer_fn *done)
{
	struct agent_request request = {
		.method = method,
		.path = path,
		.body = body,
		.deadline_ns = talk->open_by_ns,
		.repeat = talk->state == TALK_CREATING ? AGENT_REPEAT_FAILED
						       : AGENT_REPEAT,
		.done = done,
		.arg = talk,
	};

	talk->opening = agent_call_start(talk->agent->wire, &request);
}

/* True once: a session is refused when its agent or its environment is gone. */
static bool needs_are_doubtful(struct agent_talk *talk, long status)
{
	if (talk->doubted || !agent_needs_is_gone(status))
		return false;
	talk->doubted = true;
	return agent_needs_doubt(talk->agent->needs);
}

static void on_created(void *arg, const struct agent_answer *answer)
{
	struct agent_talk *talk = arg;
	const char *id = json_text(answer->json, "id");
	const char *why = answer->why;

	talk->opening = NULL;
	if (!why && (!id || !*id))
		why = "POST /v1/sessions: the answer has no id";
	if (!why)
		talk->id = mem_text(id);
	if (talk->state == TALK_PARTING)
		talk_go_on_parting(talk);
	else if (why && needs_are_doubtful(talk, answer->status))
		open_new(talk);
	else if (why)
		fail_opening(talk, why);
	else
		become_open(talk);
}

static void create_session(struct agent_talk *talk)
{
	struct agent_needs *needs = talk->agent->needs;
	cJSON *body = cJSON_CreateObject();
	cJSON *metadata = cJSON_AddObjectToObject(body, "metadata");

	cJSON_AddStringToObject(metadata, "room", talk->room);
	cJSON_AddStringToObject(metadata, "bot", talk->bot);
	cJSON_AddStringToObject(body, "agent", agent_needs_agent(needs));
	cJSON_AddStringToObject(body, "environment_id", agent_needs_environment(needs));
	talk->state = TALK_CREATING;
	talk->open_by_ns = clock_now() + talk->agent->request_ns;
	ask(talk, "POST", "/v1/sessions", body, on_created);
}

static void on_needs_met(void *arg, const char *why)
{
	struct agent_talk *talk = arg;

	if (why)
		fail_opening(talk, why);
	else
		create_session(talk);
}

static void open_new(struct agent_talk *talk)
{
	free(talk->id);
	talk->id = NULL;
	talk->state = TALK_NEEDING;
	if (agent_needs_met(talk->agent->needs, &talk->need))
		create_session(talk);
}

/* The API says something about this session, and not about us or itself: it does not
 * know it, or will not have it used. A new one is better than none. */
static bool is_lost(const struct agent_answer *answer)
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

static void look_at_stored(struct agent_talk *talk)
{
	SCOPED(mem_free) char *path = agent_wire_path(talk->id, "");

	ask(talk, "GET", path, NULL, on_resumed);
}

/* An API that takes so long to accept a message may well never do so, and the session
 * must be let go all the same. */
static void stop_saying(struct agent_talk *talk)
{
	if (!turn_is_unsent(talk))
		return;
	turn_drop_message(talk);
	talk->unsure = true;
	talk_go_on_parting(talk);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_talk *talk = timer->data;

	if (talk->state == TALK_PARTING)
		stop_saying(talk);
	else
		look_at_stored(talk);
}

static void look_again(struct agent_talk *talk)
{
	if (clock_now() + talk->pause_ns >= talk->open_by_ns) {
		SCOPED(mem_free) char *why =
			mem_textf("session %s still runs an earlier turn", talk->id);

		fail_opening(talk, why);
		return;
	}
	uv_timer_start(&talk->timer, on_timer, clock_ms_up(talk->pause_ns), 0);
	talk->pause_ns *= 2;
	if (talk->pause_ns > LAST_PAUSE_NS)
		talk->pause_ns = LAST_PAUSE_NS;
}

static void on_stale_turn_interrupted(void *arg, const struct agent_answer *answer)
{
	struct agent_talk *talk = arg;

	(void)answer; /* the stored status tells whether it did any good */
	talk->opening = NULL;
	look_again(talk);
}

static void on_stale_wait_interrupted(void *arg, const struct agent_answer *answer)
{
	struct agent_talk *talk = arg;

	talk->opening = NULL;
	if (is_lost(answer))
		open_new(talk);
	else if (answer->why)
		fail_opening(talk, answer->why);
	else
		become_open(talk);
}

/* A service that was killed leaves its turn as it is: that turn's reply is not the next
 * one's, and while it waits for a tool's result no other turn begins. */
static void interrupt_stale_turn(struct agent_talk *talk, agent_answer_fn *done)
{
	SCOPED(mem_free) char *path = agent_wire_path(talk->id, "/events");

	talk->interrupted = true;
	ask(talk, "POST", path, agent_wire_interrupt(), done);
}

static void on_last_idle(void *arg, const struct agent_answer *answer)
{
	struct agent_talk *talk = arg;
	const char *reason =
		json_text(json_at(answer->json, "data.0.stop_reason"), "type");

	talk->opening = NULL;
	if (is_lost(answer))
		open_new(talk);
	else if (answer->why)
		fail_opening(talk, answer->why);
	else if (reason && strcmp(reason, "requires_action") == 0)
		interrupt_stale_turn(talk, on_stale_wait_interrupted);
	else
		become_open(talk);
}

/* The stored status does not tell whether an idle session waits for something. */
static void look_why_idle(struct agent_talk *talk)
{
	SCOPED(mem_free) char *path = agent_wire_path(
		talk->id, "/events?order=desc&limit=1&types%5B%5D=session.status_idle");

	ask(talk, "GET", path, NULL, on_last_idle);
}

static void on_resumed(void *arg, const struct agent_answer *answer)
{
	struct agent_talk *talk = arg;
	const char *status = json_text(answer->json, "status");
	bool over = json_text(answer->json, "archived_at") ||
		(status && strcmp(status, "terminated") == 0);
	bool runs = status &&
		(strcmp(status, "running") == 0 || strcmp(status, "rescheduling") == 0);

	talk->opening = NULL;
	if (is_lost(answer) || (!answer->why && over))
		open_new(talk);
	else if (answer->why)
		fail_opening(talk, answer->why);
	else if (runs && talk->interrupted)
		look_again(talk);
	else if (runs)
		interrupt_stale_turn(talk, on_stale_turn_interrupted);
	else
		look_why_idle(talk);
}

struct agent_talk *agent_open(struct agent *agent, const char *id, const char *room,
	const char *bot, const struct agent_talk_events *events, void *arg,
	struct err *err)
{
	struct agent_talk *talk = mem_zeroed(sizeof *talk);

	(void)err; /* what goes wrong is told by `opened` */
	talk->agent = agent;
	talk->id = mem_text(id);
	talk->room = mem_text(room);
	talk->bot = mem_text(bot);
	talk->events = events;
	talk->arg = arg;
	talk->need = (struct agent_need){.done = on_needs_met, .arg = talk};
	talk->pause_ns = FIRST_PAUSE_NS;
	talk->open_by_ns = clock_now() + agent->request_ns;
	uv_timer_init(agent_wire_loop(agent->wire), &talk->timer);
	talk->timer.data = talk;
	if (id)
		look_at_stored(talk);
	else
		open_new(talk);
	return talk;
}

bool agent_has_session(const struct agent_talk *talk)
{
	return talk->id != NULL;
}

void talk_break(struct agent_talk *talk, const char *why)
{
	if (talk->state == TALK_PARTING) {
		if (talk->parting_begun && (talk->ended || talk->deleted))
			agent_parting_ended(talk->parting, talk->deleted);
		else if (talk->parting_begun)
			agent_parting_deaf(talk->parting);
		return;
	}
	if (talk->state != TALK_OPEN)
		return;
	talk->state = TALK_BROKEN;
	talk->unsure |= talk->turn.on;
	agent_stream_close(talk->stream);
	talk->stream = NULL;
	turn_drop(talk);
	if (talk->turn.on)
		turn_end(talk, TURN_FAILED, why);
	if (talk->state == TALK_BROKEN)
		talk->events->broke(talk->arg, why);
}

static enum parting_from parting_from(const struct agent_talk *talk)
{
	if (talk->unsure || turn_is_answering(talk))
		return PARTING_FROM_UNKNOWN;
	if (talk->turn.on && talk->turn.waiting)
		return PARTING_FROM_WAITING;
	if (talk->turn.on)
		return PARTING_FROM_RUNNING;
	return talk->running ? PARTING_FROM_UNKNOWN : PARTING_FROM_IDLE;
}

void talk_go_on_parting(struct agent_talk *talk)
{
	bool nothing_left =
		talk->deleted || (talk->ended && talk->ending != AGENT_DELETE);

	if (talk->state != TALK_PARTING || talk->parting_begun || talk->opening ||
		turn_is_unsent(talk))
		return;
	talk->parting_begun = true;
	agent_parting_begin(talk->parting, nothing_left ? NULL : talk->id,
		parting_from(talk), talk->stream && agent_stream_hears(talk->stream));
}

static void on_parted(void *arg, const char *why)
{
	struct agent_talk *talk = arg;

	talk->state = TALK_PARTED;
	uv_timer_stop(&talk->timer);
	agent_call_cancel(talk->opening);
	talk->opening = NULL;
	agent_stream_close(talk->stream);
	talk->stream = NULL;
	turn_drop(talk);
	if (talk->turn.on)
		turn_end(talk, TURN_INTERRUPTED, why ? why : "interrupted");
	if (talk->state == TALK_PARTED)
		talk->let_go(talk->let_go_arg, why);
}

/* What was under way to open it has no use any more, but for a session that may just
 * come into being and is to be ended. */
static void stop_opening(struct agent_talk *talk)
{
	if (talk->state == TALK_CREATING && talk->ending != AGENT_KEEP)
		return;
	talk->unsure = talk->state == TALK_RESUMING;
	if (talk->ending == AGENT_KEEP) {
		free(talk->id);
		talk->id = NULL;
	}
	uv_timer_stop(&talk->timer);
	agent_needs_leave(talk->agent->needs, &talk->need);
	agent_call_cancel(talk->opening);
	talk->opening = NULL;
}

/* What we said is better known to have been accepted before it is interrupted, but most
 * of the time that is left is for the rest. */
static void await_message(struct agent_talk *talk, int64_t deadline_ns)
{
	int64_t ns = deadline_ns ? (deadline_ns - clock_now()) / 4 : UNSENT_NS;

	if (turn_is_unsent(talk))
		uv_timer_start(&talk->timer, on_timer,
			clock_ms_up(ns < UNSENT_NS ? ns : UNSENT_NS), 0);
}

void agent_let_go(struct agent_talk *talk, enum agent_ending ending,
	int64_t deadline_ns, agent_let_go_fn *done, void *arg)
{
	struct agent_parting_spec spec = {
		.ending = ending,
		.deadline_ns = deadline_ns,
		.request_ns = talk->agent->request_ns,
		.done = on_parted,
		.arg = talk,
	};

	assert(!talk->parting && talk->state != TALK_CLOSED);
	talk->ending = ending;
	talk->let_go = done;
	talk->let_go_arg = arg;
	talk->parting = agent_parting_create(talk->agent->wire, &spec);
	if (talk->state < TALK_OPEN)
		stop_opening(talk);
	talk->state = TALK_PARTING;
	talk->turn.interrupted = true;
	if (talk->stream)
		agent_stream_settle(talk->stream);
	await_message(talk, deadline_ns);
	talk_go_on_parting(talk);
}

void agent_give_up(struct agent_talk *talk, const char *why)
{
	if (talk->state == TALK_PARTING)
		agent_parting_give_up(talk->parting, why);
}

static void on_closed(uv_handle_t *handle)
{
	struct agent_talk *talk = handle->data;

	free(talk->id);
	free(talk->room);
	free(talk->bot);
	free(talk);
}

void agent_talk_destroy(struct agent_talk *talk)
{
	if (!talk)
		return;
	assert(talk->state != TALK_CLOSED);
	talk->state = TALK_CLOSED;
	agent_needs_leave(talk->agent->needs, &talk->need);
	agent_call_cancel(talk->opening);
	agent_stream_close(talk->stream);
	agent_parting_destroy(talk->parting);
	turn_drop(talk);
	uv_close((uv_handle_t *)&talk->timer, on_closed);
}
