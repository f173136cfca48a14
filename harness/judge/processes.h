/*
 * processes - all that is known of each process of a stop, joined: PID 1, its
 * descendants, and what was put into its PID namespace from outside.
 *
 * From the process connector (born, ended, wait status), the signal trace (who signalled
 * it, did a handler run), and two snapshots: the last one before the stop signal and the
 * last one before PID 1's death.
 */
#ifndef HARNESS_JUDGE_PROCESSES_H
#define HARNESS_JUDGE_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "harness/run/evidence.h"
#include "lib/buf.h"

struct process {
	pid_t pid, ns_pid; /* on the host, in its namespace (0: not known) */
	const char *name;  /* "": not known */
	/* NULL: PID 1, or the connector did not report it. */
	const struct proc_record *record;
	const struct proc *before;    /* NULL: not in that snapshot */
	const struct proc *last;      /* NULL: not in that snapshot */
	const struct process *parent; /* NULL: PID 1, or not known */

	bool was_there;    /* alive when the stop signal came */
	bool of_the_stop;  /* forked after it, as what a trap runs is */
	int64_t ended_ns;  /* 0: not before PID 1's end, or not known */
	bool ended;        /* before PID 1's death began, */
	bool status_known; /* and then with this wait status */
	int wait_status;
	const struct lifeline *lifeline; /* it is one of the mocks; NULL: it is not */

	/* Since the stop signal; NULL: none was seen. */
	const struct proc_signal *told;    /* the first that asks it to end */
	const struct proc_signal *handled; /* its handler for that signal */
	const struct proc_signal *killed;  /* a SIGKILL */
	const struct proc_signal *raised;  /* a signal that it sent to itself */
	UT_hash_handle hh;
};

struct processes {
	struct process *list; /* owned; [0] is PID 1 */
	unsigned count;
	struct process *by_pid; /* a hash table of the list's members */
	bool signals_known;     /* what is NULL above did not happen */
	bool connections_known; /* those of before the signal */
};

void processes_find(struct processes *processes, const struct evidence *evidence);
void processes_done(struct processes *processes);

/* NULL: none has this pid on the host. */
const struct process *processes_by_pid(const struct processes *processes, pid_t pid);

/* The next child of parent after `child` (NULL: the first) that was alive in the last
 * snapshot; NULL: there is none. */
const struct process *processes_child(const struct processes *processes,
	const struct process *parent, const struct process *child);

/* What it does for others, and may hold of theirs. */
enum process_work {
	PROCESS_WORK_UNKNOWN,
	PROCESS_SLEEPS,    /* sleep: nothing */
	PROCESS_PASSES_ON, /* cat, tee, tail -f: it keeps nothing of what it reads */
	PROCESS_READS,     /* it waits to read more, and may keep what it read: gzip */
};

enum process_work process_work(const struct process *process);

/* It had nothing in hand when it was last seen before the signal: it holds no
 * connection and waits for one, or it is a helper that holds no work (sleep, tail -f). */
bool process_was_idle(const struct process *process);

/* It ends by itself when its parent does, and has only that to clean up after: Python's
 * resource tracker. */
bool process_ends_with_parent(const struct process *process);

/* It runs in a session from outside (docker exec, a health check), which the service can
 * neither stop nor wait for. What outlived its session is PID 1's child, and is none. */
bool process_is_session(const struct process *process);

/* The signal with this number of which it died, where another process sent it, as a
 * watchdog sends SIGABRT: the first one behind those that its handler took. NULL: no other
 * process sent it one. */
const struct proc_signal *process_killer(
	const struct process *process, const struct evidence *evidence, int number);

/* Its handler had taken one signal before that one: how long before; -1: it had not. */
int64_t process_caught_before(const struct process *process,
	const struct evidence *evidence, const struct proc_signal *killer);

/* " from sh", with its pid where it has the name of the process itself. */
void process_add_sender(const struct process *process, const struct proc_signal *signal,
	const struct processes *all, struct buf *text);

/* "python3 (pid 7)" */
void process_add_name(const struct process *process, struct buf *text);

/* What it did with the stop signal, in words: "caught SIGTERM at +0.3 ms and went on: it
 * waits in read, pipe:[4711]". */
void process_add_deed(const struct process *process, const struct processes *all,
	const struct evidence *evidence, struct buf *text);

/* Where it was at the end: "in read of pipe:[4711]", "running, not waiting". */
void process_add_wait(const struct process *process, struct buf *text);

/* It held a client's connection in the last snapshot. */
bool process_has_client(const struct process *process);

#endif
