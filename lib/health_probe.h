/*
 * health_probe - the client of --health: does a server answer GET /health with 200?
 *
 * For health checks in images that have no shell and no HTTP client. It needs no library:
 * libcurl and what that brings would be most of a mock's memory and of its start.
 */
#ifndef LIB_HEALTH_PROBE_H
#define LIB_HEALTH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/* Asks once, and blocks for timeout_ns at most (a name that has to be looked up may take
 * longer). `where` is the port
 * of a server on this machine that listens at the address host, or "http://host:port".
 * False with the reason: the answer is not 200, or there is none. */
bool health_probe(const char *host, const char *where, int64_t timeout_ns,
	struct err *err) MUST_CHECK;

#endif
