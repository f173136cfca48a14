#include "mock-agent/turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/bell.h"
#include "mock-agent/event.h"
#include "mock-agent/reply.h"
#include "mock-agent/session.h"

#define USES_MAX 256 /* that an answer may still name */

enum turn_state {
	TURN_NONE,
	TURN_RUNNING,     /* the next event is on its way, or hangs */
	TURN_ASKING,      /* a custom tool's result is waited for */
	TURN_INTERRUPTED, /* the idle event is on its way */
};

struct turn {
	struct session *session;
	enum turn_state state;
	struct bell *step;   /* to the next event */
	struct bell *settle; /* to the flip of the stored status */
	struct act act;      /* of the next event */
	cJSON *waiting;      /* user.message events */

	char *said;
	struct reply reply;
	cJSON *tools;  /* all that the agent declares */
	cJSON *custom; /* those of them that we may ask */
	int64_t asked, to_ask;
	char *tool;                 /* the last one asked */
	char use_id[WIRE_ID_SIZE];  /* and its use */
	char span_id[WIRE_ID_SIZE]; /* of the model request that runs */
	cJSON *uses;                /* ids of the last ones */
};

static void begin(struct turn *turn, cJSON *message, bool was_idle);

static void log_turn(const struct turn *turn, const char *event)
{
	log_event(event, "session", LOG_TEXT(mood_label(turn->session->mood)), "id",
		LOG_TEXT(turn->session->id));
}

static void forget(struct turn *turn)
{
	free(turn->said);
	turn->said = NULL;
	reply_done(&turn->reply);
	cJSON_Delete(turn->custom);
	turn->custom = NULL;
	cJSON_Delete(turn->tools);
	turn->tools = NULL;
	free(turn->tool);
	turn->tool = NULL;
}

static void wait_for(struct turn *turn, enum moment moment)
{
	turn->act = mood_next(turn->session->mood, moment);
	bell_set(turn->step, turn->act.delay_ns);
}

static void start_span(struct turn *turn)
{
	cJSON *event = event_create("span.model_request_start");

	snprintf(turn->span_id, sizeof turn->span_id, "%s", json_text(event, "id"));
	turn->session->model_requests++;
	session_tell(turn->session, event);
}

static void end_span(struct turn *turn, bool is_error)
{
	session_tell(turn->session, event_span_end(turn->span_id, is_error));
}

static void tell_running(struct session *session)
{
	session_tell(session, event_create("session.status_running"));
	session_tell(
		session, event_thread_running(session->agent_name, session->thread_id));
}

static void on_settle(void *arg)
{
	struct turn *turn = arg;

	session_set_status(turn->session, SESSION_IDLE);
}

static void tell_idle(struct turn *turn, const char *reason, const char *use_id)
{
	struct session *session = turn->session;
	struct act act;

	session_tell(session,
		event_thread_idle(
			session->agent_name, session->thread_id, reason, use_id));
	session_tell(session, event_idle(reason, use_id));
	act = mood_next(session->mood, MOMENT_SETTLE);
	if (act.fault != FAULT_NONE)
		mood_log_fault(session->mood, session->id, &act);
	else if (act.delay_ns > 0)
		bell_set(turn->settle, act.delay_ns);
	else
		on_settle(turn);
}

static cJSON *next_waiting(struct turn *turn)
{
	return cJSON_DetachItemFromArray(turn->waiting, 0);
}

static void finish(struct turn *turn, const char *why, const char *reason)
{
	bool goes_on = strcmp(why, "end_turn") == 0 && turn_waiting(turn) > 0;

	log_event("agent.turn.end", "session",
		LOG_TEXT(mood_label(turn->session->mood)), "id",
		LOG_TEXT(turn->session->id), "why", LOG_TEXT(why));
	turn->state = TURN_NONE;
	forget(turn);
	if (!goes_on)
		tell_idle(turn, reason, NULL);
	if (turn_waiting(turn) > 0)
		begin(turn, next_waiting(turn), !goes_on);
}

static void remember_use(struct turn *turn)
{
	if (cJSON_GetArraySize(turn->uses) >= USES_MAX)
		cJSON_DeleteItemFromArray(turn->uses, 0);
	cJSON_AddItemToArray(turn->uses, cJSON_CreateString(turn->use_id));
}

static void ask_tool(struct turn *turn)
{
	int count = cJSON_GetArraySize(turn->custom);
	const cJSON *tool =
		cJSON_GetArrayItem(turn->custom, (int)(turn->asked % count));
	const char *name = json_text(tool, "name");
	cJSON *event = event_tool_use(name, reply_tool_input(tool, turn->said));

	snprintf(turn->use_id, sizeof turn->use_id, "%s", json_text(event, "id"));
	remember_use(turn);
	free(turn->tool);
	turn->tool = mem_text(name);
	turn->asked++;
	turn->state = TURN_ASKING;
	log_event("agent.tool.asked", "session",
		LOG_TEXT(mood_label(turn->session->mood)), "id",
		LOG_TEXT(turn->session->id), "tool", LOG_TEXT(name));
	session_tell_with(turn->session, event, &turn->act);
	end_span(turn, false);
	tell_idle(turn, "requires_action", turn->use_id);
}

static void speak(struct turn *turn)
{
	const char *text;
	size_t len;

	if (turn->reply.parts == 0)
		reply_cut(&turn->reply, mood_manners(turn->session->mood)->chunks);
	text = reply_next(&turn->reply, &len);
	session_tell_with(turn->session, event_message(text, len), &turn->act);
	if (turn->reply.given < turn->reply.parts) {
		wait_for(turn, MOMENT_CHUNK);
		return;
	}
	end_span(turn, false);
	finish(turn, "end_turn", "end_turn");
}

