/*
 * loop_timer - a one-shot timer that never fires before its time.
 */
#ifndef LIB_LOOP_TIMER_H
#define LIB_LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop_timer;

typedef void loop_timer_fn(void *arg);

/* Keeps loop and arg. */
struct loop_timer *loop_timer_create(uv_loop_t *loop, loop_timer_fn *fired, void *arg);

/* Fires ns from now, in place of any earlier setting; 0: in the loop's next turn. */
void loop_timer_set(struct loop_timer *timer, int64_t ns);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_set(const struct loop_timer *timer); /* and has not fired */

/* The handle closes in the loop's next turn. May be called from `fired`. Accepts
 * NULL. */
void loop_timer_destroy(struct loop_timer *timer);

#endif
