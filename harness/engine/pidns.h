/*
 * pidns - a program as PID 1 of namespaces of its own: PID, mount, IPC and UTS.
 *
 * With Docker's start conditions: default dispositions, nothing blocked, a session of
 * its own, a /proc that shows the namespace. Unprivileged through a user namespace
 * where the system allows one. When its parent dies it is killed (guard.h), and its death
 * ends all that is in it. Where no namespace can be had it is a plain session,
 * and PID 1's rules do not hold.
 */
#ifndef HARNESS_ENGINE_PIDNS_H
#define HARNESS_ENGINE_PIDNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/engine/watchdog.h"
#include "lib/err.h"

enum pidns_isolation {
	PIDNS_NAMESPACES,      /* as root */
	PIDNS_USER_NAMESPACES, /* unprivileged */
	PIDNS_PLAIN,           /* a session, no namespaces */
};

struct pidns_spec {
	enum pidns_isolation walls;
	const char *const *argv; /* looked up in env's PATH */
	const char *const *env;
	int stdout_fd, stderr_fd; /* become its 1 and 2 */
};

struct pidns {
	pid_t pid; /* our child's, on our side of the namespace */
	struct watchdog watchdog;
};

/* The best walls that can be had here; err says why not better ones. */
enum pidns_isolation pidns_possible(struct err *err);

/* Runs until exec(2) has succeeded; err names the step that failed. */
bool pidns_start(
	struct pidns *pidns, const struct pidns_spec *spec, struct err *err) MUST_CHECK;
/* Its PID 1 has ended and was waited for. */
void pidns_done(struct pidns *pidns);

#endif
