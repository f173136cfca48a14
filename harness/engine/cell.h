/*
 * cell - a program as PID 1 of namespaces of its own: PID, mount, IPC and UTS.
 *
 * With Docker's start conditions: default dispositions, nothing blocked, a session of
 * its own, a /proc that shows the namespace. Unprivileged through a user namespace
 * where the system allows one. When its parent dies it is killed (guard.h), and its death
 * ends all that is in it. Where no namespace can be had it is a plain session,
 * and PID 1's rules do not hold.
 */
#ifndef HARNESS_ENGINE_CELL_H
#define HARNESS_ENGINE_CELL_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/engine/guard.h"
#include "lib/err.h"

enum cell_walls {
	CELL_NAMESPACES,      /* as root */
	CELL_USER_NAMESPACES, /* unprivileged */
	CELL_PLAIN,           /* a session, no namespaces */
};

struct cell_spec {
	enum cell_walls walls;
	const char *const *argv; /* looked up in env's PATH */
	const char *const *env;
	int stdout_fd, stderr_fd; /* become its 1 and 2 */
};

struct cell {
	pid_t pid; /* our child's, on our side of the namespace */
	struct guard guard;
};

/* The best walls that can be had here; err says why not better ones. */
enum cell_walls cell_possible(struct err *err);

/* Runs until exec(2) has succeeded; err names the step that failed. */
bool cell_start(
	struct cell *cell, const struct cell_spec *spec, struct err *err) MUST_CHECK;
/* Its PID 1 has ended and was waited for. */
void cell_done(struct cell *cell);

#endif