/* True when the turn cannot go on. */
static bool strike(struct turn *turn)
{
	struct session *session = turn->session;

	if (turn->act.fault == FAULT_NONE)
		return false;
	mood_log_fault(session->mood, session->id, &turn->act);
	switch ((enum fault)turn->act.fault) {
	case FAULT_HANG:
		return true;
	case FAULT_BLACKHOLE:
		mood_go_dark(session->mood);
		return true;
	case FAULT_ERROR:
		session_tell(session, event_error(turn->act.status));
		end_span(turn, true);
		finish(turn, "failed", "retries_exhausted");
		return true;
	case FAULT_REFUSE:
		door_shut(session->mock->door);
		return false;
	case FAULT_NONE:
	case FAULT_RESET:
	case FAULT_HALF_CLOSE:
	case FAULT_TRUNCATE:
	case FAULT_MALFORM:
		break; /* of the streams */
	}
	return false;
}

static void on_step(void *arg)
{
	struct turn *turn = arg;

	/* Nobody would hear of it: the turn stands where it is. */
	if (mood_is_dark(turn->session->mood))
		return;
	switch (turn->state) {
	case TURN_RUNNING:
		if (strike(turn))
			return;
		if (turn->asked < turn->to_ask)
			ask_tool(turn);
		else
			speak(turn);
		return;
	case TURN_INTERRUPTED:
		finish(turn, "interrupted", "end_turn");
		return;
	case TURN_NONE:
	case TURN_ASKING:
		break;
	}
	assert(!"nothing was to come");
}

static void begin(struct turn *turn, cJSON *message, bool was_idle)
{
	struct session *session = turn->session;

	assert(turn->state == TURN_NONE);
	bell_stop(turn->settle);
	turn->state = TURN_RUNNING;
	log_turn(turn, "agent.turn.begin");
	session_set_status(session, SESSION_RUNNING);
	if (was_idle)
		tell_running(session);
	turn->said = wire_content_text(json_get(message, "content"));
	reply_begin(&turn->reply, turn->said);
	turn->tools = session_tools(session);
	turn->custom = reply_custom_tools(turn->tools);
	turn->asked = 0;
	turn->to_ask = cJSON_GetArraySize(turn->custom) > 0
		? mood_manners(session->mood)->tools
		: 0;
	wire_stamp(message, "processed_at");
	session_tell(session, message);
	start_span(turn);
	wait_for(turn, MOMENT_FIRST_BYTE);
}

struct turn *turn_create(struct session *session)
{
	struct turn *turn = mem_zeroed(sizeof *turn);

	turn->session = session;
	turn->step = bell_create(session->mock->loop, on_step, turn);
	turn->settle = bell_create(session->mock->loop, on_settle, turn);
	turn->waiting = cJSON_CreateArray();
	turn->uses = cJSON_CreateArray();
	return turn;
}

void turn_destroy(struct turn *turn)
{
	if (!turn)
		return;
	bell_destroy(turn->step);
	bell_destroy(turn->settle);
	forget(turn);
	cJSON_Delete(turn->waiting);
	cJSON_Delete(turn->uses);
	free(turn);
}

void turn_say(struct turn *turn, cJSON *message)
{
	if (turn->state == TURN_NONE)
		begin(turn, message, true);
	else
		cJSON_AddItemToArray(turn->waiting, message);
}

bool turn_knows_use(const struct turn *turn, const char *use_id)
{
	const cJSON *use;

	cJSON_ArrayForEach(use, turn->uses) {
		if (strcmp(use->valuestring, use_id) == 0)
			return true;
	}
	return false;
}

void turn_answer(struct turn *turn, cJSON *result)
{
	struct session *session = turn->session;
	const char *use_id = json_text(result, "custom_tool_use_id");
	char *text;

	if (turn->state != TURN_ASKING || strcmp(use_id, turn->use_id) != 0) {
		cJSON_Delete(result);
		return;
	}
	bell_stop(turn->settle);
	turn->state = TURN_RUNNING;
	log_turn(turn, "agent.tool.answered");
	text = wire_content_text(json_get(result, "content"));
	reply_add_result(
		&turn->reply, turn->tool, text, json_bool(result, "is_error", false));
	free(text);
	session_set_status(session, SESSION_RUNNING);
	session_tell(session, result);
	tell_running(session);
	start_span(turn);
	wait_for(turn, MOMENT_CHUNK);
}

void turn_interrupt(struct turn *turn, cJSON *event, int64_t delay_ns)
{
	log_turn(turn, "agent.interrupted");
	session_tell(turn->session, event);
	cJSON_Delete(turn->waiting);
	turn->waiting = cJSON_CreateArray();
	switch (turn->state) {
	case TURN_RUNNING:
		end_span(turn, false);
		break;
	case TURN_ASKING:
		break;
	case TURN_NONE:
	case TURN_INTERRUPTED:
		return;
	}
	turn->state = TURN_INTERRUPTED;
	bell_set(turn->step, delay_ns);
}

unsigned turn_waiting(const struct turn *turn)
{
	return (unsigned)cJSON_GetArraySize(turn->waiting);
}

void turn_stop(struct turn *turn)
{
	bell_stop(turn->step);
	bell_stop(turn->settle);
	cJSON_Delete(turn->waiting);
	turn->waiting = cJSON_CreateArray();
	turn->state = TURN_NONE;
	forget(turn);
}
