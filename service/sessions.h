/*
 * sessions - the table of all sessions, one for each (room, bot).
 *
 * A webhook finds its session here, or makes one. A session that was not used for
 * IDLE_TIMEOUT is closed; at SESSION_LIMIT the least recently used idle session is
 * closed to make room. Closing sessions do not count, up to as many again.
 */
#ifndef SERVICE_SESSIONS_H
#define SERVICE_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/cc.h"
#include "service/session.h"
#include "service/stop_order.h"
#include "service/turn_queue.h"

struct service;

/* Others read failed, and set changed and arg. */
struct sessions {
	struct service *service;
	/* From the loop: a session or a turn may have ended. NULL: not called. */
	void (*changed)(void *arg);
	void *arg;
	struct session_entry *entries; /* the least recently used first */
	unsigned failed;               /* closed sessions whose release failed */
	bool shut;
	struct loop_timer *idle; /* the next IDLE_TIMEOUT that may end */

	/* Of sessions_stop(). */
	struct stop_order order;
	unsigned ordered;
	uv_idle_t *rest; /* active: some are still to be ordered */
};

/* Keeps service. */
struct sessions *sessions_create(struct service *service) MUST_CHECK;

enum sessions_answer {
	SESSIONS_TAKEN,
	SESSIONS_FULL,    /* SESSION_LIMIT: all are in use or still closing */
	SESSIONS_BUSY,    /* QUEUE_LIMIT: too many turns wait for this session */
	SESSIONS_CLOSING, /* the service stops */
};

/* Begins a turn, or queues it. bot is a name from config_bot(). *turn is set when the
 * turn was taken. */
enum sessions_answer sessions_say(struct sessions *sessions, const char *room,
	const char *bot, const char *text, turn_done_fn *done, void *arg,
	struct turn **turn) MUST_CHECK;

unsigned sessions_count(const struct sessions *sessions);
unsigned sessions_turns(const struct sessions *sessions); /* running and waiting */

typedef void sessions_each_fn(
	void *arg, const struct session *session, int64_t idle_ns);
/* Calls `each` for all, the least recently used first. */
void sessions_each(const struct sessions *sessions, sessions_each_fn *each, void *arg);

/* Orders the first `count` sessions to stop, the least recently used first; UINT_MAX:
 * all. Many are ordered in the next turns of the loop. After the call, also with a count
 * of 0, no turn is taken, and the order of use stays as it is. Copies order. */
void sessions_stop(
	struct sessions *sessions, const struct stop_order *order, unsigned count);

/* Without a request to the agent API. The loop must turn for its handles. Accepts NULL.
 */
void sessions_destroy(struct sessions *sessions);

#endif
