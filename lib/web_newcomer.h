/*
 * web_newcomer - connections of which is not known yet what they speak: HTTP/1.1 or
 * HTTP/2.
 *
 * Private to web.c. The first bytes tell (RFC 9113, 3.4): no method of HTTP/1.1 begins like
 * the preface of HTTP/2. They stay in the socket.
 */
#ifndef LIB_WEB_NEWCOMER_H
#define LIB_WEB_NEWCOMER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

struct web_newcomers;

/* The connection is the owner's now. */
typedef void web_newcomer_fn(
	void *arg, int fd, const struct sockaddr *client, socklen_t len, bool http2);

/* One of them said too little for idle_ns, and was closed. */
typedef void web_newcomer_gone_fn(void *arg);

/* Keeps loop and arg. */
struct web_newcomers *web_newcomers_create(uv_loop_t *loop, int64_t idle_ns,
	web_newcomer_fn *decided, web_newcomer_gone_fn *gone, void *arg);

/* Takes fd. Decides at once if it can. */
void web_newcomers_add(struct web_newcomers *newcomers, int fd,
	const struct sockaddr *client, socklen_t len);

unsigned web_newcomers_count(const struct web_newcomers *newcomers); /* NULL: 0 */

/* Closes them. The handles close in the loop's next turns. Accepts NULL. */
void web_newcomers_destroy(struct web_newcomers *newcomers);

#endif
