/*
 * child - processes with pipes, and the way down for each.
 *
 * A child gets a session and process group of its own, an empty signal mask,
 * default dispositions, real pipes (not socketpairs) for the streams asked for and
 * none of our other descriptors. The loop reaps it; its family knows it from the
 * orphans.
 *
 * Stopping is a ladder: stdin is closed, then SIGTERM to the group, then SIGKILL to
 * the group; each step is a timer. A child counts as gone when its process was
 * reaped, whoever still holds its pipes. Whoever it left in its group gets SIGKILL at
 * once, also when it was not asked to end: helpers of what has crashed have nobody to
 * end them. Who is to outlive a child has to leave its group.
 */
#ifndef LIB_CHILD_H
#define LIB_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "lib/err.h"
#include "lib/reaper.h"

struct child;

/* How far down the ladder. */
enum child_step {
	CHILD_RUNNING,
	CHILD_EOF,  /* its stdin was closed, or will be once it has read what waits */
	CHILD_TERM, /* SIGTERM was sent to its group */
	CHILD_KILL, /* SIGKILL was sent to its group */
};

const char *child_step_name(enum child_step step); /* "running", "eof", ... */

/* All from the loop; each may destroy the child. `data` is borrowed; len 0 is the end
 * of that stream, and comes once for each stream, before on_exit. */
typedef void child_output_fn(void *arg, const char *data, size_t len);
typedef void child_step_fn(void *arg, enum child_step step);
/* Once, when the process was reaped and what its pipes held at that moment was handed
 * over. `status` is waitpid's (WIFEXITED and so on), without the core dump's bit. */
typedef void child_exit_fn(void *arg, int status);

struct child_spec {
	const char *const *argv; /* NULL-terminated; argv[0] is found in env's PATH */
	const char *const *env;  /* NULL-terminated; NULL: ours */
	const char *folder;      /* NULL: ours */
	child_output_fn *on_stdout; /* NULL: inherited */
	child_output_fn *on_stderr; /* NULL: inherited */
	child_step_fn *on_step;     /* NULL: not interested */
	child_exit_fn *on_exit;     /* NULL: not interested */
	void *arg;
	bool with_stdin; /* a pipe to child_write() to; else /dev/null */
};

/* Keeps family; copies spec. The program is running when this returns: one that can't
 * be executed is an error here. */
struct child *child_spawn(struct reaper *reaper, const struct child_spec *spec,
	struct err *err) MUST_CHECK;
pid_t child_pid(const struct child *child);
bool child_running(const struct child *child); /* not reaped yet */
enum child_step child_step(const struct child *child);

/* Queues data (copied) for its stdin. False when stdin is closed, or when more than
 * CHILD_UNSENT_MAX bytes would wait in the queue; then nothing is queued. Never
 * blocks. */
#define CHILD_UNSENT_MAX ((size_t)4 << 20)
bool child_write(struct child *child, const void *data, size_t len);

/* Starts down the ladder: EOF now, SIGTERM eof_ns later, SIGKILL term_ns after that.
 * Asked again, only moves faster: the earlier time of each step counts. Output is
 * still read meanwhile, so that a child blocked on a full pipe can end. What already
 * waits for stdin is still written before its end. */
void child_stop(struct child *child, int64_t eof_ns, int64_t term_ns);

/* Lets go; on_exit will not be called. A running child gets SIGKILL to its group and
 * is reaped by the loop. Accepts NULL. */
void child_destroy(struct child *child);

#endif
