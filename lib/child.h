/*
 * child - a process with pipes, and its ladder of ends.
 *
 * A child gets a session and process group of its own, an empty signal mask, default
 * dispositions, real pipes (not socketpairs) for the streams asked for, and no other
 * descriptor of the program. The loop reaps it; the reaper tells it from the orphans.
 *
 * Stopping is a ladder: stdin is closed, then SIGTERM to the group, then SIGKILL to the
 * group; each step is a timer. A child has ended when its process was reaped, even if
 * another process still holds its pipes. Processes left in its group then get SIGKILL
 * at once, also after a crash; a process that is to outlive the child has to leave its
 * group.
 */
#ifndef LIB_CHILD_H
#define LIB_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/reaper.h"

struct child;

/* The steps of the ladder. */
enum child_step {
	CHILD_RUNNING,
	CHILD_EOF,  /* stdin was closed, or will be once the queue is written */
	CHILD_TERM, /* SIGTERM was sent to its group */
	CHILD_KILL, /* SIGKILL was sent to its group */
};

extern const char *const child_step_names[]; /* "running", "eof", ... */

/* All from the loop; each may destroy the child. `data` is borrowed; len 0 is the end
 * of the stream, and comes once for each stream, before on_exit. */
typedef void child_output_fn(void *arg, const char *data, size_t len);
typedef void child_step_fn(void *arg, enum child_step step);
/* Once, when the process was reaped and what its pipes held then was handed over.
 * `status` is that of waitpid() (WIFEXITED and so on), without the bit for a core dump.
 */
typedef void child_exit_fn(void *arg, int status);

struct child_spec {
	const char *const
		*argv; /* NULL-terminated; argv[0] is looked up in the PATH of env */
	const char *const *env;     /* NULL-terminated; NULL: inherited */
	const char *folder;         /* NULL: inherited */
	child_output_fn *on_stdout; /* NULL: inherited */
	child_output_fn *on_stderr; /* NULL: inherited */
	child_step_fn *on_step;     /* may be NULL */
	child_exit_fn *on_exit;     /* may be NULL */
	void *arg;
	bool with_stdin; /* a pipe to child_write() to; else /dev/null */
	int stdin_from;  /* without that: a descriptor of ours, borrowed; 0: none */
	/* It ends its own children when it gets SIGTERM, which goes to it alone. SIGKILL
	 * still goes to its group. */
	bool own_children;
	/* It stays in the program's session and process group, as most programs start
	 * theirs. Signals go to it alone, and nothing else is killed at its end. */
	bool same_group;
	bool dies_with_us; /* as in spawner.h */
};

/* Keeps reaper; copies spec. The program runs when this returns: one that cannot be
 * executed is an error. */
struct child *child_spawn(struct reaper *reaper, const struct child_spec *spec,
	struct err *err) MUST_CHECK;
pid_t child_pid(const struct child *child);
bool child_running(const struct child *child); /* not reaped yet */
enum child_step child_step(const struct child *child);

/* Queues a copy of data for stdin and never blocks. False, and nothing is queued: stdin
 * is closed, or more than CHILD_UNSENT_MAX bytes would wait. */
#define CHILD_UNSENT_MAX ((size_t)4 << 20)
bool child_write(struct child *child, const void *data, size_t len);

/* Starts the ladder: EOF now, SIGTERM eof_ns later, SIGKILL term_ns after that. A
 * further call can only shorten it: the earlier time of each step counts. Output is
 * still read, so that a child blocked on a full pipe can end; what waits for stdin is
 * written before stdin is closed. */
void child_stop(struct child *child, int64_t eof_ns, int64_t term_ns);

/* No callback comes any more. The group of a running child gets SIGKILL, and the loop
 * reaps the child. Accepts NULL. */
void child_destroy(struct child *child);

#endif
