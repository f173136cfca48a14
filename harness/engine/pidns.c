#include "harness/engine/pidns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child could not do, sent to its parent; nothing is sent when exec worked. */
struct failure {
	int number;
	char step[48];
};

struct pipes {
	int go[2];   /* the parent's "your ids are mapped" */
	int fail[2]; /* the child's failure; closed by exec */
};

static NORETURN void fail(const struct pipes *pipes, const char *step)
{
	struct failure failure = {.number = errno};
	ssize_t written;

	snprintf(failure.step, sizeof failure.step, "%s", step);
	written = write(pipes->fail[1], &failure, sizeof failure);
	_exit(written == sizeof failure ? 127 : 126);
}

static void await_parent(const struct pipes *pipes)
{
	char go;

	/* Closed here first, or its end would never be seen if the parent died. */
	close(pipes->go[1]);
	if (read(pipes->go[0], &go, 1) != 1)
		_exit(125);
}

/* A handler of ours, or a signal that we ignore or block, must not be inherited. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i <= SIGRTMAX; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What is mounted here must not be seen outside. A chroot's "/" is no mount point, and
 * then it is enough that the /proc which is mounted over is private. */
static bool hide_mounts(void)
{
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
		(errno == EINVAL &&
			mount("none", "/proc", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void make_walls(const struct pipes *pipes)
{
	if (!hide_mounts())
		fail(pipes, "make mounts private");
	/* Inside a container /proc may be masked, and must then stay as it is. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) !=
			0 &&
		errno != EPERM)
		fail(pipes, "mount /proc");
}

static NORETURN void become(const struct pidns_spec *spec, const struct pipes *pipes)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		fail(pipes, "ask to die with the parent");
	await_parent(pipes);
	if (spec->walls == PIDNS_USER_NAMESPACES &&
		(setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0))
		fail(pipes, "become root of the user namespace");
	/* Changing ids has cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	if (spec->walls != PIDNS_PLAIN)
		make_walls(pipes);
	if (dup2(null, 0) < 0 || dup2(spec->stdout_fd, 1) < 0 ||
		dup2(spec->stderr_fd, 2) < 0)
		fail(pipes, "standard streams");
	/* Whatever we have open, by whichever library, ends at exec. */
	if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) != 0)
		fail(pipes, "close descriptors");
	/* Not with putenv(): there may be threads, and one of them in malloc(). */
	environ = (char **)(void *)(size_t)spec->env;
	execvp(spec->argv[0], (char *const *)(void *)(size_t)spec->argv);
	fail(pipes, spec->argv[0]);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Ourselves are root inside, and nobody else is there. */
static bool map_ids(pid_t pid, struct err *err)
{
	char path[64], map[64];

	snprintf(path, sizeof path, "/proc/%d/setgroups", (int)pid);
	write_text(path, "deny");
	snprintf(path, sizeof path, "/proc/%d/uid_map", (int)pid);
	snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
	if (!write_text(path, map))
		return err_sys(err, "write %s", path);
	snprintf(path, sizeof path, "/proc/%d/gid_map", (int)pid);
	snprintf(map, sizeof map, "0 %d 1", (int)getegid());
	return write_text(path, map) || err_sys(err, "write %s", path);
}

static pid_t fork_with(enum pidns_isolation walls)
{
	unsigned long flags = SIGCHLD;

	if (walls == PIDNS_PLAIN)
		return fork();
	flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	if (walls == PIDNS_USER_NAMESPACES)
		flags |= CLONE_NEWUSER;
	/* clone, not clone3: Docker's default seccomp answers that with ENOSYS. */
	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

static void close_both(int pipe[2])
{
	close(pipe[0]);
	close(pipe[1]);
}

/* Lets the child go on, guarded, and hears whether it got as far as exec. */
static bool see_off(struct pidns *pidns, const struct pidns_spec *spec,
	const struct pipes *pipes, struct err *err)
{
	struct failure failure;
	ssize_t got;

	if (spec->walls == PIDNS_USER_NAMESPACES && !map_ids(pidns->pid, err))
		return false;
	if (!watchdog_start(
		    &pidns->watchdog, pidns->pid, spec->walls == PIDNS_PLAIN, err))
		return false;
	if (write(pipes->go[1], "g", 1) != 1)
		return err_sys(err, "start");
	while ((got = read(pipes->fail[0], &failure, sizeof failure)) < 0 &&
		errno == EINTR)
		continue;
	if (got == 0)
		return true;
	errno = got == sizeof failure ? failure.number : EIO;
	return err_sys(err, "%s", got == sizeof failure ? failure.step : "start");
}

bool pidns_start(struct pidns *pidns, const struct pidns_spec *spec, struct err *err)
{
	struct pidns made = {0};
	struct pipes pipes;
	bool ok;

	if (pipe2(pipes.go, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	if (pipe2(pipes.fail, O_CLOEXEC) != 0) {
		close_both(pipes.go);
		return err_sys(err, "pipe");
	}
	made.pid = fork_with(spec->walls);
	if (made.pid == 0)
		become(spec, &pipes);
	close(pipes.go[0]);
	close(pipes.fail[1]);
	ok = made.pid > 0 ? see_off(&made, spec, &pipes, err)
			  : err_sys(err, "namespaces");
	close(pipes.go[1]);
	close(pipes.fail[0]);
	if (made.pid > 0 && !ok) {
		kill(made.pid, SIGKILL);
		waitpid(made.pid, NULL, 0);
		pidns_done(&made);
	}
	if (ok)
		*pidns = made;
	return ok;
}

void pidns_done(struct pidns *pidns)
{
	watchdog_stop(&pidns->watchdog);
	*pidns = (struct pidns){0};
}

/* Runs true(1) behind them. */
static bool try_walls(enum pidns_isolation walls, struct err *err)
{
	static const char *const argv[] = {"true", NULL};
	static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	const struct pidns_spec spec = {
		.walls = walls,
		.argv = argv,
		.env = env,
		.stdout_fd = 1,
		.stderr_fd = 2,
	};
	struct pidns pidns;

	if (!pidns_start(&pidns, &spec, err))
		return false;
	waitpid(pidns.pid, NULL, 0);
	pidns_done(&pidns);
	return true;
}

/* Root in a container may lack the one and be allowed the other. */
enum pidns_isolation pidns_possible(struct err *err)
{
	if (geteuid() == 0 && try_walls(PIDNS_NAMESPACES, err))
		return PIDNS_NAMESPACES;
	return try_walls(PIDNS_USER_NAMESPACES, err) ? PIDNS_USER_NAMESPACES
						     : PIDNS_PLAIN;
}
