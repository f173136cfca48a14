/*
 * health_probe - the mock as its own client: is one up and answering?
 *
 * For containers without a shell, whose health check has nothing else to run.
 */
#ifndef LIB_HEALTH_PROBE_H
#define LIB_HEALTH_PROBE_H

#include <stdbool.h>

#include "lib/err.h"

/* Asks where ("8080" on this machine, or "http://host:8080") for /health, once; turns
 * a loop of its own. False, with the reason, unless it is answered with 200. */
bool health_probe(const char *where, struct err *err) MUST_CHECK;

#endif
