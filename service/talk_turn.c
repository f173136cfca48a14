#include "service/talk.h"

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
struct talk_sending {
	struct talk_sending *next;
	struct agent_talk *talk;
	enum sending_kind kind;
	struct agent_call *call;
};

static void on_sent(void *arg, const struct agent_answer *answer);

static bool is_sending(const struct agent_talk *talk, enum sending_kind kind)
{
	const struct talk_sending *sending = talk->sendings;

	while (sending && sending->kind != kind)
		sending = sending->next;
	return sending != NULL;
}

bool turn_is_unsent(const struct agent_talk *talk)
{
	return is_sending(talk, SENDING_MESSAGE);
}

bool turn_is_answering(const struct agent_talk *talk)
{
	return is_sending(talk, SENDING_RESULT);
}

/* Takes body. What was said must not be said twice; the rest may be. */
static void send_body(struct agent_talk *talk, enum sending_kind kind, cJSON *body)
{
	struct talk_sending *sending = mem_zeroed(sizeof *sending);
	SCOPED(mem_free) char *path = agent_wire_path(talk->id, "/events");
	struct agent_request request = {
		.method = "POST",
		.path = path,
		.body = body,
		.deadline_ns = clock_now() + talk->agent->request_ns,
		.repeat = kind == SENDING_MESSAGE ? AGENT_ONCE : AGENT_REPEAT,
		.done = on_sent,
		.arg = sending,
	};

	*sending = (struct talk_sending){talk->sendings, talk, kind, NULL};
	talk->sendings = sending;
	sending->call = agent_call_start(talk->agent->wire, &request);
}

static void send_event(struct agent_talk *talk, enum sending_kind kind, cJSON *event)
{
	send_body(talk, kind, agent_wire_events(event));
}

