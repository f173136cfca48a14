#include "mock-agent/session/api_turn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/event.h"
#include "mock-agent/session/reply.h"
#include "mock-agent/session/turn_tools.h"

#define USES_MAX 256 /* tool uses whose result is still accepted */

enum turn_state {
	TURN_NONE,
	TURN_RUNNING,     /* the next event has its latency, or hangs */
	TURN_ASKING,      /* waits for a tool's result, or its permission */
	TURN_INTERRUPTED, /* the idle event has its latency */
};

struct api_turn {
	struct api_session *session;
	enum turn_state state;
	struct loop_timer *step;       /* until the next event */
	struct loop_timer *status_lag; /* until the stored status changes */
	struct injection injection;    /* of the next event */
	cJSON *waiting;                /* user.message events */

	char *prompt; /* the text of the user's message */
	struct reply reply;
	struct turn_tools tools;
	int64_t asked;                    /* tools so far */
	const struct turn_tool *tool;     /* the last one; of tools */
	char use_id[API_FORMAT_ID_SIZE];  /* the id of that tool use */
	char span_id[API_FORMAT_ID_SIZE]; /* of the current model request */
	cJSON *uses;                      /* ids of the last tool uses */
};

static void begin(struct api_turn *turn, cJSON *message, bool was_idle);

/* The one writer of `state`; logs the step, with one more member (NULL: none). */
static void enter(struct api_turn *turn, enum turn_state state, const char *event,
	const char *member, const char *text)
{
	turn->state = state;
	log_event(event, API_SESSION_LOG(turn->session), member, LOG_TEXT(text));
}

/* Frees what belongs to one turn. */
static void clear(struct api_turn *turn)
{
	free(turn->prompt);
	reply_done(&turn->reply);
	turn_tools_done(&turn->tools);
	turn->prompt = NULL;
	turn->tool = NULL;
}

static void wait_for(struct api_turn *turn, enum phase phase)
{
	turn->injection = fault_schedule_next(turn->session->schedule, phase);
	loop_timer_set(turn->step, turn->injection.delay_ns);
}

static void start_span(struct api_turn *turn)
{
	cJSON *event = event_create("span.model_request_start");

	snprintf(turn->span_id, sizeof turn->span_id, "%s", json_text(event, "id"));
	turn->session->model_requests++;
	api_session_emit(turn->session, event, NULL);
}

static void end_span(struct api_turn *turn, bool is_error)
{
	api_session_emit(turn->session, event_span_end(turn->span_id, is_error), NULL);
}

static void emit_running(struct api_session *session)
{
	api_session_emit(session, event_create("session.status_running"), NULL);
	api_session_emit(session,
		event_thread_running(session->agent_name, session->thread_id), NULL);
}

static void on_status_lag(void *arg)
{
	struct api_turn *turn = arg;

	api_session_set_status(turn->session, SESSION_IDLE);
}

static void emit_idle(struct api_turn *turn, const char *reason, const char *use_id)
{
	struct api_session *session = turn->session;
	struct injection injection;

	api_session_emit(session,
		event_thread_idle(
			session->agent_name, session->thread_id, reason, use_id),
		NULL);
	api_session_emit(session, event_idle(reason, use_id), NULL);
	injection = fault_schedule_next(session->schedule, PHASE_STATUS_LAG);
	if (injection.fault != FAULT_NONE)
		fault_log(session->schedule, session->id, &injection);
	else if (injection.delay_ns > 0)
		loop_timer_set(turn->status_lag, injection.delay_ns);
	else
		on_status_lag(turn);
}

static void finish(struct api_turn *turn, const char *why, const char *reason)
{
	bool continues = strcmp(why, "end_turn") == 0 && api_turn_waiting(turn) > 0;

	enter(turn, TURN_NONE, "agent.turn.end", "why", why);
	clear(turn);
	if (!continues)
		emit_idle(turn, reason, NULL);
	if (api_turn_waiting(turn) > 0)
		begin(turn, cJSON_DetachItemFromArray(turn->waiting, 0), !continues);
}

