/*
 * pid_namespace - a PID namespace of the test's own, and processes that are put into it
 * from outside, as `docker exec` does.
 */
#ifndef TEST_SUPPORT_PID_NAMESPACE_H
#define TEST_SUPPORT_PID_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

struct pid_namespace {
	pid_t pid1;   /* does nothing */
	pid_t helper; /* the parent of what was put in; 0: nothing was */
};

/* False, with the reason printed, where it is not allowed: the test is to be skipped. */
bool pid_namespace_open(struct pid_namespace *space);
/* The same; its PID 1 has the namespace's own /proc, as that of a container has. */
bool pid_namespace_open_with_proc(struct pid_namespace *space);
/* Puts one process in, once, which executes sh -c SCRIPT. Gives its pid on the host. */
pid_t pid_namespace_put_in(struct pid_namespace *space, const char *script);
/* Ends all of its processes. */
void pid_namespace_close(struct pid_namespace *space);

#endif
