/*
 * http_api - the service's HTTP side.
 *
 *   POST /webhook/<bot>   a message in, the agent's reply out when the turn ends
 *   GET  /health          200 while the process lives, also on the way down
 *   GET  /ready           200 while it wants work, then 503
 *   GET  /cache/stats     the sessions
 *   GET  /metrics         Prometheus text
 *
 * Errors are {"error": "..."} with a sentence that says which. What is no sound HTTP does
 * not get here: microhttpd answers it, uncounted.
 */
#ifndef SERVICE_HTTP_API_H
#define SERVICE_HTTP_API_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct sessions;
struct http_api;
struct service;

/* Listens as config says. Keeps means and cabinet. */
struct http_api *http_api_create(const struct service *service,
	struct sessions *sessions, struct err *err) MUST_CHECK;
uint16_t http_api_port(const struct http_api *http_api);

/* From now on /ready says 503; work is still taken. */
void http_api_unready(struct http_api *http_api);

/* From now on webhooks are answered 503, and no connection is accepted. `changed` comes
 * from the loop when one of the two below may have become true. */
typedef void http_api_changed_fn(void *arg);
void http_api_drain(struct http_api *http_api, http_api_changed_fn *changed, void *arg);
bool http_api_is_answered(
	const struct http_api *http_api); /* nobody waits for an answer */
/* And idle connections had their linger. */
bool http_api_is_drained(const struct http_api *http_api);

/* Breaks what is still open. The loop must turn for its handles. Accepts NULL. */
void http_api_destroy(struct http_api *http_api);

#endif
