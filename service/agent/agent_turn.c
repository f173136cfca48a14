#include "service/agent/agent_turn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define REPLY_CEILING ((size_t)4 << 20)

/* Members that are added to the event of a tool use. */
#define REQUESTED "the result was requested"
#define SENT      "the result was sent"

/* One event on its way to the API. */
struct agent_turn_sending {
	struct agent_turn_sending *next;
	struct agent_turn *turn;
	enum agent_turn_send kind;
	struct agent_http_call *call;
};

static const struct agent_turn_outcome no_outcome;

/* The only writer of `state`. */
static void enter(struct agent_turn *turn, enum agent_turn_state state)
{
	turn->state = state;
}

static struct agent_turn_sending *find_sending(
	const struct agent_turn *turn, enum agent_turn_send kind)
{
	struct agent_turn_sending *sending;

	LL_SEARCH_SCALAR(turn->sending, sending, kind, kind);
	return sending;
}

bool agent_turn_is_sending(const struct agent_turn *turn, enum agent_turn_send kind)
{
	return find_sending(turn, kind) != NULL;
}

static void cancel(struct agent_turn_sending *sending)
{
	LL_DELETE(sending->turn->sending, sending);
	agent_http_cancel(sending->call);
	free(sending);
}

static void cancel_all(struct agent_turn *turn)
{
	while (turn->sending)
		cancel(turn->sending);
}

static void on_sent(void *arg, const struct agent_response *response);

/* Takes body. A message is never sent twice; a result or an interrupt may be. */
static void post(struct agent_turn *turn, enum agent_turn_send kind, cJSON *body)
{
	struct agent_turn_sending *sending = mem_zeroed(sizeof *sending);
	struct agent_http_request request = {
		.method = "POST",
		.id = turn->session_id,
		.rest = "/events",
		.body = body,
		.deadline_ns = agent_http_deadline(turn->http),
		.retry = kind == AGENT_TURN_MESSAGE ? AGENT_HTTP_RETRY_UNSENT
						    : AGENT_HTTP_RETRY_ALWAYS,
		.keep = kind == AGENT_TURN_MESSAGE && !turn->has_connection,
		.done = on_sent,
		.arg = sending,
	};

	turn->has_connection |= request.keep;
	*sending = (struct agent_turn_sending){.turn = turn, .kind = kind};
	LL_PREPEND(turn->sending, sending);
	sending->call = agent_http_start(turn->http, &request);
}

static void send_interrupt(struct agent_turn *turn)
{
	turn->stop = AGENT_TURN_INTERRUPTED;
	post(turn, AGENT_TURN_INTERRUPT, agent_http_interrupt());
}

static void forget(struct agent_turn *turn)
{
	buf_done(&turn->text);
	cJSON_Delete(turn->uses);
	free(turn->message_id);
	free(turn->error);
	free(turn->failure);
	turn->uses = NULL;
	turn->message_id = turn->error = turn->failure = NULL;
	turn->after_tool = false;
}

static struct agent_turn_outcome finish(
	struct agent_turn *turn, enum turn_end end, const char *text)
{
	struct agent_turn_outcome outcome = {.text = mem_text(text), .end = end};

	if (turn->failure) {
		free(outcome.text);
		outcome.text = mem_text(turn->failure);
		outcome.end = turn->end;
	}
	forget(turn);
	enter(turn, AGENT_TURN_NONE);
	if (turn->stop == AGENT_TURN_INTERRUPTED)
		turn->stop = AGENT_TURN_GOES_ON;
	agent_stream_expect_nothing(turn->stream);
	return outcome;
}

/* Ends the turn, but not before its interrupt is answered. */
static struct agent_turn_outcome fail(
	struct agent_turn *turn, enum turn_end end, const char *why)
{
	if (turn->stop == AGENT_TURN_RELEASED ||
		!agent_turn_is_sending(turn, AGENT_TURN_INTERRUPT))
		return finish(turn, end, why);
	if (!turn->failure) {
		turn->end = end;
		turn->failure = mem_text(why);
	}
	return no_outcome;
}

void agent_turn_done(struct agent_turn *turn)
{
	cancel_all(turn);
	forget(turn);
	enter(turn, AGENT_TURN_NONE);
}

void agent_turn_release(struct agent_turn *turn)
{
	turn->stop = AGENT_TURN_RELEASED;
}

struct agent_turn_outcome agent_turn_end(
	struct agent_turn *turn, enum turn_end end, const char *why)
{
	cancel_all(turn);
	return turn->state == AGENT_TURN_NONE ? no_outcome : finish(turn, end, why);
}

void agent_turn_drop_message(struct agent_turn *turn)
{
	struct agent_turn_sending *sending = find_sending(turn, AGENT_TURN_MESSAGE);

	if (!sending)
		return;
	cancel(sending);
	agent_stream_expect_after(turn->stream, NULL);
}

