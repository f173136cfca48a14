#include "harness/engine/pidns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The step that failed in the child, sent to the parent; exec closes the pipe
 * instead. */
struct failure {
	int number;
	char step[48];
};

struct pipes {
	int go[2];   /* the parent writes when the ids are mapped */
	int fail[2]; /* the child writes a struct failure; exec closes it */
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

	/* Without this close the child would not see the end of a parent that died. */
	close(pipes->go[1]);
	if (read(pipes->go[0], &go, 1) != 1)
		_exit(125);
}

/* Our handlers and our mask must not be inherited. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i <= SIGRTMAX; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool make_private(const char *path)
{
	return mount("none", path, NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* The "/" of a chroot is no mount point, so it can be made neither private nor
 * read-only. A copy of it can: it is mounted over /proc, and becomes "/". Without
 * malloc(): another thread may have held its lock at the fork. */
static bool mount_chroot(void)
{
	char folder[PATH_MAX];

	return getcwd(folder, sizeof folder) && make_private("/proc") &&
		mount("/", "/proc", NULL, MS_BIND | MS_REC, NULL) == 0 &&
		make_private("/proc") && chroot("/proc") == 0 && chdir(folder) == 0;
}

/* Mounts made here must not propagate to the host. */
static bool hide_mounts(void)
{
	return make_private("/") || (errno == EINVAL && mount_chroot());
}

static void mount_tmpfs(const char *text, const struct pipes *pipes)
{
	const char *colon = strchr(text, ':');
	char path[256];

	snprintf(path, sizeof path, "%.*s", (int)strcspn(text, ":"), text);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    colon ? colon + 1 : NULL) != 0)
		fail(pipes, "mount a tmpfs");
}

/* What is mounted later can be written. */
static void make_read_only(const struct pipes *pipes)
{
	const struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr,
		    sizeof attr) != 0)
		fail(pipes, "make the root read-only");
}

static void set_up_mounts(
	const struct pidns_options *options, const struct pipes *pipes)
{
	const struct strlist *tmpfs = options->tmpfs;

	if (!hide_mounts())
		fail(pipes, "make mounts private");
	if (options->read_only)
		make_read_only(pipes);
	for (unsigned i = 0; tmpfs && i < tmpfs->count; i++)
		mount_tmpfs(tmpfs->item[i], pipes);
	/* In a container /proc may be masked, and then cannot be mounted. */
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) !=
			0 &&
		errno != EPERM)
		fail(pipes, "mount /proc");
}

static void set_ulimits(const struct ulimits *ulimits, const struct pipes *pipes)
{
	for (unsigned i = 0; ulimits && i < ulimits->count; i++) {
		const struct ulimit *limit = &ulimits->item[i];
		const struct rlimit values = {
			limit->soft == -1 ? RLIM_INFINITY : (rlim_t)limit->soft,
			limit->hard == -1 ? RLIM_INFINITY : (rlim_t)limit->hard};

		if (setrlimit((__rlimit_resource_t)limit->resource, &values) != 0)
			fail(pipes, "set the ulimits");
	}
}

static void change_user(const struct pidns_options *options, const struct pipes *pipes)
{
	if (!options->as_user)
		return;
	if ((getuid() == 0 && options->uid != 0 && setgroups(0, NULL) != 0) ||
		setresgid(options->gid, options->gid, options->gid) != 0 ||
		setresuid(options->uid, options->uid, options->uid) != 0)
		fail(pipes, "change the user");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* As the user, in the folder and with the limits of the spec. */
static NORETURN void execute(const struct pidns_spec *spec, const struct pipes *pipes)
{
	/* Also what a library opened without CLOEXEC. */
	if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) != 0)
		fail(pipes, "close descriptors");
	set_ulimits(spec->options.ulimits, pipes);
	change_user(&spec->options, pipes);
	if (spec->options.folder && chdir(spec->options.folder) != 0)
		fail(pipes, spec->options.folder);
	/* Without putenv(): another thread may have held malloc's lock at the fork. */
	environ = (char **)(void *)(size_t)spec->env;
	execvp(spec->argv[0], (char *const *)(void *)(size_t)spec->argv);
	fail(pipes, spec->argv[0]);
}

static NORETURN void become(const struct pidns_spec *spec, const struct pipes *pipes)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		fail(pipes, "ask to die with the parent");
	await_parent(pipes);
	if (spec->isolation == PIDNS_USER_NAMESPACES &&
		(setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0))
		fail(pipes, "become root of the user namespace");
	/* The change of ids has cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	if (spec->isolation != PIDNS_PLAIN)
		set_up_mounts(&spec->options, pipes);
	if (dup2(null, 0) < 0 || dup2(spec->stdout_fd, 1) < 0 ||
		dup2(spec->stderr_fd, 2) < 0)
		fail(pipes, "standard streams");
	execute(spec, pipes);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Our user is root inside; no other user exists there. */
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

