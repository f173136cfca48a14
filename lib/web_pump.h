/*
 * web_pump - runs microhttpd on libuv's loop.
 *
 * The lowest part of web: it has neither connections nor exchanges.
 */
#ifndef LIB_WEB_PUMP_H
#define LIB_WEB_PUMP_H

#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

#include "lib/err.h"

struct web_pump;

/* Called from the loop after each run of microhttpd; may destroy the pump. */
typedef void web_pump_ran_fn(void *arg);

/* Keeps loop and arg. */
struct web_pump *web_pump_create(uv_loop_t *loop, web_pump_ran_fn *ran, void *arg);

/* Takes daemon, also on failure; NULL is one. */
bool web_pump_start(
	struct web_pump *pump, struct MHD_Daemon *daemon, struct err *err) MUST_CHECK;

/* Runs microhttpd in this turn of the loop, or in the next. At any time, microhttpd's
 * callbacks included. */
void web_pump_wake(struct web_pump *pump);

/* web_pump_wake() was called, and microhttpd has not run since. */
bool web_pump_is_due(const struct web_pump *pump);

/* Stops the daemon, whose callbacks come before this returns. Not from a callback of
 * microhttpd. The handles close in the next turn of the loop. Accepts NULL. */
void web_pump_destroy(struct web_pump *pump);

#endif
