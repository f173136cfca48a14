/*
 * session - one room's conversation with one bot.
 *
 * A session has an agent session and MCP servers (session_resources.h), and runs its
 * turns in order. The first turn opens the resources: it resumes the stored agent
 * session (warm), or creates one (cold). When the agent session breaks, the session
 * closes; the next turn opens it again, warm. Waiting turns keep their place meanwhile.
 *
 *   cold -> connecting -> hot <-> busy
 *     ^         |          |        |
 *     |         v          v        v
 *     +---- (turns wait) closing <--+ ---> closed
 *
 * Closing releases the agent session and stops the MCP servers, at the same time.
 */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "service/stop_order.h"
#include "service/turn_queue.h"

struct service;

enum session_state {
	SESSION_COLD,       /* nothing is open */
	SESSION_CONNECTING, /* agent session and servers are being opened */
	SESSION_HOT,        /* open and idle */
	SESSION_BUSY,       /* a turn runs */
	SESSION_CLOSING,    /* agent session and servers are being ended */
	SESSION_CLOSED,     /* nothing is left */
};

extern const char *const session_state_names[SESSION_CLOSED + 1];

struct session;

/* From the loop. */
struct session_events {
	/* The state or the queue changed. */
	void (*changed)(void *arg, struct session *session);
	/* Nothing is left and no turn waits: destroy it, in this call or later. */
	void (*closed)(void *arg, struct session *session);
};

/* Others read room, bot, state, turns and counts. */
struct session {
	struct service *service;
	const struct session_events *events;
	void *arg;
	char *room, *bot;
	enum session_state state;
	struct turn_queue turns;
	struct session_resources *resources; /* NULL: cold, or closed */
	uint64_t counts[SESSION_PATHS];      /* of turns */
	bool fresh;                          /* no turn since it was opened */
	bool timed_out;                      /* the running turn was interrupted */
	bool failed;                         /* the release of the agent session */
	struct stop_order order;  /* STOP_NONE: the session is not closed for good */
	struct loop_timer *soon;  /* everything is decided in its callback */
	struct loop_timer *bound; /* of the running turn */
};

/* Keeps service and events; copies room and bot. */
struct session *session_create(struct service *service, const char *room,
	const char *bot, const struct session_events *events, void *arg) MUST_CHECK;

/* See turn_queue.h. NULL: QUEUE_LIMIT turns wait already, or session_stop() was
 * called. */
struct turn *session_say(struct session *session, const char *text, turn_done_fn *done,
	void *arg) MUST_CHECK;

/* Closes a hot session until its next turn. */
void session_close(struct session *session);

/* Closes the session for good, as soon as no turn runs or waits. Called again, it
 * merges order into the ones before, see stop_order.h. At the deadline the release
 * fails, and the servers have been killed. Copies order. False: it adds nothing to the
 * ones before. */
bool session_stop(struct session *session, const struct stop_order *order);

/* Ends everything at once, without a request to the agent API or a report to turns. The
 * loop must turn for its handles. Accepts NULL. */
void session_destroy(struct session *session);

#endif
