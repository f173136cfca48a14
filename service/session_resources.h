/*
 * session_resources - what an open session holds: an agent session and MCP servers.
 *
 * They are opened together and ended together: the agent session is released while the
 * servers go down their ladders. Broken resources can only be stopped; the agent session
 * is then kept, so that it can be resumed, unless the stop is for good.
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
	/* session_resources_info() may have changed. From the loop or from inside a call.
	 */
	void (*changed)(void *arg);
	/* The end of a session_resources_say(), from the loop: text is the reply, or the
	 * reason why there is none. Not after session_resources_stop(). */
	void (*turn_ended)(void *arg, enum turn_end end, const char *text);
};

/* Resumes the agent session that the store has for (room, bot), or creates one. Keeps
 * service and events; copies room and bot. */
struct session_resources *session_resources_open(struct service *service,
	const char *room, const char *bot,
	const struct session_resources_events *events, void *arg) MUST_CHECK;

struct session_resources_info {
	bool open;          /* turns may begin */
	bool resumed;       /* the agent session is the stored one */
	const char *broken; /* the reason, borrowed, or NULL */
	bool over;          /* after session_resources_stop(): everything has ended */
	bool failed;        /* and the release failed */
};
struct session_resources_info session_resources_info(
	const struct session_resources *resources);

/* Makes the resources broken. The first reason stays. */
void session_resources_break(struct session_resources *resources, const char *why);

/* See agent_client.h. */
bool session_resources_say(struct session_resources *resources, const char *text,
	struct err *err) MUST_CHECK;
void session_resources_interrupt(struct session_resources *resources);

/* Saves the last use of the agent session to the store. */
void session_resources_save(struct session_resources *resources, bool interrupted);

/* Ends everything. Called again, it merges order into the ones before, see stop_order.h.
 * for_good counts the first time: no turn waits to resume the agent session. Copies
 * order. */
void session_resources_stop(struct session_resources *resources,
	const struct stop_order *order, bool for_good);

/* Without a request to the agent API. Not from inside its events. The loop must turn for
 * its handles. Accepts NULL. */
void session_resources_destroy(struct session_resources *resources);

#endif
