/*
 * intake - the service's HTTP side.
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
#ifndef SERVICE_INTAKE_H
#define SERVICE_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct cabinet;
struct intake;
struct means;

/* Listens as config says. Keeps means and cabinet. */
struct intake *intake_create(
	const struct means *means, struct cabinet *cabinet, struct err *err) MUST_CHECK;
uint16_t intake_port(const struct intake *intake);

/* From now on /ready says 503; work is still taken. */
void intake_unready(struct intake *intake);

/* From now on webhooks are answered 503, and no connection is accepted. `changed` comes
 * from the loop when one of the two below may have become true. */
typedef void intake_changed_fn(void *arg);
void intake_drain(struct intake *intake, intake_changed_fn *changed, void *arg);
bool intake_is_answered(const struct intake *intake); /* nobody waits for an answer */
/* And idle connections had their linger. */
bool intake_is_drained(const struct intake *intake);

/* Breaks what is still open. The loop must turn for its handles. Accepts NULL. */
void intake_destroy(struct intake *intake);

#endif
