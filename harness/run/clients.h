/*
 * clients - the HTTP clients of load.request.
 *
 * Each sends one request after the other, over a new connection each that is closed
 * afterwards or over one that it keeps open, as the scenario says, and stops at its first request that goes wrong. The evidence has one
 * request per client: its last.
 */
#ifndef HARNESS_RUN_CLIENTS_H
#define HARNESS_RUN_CLIENTS_H

#include <stdbool.h>
#include <uv.h>

#include "harness/run/evidence.h"
#include "harness/scenario/load_request_part.h"
#include "lib/err.h"

struct clients;

/* Keeps all pointers but base, "http://127.0.0.1:8080". Nothing is sent yet. */
struct clients *clients_create(uv_loop_t *loop, const struct load_request_part *part,
	const char *base, struct evidence *evidence, struct err *err) MUST_CHECK;
void clients_destroy(struct clients *clients); /* accepts NULL; none is answered */

/* Every client sends its first request. */
void clients_begin(struct clients *clients);

/* For the stop: no client sends another request after its present one. `last`: those
 * that have none under way send one now. */
void clients_hold(struct clients *clients, bool last);

/* Since the last of the two calls above every client has been answered, or has a
 * request under way: it was sent, and of a stream the first bytes have come. */
bool clients_are_under_way(const struct clients *clients);

/* The first request that went wrong, in words; NULL: none. Borrowed. */
const char *clients_trouble(const struct clients *clients);

#endif
