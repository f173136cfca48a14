#include "harness/engine/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Closes what it inherited but for the pipe and the pidfd: the run's lock is among
 * it. */
static NORETURN void watch(int line, int pidfd, pid_t group)
{
	sigset_t all;
	ssize_t got;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid(); /* out of reach of the terminal's Ctrl-C */
	if (dup2(line, 0) < 0 || dup2(pidfd, 1) < 0 ||
		syscall(SYS_close_range, 2u, ~0u, 0u) != 0)
		_exit(1);
	while ((got = read(0, &byte, 1)) < 0 && errno == EINTR)
		continue;
	if (got != 1) {
		if (group)
			kill(-group, SIGKILL);
		syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0);
	}
	_exit(0);
}

bool watchdog_start(struct watchdog *watchdog, pid_t child, bool group, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	int line[2];
	pid_t pid;

	if (pidfd < 0)
		return err_sys(err, "watchdog: pidfd");
	if (pipe2(line, O_CLOEXEC) != 0) {
		err_sys(err, "watchdog: pipe");
		close(pidfd);
		return false;
	}
	pid = fork();
	if (pid == 0)
		watch(line[0], pidfd, group ? child : 0);
	if (pid < 0)
		err_sys(err, "watchdog");
	close(pidfd);
	close(line[0]);
	if (pid < 0)
		close(line[1]);
	else
		*watchdog = (struct watchdog){.pid = pid, .line = line[1]};
	return pid > 0;
}

void watchdog_stop(struct watchdog *watchdog)
{
	ssize_t written;

	if (!watchdog->pid)
		return;
	do
		written = write(watchdog->line, "d", 1);
	while (written < 0 && errno == EINTR);
	close(watchdog->line);
	while (waitpid(watchdog->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*watchdog = (struct watchdog){0};
}
