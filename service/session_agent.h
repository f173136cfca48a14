/*
 * session_agent - the agent of one session: a session of the agent API (AGENT=api, see
 * agent/agent_session.h), or a process of the CLI (AGENT=cli, see cli/cli_session.h).
 *
 * The one place that knows both.
 */
#ifndef SERVICE_SESSION_AGENT_H
#define SERVICE_SESSION_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/agent/agent_release.h"
#include "service/metrics.h"

struct service;
struct session_agent;

/* All from the loop, never from inside a call of yours. */
struct session_agent_events {
	/* id can be stored and resumed. NULL: it could not be opened. Not after a
	 * release. */
	void (*opened)(void *arg, const char *id, const char *why);
	/* A turn ended; never TURN_TIMED_OUT. text is the reply, or why there is none.
	 * Once for each successful send, before the release is done. */
	void (*turned)(void *arg, enum turn_end end, const char *text);
	/* session_agent_tool_result(agent, use_id, ...) answers. The CLI calls its
	 * tools itself. */
	void (*wants_tool)(
		void *arg, const char *use_id, const char *name, const cJSON *input);
	/* It ended by itself; `turned` came before. */
	void (*broke)(void *arg, const char *why);
};

/* id: a stored one, or NULL. Keeps service, room, bot and events; copies id. */
struct session_agent *session_agent_open(struct service *service, const char *id,
	const char *room, const char *bot, const struct session_agent_events *events,
	void *arg) MUST_CHECK;

/* Is there something to release, as far as is known? */
bool session_agent_exists(const struct session_agent *agent);

/* Begins a turn. Fails while another one runs. */
bool session_agent_send(
	struct session_agent *agent, const char *text, struct err *err) MUST_CHECK;
void session_agent_tool_result(struct session_agent *agent, const char *use_id,
	const cJSON *content, bool is_error);
/* Interrupts the running turn; `turned` follows. */
void session_agent_interrupt(struct session_agent *agent);

/* In any state, once. deadline_ns is CLOCK_MONOTONIC; 0: none. */
void session_agent_release(struct session_agent *agent, enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg);
/* Ends a release that is under way: `done` is called with `why`, a constant string. */
void session_agent_give_up(struct session_agent *agent, const char *why);

/* Without a goodbye. No callback follows. Accepts NULL. */
void session_agent_destroy(struct session_agent *agent);

#endif
