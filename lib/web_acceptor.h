/*
 * web_acceptor - a listening socket, from which clients are accepted while there is room.
 *
 * Private to web.c.
 */
#ifndef LIB_WEB_ACCEPTOR_H
#define LIB_WEB_ACCEPTOR_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "lib/err.h"

struct web_acceptor;

struct web_acceptor_owner {
	bool (*has_room)(void *arg); /* for one more client */
	/* A client, whose descriptor is the owner's now. */
	void (*accepted)(
		void *arg, int fd, const struct sockaddr *client, socklen_t len);
	/* Descriptors had run out: it may be tried again. */
	void (*again)(void *arg);
};

/* Keeps loop, owner and arg; takes listener and path, also on failure. path: of a unix
 * socket, to remove at the end, or NULL. */
struct web_acceptor *web_acceptor_create(uv_loop_t *loop, int listener, char *path,
	const struct web_acceptor_owner *owner, void *arg, struct err *err) MUST_CHECK;

/* Accepts as far as there is room. True: no client waits in the kernel. */
bool web_acceptor_accept(struct web_acceptor *acceptor);

/* There may be room again: goes on listening, if it had stopped. */
void web_acceptor_watch(struct web_acceptor *acceptor);

/* Nobody begins to connect any more. */
void web_acceptor_block_handshakes(struct web_acceptor *acceptor);

/* Closes the socket. The handle closes in the loop's next turn. Accepts NULL. */
void web_acceptor_destroy(struct web_acceptor *acceptor);

#endif
