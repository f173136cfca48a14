/*
 * listener - where clients come in: a listener that can refuse, and open again.
 *
 * Shut, it refuses connections (ECONNREFUSED). What goes on over connections that are
 * there goes on, streams above all, but every answer is the last one of its connection.
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
uint16_t listener_port(
	const struct listener *listener); /* the same one for its whole life */
bool listener_is_open(const struct listener *listener);

/* From the loop's next turn on nobody gets in. */
void listener_shut(struct listener *listener);

/* False when the port was taken meanwhile. */
bool listener_open(struct listener *listener, struct err *err) MUST_CHECK;

/* Breaks what is under way. Accepts NULL. */
void listener_destroy(struct listener *listener);

#endif
