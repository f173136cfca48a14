/*
 * bell - rings once, when a time has passed, and never before it has.
 */
#ifndef MOCK_AGENT_BELL_H
#define MOCK_AGENT_BELL_H

#include <stdint.h>
#include <uv.h>

struct bell;

typedef void bell_fn(void *arg);

/* Keeps loop and arg. */
struct bell *bell_create(uv_loop_t *loop, bell_fn *ring, void *arg);

/* Rings in ns from now, whatever was set before; 0 is the loop's next turn. */
void bell_set(struct bell *bell, int64_t ns);
void bell_stop(struct bell *bell);

/* Its handle closes in the loop's next turn. May be called from its own ring.
 * Accepts NULL. */
void bell_destroy(struct bell *bell);

#endif