static void remember_use(struct api_turn *turn)
{
	if (cJSON_GetArraySize(turn->uses) >= USES_MAX)
		cJSON_DeleteItemFromArray(turn->uses, 0);
	cJSON_AddItemToArray(turn->uses, cJSON_CreateString(turn->use_id));
}

/* Goes on with the model, behind a tool's result. */
static void continue_turn(struct api_turn *turn)
{
	start_span(turn);
	wait_for(turn, PHASE_CHUNK);
}

/* What a tool that the mock stands in for has done, or was not allowed to do. */
static void emit_result(struct api_turn *turn, const char *text, bool failed)
{
	api_session_emit(turn->session,
		event_tool_result(turn->tool, turn->use_id, text, failed), NULL);
	reply_add_result(&turn->reply, turn->tool->name, text, failed);
}

/* Takes input. */
static void use_tool(struct api_turn *turn, cJSON *input)
{
	const struct turn_tool *tool = turn->tool;
	const bool waits = tool->kind == TURN_TOOL_CUSTOM || tool->asks;
	cJSON *event = event_tool_use(tool, input);

	snprintf(turn->use_id, sizeof turn->use_id, "%s", json_text(event, "id"));
	turn->asked++;
	if (waits)
		remember_use(turn);
	enter(turn, waits ? TURN_ASKING : TURN_RUNNING,
		waits ? "agent.tool.asked" : "agent.tool.used", "tool", tool->name);
	api_session_emit(turn->session, event, &turn->injection);
	end_span(turn, false);
	if (waits) {
		emit_idle(turn, "requires_action", turn->use_id);
		return;
	}
	emit_result(turn, "done", false);
	continue_turn(turn);
}

static void send_part(struct api_turn *turn)
{
	SCOPED(mem_free) char *text = NULL;
	const char *part;
	size_t len = 0;

	if (turn->reply.parts == 0)
		reply_cut(&turn->reply,
			fault_schedule_behavior(turn->session->schedule)->chunks);
	part = reply_next(&turn->reply, &len);
	text = mem_textf("%.*s", (int)len, part ? part : "");
	api_session_emit(turn->session, event_message(text), &turn->injection);
	if (turn->reply.given < turn->reply.parts) {
		wait_for(turn, PHASE_CHUNK);
		return;
	}
	end_span(turn, false);
	finish(turn, "end_turn", "end_turn");
}

/* Performs the fault of the next event. True: the event does not follow. */
static bool stopped_by_fault(struct api_turn *turn)
{
	struct api_session *session = turn->session;

	if (turn->injection.fault == FAULT_NONE)
		return false;
	fault_log(session->schedule, session->id, &turn->injection);
	switch (fault_on_turn(session->schedule, &turn->injection)) {
	case FAULT_TURN_CONTINUES:
		return false;
	case FAULT_TURN_STOPS:
		return true;
	case FAULT_TURN_FAILS:
		api_session_emit(session, event_error(turn->injection.status), NULL);
		end_span(turn, true);
		finish(turn, "failed", "retries_exhausted");
		return true;
	}
	return false;
}

static void take_step(struct api_turn *turn)
{
	const struct session_behavior *behavior =
		fault_schedule_behavior(turn->session->schedule);
	cJSON *input = NULL;

	/* A reply that has begun is not interrupted by a tool. */
	turn->tool = turn->reply.parts > 0
		? NULL
		: turn_tools_next(&turn->tools, &behavior->tools, turn->asked,
			  turn->prompt, &input);
	if (turn->tool)
		use_tool(turn, input);
	else
		send_part(turn);
}

static void on_step(void *arg)
{
	struct api_turn *turn = arg;

	if (turn->session->schedule->blackholed)
		return;
	switch (turn->state) {
	case TURN_RUNNING:
		if (stopped_by_fault(turn))
			return;
		take_step(turn);
		return;
	case TURN_INTERRUPTED:
		finish(turn, "interrupted", "end_turn");
		return;
	case TURN_NONE:
	case TURN_ASKING:
		break;
	}
	assert(!"no event is due in this state");
}

