/*
 * seat - where one MCP server of a session sits: its process, from start to reaping.
 *
 * Everything that happens to it is logged and counted here.
 */
#ifndef SERVICE_SEAT_H
#define SERVICE_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/child.h"
#include "lib/err.h"
#include "service/starter.h"

struct mcp;
struct means;
struct server;

enum seat_state {
	SEAT_EMPTY,  /* nobody was started, or who was is gone */
	SEAT_QUEUED, /* waits for the starter */
	SEAT_STARTING,
	SEAT_READY,
	SEAT_ENDING, /* it failed to start, or is on its way down */
};

/* Embedded in its owner, who fills in the first part; all borrowed. `changed` comes
 * when the state has changed, from the loop or from inside a call. */
struct seat {
	const struct means *means;
	const char *room, *bot;
	unsigned server; /* index in config */
	void (*changed)(void *arg);
	void *arg;

	enum seat_state state;
	struct mcp *mcp; /* of an empty seat: a dead one's, or NULL */
	struct starter_ticket ticket;
	enum child_step step;
	bool claimed; /* we owe tools.h an answer */
	unsigned noise;
};

/* If it is empty: takes its turn with the starter. */
void seat_queue(struct seat *seat);

/* The same if nobody but us would ask this server for its tools. */
void seat_queue_to_ask(struct seat *seat);

/* The server, started now if need be. NULL when it can't be used, and why. */
struct mcp *seat_take(struct seat *seat, struct err *err) MUST_CHECK;

/* Is there a process? */
bool seat_is_running(const struct seat *seat);
/* Will there be a ready one, or the report that there won't? */
bool seat_is_starting(const struct seat *seat);

/* It does not start any more; who runs, runs on. */
void seat_calm(struct seat *seat);

/* Down the ladder, see child_stop(). */
void seat_stop(struct seat *seat, int64_t eof_ns, int64_t term_ns);

/* Kills who still runs; no `changed` any more. */
void seat_done(struct seat *seat);

#endif
