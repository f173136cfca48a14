/*
 * session_resources - what an open session holds: its talk with the agent, and its kit of MCP
 * servers.
 *
 * Opened together, ended together: the agent session is let go and the servers go down
 * their ladders side by side. One that broke is of no use any more: it is only released,
 * so that the agent session can be resumed, unless the end is for good.
 */
#ifndef SERVICE_SESSION_RESOURCES_H
#define SERVICE_SESSION_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "service/stop_order.h"
#include "service/turn_queue.h"

struct session_resources;
struct service;

struct session_resources_events {
	/* One of the questions below may have another answer now. From the loop or from
	 * inside a call. */
	void (*changed)(void *arg);
	/* The end of a session_resources_say(), from the loop: the reply, or why there is none. Not
	 * after session_resources_stop(). */
	void (*turned)(void *arg, enum turn_end end, const char *text);
};

/* Resumes the agent session that the store has for (room, bot), or makes a new one.
 * Keeps means and events; copies room and bot. */
struct session_resources *session_resources_open(const struct service *service,
	const char *room, const char *bot,
	const struct session_resources_events *events, void *arg) MUST_CHECK;

bool session_resources_is_open(const struct session_resources *resources);
bool session_resources_is_resumed(
	const struct session_resources *resources); /* an open one: not made new */
const char *session_resources_broken(
	const struct session_resources *resources); /* why, or NULL */
bool session_resources_is_over(const struct session_resources
		*resources); /* only session_resources_destroy() is left */
bool session_resources_failed(
	const struct session_resources *resources); /* one that is over: not let go */

/* Says that it is of no use any more. */
void session_resources_break(struct session_resources *resources, const char *why);

/* See agent.h. */
bool session_resources_say(struct session_resources *resources, const char *text,
	struct err *err) MUST_CHECK;
void session_resources_interrupt(struct session_resources *resources);

/* The store is told the agent session's last use. */
void session_resources_save(struct session_resources *resources, bool interrupted);

/* Starts to end all that is held, or makes that faster: see stop_order.h. for_good, which
 * counts the first time: no turn waits to resume the agent session. Copies order. */
void session_resources_stop(struct session_resources *resources,
	const struct stop_order *order, bool for_good);

/* Without a word to the agent API. Not from inside its events. The loop must turn for
 * its handles. Accepts NULL. */
void session_resources_destroy(struct session_resources *resources);

#endif
