/*
 * session - one room's conversation with one bot.
 *
 * It holds the talk with the agent and the MCP servers that belong to it (its kit), and
 * takes its turns in order. What is not open yet is opened for the first turn: resumed
 * from the stored id (warm), or new (cold). A session whose talk broke closes, and is
 * opened again, warm, for the next turn; what waits meanwhile keeps its place.
 *
 *   cold -> connecting -> hot <-> busy
 *     ^         |          |        |
 *     |         v          v        v
 *     +---- (turns wait) closing <--+ ---> closed
 *
 * Closing lets go of the agent session and ends the MCP servers, side by side.
 */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "service/stop_order.h"
#include "service/turn_queue.h"

struct service;
struct session;

enum session_state {
	SESSION_COLD,       /* nothing is open */
	SESSION_CONNECTING, /* talk and servers are being opened */
	SESSION_HOT,        /* open and idle */
	SESSION_BUSY,       /* a turn runs */
	SESSION_CLOSING,    /* being let go */
	SESSION_CLOSED,     /* nothing of it is left */
};

/* How a turn found its session. */
enum session_path {
	SESSION_PATH_COLD,
	SESSION_PATH_WARM,
	SESSION_PATH_HOT,
};
#define SESSION_PATHS (SESSION_PATH_HOT + 1)

const char *session_state_name(enum session_state state);
const char *session_path_name(enum session_path path);

/* From the loop. */
struct session_events {
	/* Its state changed, or what waits for it. */
	void (*changed)(void *arg, struct session *session);
	/* Nothing of it is left and no turn waits: to be destroyed, in this call or
	 * later. `failed`: the agent session could not be let go. */
	void (*closed)(void *arg, struct session *session, bool failed);
};

/* Keeps means and events; copies room and bot. */
struct session *session_create(const struct service *service, const char *room,
	const char *bot, const struct session_events *events, void *arg) MUST_CHECK;

const char *session_room(const struct session *session);
const char *session_bot(const struct session *session);
enum session_state session_state(const struct session *session);
unsigned session_turns(const struct session *session); /* running and waiting */
uint64_t session_count(const struct session *session, enum session_path path);

/* See turns.h. NULL when QUEUE_LIMIT turns wait already, or the session is about to
 * close for good. */
struct turn *session_say(struct session *session, const char *text, turn_done_fn *done,
	void *arg) MUST_CHECK;

/* A hot one only. For now: the next turn opens it again. */
void session_close(struct session *session);

/* For good: no session_say() any more. Merges order into the ones before, see
 * stop_order.h. The session closes as soon as no turn runs or waits; past the deadline
 * the release of its agent session fails, and its servers are dead. Copies order. */
void session_stop(struct session *session, const struct stop_order *order);

/* Lets go of everything at once, without a word to the agent API; turns that are left
 * end unheard. The loop must turn for its handles. Accepts NULL. */
void session_destroy(struct session *session);

#endif
