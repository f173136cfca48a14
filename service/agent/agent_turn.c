#include "service/agent/agent_session.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define REPLY_CEILING ((size_t)4 << 20)

/* What we note in the event of a tool's use. */
#define ASKED    "our owner was asked"
#define ANSWERED "an answer was sent"

enum sending_kind {
	SENDING_MESSAGE,
	SENDING_RESULT, /* of a tool, or a refusal to let it run */
	SENDING_INTERRUPT,
};

/* One event on its way to the API. */
struct agent_session_sending {
	struct agent_session_sending *next;
	struct agent_session *session;
	enum sending_kind kind;
	struct agent_http_call *call;
};

static void on_sent(void *arg, const struct agent_http_response *answer);

static bool is_sending(const struct agent_session *session, enum sending_kind kind)
{
	const struct agent_session_sending *sending = session->sendings;

	while (sending && sending->kind != kind)
		sending = sending->next;
	return sending != NULL;
}

bool agent_turn_is_unsent(const struct agent_session *session)
{
	return is_sending(session, SENDING_MESSAGE);
}

bool agent_turn_is_answering(const struct agent_session *session)
{
	return is_sending(session, SENDING_RESULT);
}

/* Takes body. What was said must not be said twice; the rest may be. */
static void send_body(
	struct agent_session *session, enum sending_kind kind, cJSON *body)
{
	struct agent_session_sending *sending = mem_zeroed(sizeof *sending);
	SCOPED(mem_free) char *path = agent_http_path(session->id, "/events");
	struct agent_http_request request = {
		.method = "POST",
		.path = path,
		.body = body,
		.deadline_ns = clock_now() + session->agent->request_ns,
		.repeat = kind == SENDING_MESSAGE ? AGENT_HTTP_RETRY_UNSENT
						  : AGENT_HTTP_RETRY_ALWAYS,
		.done = on_sent,
		.arg = sending,
	};

	*sending =
		(struct agent_session_sending){session->sendings, session, kind, NULL};
	session->sendings = sending;
	sending->call = agent_http_start(session->agent->wire, &request);
}

static void send_event(
	struct agent_session *session, enum sending_kind kind, cJSON *event)
{
	send_body(session, kind, agent_http_events(event));
}

static void send_interrupt(struct agent_session *session)
{
	session->turn.interrupted = true;
	send_body(session, SENDING_INTERRUPT, agent_http_interrupt());
}

/* {"type":type,"content":[{"type":"text","text":text}]} */
static cJSON *text_event(const char *type, const char *text)
{
	cJSON *event = cJSON_CreateObject();
	cJSON *block = cJSON_CreateObject();

	cJSON_AddStringToObject(event, "type", type);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(event, "content"), block);
	cJSON_AddStringToObject(block, "type", "text");
	cJSON_AddStringToObject(block, "text", text);
	return event;
}

static void forget_turn(struct agent_turn *turn)
{
	buf_done(&turn->text);
	cJSON_Delete(turn->uses);
	free(turn->message_id);
	free(turn->trouble);
	free(turn->failure);
	*turn = (struct agent_turn){0};
}

void agent_turn_end(struct agent_session *session, enum turn_end end, const char *text)
{
	struct agent_turn turn = session->turn;

	if (turn.failure) {
		end = turn.end;
		text = turn.failure;
	}
	/* the owner may begin the next one at once */
	session->turn = (struct agent_turn){0};
	if (session->stream)
		agent_stream_rest(session->stream);
	session->events->turned(session->arg, end, text);
	forget_turn(&turn);
}

/* An interrupt that is still on its way would strike the next turn: there is none
 * before it is answered. */
static void fail_turn(struct agent_session *session, enum turn_end end, const char *why)
{
	if (session->state != AGENT_SESSION_OPEN ||
		!is_sending(session, SENDING_INTERRUPT)) {
		agent_turn_end(session, end, why);
	} else if (!session->turn.failure) {
		session->turn.end = end;
		session->turn.failure = mem_text(why);
	}
}

void agent_turn_drop(struct agent_session *session)
{
	while (session->sendings) {
		struct agent_session_sending *sending = session->sendings;

		session->sendings = sending->next;
		agent_http_cancel(sending->call);
		free(sending);
	}
	if (session->state == AGENT_SESSION_CLOSED)
		forget_turn(&session->turn);
}

void agent_turn_drop_message(struct agent_session *session)
{
	struct agent_session_sending **link = &session->sendings;
	struct agent_session_sending *sending;

	while (*link && (*link)->kind != SENDING_MESSAGE)
		link = &(*link)->next;
	sending = *link;
	if (!sending)
		return;
	*link = sending->next;
	agent_http_cancel(sending->call);
	free(sending);
	agent_stream_mark(session->stream, NULL);
}

static void on_message_sent(
	struct agent_session *session, const struct agent_http_response *answer)
{
	const char *id = json_text(json_at(answer->json, "data.0"), "id");
	bool lost = answer->unsure || answer->status / 100 == 4;