static pid_t fork_with(enum pidns_isolation isolation)
{
	unsigned long flags = SIGCHLD;

	if (isolation == PIDNS_PLAIN)
		return fork();
	flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	if (isolation == PIDNS_USER_NAMESPACES)
		flags |= CLONE_NEWUSER;
	/* clone, not clone3: Docker's default seccomp answers that with ENOSYS. */
	return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

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

static bool start_watchdog(struct pidns *pidns, bool group, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pidns->pid, 0);
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
		watch(line[0], pidfd, group ? pidns->pid : 0);
	close(pidfd);
	close(line[0]);
	if (pid < 0) {
		err_sys(err, "watchdog");
		close(line[1]);
		return false;
	}
	pidns->watchdog = pid;
	pidns->line = line[1];
	return true;
}

void pidns_done(struct pidns *pidns)
{
	ssize_t written;

	if (pidns->watchdog) {
		do
			written = write(pidns->line, "d", 1);
		while (written < 0 && errno == EINTR);
		close(pidns->line);
		while (waitpid(pidns->watchdog, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	*pidns = (struct pidns){0};
}

static bool await_exec(const struct pipes *pipes, struct err *err)
{
	struct failure failure;
	ssize_t got;

	while ((got = read(pipes->fail[0], &failure, sizeof failure)) < 0 &&
		errno == EINTR)
		continue;
	if (got == 0)
		return true;
	errno = got == sizeof failure ? failure.number : EIO;
	return err_sys(err, "%s", got == sizeof failure ? failure.step : "start");
}

/* Maps the ids, starts the watchdog, and waits until the child has called exec. */
static bool release(struct pidns *pidns, const struct pidns_spec *spec,
	const struct pipes *pipes, struct err *err)
{
	if (spec->isolation == PIDNS_USER_NAMESPACES && !map_ids(pidns->pid, err))
		return false;
	if (!start_watchdog(pidns, spec->isolation == PIDNS_PLAIN, err))
		return false;
	return write(pipes->go[1], "g", 1) == 1 ? await_exec(pipes, err)
						: err_sys(err, "start");
}

bool pidns_start(struct pidns *pidns, const struct pidns_spec *spec, struct err *err)
{
	struct pidns made = {0};
	struct pipes pipes = {{-1, -1}, {-1, -1}};
	bool ok;

	if (pipe2(pipes.go, O_CLOEXEC) != 0 || pipe2(pipes.fail, O_CLOEXEC) != 0) {
		err_sys(err, "pipe");
		close(pipes.go[0]);
		close(pipes.go[1]);
		return false;
	}
	made.pid = fork_with(spec->isolation);
	if (made.pid == 0)
		become(spec, &pipes);
	close(pipes.go[0]);
	close(pipes.fail[1]);
	ok = made.pid > 0 ? release(&made, spec, &pipes, err)
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

/* --- beside PID 1 --- */

static NORETURN void run_inside(
	const struct pidns_spec *spec, const struct pipes *pipes)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	reset_signals();
	setsid();
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		fail(pipes, "standard streams");
	execute(spec, pipes);
}

/* A PID namespace is entered by children alone: this one waits for the program. It must
 * hold no end of a pipe that others wait for. A mount namespace is entered at its root,
 * and in a chroot PID 1 has another. */
static NORETURN void enter(
	pid_t pid1, const struct pidns_spec *spec, const struct pipes *pipes)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid1, 0);
	int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS, root;
	char path[32];
	sigset_t all;
	pid_t pid;

	snprintf(path, sizeof path, "/proc/%d/root", (int)pid1);
	root = open(path, O_PATH | O_CLOEXEC);
	if (spec->isolation == PIDNS_USER_NAMESPACES)
		flags |= CLONE_NEWUSER;
	if (pidfd < 0 || root < 0 || setns(pidfd, flags) != 0 || fchdir(root) != 0 ||
		chroot(".") != 0)
		fail(pipes, "enter its namespaces");
	pid = fork();
	if (pid == 0)
		run_inside(spec, pipes);
	if (pid < 0)
		fail(pipes, "fork");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	syscall(SYS_close_range, 0u, ~0u, 0u);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	_exit(0);
}

pid_t pidns_enter(
	const struct pidns *pidns, const struct pidns_spec *spec, struct err *err)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}};
	pid_t pid;
	bool ok;

	if (pipe2(pipes.fail, O_CLOEXEC) != 0) {
		err_sys(err, "pipe");
		return 0;
	}
	pid = fork();
	if (pid == 0)
		enter(pidns->pid, spec, &pipes);
	close(pipes.fail[1]);
	ok = pid > 0 ? await_exec(&pipes, err) : err_sys(err, "fork");
	close(pipes.fail[0]);
	if (pid > 0 && !ok)
		waitpid(pid, NULL, 0);
	return ok ? pid : 0;
}

/* Runs true(1) in it. */
static bool try_isolation(enum pidns_isolation isolation, struct err *err)
{
	static const char *const argv[] = {"true", NULL};
	static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	const struct pidns_spec spec = {
		.isolation = isolation,
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

/* Root in a container may lack CAP_SYS_ADMIN and still make user namespaces. */
enum pidns_isolation pidns_possible(struct err *err)
{
	if (geteuid() == 0 && try_isolation(PIDNS_NAMESPACES, err))
		return PIDNS_NAMESPACES;
	return try_isolation(PIDNS_USER_NAMESPACES, err) ? PIDNS_USER_NAMESPACES
							 : PIDNS_PLAIN;
}
