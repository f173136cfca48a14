#include "mock-agent/session/api_turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/event.h"
#include "mock-agent/session/reply.h"

#define USES_MAX 256 /* that an answer may still name */

enum turn_state {
	TURN_NONE,
	TURN_RUNNING,     /* the next event is on its way, or hangs */
	TURN_ASKING,      /* a custom tool's result is waited for */
	TURN_INTERRUPTED, /* the idle event is on its way */
};

struct api_turn {
	struct api_session *session;
	enum turn_state state;
	struct loop_timer *step;       /* to the next event */
	struct loop_timer *status_lag; /* to the flip of the stored status */
	struct injection injection;    /* of the next event */
	cJSON *waiting;                /* user.message events */

	char *said;
	struct reply reply;
	cJSON *tools;  /* all that the agent declares */
	cJSON *custom; /* those of them that we may ask */
	int64_t asked, to_ask;
	char *tool;                       /* the last one asked */
	char use_id[API_FORMAT_ID_SIZE];  /* and its use */
	char span_id[API_FORMAT_ID_SIZE]; /* of the model request that runs */
	cJSON *uses;                      /* ids of the last ones */
};

static void begin(struct api_turn *turn, cJSON *message, bool was_idle);

static void log_turn(const struct api_turn *turn, const char *event)
{
	log_event(event, "session", LOG_TEXT(injector_label(turn->session->injector)),
		"id", LOG_TEXT(turn->session->id));
}

static void forget(struct api_turn *turn)
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

static void wait_for(struct api_turn *turn, enum phase phase)
{
	turn->injection = injector_next(turn->session->injector, phase);
	loop_timer_set(turn->step, turn->injection.delay_ns);
}

static void start_span(struct api_turn *turn)
{
	cJSON *event = event_create("span.model_request_start");

	snprintf(turn->span_id, sizeof turn->span_id, "%s", json_text(event, "id"));
	turn->session->model_requests++;
	api_session_tell(turn->session, event);
}

static void end_span(struct api_turn *turn, bool is_error)
{
	api_session_tell(turn->session, event_span_end(turn->span_id, is_error));
}

static void tell_running(struct api_session *session)
{
	api_session_tell(session, event_create("session.status_running"));
	api_session_tell(
		session, event_thread_running(session->agent_name, session->thread_id));
}

static void on_status_lag(void *arg)
{
	struct api_turn *turn = arg;

	api_session_set_status(turn->session, SESSION_IDLE);
}

static void tell_idle(struct api_turn *turn, const char *reason, const char *use_id)
{
	struct api_session *session = turn->session;
	struct injection injection;

	api_session_tell(session,
		event_thread_idle(
			session->agent_name, session->thread_id, reason, use_id));
	api_session_tell(session, event_idle(reason, use_id));
	injection = injector_next(session->injector, PHASE_SETTLE);
	if (injection.fault != FAULT_NONE)
		injector_log_fault(session->injector, session->id, &injection);
	else if (injection.delay_ns > 0)
		loop_timer_set(turn->status_lag, injection.delay_ns);
	else
		on_status_lag(turn);
}

static cJSON *next_waiting(struct api_turn *turn)
{
	return cJSON_DetachItemFromArray(turn->waiting, 0);
}

static void finish(struct api_turn *turn, const char *why, const char *reason)
{
	bool goes_on = strcmp(why, "end_turn") == 0 && api_turn_waiting(turn) > 0;

	log_event("agent.turn.end", "session",
		LOG_TEXT(injector_label(turn->session->injector)), "id",
		LOG_TEXT(turn->session->id), "why", LOG_TEXT(why));
	turn->state = TURN_NONE;
	forget(turn);
	if (!goes_on)
		tell_idle(turn, reason, NULL);
	if (api_turn_waiting(turn) > 0)
		begin(turn, next_waiting(turn), !goes_on);
}

static void remember_use(struct api_turn *turn)
{
	if (cJSON_GetArraySize(turn->uses) >= USES_MAX)
		cJSON_DeleteItemFromArray(turn->uses, 0);
	cJSON_AddItemToArray(turn->uses, cJSON_CreateString(turn->use_id));
}

static void ask_tool(struct api_turn *turn)
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
		LOG_TEXT(injector_label(turn->session->injector)), "id",
		LOG_TEXT(turn->session->id), "tool", LOG_TEXT(name));
	api_session_tell_with(turn->session, event, &turn->injection);
	end_span(turn, false);
	tell_idle(turn, "requires_action", turn->use_id);
}

static void speak(struct api_turn *turn)
{
	const char *text;
	size_t len;

	if (turn->reply.parts == 0)
		reply_cut(&turn->reply,
			injector_behavior(turn->session->injector)->chunks);
	text = reply_next(&turn->reply, &len);
	api_session_tell_with(
		turn->session, event_message(text, len), &turn->injection);
	if (turn->reply.given < turn->reply.parts) {
		wait_for(turn, PHASE_CHUNK);
		return;
	}
	end_span(turn, false);
	finish(turn, "end_turn", "end_turn");
}

