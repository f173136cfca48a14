/*
 * methods - the ways to start a program that are compared: the service's own
 * (lib/spawner.h), and those that it could use instead.
 */
#ifndef BENCH_STARTS_METHODS_H
#define BENCH_STARTS_METHODS_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/spawner.h"

struct method {
	const char *name;
	/* Before the starting program grows. */
	bool (*open)(struct err *err);
	/* As spawner_start(): 0, or an errno. The program has a session of its own and no
	 * descriptor of ours but 0, 1 and 2. */
	int (*start)(
		const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid);
	void (*close)(void);
};

enum {
	METHOD_FORK,        /* fork() and execve(), as libuv 1.44 starts programs */
	METHOD_POSIX_SPAWN, /* shares the memory, copies the descriptors */
	METHOD_VFORK,       /* lib/spawner.h: shares both */
	METHOD_ZYGOTE,      /* a small process, forked early, that is asked to fork */
	METHODS,
};

extern const struct method methods[METHODS];

/* Of methods.c, for zygote.c: in a new process, everything up to and with the execution.
 * Does not return. */
NORETURN void method_execute(
	const char *const *argv, const int files[SPAWNER_FILES], int report);

/* Of zygote.c. */
bool zygote_open(struct err *err);
int zygote_start(const char *const *argv, const int files[SPAWNER_FILES], pid_t *pid);
void zygote_close(void);

#endif
