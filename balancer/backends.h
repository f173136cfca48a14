/*
 * backends - where requests are sent to, in turn.
 *
 * A backend that is taken out gets requests until the lag is over; then it gets no other
 * one, those that it has go on, and its idle connections are closed when the last of them
 * is over. With a health path it gets requests while it is found healthy, without one from
 * the beginning.
 *
 * Events: backend.added, backend.up, backend.failing (one check), backend.down,
 * backend.leaving (the lag begins), backend.kept (it is wanted again within the lag),
 * backend.out (no new request), backend.closed (no
 * connection of ours to it is left), each with its "backend".
 */
#ifndef BALANCER_BACKENDS_H
#define BALANCER_BACKENDS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "balancer/config.h"
#include "lib/err.h"
#include "lib/fetch.h"

struct backends;

/* Read only outside. */
struct backend {
	char *address; /* "10.0.0.2:80" */
	struct fetch *fetch;
	uint64_t requests;  /* that it was sent */
	unsigned under_way; /* of them */
	bool is_up;         /* found healthy, or never asked */
	bool is_leaving;    /* it is to be taken out when the lag is over */
	bool is_out;

	/* The rest is for backends.c. */
	struct backends *all;
	struct backend *prev, *next;
	struct loop_timer *lag;
	struct health *health; /* NULL: it is not asked */
};

/* Keeps loop and config. */
struct backends *backends_create(uv_loop_t *loop, const struct balancer_config *config);
/* No request is under way. Accepts NULL. */
void backends_destroy(struct backends *backends);

/* Exactly these from now on. One that was taken out and comes again is a new one, unless
 * its lag is not over. */
bool backends_set(struct backends *backends, const char *const *addresses,
	unsigned count, struct err *err) MUST_CHECK;
/* The same of "ADDRESS:PORT,ADDRESS:PORT". */
bool backends_set_text(
	struct backends *backends, const char *text, struct err *err) MUST_CHECK;

/* The next one that gets requests, if possible not `avoid`, which may be NULL; NULL: there
 * is none. */
struct backend *backends_next(struct backends *backends, const struct backend *avoid);

/* A request is sent to it; it stays until the request is over. */
void backend_enter(struct backend *backend);
void backend_leave(struct backend *backend);

/* {"backends": [{"address": "10.0.0.2:80", "state": "up", "under_way": 2, "requests":
 * 77}, ...]}; the caller's. state: "checking" or "down" (no request), "up", "leaving" (gets
 * requests), "out" (its last ones are under way). */
cJSON *backends_json(const struct backends *backends) MUST_CHECK;

#endif