static void send_interrupt(struct agent_talk *talk)
{
	talk->turn.interrupted = true;
	send_body(talk, SENDING_INTERRUPT, agent_wire_interrupt());
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

static void forget_turn(struct talk_turn *turn)
{
	buf_done(&turn->text);
	cJSON_Delete(turn->uses);
	free(turn->message_id);
	free(turn->trouble);
	free(turn->failure);
	*turn = (struct talk_turn){0};
}

void turn_end(struct agent_talk *talk, enum turn_end end, const char *text)
{
	struct talk_turn turn = talk->turn;

	if (turn.failure) {
		end = turn.end;
		text = turn.failure;
	}
	/* the owner may begin the next one at once */
	talk->turn = (struct talk_turn){0};
	if (talk->stream)
		agent_stream_rest(talk->stream);
	talk->events->turned(talk->arg, end, text);
	forget_turn(&turn);
}

/* An interrupt that is still on its way would strike the next turn: there is none
 * before it is answered. */
static void fail_turn(struct agent_talk *talk, enum turn_end end, const char *why)
{
	if (talk->state != TALK_OPEN || !is_sending(talk, SENDING_INTERRUPT)) {
		turn_end(talk, end, why);
	} else if (!talk->turn.failure) {
		talk->turn.end = end;
		talk->turn.failure = mem_text(why);
	}
}

void turn_drop(struct agent_talk *talk)
{
	while (talk->sendings) {
		struct talk_sending *sending = talk->sendings;

		talk->sendings = sending->next;
		agent_call_cancel(sending->call);
		free(sending);
	}
	if (talk->state == TALK_CLOSED)
		forget_turn(&talk->turn);
}

void turn_drop_message(struct agent_talk *talk)
{
	struct talk_sending **link = &talk->sendings;
	struct talk_sending *sending;

	while (*link && (*link)->kind != SENDING_MESSAGE)
		link = &(*link)->next;
	sending = *link;
	if (!sending)
		return;
	*link = sending->next;
	agent_call_cancel(sending->call);
	free(sending);
	agent_stream_mark(talk->stream, NULL);
}

static void on_message_sent(struct agent_talk *talk, const struct agent_answer *answer)
{
	const char *id = json_text(json_at(answer->json, "data.0"), "id");
	bool lost = answer->unsure || answer->status / 100 == 4;

	if (!answer->why) {
		talk->turn.message_id = mem_text(id);
		agent_stream_mark(talk->stream, id);
		if (talk->turn.interrupted && talk->state == TALK_OPEN)
			send_interrupt(talk);
		talk_go_on_parting(talk);
		return;
	}
	talk->unsure |= answer->unsure;
	talk->deleted |= answer->status == 404;
	turn_end(talk, TURN_FAILED, answer->why);
	if (talk->state == TALK_OPEN && lost && answer->status != 429)
		talk_break(talk, answer->why);
	else
		talk_go_on_parting(talk);
}

static void on_result_sent(struct agent_talk *talk, const struct agent_answer *answer)
{
	if (!answer->why || !talk->turn.on || talk->state != TALK_OPEN)
		return;
	talk->deleted |= answer->status == 404;
	if (talk->deleted) {
		talk_break(talk, answer->why);
		return;
	}
	if (!talk->turn.interrupted)
		send_interrupt(talk); /* it must not be left waiting */
	fail_turn(talk, TURN_FAILED, answer->why);
}

static void on_interrupt_sent(
	struct agent_talk *talk, const struct agent_answer *answer)
{
	if (!talk->turn.on || talk->state != TALK_OPEN)
		return;
	if (answer->why) {
		talk->deleted |= answer->status == 404;
		talk_break(talk, answer->why);
		return;
	}
	/* one that was idle already tells no event of it */
	if (talk->turn.failure || talk->turn.waiting)
		turn_end(talk, TURN_INTERRUPTED, "interrupted");
}

static void on_sent(void *arg, const struct agent_answer *answer)
{
	struct talk_sending *sending = arg;
	struct agent_talk *talk = sending->talk;
	enum sending_kind kind = sending->kind;
	struct talk_sending **link = &talk->sendings;

	while (*link != sending)
		link = &(*link)->next;
	*link = sending->next;
	free(sending);
	switch (kind) {
	case SENDING_MESSAGE:
		on_message_sent(talk, answer);
		return;
	case SENDING_RESULT:
		on_result_sent(talk, answer);
		return;
	case SENDING_INTERRUPT:
		on_interrupt_sent(talk, answer);
		return;
	}
}

bool agent_say(struct agent_talk *talk, const char *text, struct err *err)
{
	if (talk->state != TALK_OPEN)
		return err_set(err, "the agent session is not open");
	if (talk->turn.on)
		return err_set(err, "a turn is running");
	talk->turn.on = true;
	talk->turn.uses = cJSON_CreateArray();
	buf_init(&talk->turn.text, REPLY_CEILING);
	agent_stream_expect(talk->stream);
	send_event(talk, SENDING_MESSAGE, text_event("user.message", text));
	return true;
}

void agent_interrupt(struct agent_talk *talk)
{
	if (!talk->turn.on || talk->turn.interrupted)
		return;
	talk->turn.interrupted = true;
	if (!turn_is_unsent(talk)) /* else it would overtake what it is to interrupt */
		send_interrupt(talk);
}

static cJSON *find_use(const struct agent_talk *talk, const char *id)
{
	cJSON *use;

	cJSON_ArrayForEach(use, talk->turn.uses) {
		if (strcmp(json_text(use, "id"), id) == 0)
			return use;
	}
	return NULL;
}

void agent_answer(struct agent_talk *talk, const char *use_id, const cJSON *content,
	bool is_error)
{
	cJSON *use = find_use(talk, use_id);
	cJSON *event;

	if (!use || json_get(use, ANSWERED) || talk->state != TALK_OPEN ||
		talk->turn.interrupted)
		return;
	cJSON_AddTrueToObject(use, ANSWERED);
	event = cJSON_CreateObject();
	cJSON_AddStringToObject(event, "type", "user.custom_tool_result");
	cJSON_AddItemToObject(event, "content", cJSON_Duplicate(content, true));
	cJSON_AddStringToObject(event, "custom_tool_use_id", use_id);
	cJSON_AddBoolToObject(event, "is_error", is_error);
	send_event(talk, SENDING_RESULT, event);
}

/* Nobody is there to be asked for permission. */
static void deny_tool(struct agent_talk *talk, const char *use_id)
{
	cJSON *event = cJSON_CreateObject();

	cJSON_AddStringToObject(event, "type", "user.tool_confirmation");
	cJSON_AddStringToObject(event, "tool_use_id", use_id);
	cJSON_AddStringToObject(event, "result", "deny");
	cJSON_AddStringToObject(event, "deny_message",
		"Nobody is there to confirm the use of this tool.");
	send_event(talk, SENDING_RESULT, event);
}

static void add_reply(struct agent_talk *talk, const cJSON *event)
{
	struct talk_turn *turn = &talk->turn;
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

static void add_use(struct agent_talk *talk, const char *type, const cJSON *event)
{
	const char *permission = json_text(event, "evaluated_permission");

	talk->turn.apart = true;
	if (!json_text(event, "id"))
		return;
	if (strcmp(type, "agent.custom_tool_use") == 0 ||
		(permission && strcmp(permission, "ask") == 0))
		cJSON_AddItemToArray(talk->turn.uses, cJSON_Duplicate(event, true));
}

static void note_trouble(struct agent_talk *talk, const cJSON *event)
{
	const char *said = json_text(json_get(event, "error"), "message");

	free(talk->turn.trouble);
	talk->turn.trouble = mem_text(said ? said : "session.error without a message");
}

/* One thing that the session waits for. */
static void meet_use(struct agent_talk *talk, const char *id)
{
	cJSON *use = id ? find_use(talk, id) : NULL;
	const char *name = json_text(use, "name");

	if (use && json_get(use, ASKED))
		return;
	if (use)
		cJSON_AddTrueToObject(use, ASKED);
	if (!use) {
		SCOPED(mem_free) char *why =
			mem_textf("the session waits for %s, which we know nothing of",
				id ? id : "something");

		send_interrupt(talk);
		fail_turn(talk, TURN_FAILED, why);
	} else if (strcmp(json_text(use, "type"), "agent.custom_tool_use") == 0) {
		talk->events->wants_tool(
			talk->arg, id, name ? name : "", json_get(use, "input"));
	} else {
		deny_tool(talk, id);
	}
}

static void on_requires_action(struct agent_talk *talk, const cJSON *ids)
{
	const cJSON *id;

	talk->turn.waiting = true;
	if (talk->state != TALK_OPEN)
		return;
	if (talk->turn.interrupted) {
		fail_turn(talk, TURN_INTERRUPTED, "interrupted");
		return;
	}
	cJSON_ArrayForEach(id, ids) {
		if (talk->state != TALK_OPEN || !talk->turn.on || !talk->turn.waiting ||
			talk->turn.interrupted)
			return;
		meet_use(talk, cJSON_GetStringValue(id));
	}
}

static void on_idle(struct agent_talk *talk, const cJSON *event)
{
	const struct talk_turn *turn = &talk->turn;
	const cJSON *stop = json_get(event, "stop_reason");
	const char *reason = json_text(stop, "type");

	/* the turn has shown itself: never mind how the message is answered */
	turn_drop_message(talk);
	if (reason && strcmp(reason, "requires_action") == 0) {
		on_requires_action(talk, json_get(stop, "event_ids"));
		return;
	}
	if (turn->interrupted) {
		fail_turn(talk, TURN_INTERRUPTED, "interrupted");
	} else if (turn->text.full) {
		fail_turn(talk, TURN_FAILED, "the reply is larger than 4 MiB");
	} else if (!reason || strcmp(reason, "end_turn") != 0) {
		SCOPED(mem_free) char *why = mem_textf("the turn ended with %s%s%.300s",
			reason ? reason : "no reason", turn->trouble ? ": " : "",
			turn->trouble ? turn->trouble : "");

		fail_turn(talk, TURN_FAILED, why);
	} else {
		turn_end(talk, TURN_ANSWERED, buf_text(&turn->text));
	}
}

static bool is_type(const char *type, const char *start)
{
	return strncmp(type, start, strlen(start)) == 0;
}

/* Of the session as a whole. */
static void hear_status(struct agent_talk *talk, const char *status, const cJSON *event)
{
	struct talk_turn *turn = &talk->turn;

	talk->running = strcmp(status, "idle") != 0;
	if (talk->running) {
		turn->ran = turn->on;
		turn->waiting = false;
		return;
	}
	/* an idle before any sign of this turn is the end of the one before */
	if (turn->on && turn->ran)
		on_idle(talk, event);
	if (talk->state == TALK_PARTING && talk->parting_begun)
		agent_parting_idle(talk->parting);
	else
		talk_go_on_parting(talk);
}

void turn_hear(struct agent_talk *talk, const char *type, const cJSON *event)
{
	struct talk_turn *turn = &talk->turn;
	const char *id = json_text(event, "id");

	if (is_type(type, "session.status_")) {
		hear_status(talk, type + strlen("session.status_"), event);
		return;
	}
	if (!turn->on)
		return;
	turn->ran |= is_type(type, "agent.") ||
		(id && turn->message_id && strcmp(id, turn->message_id) == 0 &&
			json_text(event, "processed_at"));
	if (strcmp(type, "agent.message") == 0)
		add_reply(talk, event);
	else if (is_type(type, "agent.") && strstr(type, "tool_use"))
		add_use(talk, type, event);
	else if (strcmp(type, "session.error") == 0)
		note_trouble(talk, event);
}
