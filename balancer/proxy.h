/*
 * proxy - passes each request on to a backend, and its answer back.
 *
 * Method, target, headers and body go as they came, but for the headers of a connection
 * (RFC 9110, 7.6.1); the answer gets "X-Backend: ADDRESS". An answer whose length is known
 * is passed on when it is whole, any other 2xx piece by piece, so that a stream flows; one
 * that is cut is cut for the client as well. Connections to clients and to backends are
 * kept open.
 *
 * A request that a backend has not begun to answer is sent to another one, `retries` times
 * at most, whatever its method (as haproxy's "retry-on conn-failure empty-response"). After
 * that the answer is 502, or 504 where the time was over; without any backend it is 503
 * with Retry-After.
 *
 * Events: request.retried and request.failed, with "backend", "method", "path", "why".
 */
#ifndef BALANCER_PROXY_H
#define BALANCER_PROXY_H

#include <uv.h>

#include "balancer/backends.h"
#include "balancer/config.h"
#include "lib/err.h"
#include "lib/web.h"

struct proxy;

/* Gives one that listens. Keeps all pointers. */
struct proxy *proxy_create(uv_loop_t *loop, const struct balancer_config *config,
	struct backends *backends, struct err *err) MUST_CHECK;
uint16_t proxy_port(const struct proxy *proxy);

/* Closes the port, answers what has been accepted, then calls `done`; see web_drain(). */
void proxy_drain(struct proxy *proxy, web_drained_fn *done, void *arg);

/* Breaks off what is under way. Accepts NULL. */
void proxy_destroy(struct proxy *proxy);

#endif