static void begin(struct api_turn *turn, cJSON *message, bool was_idle)
{
	struct api_session *session = turn->session;

	assert(turn->state == TURN_NONE);
	loop_timer_stop(turn->status_lag);
	enter(turn, TURN_RUNNING, "agent.turn.begin", NULL, NULL);
	api_session_set_status(session, SESSION_RUNNING);
	if (was_idle)
		emit_running(session);
	turn->prompt = api_format_content_text(json_get(message, "content"));
	reply_begin(&turn->reply, turn->prompt);
	turn_tools_read(&turn->tools, api_session_tools(session),
		&fault_schedule_behavior(session->schedule)->tools);
	turn->asked = 0;
	api_format_stamp(message, "processed_at");
	api_session_emit(session, message, NULL);
	start_span(turn);
	wait_for(turn, PHASE_FIRST_BYTE);
}

struct api_turn *api_turn_create(uv_loop_t *loop, struct api_session *session)
{
	struct api_turn *turn = mem_zeroed(sizeof *turn);

	turn->session = session;
	turn->step = loop_timer_create(loop, on_step, turn);
	turn->status_lag = loop_timer_create(loop, on_status_lag, turn);
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
	clear(turn);
	cJSON_Delete(turn->waiting);
	cJSON_Delete(turn->uses);
	free(turn);
}

void api_turn_send(struct api_turn *turn, cJSON *message)
{
	if (turn->state == TURN_NONE)
		begin(turn, message, true);
	else
		cJSON_AddItemToArray(turn->waiting, message);
}

bool api_turn_has_use(const struct api_turn *turn, const char *use_id)
{
	const cJSON *use;

	cJSON_ArrayForEach(use, turn->uses) {
		if (strcmp(use->valuestring, use_id) == 0)
			return true;
	}
	return false;
}

/* Does the session wait for this of the last tool? */
static bool waits_for(const struct api_turn *turn, const char *use_id, bool permission)
{
	return turn->state == TURN_ASKING && strcmp(use_id, turn->use_id) == 0 &&
		(turn->tool->kind != TURN_TOOL_CUSTOM) == permission;
}

/* Runs on, with the event that the session waited for. Takes event. */
static void resume(struct api_turn *turn, cJSON *event)
{
	struct api_session *session = turn->session;

	loop_timer_stop(turn->status_lag);
	enter(turn, TURN_RUNNING, "agent.tool.answered", NULL, NULL);
	api_session_set_status(session, SESSION_RUNNING);
	api_session_emit(session, event, NULL);
	emit_running(session);
}

void api_turn_answer(struct api_turn *turn, cJSON *result)
{
	SCOPED(mem_free) char *text = NULL;

	if (!waits_for(turn, json_text(result, "custom_tool_use_id"), false)) {
		cJSON_Delete(result);
		return;
	}
	text = api_format_content_text(json_get(result, "content"));
	reply_add_result(&turn->reply, turn->tool->name, text,
		json_bool(result, "is_error", false));
	resume(turn, result);
	continue_turn(turn);
}

void api_turn_confirm(struct api_turn *turn, cJSON *confirmation)
{
	const char *why = json_text(confirmation, "deny_message");
	const bool denied = api_format_is(confirmation, "result", "deny");
	SCOPED(mem_free) char *text = NULL;

	if (!waits_for(turn, json_text(confirmation, "tool_use_id"), true)) {
		cJSON_Delete(confirmation);
		return;
	}
	text = mem_text(!denied ? "done"
			: why   ? why
				: "The user denied this tool use.");
	resume(turn, confirmation);
	emit_result(turn, text, denied);
	continue_turn(turn);
}

void api_turn_interrupt(struct api_turn *turn, cJSON *event, int64_t delay_ns)
{
	const enum turn_state before = turn->state;

	enter(turn, before == TURN_NONE ? TURN_NONE : TURN_INTERRUPTED,
		"agent.interrupted", NULL, NULL);
	api_session_emit(turn->session, event, NULL);
	cJSON_Delete(turn->waiting);
	turn->waiting = cJSON_CreateArray();
	if (before == TURN_RUNNING)
		end_span(turn, false);
	if (before == TURN_RUNNING || before == TURN_ASKING)
		loop_timer_set(turn->step, delay_ns);
}

unsigned api_turn_waiting(const struct api_turn *turn)
{
	return (unsigned)cJSON_GetArraySize(turn->waiting);
}
