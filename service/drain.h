/*
 * drain - the whole stop, from the first stop signal to the exit code.
 *
 *   serving --signal--> delaying --DRAIN_DELAY--> draining -> disconnecting -> flushing
 *
 * Draining takes no new work: running turns finish, or are interrupted at the end of
 * TURN_BUDGET. Disconnecting releases sessions as DISCONNECT says: in parallel under
 * one absolute deadline (the time of the signal + GRACE - RESERVE), sequentially one
 * after the other, or not at all. The deadline or a second signal force the stop:
 * releases are given up and MCP servers are killed. Flushing writes the store.
 */
#ifndef SERVICE_DRAIN_H
#define SERVICE_DRAIN_H

#include <stdbool.h>

#include "lib/cc.h"

struct drain;
struct service;

/* Once, from the loop: the store was flushed, after the end of all sessions and
 * requests, or out of time. The owner destroys what remains. */
typedef void drain_done_fn(void *arg);

/* Keeps service. */
struct drain *drain_create(
	struct service *service, drain_done_fn *done, void *arg) MUST_CHECK;

/* A stop signal was read. Any further one forces the stop. */
void drain_signal(struct drain *drain, int signal);

/* After `done`: closes its handles, for which the loop must turn. */
void drain_close(struct drain *drain);

/* After the end of the loop: logs "shutdown.complete", the last line, and gives the
 * exit code: 0, or 1 when a release failed or the store was not written. */
int drain_complete(const struct drain *drain) MUST_CHECK;

/* After drain_close() and turns of the loop. Accepts NULL. */
void drain_destroy(struct drain *drain);

#endif
