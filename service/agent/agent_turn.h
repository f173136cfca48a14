/*
 * agent_turn - the turns of one remote session, one at a time: a message, the events
 * that follow it, the results of tools, and the reply.
 *
 *   NONE -> SENT -> RUNNING <-> WAITING
 *
 * An idle event ends a running turn. A turn that fails while its interrupt is under way
 * ends with the response to the interrupt, which could hit the next turn
 * otherwise. The owner of the turn reports its end.
 */
#ifndef SERVICE_AGENT_AGENT_TURN_H
#define SERVICE_AGENT_AGENT_TURN_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "service/agent/agent_http.h"
#include "service/agent/agent_stream.h"
#include "service/metrics.h"

enum agent_turn_state {
	AGENT_TURN_NONE,
	AGENT_TURN_SENT,    /* the message; none of the turn's own events arrived */
	AGENT_TURN_RUNNING, /* its own events arrive */
	AGENT_TURN_WAITING, /* for the results of its tools */
};

/* How the turn is stopped. Only increases, until the turn ends. */
enum agent_turn_stop {
	AGENT_TURN_GOES_ON,
	AGENT_TURN_INTERRUPTED, /* by our event, once the message is accepted */
	AGENT_TURN_RELEASED,    /* by agent_release: the turn sends nothing any more */
};

/* What is sent to the API, as one event each. */
enum agent_turn_send {
	AGENT_TURN_MESSAGE,
	AGENT_TURN_RESULT, /* of a tool, or the refusal of its use */
	AGENT_TURN_INTERRUPT,
};

/* What an event or a response means to the owner; all zero: the turn goes on. */
struct agent_turn_outcome {
	char *text; /* the turn ended: its reply, or why there is none; to free() */
	enum turn_end end;
	/* The response after which the session is of no use; borrowed; or NULL. */
	const struct agent_response *lost;
};

struct agent_turn_events {
	/* The API answered something that was sent. Takes outcome's text. */
	void (*answered)(void *arg, struct agent_turn_outcome outcome);
	void (*wants_tool)(
		void *arg, const char *use_id, const char *name, const cJSON *input);
};

/* Embedded in its owner, which fills in the first part (kept), and reads `state`. */
struct agent_turn {
	struct agent_http *http;
	struct agent_stream *stream;
	const char *session_id;
	const struct agent_turn_events *events;
	void *arg;

	enum agent_turn_state state;
	enum agent_turn_stop stop;
	struct agent_turn_sending *sending; /* events on their way to the API */
	bool has_connection; /* of an earlier message, for what may be repeated */

	/* of the present turn */
	char *failure; /* why it is over once its interrupt is answered, or NULL */
	enum turn_end end;
	char *message_id; /* NULL until the message was accepted */
	struct buf text;
	bool after_tool; /* a tool was used since the last text */
	cJSON *uses;     /* the tool uses that need a response */
	char *error;     /* the last that the API reported */
};

/* May be called inside a callback of the turn, whose memory must stay until that
 * returns. Accepts a zeroed turn. */
void agent_turn_done(struct agent_turn *turn);

/* In state NONE only. */
void agent_turn_begin(struct agent_turn *turn, const char *text);
void agent_turn_interrupt(struct agent_turn *turn);
/* Copies content. A result that is not needed is ignored. */
void agent_turn_tool_result(struct agent_turn *turn, const char *use_id,
	const cJSON *content, bool is_error);

/* For each event of the session's stream. */
struct agent_turn_outcome agent_turn_event(
	struct agent_turn *turn, const char *type, const cJSON *event) MUST_CHECK;

/* The turn is left to agent_release; what was sent is still answered. */
void agent_turn_release(struct agent_turn *turn);
/* Ends the turn: all requests are cancelled. text is `why` or the turn's own failure;
 * NULL in state NONE. */
struct agent_turn_outcome agent_turn_end(
	struct agent_turn *turn, enum turn_end end, const char *why) MUST_CHECK;

/* Was it sent and not answered? */
bool agent_turn_is_sending(const struct agent_turn *turn, enum agent_turn_send kind);
/* Stops waiting for the message's response. */
void agent_turn_drop_message(struct agent_turn *turn);

#endif
