/*
 * cabinet - all sessions, one for each (room, bot).
 *
 * Finds the session of a webhook, or makes one. Sessions that nobody used for
 * IDLE_TIMEOUT are closed; where SESSION_LIMIT is reached, the least recently used idle
 * one makes room. Those that are closing do not count, up to as many again.
 */
#ifndef SERVICE_CABINET_H
#define SERVICE_CABINET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "service/session.h"
#include "service/turns.h"

struct cabinet;
struct means;

/* From the loop: a session or a turn came to an end, or may have. */
typedef void cabinet_changed_fn(void *arg);

/* Keeps means. */
struct cabinet *cabinet_create(const struct means *means) MUST_CHECK;
void cabinet_watch(struct cabinet *cabinet, cabinet_changed_fn *changed, void *arg);

enum cabinet_answer {
	CABINET_TAKEN,
	CABINET_FULL,    /* the limit is reached: all are in use or still closing */
	CABINET_BUSY,    /* too many turns wait for this session */
	CABINET_CLOSING, /* the service stops */
};

/* bot is one of config's. *turn only when it was taken. */
enum cabinet_answer cabinet_say(struct cabinet *cabinet, const char *room,
	const char *bot, const char *text, turn_done_fn *done, void *arg,
	struct turn **turn) MUST_CHECK;

unsigned cabinet_count(const struct cabinet *cabinet);
unsigned cabinet_turns(const struct cabinet *cabinet); /* running and waiting */
/* Of the sessions that closed for good: could not be let go. */
unsigned cabinet_failed(const struct cabinet *cabinet);

typedef void cabinet_each_fn(void *arg, const struct session *session, int64_t idle_ns);
/* The least recently used first. */
void cabinet_each(const struct cabinet *cabinet, cabinet_each_fn *each, void *arg);

/* The way down; after any of these nothing is taken any more. See session.h. */
void cabinet_shut(struct cabinet *cabinet); /* that alone */
void cabinet_finish(struct cabinet *cabinet, int64_t deadline_ns);
/* One session only; the next one when it is gone, so it may be asked again and again.
 * There is no deadline. */
void cabinet_finish_first(struct cabinet *cabinet, bool interrupt);
void cabinet_interrupt(struct cabinet *cabinet, int64_t deadline_ns);
void cabinet_abandon(struct cabinet *cabinet);
void cabinet_give_up(struct cabinet *cabinet, const char *why);

/* Without a word to the agent API. The loop must turn for its handles. Accepts NULL. */
void cabinet_destroy(struct cabinet *cabinet);

#endif
