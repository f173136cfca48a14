/*
 * health_probe - the client of --health: does a server answer GET /health with 200?
 *
 * For health checks in images that have no shell and no HTTP client.
 */
#ifndef LIB_HEALTH_PROBE_H
#define LIB_HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* Asks once, and waits timeout_ns at most; runs a loop of its own. `where` is the port
 * of a server on this machine that listens at the address host, or "http://host:port".
 * False with the reason: the answer is not 200, or there is none. */
bool health_probe(const char *host, const char *where, int64_t timeout_ns,
	struct err *err) MUST_CHECK;

#endif
