/*
 * agent_client - the client of the agent API: Anthropic's Managed Agents sessions.
 *
 * One agent is one API with its pool of connections. A talk is one remote session
 * with its open event stream: text goes in, the reply comes back when the turn ends,
 * and tool uses in between ask their owner. Letting go of a talk is the API's own
 * contract: interrupt if busy, wait until the stored status is idle, then archive or
 * delete (both are refused while a turn runs), then close the stream.
 *
 * All callbacks come from the loop, never from inside a call of yours.
 */
#ifndef SERVICE_AGENT_AGENT_CLIENT_H
#define SERVICE_AGENT_AGENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/turn_queue.h"

struct agent_client;
struct agent_session;
struct store;

struct agent_client_options {
	const char *url; /* base URL, "https://api.anthropic.com" */
	const char *key; /* never logged; NULL: no authorization header */
	const char *model;
	const char *agent_id;       /* NULL: one is created on first need */
	const char *environment_id; /* NULL: one is created on first need */
	const char *name;     /* what a created agent and environment are called */
	struct store *store;  /* keeps what was created; NULL: nobody does */
	unsigned connections; /* bound of the warm pool */
	int64_t request_ns;   /* deadline of each short request */
};

/* Keeps loop and store; copies the other options. */
struct agent_client *agent_client_create(uv_loop_t *loop,
	const struct agent_client_options *options, struct err *err) MUST_CHECK;
/* All talks must have been destroyed. Accepts NULL. */
void agent_client_destroy(struct agent_client *agent);

/* The custom tools that a created agent declares: [{"name", "description",
 * "input_schema"}, ...]. Sessions that are created from now on have them. Copies. */
void agent_client_set_tools(struct agent_client *agent, const cJSON *tools);

struct agent_session_events {
	/* The session exists and turns may begin; id is its API id. Or it could not
	 * be had: id is NULL and `why` says why (agent_session_release() has nothing to do
	 * then). Not after agent_session_release(). */
	void (*opened)(void *arg, const char *id, const char *why);
	/* A turn ended. text is the agent's reply, or why there is none; it never
	 * times out here. Once for each agent_session_send() that was true, also while the
	 * talk is let go (before `done`). */
	void (*turned)(void *arg, enum turn_end end, const char *text);
	/* The agent wants a custom tool's result: agent_session_tool_result(talk, use_id, ...),
	 * which is ignored when the turn is over by then. */
	void (*wants_tool)(
		void *arg, const char *use_id, const char *name, const cJSON *input);
	/* The stream or the session died; a turn that ran has heard `turned` before.
	 * Only agent_session_release() and agent_session_destroy() make sense now. Not after
	 * agent_session_release(). */
	void (*broke)(void *arg, const char *why);
};

/* Opens a new session, or resumes the stored one named by `id` (which ends in a new
 * one's `opened` having another id when the API refuses that one). `room` and `bot`
 * become its metadata. Copies all; keeps events. */
struct agent_session *agent_session_open(struct agent_client *agent, const char *id,
	const char *room, const char *bot, const struct agent_session_events *events,
	void *arg, struct err *err) MUST_CHECK;

/* The API has made one for it, that we know of. */
bool agent_session_exists(const struct agent_session *session);

/* One turn at a time: the caller queues. */
bool agent_session_send(
	struct agent_session *session, const char *text, struct err *err) MUST_CHECK;
/* content is an array of the API's content blocks. Copies. */
void agent_session_tool_result(struct agent_session *session, const char *use_id,
	const cJSON *content, bool is_error);

/* Asks the running turn to end; `turned` follows. */
void agent_session_interrupt(struct agent_session *session);

enum agent_session_end {
	AGENT_SESSION_KEEP, /* release: close the stream, the session can be resumed */
	AGENT_SESSION_ARCHIVE,
	AGENT_SESSION_DELETE,
};

/* Called once. why is NULL when the session was let go, else the reason. */
typedef void agent_release_fn(void *arg, const char *why);

/* Ends the talk in the way of the contract above, trying again while the API says that
 * the session is running. deadline_ns is CLOCK_MONOTONIC, 0 for none: past it `done`
 * hears "deadline". Works in every state of the talk. While it opens, AGENT_SESSION_KEEP drops
 * what is under way; the others wait for a session that is being created, to end it.
 * A session that the API does not know any more counts as let go. */
void agent_session_release(struct agent_session *session, enum agent_session_end ending,
	int64_t deadline_ns, agent_release_fn *done, void *arg);

/* Gives up on an agent_session_release() that is under way: `done` hears `why` from the loop. */
void agent_session_give_up(struct agent_session *session, const char *why);

/* Closes what is open, without a word to the API. No callback comes any more.
 * Accepts NULL. */
void agent_session_destroy(struct agent_session *session);

#endif
