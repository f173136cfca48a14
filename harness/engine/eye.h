/*
 * eye - what the kernel lets us see of one process: the signals it is sent, and its
 * end.
 *
 * Joins a pidfd (the end, at once), the process connector (the end, stamped by the
 * kernel, the wait status, and all descendants) and the tap (signals, stamped by the kernel). Each that
 * is not allowed here is done without, and the facts say what they rest on.
 */
#ifndef HARNESS_ENGINE_EYE_H
#define HARNESS_ENGINE_EYE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/engine/facts.h"

/* What all eyes of an engine share. */
struct eyes;
struct eye;

/* Keeps loop. Says in sight what is possible here: signal, exit and wait_status. */
struct eyes *eyes_open(uv_loop_t *loop, struct engine_sight *sight);
void eyes_close(struct eyes *eyes); /* accepts NULL */

/* From the loop, once: the process has ended. */
typedef void eye_ended_fn(void *arg);

/* NULL with err when the process cannot be seen at all (gone, or another kernel's). */
struct eye *eye_open(struct eyes *eyes, pid_t pid, eye_ended_fn *ended, void *arg,
	struct err *err) MUST_CHECK;
int eye_pidfd(const struct eye *eye);
bool eye_ended(const struct eye *eye);

/* Writes what was seen over facts: exit_ns and wait status; signal_ns, signal_fate and
 * signals_seen for facts->stop_signal from facts->asked_ns on; kill_ns, kill_witness
 * and kill_sender. Says nothing of kill_by_engine: kill_by tells who sent it, -1
 * for the kernel itself. */
void eye_tell(struct eye *eye, struct stop_facts *facts, pid_t *kill_by);
/* Its descendants, dead and alive. False when the kernel does not tell here, or had more
 * to tell than we could hear. Borrowed until eye_close(). */
bool eye_descendants(struct eye *eye, const struct life **lives, unsigned *count);
void eye_close(struct eye *eye); /* accepts NULL */

#endif
