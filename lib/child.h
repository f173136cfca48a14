/*
 * child - processes with pipes, and the family they belong to.
 *
 * A child gets a session and process group of its own, an empty signal mask,
 * default dispositions, real pipes (not socketpairs) for the streams asked for and
 * none of our other descriptors. The loop reaps what it spawned. The family also
 * takes in orphans: as PID 1, or as child subreaper when we are not PID 1, it reaps
 * whatever the kernel hands us, and can end what is left at the very end.
 *
 * Stopping is a ladder: stdin is closed, then SIGTERM to the group, then SIGKILL to
 * the group; each step is a timer. A child counts as gone when its process was
 * reaped, whoever still holds its pipes.
 */
#ifndef LIB_CHILD_H
#define LIB_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"

struct family;
struct child;

/* An orphan was reaped. `status` is waitpid's. */
typedef void family_orphan_fn(void *arg, pid_t pid, int status);

/* Keeps loop. Blocks nothing; handles SIGCHLD beside libuv. */
struct family *family_create(uv_loop_t *loop, family_orphan_fn *orphan, void *arg,
	struct err *err) MUST_CHECK;
unsigned family_orphans_reaped(const struct family *family);

/* SIGKILLs every descendant that is left (children of ours that we did not spawn, or
 * whose child was destroyed), and gives how many there were. Their reaping follows
 * in the loop. */
unsigned family_sweep(struct family *family);

/* All children must have been destroyed. */
void family_destroy(struct family *family);

/* How far down the ladder. */
enum child_step {
	CHILD_RUNNING,
	CHILD_EOF,  /* its stdin was closed */
	CHILD_TERM, /* SIGTERM was sent to its group */
	CHILD_KILL, /* SIGKILL was sent to its group */
};

/* All from the loop. `data` is borrowed; len 0 is the end of that stream. */
typedef void child_output_fn(void *arg, const char *data, size_t len);
typedef void child_step_fn(void *arg, enum child_step step);
/* Once, when the process was reaped. `status` is waitpid's (WIFEXITED and so on). */
typedef void child_exit_fn(void *arg, int status);

struct child_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* NULL: ours */
	const char *folder;      /* NULL: ours */
	child_output_fn *on_stdout; /* NULL: inherited */
	child_output_fn *on_stderr; /* NULL: inherited */
	child_step_fn *on_step;     /* NULL: not interested */
	child_exit_fn *on_exit;
	void *arg;
	bool with_stdin; /* a pipe to child_write() to; else /dev/null */
};

/* Keeps family; copies spec. */
struct child *child_spawn(struct family *family, const struct child_spec *spec,
	struct err *err) MUST_CHECK;
pid_t child_pid(const struct child *child);
bool child_running(const struct child *child);
enum child_step child_step(const struct child *child);

/* Queues data (copied) for its stdin. False when stdin is closed or more than
 * CHILD_UNSENT_MAX bytes wait unread. Never blocks. */
#define CHILD_UNSENT_MAX ((size_t)4 << 20)
bool child_write(struct child *child, const void *data, size_t len);

/* Starts down the ladder: EOF now, SIGTERM eof_ns later, SIGKILL term_ns after that.
 * Asked again, only moves faster: the earlier time of each step counts. Output is
 * still read meanwhile, so that a child blocked on a full pipe can end. */
void child_stop(struct child *child, int64_t eof_ns, int64_t term_ns);

/* Lets go; on_exit will not be called. A running child gets SIGKILL to its group and
 * is reaped by the loop, as is what it leaves. Accepts NULL. */
void child_destroy(struct child *child);

#endif