static struct agent_turn_outcome on_message_sent(
	struct agent_turn *turn, const struct agent_response *response)
{
	const char *id = json_text(json_at(response->json, "data.0"), "id");
	struct agent_turn_outcome outcome;

	if (!response->why) {
		turn->message_id = mem_text(id);
		agent_stream_expect_after(turn->stream, id);
		if (turn->stop == AGENT_TURN_INTERRUPTED)
			send_interrupt(turn);
		return no_outcome;
	}
	outcome = finish(turn, TURN_FAILED, response->why);
	if (response->unsure ||
		(response->status / 100 == 4 && response->status != 429))
		outcome.lost = response;
	return outcome;
}

static struct agent_turn_outcome on_result_sent(
	struct agent_turn *turn, const struct agent_response *response)
{
	if (!response->why)
		return no_outcome;
	if (response->status == 404)
		return (struct agent_turn_outcome){.lost = response};
	if (turn->stop == AGENT_TURN_GOES_ON)
		send_interrupt(turn); /* the session would wait for ever */
	return fail(turn, TURN_FAILED, response->why);
}

static struct agent_turn_outcome on_interrupt_sent(
	struct agent_turn *turn, const struct agent_response *response)
{
	if (response->why)
		return (struct agent_turn_outcome){.lost = response};
	/* no event follows the interrupt of an idle session */
	if (turn->failure || turn->state == AGENT_TURN_WAITING)
		return finish(turn, TURN_INTERRUPTED, "interrupted");
	return no_outcome;
}

static void on_sent(void *arg, const struct agent_response *response)
{
	struct agent_turn_sending *sending = arg;
	struct agent_turn *turn = sending->turn;
	enum agent_turn_send kind = sending->kind;
	bool ignored =
		turn->state == AGENT_TURN_NONE || turn->stop == AGENT_TURN_RELEASED;
	struct agent_turn_outcome outcome = no_outcome;

	sending->call = NULL;
	cancel(sending);
	if (kind == AGENT_TURN_MESSAGE)
		outcome = on_message_sent(turn, response);
	else if (!ignored)
		outcome = kind == AGENT_TURN_RESULT ? on_result_sent(turn, response)
						    : on_interrupt_sent(turn, response);
	turn->events->answered(turn->arg, outcome);
}

void agent_turn_begin(struct agent_turn *turn, const char *text)
{
	assert(turn->state == AGENT_TURN_NONE);
	enter(turn, AGENT_TURN_SENT);
	turn->uses = cJSON_CreateArray();
	buf_init(&turn->text, REPLY_CEILING);
	agent_stream_expect(turn->stream);
	post(turn, AGENT_TURN_MESSAGE,
		json_fill(NULL,
			"{'events': [{'type': 'user.message',"
			" 'content': [{'type': 'text', 'text': %s}]}]}",
			text));
}

void agent_turn_interrupt(struct agent_turn *turn)
{
	if (turn->state == AGENT_TURN_NONE || turn->stop != AGENT_TURN_GOES_ON)
		return;
	turn->stop = AGENT_TURN_INTERRUPTED;
	/* an interrupt must not overtake the message */
	if (!agent_turn_is_sending(turn, AGENT_TURN_MESSAGE))
		send_interrupt(turn);
}

static cJSON *find_use(const struct agent_turn *turn, const char *id)
{
	cJSON *use;

	cJSON_ArrayForEach(use, turn->uses) {
		if (strcmp(json_text(use, "id"), id) == 0)
			return use;
	}
	return NULL;
}

void agent_turn_tool_result(struct agent_turn *turn, const char *use_id,
	const cJSON *content, bool is_error)
{
	cJSON *use = find_use(turn, use_id);
	cJSON *body, *event;

	if (!use || json_get(use, SENT) || turn->stop != AGENT_TURN_GOES_ON)
		return;
	cJSON_AddTrueToObject(use, SENT);
	body = json_fill(NULL, "{'events': [{'type': 'user.custom_tool_result'}]}");
	event = body->child->child;
	cJSON_AddItemToObject(event, "content", cJSON_Duplicate(content, true));
	cJSON_AddStringToObject(event, "custom_tool_use_id", use_id);
	cJSON_AddBoolToObject(event, "is_error", is_error);
	post(turn, AGENT_TURN_RESULT, body);
}

static void deny_tool(struct agent_turn *turn, const char *use_id)
{
	post(turn, AGENT_TURN_RESULT,
		json_fill(NULL,
			"{'events': [{'type': 'user.tool_confirmation',"
			" 'tool_use_id': %s, 'result': 'deny', 'deny_message':"
			" 'Nobody is there to confirm the use of this tool.'}]}",
			use_id));
}

static void add_reply(struct agent_turn *turn, const cJSON *event)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, json_get(event, "content")) {
		const char *text = json_text(block, "text");
		size_t len = turn->text.len;

		if (!text)
			continue;
		if (turn->after_tool && len > 0 && *text != '\n' &&
			buf_text(&turn->text)[len - 1] != '\n')
			buf_adds(&turn->text, "\n");
		turn->after_tool = false;
		buf_adds(&turn->text, text);
	}
}

