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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void be_pid1(bool with_proc, int tell)
{
	/* A test that fails ends without closing it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (with_proc &&
		(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			mount("proc", "/proc", "proc", 0, NULL) != 0))
		_exit(1);
	if (write(tell, "", 1) != 1)
		_exit(1);
	close(tell);
	for (;;)
		pause();
}

static bool open_space(struct pid_namespace *space, bool with_proc)
{
	const unsigned long flags =
		CLONE_NEWPID | SIGCHLD | (with_proc ? CLONE_NEWNS : 0);
	char byte;
	int ends[2];
	bool ready;

	assert_int_equal(pipe(ends), 0);
	*space = (struct pid_namespace){
		.pid1 = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL),
	};
	if (space->pid1 == 0)
		be_pid1(with_proc, ends[1]);
	if (space->pid1 < 0)
		print_message("no PID namespace: %s\n", strerror(errno));
	close(ends[1]);
	ready = read(ends[0], &byte, 1) == 1;
	close(ends[0]);
	if (space->pid1 > 0 && !ready) {
		print_message("no /proc of a PID namespace\n");
		pid_namespace_close(space);
	}
	return ready;
}

bool pid_namespace_open(struct pid_namespace *space)
{
	return open_space(space, false);
}

bool pid_namespace_open_with_proc(struct pid_namespace *space)
{
	return open_space(space, true);
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