	if (!answer->why) {
		session->turn.message_id = mem_text(id);
		agent_stream_mark(session->stream, id);
		if (session->turn.interrupted && session->state == AGENT_SESSION_OPEN)
			send_interrupt(session);
		agent_session_go_on_parting(session);
		return;
	}
	session->unsure |= answer->unsure;
	session->deleted |= answer->status == 404;
	agent_turn_end(session, TURN_FAILED, answer->why);
	if (session->state == AGENT_SESSION_OPEN && lost && answer->status != 429)
		agent_session_break(session, answer->why);
	else
		agent_session_go_on_parting(session);
}

static void on_result_sent(
	struct agent_session *session, const struct agent_http_response *answer)
{
	if (!answer->why || !session->turn.on || session->state != AGENT_SESSION_OPEN)
		return;
	session->deleted |= answer->status == 404;
	if (session->deleted) {
		agent_session_break(session, answer->why);
		return;
	}
	if (!session->turn.interrupted)
		send_interrupt(session); /* it must not be left waiting */
	fail_turn(session, TURN_FAILED, answer->why);
}

static void on_interrupt_sent(
	struct agent_session *session, const struct agent_http_response *answer)
{
	if (!session->turn.on || session->state != AGENT_SESSION_OPEN)
		return;
	if (answer->why) {
		session->deleted |= answer->status == 404;
		agent_session_break(session, answer->why);
		return;
	}
	/* one that was idle already tells no event of it */
	if (session->turn.failure || session->turn.waiting)
		agent_turn_end(session, TURN_INTERRUPTED, "interrupted");
}

static void on_sent(void *arg, const struct agent_http_response *answer)
{
	struct agent_session_sending *sending = arg;
	struct agent_session *session = sending->session;
	enum sending_kind kind = sending->kind;
	struct agent_session_sending **link = &session->sendings;

	while (*link != sending)
		link = &(*link)->next;
	*link = sending->next;
	free(sending);
	switch (kind) {
	case SENDING_MESSAGE:
		on_message_sent(session, answer);
		return;
	case SENDING_RESULT:
		on_result_sent(session, answer);
		return;
	case SENDING_INTERRUPT:
		on_interrupt_sent(session, answer);
		return;
	}
}

bool agent_session_send(
	struct agent_session *session, const char *text, struct err *err)
{
	if (session->state != AGENT_SESSION_OPEN)
		return err_set(err, "the agent session is not open");
	if (session->turn.on)
		return err_set(err, "a turn is running");
	session->turn.on = true;
	session->turn.uses = cJSON_CreateArray();
	buf_init(&session->turn.text, REPLY_CEILING);
	agent_stream_expect(session->stream);
	send_event(session, SENDING_MESSAGE, text_event("user.message", text));
	return true;
}

void agent_session_interrupt(struct agent_session *session)
{
	if (!session->turn.on || session->turn.interrupted)
		return;
	session->turn.interrupted = true;
	if (!agent_turn_is_unsent(
		    session)) /* else it would overtake what it is to interrupt */
		send_interrupt(session);
}

static cJSON *find_use(const struct agent_session *session, const char *id)
{
	cJSON *use;

	cJSON_ArrayForEach(use, session->turn.uses) {
		if (strcmp(json_text(use, "id"), id) == 0)
			return use;
	}
	return NULL;
}

void agent_session_tool_result(struct agent_session *session, const char *use_id,
	const cJSON *content, bool is_error)
{
	cJSON *use = find_use(session, use_id);
	cJSON *event;

	if (!use || json_get(use, ANSWERED) || session->state != AGENT_SESSION_OPEN ||
		session->turn.interrupted)
		return;
	cJSON_AddTrueToObject(use, ANSWERED);
	event = cJSON_CreateObject();
	cJSON_AddStringToObject(event, "type", "user.custom_tool_result");
	cJSON_AddItemToObject(event, "content", cJSON_Duplicate(content, true));
	cJSON_AddStringToObject(event, "custom_tool_use_id", use_id);
	cJSON_AddBoolToObject(event, "is_error", is_error);
	send_event(session, SENDING_RESULT, event);
}

/* Nobody is there to be asked for permission. */
static void deny_tool(struct agent_session *session, const char *use_id)
{
	cJSON *event = cJSON_CreateObject();

	cJSON_AddStringToObject(event, "type", "user.tool_confirmation");
	cJSON_AddStringToObject(event, "tool_use_id", use_id);
	cJSON_AddStringToObject(event, "result", "deny");
	cJSON_AddStringToObject(event, "deny_message",
		"Nobody is there to confirm the use of this tool.");
	send_event(session, SENDING_RESULT, event);
}

static void add_reply(struct agent_session *session, const cJSON *event)
{
	struct agent_turn *turn = &session->turn;
	const cJSON *block;

	cJSON_ArrayForEach(block, json_get(event, "content")) {
		const char *text = json_text(block, "text");
		size_t len = turn->text.len;

		if (!text)
			continue;
		if (turn->apart && len > 0 && *text != '\n' &&
			buf_text(&turn->text)[len - 1] != '\n')
			buf_adds(&turn->text, "\n");
		turn->apart = false;
		buf_adds(&turn->text, text);
	}
}

