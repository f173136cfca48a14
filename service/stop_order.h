/*
 * stop_order - how a session is to stop: one struct, passed down layer by layer.
 *
 * sessions_stop() -> session_stop() -> session_resources_stop() -> mcp_servers_stop().
 * Each layer merges a new order into the one that it has; an order is never taken back
 * and never made slower.
 */
#ifndef SERVICE_STOP_ORDER_H
#define SERVICE_STOP_ORDER_H

#include <stdbool.h>
#include <stdint.h>

enum stop_mode {
	STOP_NONE,      /* no order was given */
	STOP_FINISH,    /* running and waiting turns end first */
	STOP_INTERRUPT, /* running and waiting turns are interrupted */
	STOP_FORCE,     /* the release is given up, and servers are killed */
};

struct stop_order {
	enum stop_mode mode;
	/* Release the agent session and stop the servers. False: wait until the stream
	 * and the servers end by themselves. The first order decides. */
	bool release;
	/* The release of each session begins at random within this time. The first order
	 * decides. */
	int64_t jitter_ns;
	int64_t deadline_ns; /* CLOCK_MONOTONIC, for the whole stop; 0: none */
	const char *why;     /* of STOP_FORCE; a constant string */
};

/* The faster of both, into *order: the higher mode and the earlier deadline. False:
 * more asks for nothing new. */
bool stop_order_merge(struct stop_order *order, const struct stop_order *more);

/* The steps of a ladder (child_stop()) under the order's deadline: as they are, or in the
 * same proportion within nine tenths of the time that is left. The last tenth is for
 * SIGKILL to take effect. */
void stop_order_shorten(
	const struct stop_order *order, int64_t *eof_ns, int64_t *term_ns);

#endif
