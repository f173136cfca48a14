/*
 * lifeline - the connection of a process to the harness's ledger.
 *
 * The ledger is a stream socket: "unix:/path" or "tcp:host:port". A mock connects first
 * of all and directs its log there, one line an event. The kernel keeps what was
 * written when the writer gets a SIGKILL, and closes the connection when the process
 * ends: an end without a "process.exit" line before it means that the process was
 * killed. A forked child opens a lifeline of its own and closes the inherited one,
 * which would otherwise stay open after the end of its parent.
 *
 * Writes block on purpose: a line is written before the effects of what it reports.
 */
#ifndef LIB_LIFELINE_H
#define LIB_LIFELINE_H

#include <stdbool.h>

#include "lib/err.h"

/* The environment variable that names the ledger. */
#define LIFELINE_ENV "STOPBENCH_LEDGER"

/* The process that the lifeline belongs to. Borrowed. */
struct lifeline_who {
	const char *role;
	const char *name;    /* NULL: none */
	const char *session; /* NULL: none, or not known */
};

/* Connects to `address` (NULL: to that of LIFELINE_ENV), directs the log there and
 * gives the descriptor, which is CLOEXEC; when it hangs up, the harness has ended.
 * Without an address (no variable, or an empty one) fd is -1 and the log stays on
 * stderr, where a full pipe does not block (log_patience()). Logs "process.start" with
 * role, name, session and "ppid". Waits 5 s at most for each address of the host, and
 * for its name as long as the resolver does. */
bool lifeline_connect(int *fd, const char *address, const struct lifeline_who *who,
	struct err *err) MUST_CHECK;

/* Ends the process with exit_code as soon as the other end of fd hangs up, whatever the
 * process is doing: for a mock whose behavior is to ignore every other end. Uses SIGIO,
 * which must not be blocked for long. One lifeline a process. */
void lifeline_end_with(int fd, int exit_code);

/* Logs "process.exit" with "code", the last line of a process that was not killed. */
void lifeline_exit(int exit_code);

#endif
