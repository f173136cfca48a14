/*
 * web_watch - tells when the clients of web leave: when they close their connection or
 * shut their direction of it.
 *
 * A connection is watched from its beginning to its end, in an epoll set that wakes for
 * nothing else, so that a request costs no system call.
 */
#ifndef LIB_WEB_WATCH_H
#define LIB_WEB_WATCH_H

#include <uv.h>

#include "lib/err.h"

struct web_watch;

/* Called from the loop, at least once for a connection that its client ended, with the
 * `arg` of its web_watch_add(). It must not end a connection itself. */
typedef void web_watch_left_fn(void *arg);

/* Keeps loop. NULL: it failed. */
struct web_watch *web_watch_create(
	uv_loop_t *loop, web_watch_left_fn *left, struct err *err) MUST_CHECK;

/* Keeps arg. Where the kernel has no room for one more watch, nobody tells of this
 * client. */
void web_watch_add(struct web_watch *watch, int fd, void *arg);
void web_watch_remove(struct web_watch *watch, int fd); /* before it is closed */

/* The handle closes in the next turn of the loop. Accepts NULL. */
void web_watch_destroy(struct web_watch *watch);

#endif
