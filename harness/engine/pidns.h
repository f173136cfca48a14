/*
 * pidns - a program as PID 1 of its own PID, mount, IPC and UTS namespaces.
 *
 * The start conditions are Docker's: default dispositions, no signal blocked, its own
 * session, a /proc of the namespace. Without root a user namespace is made first, where
 * the system allows it. When the harness ends, however it ends, a watchdog process
 * kills PID 1, and the kernel kills the rest of the namespace: PR_SET_PDEATHSIG alone
 * is lost as soon as the child changes its user (gosu, su-exec, setpriv). Where no
 * namespace can be had the program leads a session, and PID 1's rules do not hold.
 */
#ifndef HARNESS_ENGINE_PIDNS_H
#define HARNESS_ENGINE_PIDNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/scenario/container_options.h"
#include "lib/err.h"

enum pidns_isolation {
	PIDNS_NAMESPACES,      /* as root */
	PIDNS_USER_NAMESPACES, /* unprivileged */
	PIDNS_PLAIN,           /* a session, no namespaces */
};

/* What the program is given beside a namespace; what is left zero is as the harness has
 * it. */
struct pidns_options {
	const char *folder; /* where it starts */
	bool as_user;
	uid_t uid;
	gid_t gid;
	const struct ulimits *ulimits;
	const struct strlist *tmpfs; /* "/run" or "/run:size=64m"; the folders exist */
	bool read_only; /* every file system but those, /proc and the descriptors */
};

struct pidns_spec {
	enum pidns_isolation isolation;
	struct pidns_options options;
	const char *const *argv; /* searched in env's PATH */
	const char *const *env;
	int stdout_fd, stderr_fd; /* become 1 and 2 */
};

struct pidns {
	pid_t pid;      /* on the host */
	pid_t watchdog; /* a child of ours; 0: none */
	int line;       /* our end of the pipe to it */
};

/* The best isolation that can be had here; err says why there is no better one. */
enum pidns_isolation pidns_possible(struct err *err);

/* Returns when exec(2) has succeeded; err names the step that failed. */
bool pidns_start(
	struct pidns *pidns, const struct pidns_spec *spec, struct err *err) MUST_CHECK;
/* Starts spec->argv beside PID 1 in its namespaces, without its output. Returns when
 * exec(2) has succeeded, and gives a child of ours that ends with the program: the
 * namespace ends only when that child has waited for it. 0 with err. */
pid_t pidns_enter(const struct pidns *pidns, const struct pidns_spec *spec,
	struct err *err) MUST_CHECK;
/* PID 1 has ended and was waited for. */
void pidns_done(struct pidns *pidns);

#endif
