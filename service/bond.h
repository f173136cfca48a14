/*
 * bond - what an open session holds: its talk with the agent, and its kit of MCP
 * servers.
 *
 * Opened together, ended together: the agent session is let go and the servers go down
 * their ladders side by side. One that broke is of no use any more: it is only released,
 * so that the agent session can be resumed, unless the end is for good.
 */
#ifndef SERVICE_BOND_H
#define SERVICE_BOND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"
#include "service/turns.h"

struct bond;
struct means;

struct bond_events {
	/* One of the questions below may have another answer now. From the loop or from
	 * inside a call. */
	void (*changed)(void *arg);
	/* The end of a bond_say(), from the loop: the reply, or why there is none. Not
	 * after bond_end() or bond_abandon(). */
	void (*turned)(void *arg, enum turn_end end, const char *text);
};

/* Resumes the agent session that the store has for (room, bot), or makes a new one.
 * Keeps means and events; copies room and bot. */
struct bond *bond_open(const struct means *means, const char *room, const char *bot,
	const struct bond_events *events, void *arg) MUST_CHECK;

bool bond_is_open(const struct bond *bond);
bool bond_is_resumed(const struct bond *bond);    /* an open one: not made new */
const char *bond_broken(const struct bond *bond); /* why, or NULL */
bool bond_is_over(const struct bond *bond);       /* only bond_destroy() is left */
bool bond_failed(const struct bond *bond);        /* one that is over: not let go */

/* Says that it is of no use any more. */
void bond_break(struct bond *bond, const char *why);

/* See agent.h. */
bool bond_say(struct bond *bond, const char *text, struct err *err) MUST_CHECK;
void bond_interrupt(struct bond *bond);

/* The store is told the agent session's last use. */
void bond_save(struct bond *bond, bool interrupted);

/* for_good: nobody is there to resume it. deadline_ns is CLOCK_MONOTONIC, 0 for none. */
void bond_end(struct bond *bond, bool for_good, int64_t deadline_ns);

/* Lets go of nothing: it is over when stream and servers have ended by themselves. */
void bond_abandon(struct bond *bond);

/* After one of the two: the servers' deadline is this one, if it is earlier. */
void bond_hurry(struct bond *bond, int64_t deadline_ns);

/* After one of the two: what is not let go is given up, the servers are killed. */
void bond_give_up(struct bond *bond, const char *why);

/* Without a word to the agent API. Not from inside its events. The loop must turn for
 * its handles. Accepts NULL. */
void bond_destroy(struct bond *bond);

#endif