static void add_use(struct agent_session *session, const char *type, const cJSON *event)
{
	const char *permission = json_text(event, "evaluated_permission");

	session->turn.apart = true;
	if (!json_text(event, "id"))
		return;
	if (strcmp(type, "agent.custom_tool_use") == 0 ||
		(permission && strcmp(permission, "ask") == 0))
		cJSON_AddItemToArray(session->turn.uses, cJSON_Duplicate(event, true));
}

static void note_trouble(struct agent_session *session, const cJSON *event)
{
	const char *said = json_text(json_get(event, "error"), "message");

	free(session->turn.trouble);
	session->turn.trouble =
		mem_text(said ? said : "session.error without a message");
}

/* One thing that the session waits for. */
static void meet_use(struct agent_session *session, const char *id)
{
	cJSON *use = id ? find_use(session, id) : NULL;
	const char *name = json_text(use, "name");

	if (use && json_get(use, ASKED))
		return;
	if (use)
		cJSON_AddTrueToObject(use, ASKED);
	if (!use) {
		SCOPED(mem_free) char *why =
			mem_textf("the session waits for %s, which we know nothing of",
				id ? id : "something");

		send_interrupt(session);
		fail_turn(session, TURN_FAILED, why);
	} else if (strcmp(json_text(use, "type"), "agent.custom_tool_use") == 0) {
		session->events->wants_tool(
			session->arg, id, name ? name : "", json_get(use, "input"));
	} else {
		deny_tool(session, id);
	}
}

static void on_requires_action(struct agent_session *session, const cJSON *ids)
{
	const cJSON *id;

	session->turn.waiting = true;
	if (session->state != AGENT_SESSION_OPEN)
		return;
	if (session->turn.interrupted) {
		fail_turn(session, TURN_INTERRUPTED, "interrupted");
		return;
	}
	cJSON_ArrayForEach(id, ids) {
		if (session->state != AGENT_SESSION_OPEN || !session->turn.on ||
			!session->turn.waiting || session->turn.interrupted)
			return;
		meet_use(session, cJSON_GetStringValue(id));
	}
}

static void on_idle(struct agent_session *session, const cJSON *event)
{
	const struct agent_turn *turn = &session->turn;
	const cJSON *stop = json_get(event, "stop_reason");
	const char *reason = json_text(stop, "type");

	/* the turn has shown itself: never mind how the message is answered */
	agent_turn_drop_message(session);
	if (reason && strcmp(reason, "requires_action") == 0) {
		on_requires_action(session, json_get(stop, "event_ids"));
		return;
	}
	if (turn->interrupted) {
		fail_turn(session, TURN_INTERRUPTED, "interrupted");
	} else if (turn->text.full) {
		fail_turn(session, TURN_FAILED, "the reply is larger than 4 MiB");
	} else if (!reason || strcmp(reason, "end_turn") != 0) {
		SCOPED(mem_free) char *why = mem_textf("the turn ended with %s%s%.300s",
			reason ? reason : "no reason", turn->trouble ? ": " : "",
			turn->trouble ? turn->trouble : "");

		fail_turn(session, TURN_FAILED, why);
	} else {
		agent_turn_end(session, TURN_ANSWERED, buf_text(&turn->text));
	}
}

static bool is_type(const char *type, const char *start)
{
	return strncmp(type, start, strlen(start)) == 0;
}

/* Of the session as a whole. */
static void hear_status(
	struct agent_session *session, const char *status, const cJSON *event)
{
	struct agent_turn *turn = &session->turn;

	session->running = strcmp(status, "idle") != 0;
	if (session->running) {
		turn->ran = turn->on;
		turn->waiting = false;
		return;
	}
	/* an idle before any sign of this turn is the end of the one before */
	if (turn->on && turn->ran)
		on_idle(session, event);
	if (session->state == AGENT_SESSION_PARTING && session->parting_begun)
		agent_release_idle(session->release);
	else
		agent_session_go_on_parting(session);
}

void agent_turn_on_event(
	struct agent_session *session, const char *type, const cJSON *event)
{
	struct agent_turn *turn = &session->turn;
	const char *id = json_text(event, "id");

	if (is_type(type, "session.status_")) {
		hear_status(session, type + strlen("session.status_"), event);
		return;
	}
	if (!turn->on)
		return;
	turn->ran |= is_type(type, "agent.") ||
		(id && turn->message_id && strcmp(id, turn->message_id) == 0 &&
			json_text(event, "processed_at"));
	if (strcmp(type, "agent.message") == 0)
		add_reply(session, event);
	else if (is_type(type, "agent.") && strstr(type, "tool_use"))
		add_use(session, type, event);
	else if (strcmp(type, "session.error") == 0)
		note_trouble(session, event);
}