static void add_use(struct agent_turn *turn, const char *type, const cJSON *event)
{
	const char *permission = json_text(event, "evaluated_permission");

	turn->after_tool = true;
	if (!json_text(event, "id"))
		return;
	if (strcmp(type, "agent.custom_tool_use") == 0 ||
		(permission && strcmp(permission, "ask") == 0))
		cJSON_AddItemToArray(turn->uses, cJSON_Duplicate(event, true));
}

static void keep_error(struct agent_turn *turn, const cJSON *event)
{
	const char *message = json_text(json_get(event, "error"), "message");

	free(turn->error);
	turn->error = mem_text(message ? message : "session.error without a message");
}

/* The session waits for the event `id`: a tool use. id may be NULL. */
static struct agent_turn_outcome request_result(struct agent_turn *turn, const char *id)
{
	cJSON *use = id ? find_use(turn, id) : NULL;
	const char *name = json_text(use, "name");

	if (!use) {
		SCOPED(mem_free) char *why =
			mem_textf("the session waits for %s, which we know nothing of",
				id ? id : "something");

		send_interrupt(turn);
		return fail(turn, TURN_FAILED, why);
	}
	if (json_get(use, REQUESTED))
		return no_outcome;
	cJSON_AddTrueToObject(use, REQUESTED);
	if (strcmp(json_text(use, "type"), "agent.custom_tool_use") == 0)
		turn->events->wants_tool(
			turn->arg, id, name ? name : "", json_get(use, "input"));
	else
		deny_tool(turn, id);
	return no_outcome;
}

/* A callback may end the turn. */
static struct agent_turn_outcome on_requires_action(
	struct agent_turn *turn, const cJSON *ids)
{
	struct agent_turn_outcome outcome = no_outcome;
	const cJSON *id;

	enter(turn, AGENT_TURN_WAITING);
	if (turn->stop == AGENT_TURN_INTERRUPTED)
		return fail(turn, TURN_INTERRUPTED, "interrupted");
	cJSON_ArrayForEach(id, ids) {
		if (turn->state != AGENT_TURN_WAITING ||
			turn->stop != AGENT_TURN_GOES_ON)
			break;
		outcome = request_result(turn, cJSON_GetStringValue(id));
	}
	return outcome;
}

static struct agent_turn_outcome on_idle(struct agent_turn *turn, const cJSON *event)
{
	const cJSON *stop_reason = json_get(event, "stop_reason");
	const char *reason = json_text(stop_reason, "type");
	SCOPED(mem_free) char *why = NULL;

	agent_turn_drop_message(turn); /* the event shows that it was accepted */
	if (reason && strcmp(reason, "requires_action") == 0)
		return on_requires_action(turn, json_get(stop_reason, "event_ids"));
	if (turn->stop != AGENT_TURN_GOES_ON)
		return fail(turn, TURN_INTERRUPTED, "interrupted");
	if (turn->text.full)
		return fail(turn, TURN_FAILED, "the reply is larger than 4 MiB");
	if (reason && strcmp(reason, "end_turn") == 0)
		return finish(turn, TURN_ANSWERED, buf_text(&turn->text));
	why = mem_textf("the turn ended with %s%s%.300s", reason ? reason : "no reason",
		turn->error ? ": " : "", turn->error ? turn->error : "");
	return fail(turn, TURN_FAILED, why);
}

static bool has_prefix(const char *type, const char *prefix)
{
	return strncmp(type, prefix, strlen(prefix)) == 0;
}

struct agent_turn_outcome agent_turn_event(
	struct agent_turn *turn, const char *type, const cJSON *event)
{
	const char *id = json_text(event, "id");

	if (turn->state == AGENT_TURN_NONE)
		return no_outcome;
	if (strcmp(type, "session.status_idle") == 0) {
		/* before the turn's own events it is the end of the last turn */
		return turn->state == AGENT_TURN_SENT ? no_outcome
						      : on_idle(turn, event);
	}
	if (has_prefix(type, "session.status_")) {
		enter(turn, AGENT_TURN_RUNNING);
		return no_outcome;
	}
	if (turn->state == AGENT_TURN_SENT &&
		(has_prefix(type, "agent.") ||
			(id && turn->message_id && strcmp(id, turn->message_id) == 0 &&
				json_text(event, "processed_at"))))
		enter(turn, AGENT_TURN_RUNNING);
	if (strcmp(type, "agent.message") == 0)
		add_reply(turn, event);
	else if (has_prefix(type, "agent.") && strstr(type, "tool_use"))
		add_use(turn, type, event);
	else if (strcmp(type, "session.error") == 0)
		keep_error(turn, event);
	return no_outcome;
}
