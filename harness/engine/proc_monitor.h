/*
 * proc_monitor - what the kernel lets us see of one process: the signals it is sent, and its
 * end.
 *
 * Joins a pidfd (the end, at once), the process connector (the end, stamped by the
 * kernel, the wait status, and all descendants) and the tap (signals, stamped by the kernel). Each that
 * is not allowed here is done without, and the facts say what they rest on.
 */
#ifndef HARNESS_ENGINE_PROC_MONITOR_H
#define HARNESS_ENGINE_PROC_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/engine/facts.h"

/* What all eyes of an engine share. */
struct proc_monitors;
struct proc_monitor;

/* Keeps loop. Says in sight what is possible here: signal, exit and wait_status. */
struct proc_monitors *proc_monitors_open(
	uv_loop_t *loop, struct engine_capabilities *capabilities);
void proc_monitors_close(struct proc_monitors *monitors); /* accepts NULL */

/* From the loop, once: the process has ended. */
typedef void proc_monitor_ended_fn(void *arg);

/* NULL with err when the process cannot be seen at all (gone, or another kernel's). */
struct proc_monitor *proc_monitor_open(struct proc_monitors *monitors, pid_t pid,
	proc_monitor_ended_fn *ended, void *arg, struct err *err) MUST_CHECK;
int proc_monitor_pidfd(const struct proc_monitor *monitor);
bool proc_monitor_ended(const struct proc_monitor *monitor);

/* Writes what was seen over facts: exit_ns and wait status; signal_ns, signal_delivery and
 * signals_seen for facts->stop_signal from facts->asked_ns on; kill_ns, kill_source
 * and kill_sender. Says nothing of kill_by_engine: kill_by tells who sent it, -1
 * for the kernel itself. */
void proc_monitor_tell(
	struct proc_monitor *monitor, struct stop_facts *facts, pid_t *kill_by);
/* Its descendants, dead and alive. False when the kernel does not tell here, or had more
 * to tell than we could hear. Borrowed until proc_monitor_close(). */
bool proc_monitor_descendants(struct proc_monitor *monitor,
	const struct proc_record **events, unsigned *count);
void proc_monitor_close(struct proc_monitor *monitor); /* accepts NULL */

#endif
