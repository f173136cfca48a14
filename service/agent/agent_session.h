/*
 * agent_session - what the parts of agent.h share: one API, and one session of it.
 *
 * talk.c opens a session and lets it go; agent_session_turn.c is what happens in between.
 */
#ifndef SERVICE_AGENT_AGENT_SESSION_H
#define SERVICE_AGENT_AGENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "service/agent/agent_client.h"
#include "service/agent/agent_http.h"
#include "service/agent/agent_provision.h"
#include "service/agent/agent_release.h"
#include "service/agent/agent_stream.h"

struct agent_client {
	struct agent_http *wire;
	struct agent_provision *needs;
	int64_t request_ns;
};

enum agent_session_state {
	AGENT_SESSION_RESUMING, /* is the stored session still there, and idle? */
	AGENT_SESSION_NEEDING,  /* waits for the agent and the environment */
	AGENT_SESSION_CREATING,
	AGENT_SESSION_OPEN,
	AGENT_SESSION_BROKEN,  /* no turn is possible any more */
	AGENT_SESSION_PARTING, /* agent_session_release() was called */
	AGENT_SESSION_PARTED,
	AGENT_SESSION_CLOSED, /* destroyed; its handles are closing */
};

/* What is said in one turn, and what is still to be done for it. */
struct agent_turn {
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

struct agent_session_sending;

struct agent_session {
	struct agent_client *agent;
	enum agent_session_state state;
	char *id; /* of the session, NULL: none yet */
	char *room, *bot;
	const struct agent_session_events *events;
	void *arg;
	uv_timer_t
		timer; /* until a stored session is looked at again, or parting goes on */

	struct agent_provision_waiter need;
	bool doubted;                    /* whether what it needs is still there */
	struct agent_http_call *opening; /* the request that it waits for */
	bool interrupted;                /* what the session was still doing */
	int64_t open_by_ns;
	int64_t pause_ns;

	struct agent_stream *stream;
	bool running; /* the session, as its events say */
	bool unsure;  /* nobody knows if it runs */
	bool ended;   /* it is terminated */
	bool deleted; /* or even gone */
	struct agent_turn turn;
	struct agent_session_sending *sendings; /* events on their way to the API */

	struct agent_release *release;
	bool parting_begun;
	enum agent_session_end ending;
	agent_release_fn *let_go;
	void *let_go_arg;
};

/* No turn is possible any more: `turned`, `broke`, or the parting hears of it. Callers
 * are in the loop, and done with the talk. */
void agent_session_break(struct agent_session *session, const char *why);

/* The parting may begin, if it waited only for what has just been answered. */
void agent_session_go_on_parting(struct agent_session *session);

/* An event of the session. The talk may be destroyed by what follows. */
void agent_turn_on_event(
	struct agent_session *session, const char *type, const cJSON *event);
/* The owner hears `turned`: this, or how it had failed before. Borrows text. */
void agent_turn_end(struct agent_session *session, enum turn_end end, const char *text);
/* What we said is on its way, and nobody knows whether it was accepted. */
bool agent_turn_is_unsent(const struct agent_session *session);
/* And nobody waits for that any more. */
void agent_turn_drop_message(struct agent_session *session);
/* A tool's result is on its way. */
bool agent_turn_is_answering(const struct agent_session *session);
/* No answer to what is under way is handed over any more. */
void agent_turn_drop(struct agent_session *session);

#endif
