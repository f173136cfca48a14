#include "test/support/pid_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

bool pid_namespace_open(struct pid_namespace *space)
{
	*space = (struct pid_namespace){
		.pid1 = (pid_t)syscall(
			SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL),
	};
	if (space->pid1 == 0) {
		/* A test that fails ends without closing it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (space->pid1 < 0)
		print_message("no PID namespace: %s\n", strerror(errno));
	return space->pid1 > 0;
}

/* Its children are born in the namespace; it stays outside. */
static void help(const struct pid_namespace *space, const char *script, int tell)
{
	char path[64];
	pid_t pid;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)space->pid1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWPID) != 0)
		_exit(1);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	if (write(tell, &pid, sizeof pid) != sizeof pid)
		_exit(1);
	waitpid(pid, NULL, 0);
	_exit(0);
}

pid_t pid_namespace_put_in(struct pid_namespace *space, const char *script)
{
	pid_t pid = -1;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	space->helper = fork();
	if (space->helper == 0)
		help(space, script, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
	close(ends[0]);
	return pid;
}

void pid_namespace_close(struct pid_namespace *space)
{
	kill(space->pid1, SIGKILL);
	waitpid(space->pid1, NULL, 0);
	if (space->helper > 0)
		waitpid(space->helper, NULL, 0);
}
