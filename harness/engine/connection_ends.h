/*
 * connection_ends - what became of clients' connections that were under way at a stop.
 *
 * sock_diag(7) tells the last figures of each TCP socket when the kernel destroys it,
 * with all that its peer acknowledged, also after the end of its process. Nothing is
 * polled. Allowed as sock_diag is: in one's own network namespace, as root in others.
 */
#ifndef HARNESS_ENGINE_CONNECTION_ENDS_H
#define HARNESS_ENGINE_CONNECTION_ENDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/facts.h"
#include "harness/engine/tcp_table.h"
#include "lib/err.h"

struct connection_end {
	struct tcp_socket before; /* when the watch began */
	/* Its last figures, or those it had when the watch was over. */
	struct tcp_socket after;
	bool destroyed; /* else it was still there, or `after` is not known: */
	bool unknown;   /* no event came, and it was not there any more */
	/* Its address is no longer there: what is still to be sent never arrives. */
	bool cut_off;
	struct connection_close close; /* not written here */
};

struct connection_ends;

/* Watches these sockets of the network namespace of pid, which are copied. Keeps loop; the
 * handle is unreferenced. NULL with err where it is not possible. */
struct connection_ends *connection_ends_open(uv_loop_t *loop, pid_t pid,
	const struct tcp_socket *sockets, unsigned count, struct err *err) MUST_CHECK;

/* Ends the watch, and gives one of each, in their order; the caller's to free(). Waits up
 * to 250 ms for events that are on their way, and for what a peer acknowledges late. */
struct connection_end *connection_ends_close(struct connection_ends *ends);

/* The peer has all that was sent, and the FIN behind it. */
bool connection_end_is_whole(const struct connection_end *end);

#endif
