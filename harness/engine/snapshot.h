/*
 * snapshot - the processes of a subject at one moment, from /proc: who is there, which
 * signals each catches, blocks and ignores, and what each is waiting in.
 *
 * Read from the host by walking the children of PID 1, so zombies are seen too. The
 * masks are those of /proc/PID/status, bit n-1 for signal n.
 */
#ifndef HARNESS_ENGINE_SNAPSHOT_H
#define HARNESS_ENGINE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

#define SNAPSHOT_PROCS_MAX 8192

struct proc {
	pid_t pid, ppid, pgid, sid;
	pid_t ns_pid; /* in its own PID namespace: 1 for PID 1 */
	char state;   /* R S D T Z */
	char name[32];
	char command[256]; /* cmdline with spaces; [name] of a zombie */
	char exe[64]; /* its program without the path: "dash"; "" when not readable */
	unsigned threads;
	uint64_t pending, shared_pending, blocked, ignored, caught;
	long syscall; /* number the main thread sits in; -1: running or not readable */
	uint64_t syscall_arg0;
	char waits_on
		[64]; /* what arg0's descriptor is when the call takes one: "pipe:[9]" */
	char wchan[48];
};

struct snapshot {
	int64_t ns;         /* when it was complete */
	struct proc *procs; /* owned; [0] is PID 1 */
	unsigned count;
};

/* False when PID 1 is gone. */
bool snapshot_take(struct snapshot *snapshot, pid_t pid1, struct err *err) MUST_CHECK;
void snapshot_done(struct snapshot *snapshot);

bool proc_catches(const struct proc *proc, int signal_number);
bool proc_blocks(const struct proc *proc, int signal_number);
bool proc_ignores(const struct proc *proc, int signal_number);
/* Sits in rt_sigtimedwait, where its masks look as if it had no handler. */
bool proc_awaits_signals(const struct proc *proc);

/* Would a signal to this PID 1 reach code of its? Catches, blocks or waits for it. */
bool proc_hears(const struct proc *proc, int signal_number);

/* A shell, or another that starts a service and stays between it and its signals. Told
 * by its name, by what it was started as, and by its program: the name of a script is
 * the script's. */
bool proc_is_launcher(const struct proc *proc);

/* One that passes signals on and reports how its child ended: tini and its like. */
bool proc_is_init(const struct proc *proc);

/* As the results file has it; the caller's. */
cJSON *snapshot_json(const struct snapshot *snapshot) MUST_CHECK;

#endif
