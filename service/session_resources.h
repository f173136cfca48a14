/*
 * session_resources - what an open session holds: an agent and MCP servers.
 *
 * They are opened together and ended together: the agent session is released while the
 * servers go down their ladders. Broken resources can only be stopped; the agent
 * session is then kept, so that it can be resumed, unless the stop is for good.
 */
#ifndef SERVICE_SESSION_RESOURCES_H
#define SERVICE_SESSION_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "service/session_agent.h"
#include "service/stop_order.h"

struct service;

struct session_resources_events {
	/* The struct's values may have changed. From the loop or from inside a call. */
	void (*changed)(void *arg);
	/* The end of a session_agent_send(), from the loop: text is the reply, or the
	 * reason why there is none. Not after session_resources_stop(). */
	void (*turn_ended)(void *arg, enum turn_end end, const char *text);
};

/* Others read agent, resumed, broken and failed. */
struct session_resources {
	struct service *service;
	const struct session_resources_events *events;
	void *arg;
	const char *room, *bot;
	struct session_agent *agent; /* NULL: not asked for yet */
	struct mcp_servers *servers;
	char *stored;     /* the id that is to be resumed, or NULL */
	char *id;         /* of the agent session; NULL until it is open */
	bool resumed;     /* the agent session is the stored one */
	bool settled;     /* the servers are */
	char *broken;     /* the reason, or NULL */
	int64_t since_ns; /* opening, then ending */

	struct stop_order order;   /* STOP_NONE: not ending */
	struct loop_timer *jitter; /* until the release begins; NULL until first used */
	enum agent_session_end how;
	bool released; /* or the release failed */
	bool failed;   /* the release */
	bool servers_gone;
};

/* Resumes the agent session that the store has for (room, bot), or creates one. Keeps
 * service, room, bot and events. */
struct session_resources *session_resources_open(struct service *service,
	const char *room, const char *bot,
	const struct session_resources_events *events, void *arg) MUST_CHECK;

/* Turns may begin. */
bool session_resources_is_open(const struct session_resources *resources);
/* After session_resources_stop(): everything has ended. */
bool session_resources_is_over(const struct session_resources *resources);

/* Makes the resources broken. The first reason stays. */
void session_resources_break(struct session_resources *resources, const char *why);

/* Saves the last use of the agent session to the store. */
void session_resources_save(struct session_resources *resources, bool interrupted);

/* Ends everything. Called again, it merges order into the ones before, see
 * stop_order.h. for_good counts the first time: no turn waits to resume the agent
 * session. Copies order. */
void session_resources_stop(struct session_resources *resources,
	const struct stop_order *order, bool for_good);

/* Without a request to the agent API. Not from inside its events. The loop must turn
 * for its handles. Accepts NULL. */
void session_resources_destroy(struct session_resources *resources);

#endif
