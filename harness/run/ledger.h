/*
 * ledger - the socket that every mock writes its events into.
 *
 * A unix socket, mounted into containers at the same path. Each connection is the
 * lifeline of one process; it is always drained, so that no writer blocks. Lines become
 * events and the ends of connections the ends of lifelines, both in the evidence.
 */
#ifndef HARNESS_RUN_LEDGER_H
#define HARNESS_RUN_LEDGER_H

#include <stdbool.h>
#include <uv.h>

#include "harness/run/evidence.h"
#include "lib/err.h"

struct ledger;

/* Keeps loop and evidence. Listens on `path`. */
struct ledger *ledger_create(uv_loop_t *loop, const char *path,
	struct evidence *evidence, struct err *err) MUST_CHECK;

/* Each event that comes from now on, before it is in the evidence. Borrows name and json. */
typedef void ledger_event_fn(void *arg, const char *name, const cJSON *json);
void ledger_on_event(struct ledger *ledger, ledger_event_fn *heard, void *arg);

const char *ledger_address(const struct ledger *ledger); /* "unix:/path" */
void ledger_destroy(struct ledger *ledger);              /* accepts NULL */

#endif
