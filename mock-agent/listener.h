/*
 * listener - a listening port that can be shut, and opened again.
 *
 * While it is shut, new connections are refused (ECONNREFUSED). Existing connections
 * continue, streams above all, but every response is the last one of its connection.
 */
#ifndef MOCK_AGENT_LISTENER_H
#define MOCK_AGENT_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/web.h"

struct listener;

/* Open. Keeps loop; copies options, whose host must outlive it. */
struct listener *listener_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err) MUST_CHECK;
uint16_t listener_port(const struct listener *listener); /* never changes */
bool listener_is_open(const struct listener *listener);

/* Takes effect in the loop's next turn. */
void listener_shut(struct listener *listener);

/* False: another process took the port. */
bool listener_open(struct listener *listener, struct err *err) MUST_CHECK;

/* Breaks all connections. Accepts NULL. */
void listener_destroy(struct listener *listener);

#endif
