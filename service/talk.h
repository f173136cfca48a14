/*
 * talk - what the parts of agent.h share: one API, and one session of it.
 *
 * talk.c opens a session and lets it go; talk_turn.c is what happens in between.
 */
#ifndef SERVICE_TALK_H
#define SERVICE_TALK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "service/agent.h"
#include "service/agent_needs.h"
#include "service/agent_parting.h"
#include "service/agent_stream.h"
#include "service/agent_wire.h"

struct agent {
	struct agent_wire *wire;
	struct agent_needs *needs;
	int64_t request_ns;
};

enum talk_state {
	TALK_RESUMING, /* is the stored session still there, and idle? */
	TALK_NEEDING,  /* waits for the agent and the environment */
	TALK_CREATING,
	TALK_OPEN,
	TALK_BROKEN,  /* no turn is possible any more */
	TALK_PARTING, /* agent_let_go() was called */
	TALK_PARTED,
	TALK_CLOSED, /* destroyed; its handles are closing */
};

/* What is said in one turn, and what is still to be done for it. */
struct talk_turn {
	bool on;
	bool ran;         /* its own events have begun, not the last one's */
	bool interrupted; /* it was asked to end */
	bool waiting;     /* for the results of its tools */
	bool apart;       /* a tool came between the texts */
	/* It is over, while its interrupt is on its way: how, and why. */
	enum turn_end end;
	char *failure;
	char *message_id; /* of what we said; NULL until it was accepted */
	struct buf text;
	cJSON *uses;   /* the events of tools that wait for us */
	char *trouble; /* the last that the API told */
};

struct talk_sending;

struct agent_talk {
	struct agent *agent;
	enum talk_state state;
	char *id; /* of the session, NULL: none yet */
	char *room, *bot;
	const struct agent_talk_events *events;
	void *arg;
	uv_timer_t
		timer; /* until a stored session is looked at again, or parting goes on */

	struct agent_need need;
	bool doubted;               /* whether what it needs is still there */
	struct agent_call *opening; /* the request that it waits for */
	bool interrupted;           /* what the session was still doing */
	int64_t open_by_ns;
	int64_t pause_ns;

	struct agent_stream *stream;
	bool running; /* the session, as its events say */
	bool unsure;  /* nobody knows if it runs */
	bool ended;   /* it is terminated */
	bool deleted; /* or even gone */
	struct talk_turn turn;
	struct talk_sending *sendings; /* events on their way to the API */

	struct agent_parting *parting;
	bool parting_begun;
	enum agent_ending ending;
	agent_let_go_fn *let_go;
	void *let_go_arg;
};

/* No turn is possible any more: `turned`, `broke`, or the parting hears of it. Callers
 * are in the loop, and done with the talk. */
void talk_break(struct agent_talk *talk, const char *why);

/* The parting may begin, if it waited only for what has just been answered. */
void talk_go_on_parting(struct agent_talk *talk);

/* An event of the session. The talk may be destroyed by what follows. */
void turn_hear(struct agent_talk *talk, const char *type, const cJSON *event);
/* The owner hears `turned`: this, or how it had failed before. Borrows text. */
void turn_end(struct agent_talk *talk, enum turn_end end, const char *text);
/* What we said is on its way, and nobody knows whether it was accepted. */
bool turn_is_unsent(const struct agent_talk *talk);
/* And nobody waits for that any more. */
void turn_drop_message(struct agent_talk *talk);
/* A tool's result is on its way. */
bool turn_is_answering(const struct agent_talk *talk);
/* No answer to what is under way is handed over any more. */
void turn_drop(struct agent_talk *talk);

#endif
