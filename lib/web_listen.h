/*
 * web_listen - the sockets that web listens at.
 */
#ifndef LIB_WEB_LISTEN_H
#define LIB_WEB_LISTEN_H

#include <stdint.h>

#include "lib/err.h"

/* These give a socket that does not block, and that is the caller's also on failure (-1:
 * there is none). At an address in numbers: port 0 becomes one that was free. At a path,
 * to which its owner alone may connect: a socket that is left there and at which nobody
 * listens is replaced. */
bool web_listen_at(
	const char *host, uint16_t *port, int *listener, struct err *err) MUST_CHECK;
bool web_listen_at_socket(const char *path, int *listener, struct err *err) MUST_CHECK;
/* The TCP socket that is our stdin, which is /dev/null afterwards. */
bool web_listen_at_stdin(uint16_t *port, int *listener, struct err *err) MUST_CHECK;

/* Nobody begins to connect any more. */
void web_listen_block_handshakes(int listener);

#endif