/* True when the turn cannot go on. */
static bool strike(struct api_turn *turn)
{
	struct api_session *session = turn->session;

	if (turn->injection.fault == FAULT_NONE)
		return false;
	injector_log_fault(session->injector, session->id, &turn->injection);
	switch ((enum fault)turn->injection.fault) {
	case FAULT_HANG:
		return true;
	case FAULT_BLACKHOLE:
		injector_go_dark(session->injector);
		return true;
	case FAULT_ERROR:
		api_session_tell(session, event_error(turn->injection.status));
		end_span(turn, true);
		finish(turn, "failed", "retries_exhausted");
		return true;
	case FAULT_REFUSE:
		listener_shut(session->mock->listener);
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
	struct api_turn *turn = arg;

	/* Nobody would hear of it: the turn stands where it is. */
	if (injector_is_dark(turn->session->injector))
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

static void begin(struct api_turn *turn, cJSON *message, bool was_idle)
{
	struct api_session *session = turn->session;

	assert(turn->state == TURN_NONE);
	loop_timer_stop(turn->status_lag);
	turn->state = TURN_RUNNING;
	log_turn(turn, "agent.turn.begin");
	api_session_set_status(session, SESSION_RUNNING);
	if (was_idle)
		tell_running(session);
	turn->said = api_format_content_text(json_get(message, "content"));
	reply_begin(&turn->reply, turn->said);
	turn->tools = api_session_tools(session);
	turn->custom = reply_custom_tools(turn->tools);
	turn->asked = 0;
	turn->to_ask = cJSON_GetArraySize(turn->custom) > 0
		? injector_behavior(session->injector)->tools
		: 0;
	api_format_stamp(message, "processed_at");
	api_session_tell(session, message);
	start_span(turn);
	wait_for(turn, PHASE_FIRST_BYTE);
}

struct api_turn *api_turn_create(struct api_session *session)
{
	struct api_turn *turn = mem_zeroed(sizeof *turn);

	turn->session = session;
	turn->step = loop_timer_create(session->mock->loop, on_step, turn);
	turn->status_lag = loop_timer_create(session->mock->loop, on_status_lag, turn);
	turn->waiting = cJSON_CreateArray();
	turn->uses = cJSON_CreateArray();
	return turn;
}

void api_turn_destroy(struct api_turn *turn)
{
	if (!turn)
		return;
	loop_timer_destroy(turn->step);
	loop_timer_destroy(turn->status_lag);
	forget(turn);
	cJSON_Delete(turn->waiting);
	cJSON_Delete(turn->uses);
	free(turn);
}

void api_turn_say(struct api_turn *turn, cJSON *message)
{
	if (turn->state == TURN_NONE)
		begin(turn, message, true);
	else
		cJSON_AddItemToArray(turn->waiting, message);
}

bool api_turn_knows_use(const struct api_turn *turn, const char *use_id)
{
	const cJSON *use;

	cJSON_ArrayForEach(use, turn->uses) {
		if (strcmp(use->valuestring, use_id) == 0)
			return true;
	}
	return false;
}

void api_turn_answer(struct api_turn *turn, cJSON *result)
{
	struct api_session *session = turn->session;
	const char *use_id = json_text(result, "custom_tool_use_id");
	char *text;

	if (turn->state != TURN_ASKING || strcmp(use_id, turn->use_id) != 0) {
		cJSON_Delete(result);
		return;
	}
	loop_timer_stop(turn->status_lag);
	turn->state = TURN_RUNNING;
	log_turn(turn, "agent.tool.answered");
	text = api_format_content_text(json_get(result, "content"));
	reply_add_result(
		&turn->reply, turn->tool, text, json_bool(result, "is_error", false));
	free(text);
	api_session_set_status(session, SESSION_RUNNING);
	api_session_tell(session, result);
	tell_running(session);
	start_span(turn);
	wait_for(turn, PHASE_CHUNK);
}

void api_turn_interrupt(struct api_turn *turn, cJSON *event, int64_t delay_ns)
{
	log_turn(turn, "agent.interrupted");
	api_session_tell(turn->session, event);
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
	loop_timer_set(turn->step, delay_ns);
}

unsigned api_turn_waiting(const struct api_turn *turn)
{
	return (unsigned)cJSON_GetArraySize(turn->waiting);
}

void api_turn_stop(struct api_turn *turn)
{
	loop_timer_stop(turn->step);
	loop_timer_stop(turn->status_lag);
	cJSON_Delete(turn->waiting);
	turn->waiting = cJSON_CreateArray();
	turn->state = TURN_NONE;
	forget(turn);
}
