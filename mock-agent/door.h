/*
 * door - where clients come in: a listener that can refuse, and open again.
 *
 * Shut, it refuses connections (ECONNREFUSED). What goes on over connections that are
 * there goes on, streams above all, but every answer is the last one of its connection.
 */
#ifndef MOCK_AGENT_DOOR_H
#define MOCK_AGENT_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/web.h"

struct door;

/* Open. Keeps loop; copies options, whose host must outlive it. */
struct door *door_create(
	uv_loop_t *loop, const struct web_options *options, struct err *err) MUST_CHECK;
uint16_t door_port(const struct door *door); /* the same one for its whole life */
bool door_is_open(const struct door *door);

/* From the loop's next turn on nobody gets in. */
void door_shut(struct door *door);

/* False when the port was taken meanwhile. */
bool door_open(struct door *door, struct err *err) MUST_CHECK;

/* Breaks what is under way. Accepts NULL. */
void door_destroy(struct door *door);

#endif
