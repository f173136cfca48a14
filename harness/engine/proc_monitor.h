/*
 * proc_monitor - the signals to one process, its end and its descendants, as the kernel
 * shows them.
 *
 * Joins a pidfd (the end, at once), proc_events (the end stamped by the kernel, the
 * wait status, descendants) and kernel_trace (signals stamped by the kernel). A source
 * that is not allowed here is left out, and the facts name their sources.
 */
#ifndef HARNESS_ENGINE_PROC_MONITOR_H
#define HARNESS_ENGINE_PROC_MONITOR_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "harness/engine/facts.h"
#include "lib/err.h"

/* Shared by all monitors of an engine. */
struct proc_monitors;
struct proc_monitor;

/* Keeps loop. Writes to capabilities what is possible here: signal, kill, exit,
 * signal_delivery, wait_status and the note. */
struct proc_monitors *proc_monitors_open(
	uv_loop_t *loop, struct engine_capabilities *capabilities);
void proc_monitors_close(struct proc_monitors *monitors); /* accepts NULL */

/* Called from the loop, once: the process has ended. */
typedef void proc_monitor_ended_fn(void *arg);

/* NULL with err when there is no such process on this kernel. */
struct proc_monitor *proc_monitor_open(struct proc_monitors *monitors, pid_t pid,
	proc_monitor_ended_fn *ended, void *arg, struct err *err) MUST_CHECK;

/* Called for a signal to the process, at ns of the kernel's trace: from the loop, or from
 * within a call that reads the trace. It calls nothing of this file. */
typedef void proc_monitor_signalled_fn(void *arg, int64_t ns);

/* Tells of each signal with this number from now on, before it tells of the end. Nothing
 * comes where signals cannot be traced. */
void proc_monitor_on_signal(struct proc_monitor *monitor, int number,
	proc_monitor_signalled_fn *signalled, void *arg);

/* Lets go of what was recorded before this, losses included, but for what still is: a
 * process may be monitored for weeks. */
void proc_monitor_trim(struct proc_monitor *monitor, int64_t before_ns);

/* Sends a signal to this process only, although its pid may be in use again. */
void proc_monitor_signal(const struct proc_monitor *monitor, int signal_number);

/* Writes to facts: exit_ns and the wait status; signal_ns, signal_delivery and
 * signals_seen of facts->stop_signal from facts->asked_ns on; kill_ns, kill_source and
 * kill_sender. kill_by becomes the sender's pid, or -1 for the kernel; unchanged when
 * no SIGKILL was traced. */
void proc_monitor_read(
	struct proc_monitor *monitor, struct stop_facts *facts, pid_t *kill_by);
/* All descendants, ended ones included. False where the connector is not available or
 * events were lost. Borrowed until proc_monitor_close(). */
bool proc_monitor_descendants(struct proc_monitor *monitor,
	const struct proc_record **events, unsigned *count);
/* The signals of the process and its descendants, in the order of their stamps. False
 * where they cannot be traced (count is unchanged), or some were lost. Borrowed until proc_monitor_close()
 * or the next turn of the loop. */
bool proc_monitor_signals(struct proc_monitor *monitor,
	const struct proc_signal **signals, unsigned *count);
/* How the connection of these ports was closed. Nothing is known where that cannot be
 * traced, and past a bound. */
struct connection_close proc_monitor_close_of(
	struct proc_monitor *monitor, unsigned port, unsigned peer_port);
void proc_monitor_close(struct proc_monitor *monitor); /* accepts NULL */

#endif
