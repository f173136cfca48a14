/*
 * drain - the whole way down, from the first stop signal to the exit code.
 *
 *   serving --signal--> delaying --DRAIN_DELAY--> draining --> done
 *
 * Draining, nothing new is taken: work in hand finishes or is interrupted when
 * TURN_BUDGET ends, and sessions are let go as DISCONNECT says. In parallel all of it
 * is under one absolute deadline, the time of the signal + GRACE - RESERVE: what is not
 * let go then is given up. A second signal gives up at once.
 */
#ifndef SERVICE_DRAIN_H
#define SERVICE_DRAIN_H

#include <stdbool.h>

#include "lib/cc.h"

struct sessions;
struct drain;
struct http_api;
struct service;

/* Once, from the loop: sessions are gone, requests are answered, the store is flushed.
 * Or they are not, and there is no time left: what remains is the owner's to destroy.
 */
typedef void drain_done_fn(void *arg);

/* Keeps means, cabinet and intake. */
struct drain *drain_create(const struct service *service, struct sessions *sessions,
	struct http_api *http_api, drain_done_fn *done, void *arg) MUST_CHECK;

/* A stop signal was read. From the second on: now. */
void drain_signal(struct drain *drain, int signal);

/* After `done`: closes its handles, which takes turns of the loop. */
void drain_close(struct drain *drain);

/* Logs "shutdown.complete", as the last line, and gives the exit code. When the loop
 * has ended. */
int drain_complete(const struct drain *drain) MUST_CHECK;

/* Accepts NULL. Its handles are closed, or were never opened. */
void drain_destroy(struct drain *drain);

#endif
