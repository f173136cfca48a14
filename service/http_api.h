/*
 * http_api - the routes of the service's HTTP server.
 *
 *   POST /webhook/<bot>   a message in, the agent's reply out when the turn ends
 *   GET  /health          200 while the process lives, also during the stop
 *   GET  /ready           200 until the stop begins, then 503
 *   GET  /cache/stats     the sessions, as JSON
 *   GET  /metrics         Prometheus text
 *
 * Errors are {"error": "..."}. microhttpd itself answers malformed HTTP; those answers
 * are not counted.
 */
#ifndef SERVICE_HTTP_API_H
#define SERVICE_HTTP_API_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct service;

/* Others read web and drained. */
struct http_api {
	struct service *service;
	struct web *web;
	int64_t began_ns;
	bool unready;
	bool draining;
	bool drained; /* no request is under way, and LINGER is over for connections */
	void (*changed)(void *arg);
	void *changed_arg;
};

/* Listens as the config says. Keeps service. */
struct http_api *http_api_create(struct service *service, struct err *err) MUST_CHECK;

/* From now on /ready answers 503; webhooks are still taken. */
void http_api_unready(struct http_api *api);

/* From now on webhooks are answered 503, and no connection is accepted. `changed` comes
 * from the loop when a request was answered, or `drained` became true. */
void http_api_drain(struct http_api *api, void (*changed)(void *arg), void *arg);

/* Breaks open connections. The loop must turn for its handles. Accepts NULL. */
void http_api_destroy(struct http_api *api);

#endif
