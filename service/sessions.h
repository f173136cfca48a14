/*
 * sessions - all sessions, one for each (room, bot).
 *
 * Finds the session of a webhook, or makes one. Sessions that nobody used for
 * IDLE_TIMEOUT are closed; where SESSION_LIMIT is reached, the least recently used idle
 * one makes room. Those that are closing do not count, up to as many again.
 */
#ifndef SERVICE_SESSIONS_H
#define SERVICE_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "service/session.h"
#include "service/stop_order.h"
#include "service/turn_queue.h"

struct sessions;
struct service;

/* From the loop: a session or a turn came to an end, or may have. */
typedef void sessions_changed_fn(void *arg);

/* Keeps means. */
struct sessions *sessions_create(const struct service *service) MUST_CHECK;
void sessions_watch(struct sessions *sessions, sessions_changed_fn *changed, void *arg);

enum sessions_answer {
	SESSIONS_TAKEN,
	SESSIONS_FULL,    /* the limit is reached: all are in use or still closing */
	SESSIONS_BUSY,    /* too many turns wait for this session */
	SESSIONS_CLOSING, /* the service stops */
};

/* bot is one of config's. *turn only when it was taken. */
enum sessions_answer sessions_say(struct sessions *sessions, const char *room,
	const char *bot, const char *text, turn_done_fn *done, void *arg,
	struct turn **turn) MUST_CHECK;

unsigned sessions_count(const struct sessions *sessions);
unsigned sessions_turns(const struct sessions *sessions); /* running and waiting */
/* Of the sessions that closed for good: could not be let go. */
unsigned sessions_failed(const struct sessions *sessions);

typedef void sessions_each_fn(
	void *arg, const struct session *session, int64_t idle_ns);
/* The least recently used first. */
void sessions_each(const struct sessions *sessions, sessions_each_fn *each, void *arg);

/* Orders the first `count` sessions to stop, the least recently used first; UINT_MAX:
 * all. Also with 0 no turn is taken any more, and sessions keep their order. Copies
 * order. */
void sessions_stop(
	struct sessions *sessions, const struct stop_order *order, unsigned count);

/* Without a word to the agent API. The loop must turn for its handles. Accepts NULL. */
void sessions_destroy(struct sessions *sessions);

#endif
