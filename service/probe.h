/*
 * probe - asks a running service for its health.
 *
 * For health checks in images that have no shell and no HTTP client.
 */
#ifndef SERVICE_PROBE_H
#define SERVICE_PROBE_H

#include "lib/err.h"

struct config;

/* GET /health at config's host and `health` port, in at most REQUEST_TIMEOUT. Runs a
 * loop of its own. False with the reason when the answer is not 200. */
bool probe_health(const struct config *config, struct err *err) MUST_CHECK;

#endif
