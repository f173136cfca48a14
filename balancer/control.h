/*
 * control - the backends, shown and changed over HTTP at a unix socket.
 *
 *   GET /control/backends   backends_json()
 *   PUT /control/backends   {"backends": ["10.0.0.2:80", ...]}: exactly these from now on;
 *                           answered as GET; 400 and nothing changes where it is wrong
 *
 * It has no port: who reaches the balancer cannot change it.
 */
#ifndef BALANCER_CONTROL_H
#define BALANCER_CONTROL_H

#include <uv.h>

#include "balancer/backends.h"
#include "lib/err.h"

struct control;

/* Listens at config's path. Keeps loop and backends. */
struct control *control_create(uv_loop_t *loop, const char *path,
	struct backends *backends, struct err *err) MUST_CHECK;
void control_destroy(struct control *control); /* accepts NULL */

#endif
