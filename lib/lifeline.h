/*
 * lifeline - a process's line to the harness's ledger.
 *
 * The ledger is a stream socket: "unix:/path" or "tcp:host:port". A mock
 * connects as its first act and points its log there; each event is one line.
 * Written bytes are the kernel's and survive a SIGKILL of the writer, and the
 * kernel closes the connection when the process dies: an end without a
 * "process.exit" line before it means that it was killed. A forked child
 * opens a line of its own and closes the one that it inherited: it would hold it
 * up after its parent's death.
 *
 * Blocking on purpose: the line is written before what it reports has effects.
 */
#ifndef LIB_LIFELINE_H
#define LIB_LIFELINE_H

#include <stdbool.h>

#include "lib/err.h"

/* The environment variable that names the ledger. */
#define LIFELINE_ENV "STOPBENCH_LEDGER"

/* Of whom the lifeline is. Borrowed. */
struct lifeline_who {
	const char *role;
	const char *name;    /* NULL: it has none */
	const char *session; /* NULL: it serves no session, or knows of none */
};

/* Connects to `address` (or to what LIFELINE_ENV says when it is NULL), points
 * the log there and gives the descriptor, which is CLOEXEC and whose hang-up
 * means that the harness is gone. Without an address (none, or an empty variable)
 * fd is -1, the log stays on stderr, where a full pipe stops nobody (log_patience()),
 * and that is no error. Logs "process.start" with role, name, session and "ppid".
 * Waits 5 s at most for each address of the host, and for its name as long as the
 * resolver does. */
bool lifeline_connect(int *fd, const char *address, const struct lifeline_who *who,
	struct err *err) MUST_CHECK;

/* From now on the process ends when the other end of fd hangs up, at once and whatever it
 * is doing or waiting for, with this exit code: for one that is told to ignore every
 * other end. By SIGIO, which must never be blocked for long. One line a process. */
void lifeline_end_with(int fd, int exit_code);

/* Logs "process.exit" with "code": the last line of a process that ends by
 * its own decision. */
void lifeline_exit(int exit_code);

#endif
