/*
 * load - the clients of a case: they open sessions through webhooks, start turns and
 * hold idle keep-alive connections.
 */
#ifndef HARNESS_RUN_LOAD_H
#define HARNESS_RUN_LOAD_H

#include <stdbool.h>
#include <uv.h>

#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "lib/err.h"

struct load;

/* Keeps all pointers; base is "http://127.0.0.1:8080". */
struct load *load_create(uv_loop_t *loop, const struct scenario *scenario,
	const char *base, struct evidence *evidence, struct err *err) MUST_CHECK;

/* Opens the scenario's sessions, all at once. */
void load_open_sessions(struct load *load);
/* Sends one more webhook to the first load.turns sessions. */
void load_start_turns(struct load *load);
void load_open_idle(struct load *load);

/* Requests of the kind that ended, well or not. */
unsigned load_ended(const struct load *load, enum request_kind kind);
/* The first request of the kind that went wrong, in words; NULL: none did. */
const char *load_trouble(const struct load *load, enum request_kind kind);

void load_destroy(struct load *load); /* accepts NULL; open requests stay pending */

#endif
