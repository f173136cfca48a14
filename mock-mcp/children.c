#include "mock-mcp/children.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/lifeline.h"
#include "lib/mem.h"

/* How to start a process. */
struct fork_spec {
	const struct mcp_child_behavior *behavior;
	const struct log_identity *identity;
	struct children_lifeline line;
	int64_t depth; /* generations, including its own */
	bool zombie;
	int ready_fd;        /* for the pid of a process that is ready */
	int parent_ready_fd; /* its parent's, to be closed; -1: none */
};

/* The processes that one process starts, and the pipe on which each writes its pid when
 * it is ready. */
struct child_group {
	int pids_fd, ready_fd; /* the pipe's ends to read and to write; -1: closed */
	pid_t *waited;         /* to wait for; 0: none */
	pid_t *ready;
	unsigned started, ready_count;
};

struct children {
	struct child_group children, zombies;
};

static bool begin_group(struct child_group *group, int64_t size, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	group->pids_fd = ends[0];
	group->ready_fd = ends[1];
	group->waited = mem_grown(NULL, (size_t)size, sizeof *group->waited);
	group->ready = mem_grown(NULL, (size_t)size, sizeof *group->ready);
	return true;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void end_group(struct child_group *group)
{
	close_end(&group->pids_fd);
	close_end(&group->ready_fd);
	free(group->waited);
	free(group->ready);
	*group = (struct child_group){.pids_fd = -1, .ready_fd = -1};
}

static void kill_group(const struct child_group *group)
{
	for (unsigned i = 0; i < group->started; i++)
		if (group->waited[i] > 0)
			kill(group->waited[i], SIGKILL);
	for (unsigned i = 0; i < group->ready_count; i++)
		kill(group->ready[i], SIGKILL);
}

static void reap_group(struct child_group *group)
{
	for (unsigned i = 0; i < group->started; i++)
		if (group->waited[i] > 0 &&
			waitpid(group->waited[i], NULL, WNOHANG) == group->waited[i])
			group->waited[i] = 0;
}

/* A pid is smaller than PIPE_BUF, so that each is read whole. */
static bool await_ready(struct child_group *group, unsigned size, struct err *err)
{
	ssize_t len = 1;

	close_end(&group->ready_fd);
	while (group->ready_count < size && len != 0) {
		pid_t pid;

		len = read(group->pids_fd, &pid, sizeof pid);
		if (len == (ssize_t)sizeof pid)
			group->ready[group->ready_count++] = pid;
		else if (len < 0 && errno != EINTR)
			return err_sys(err, "read of a pipe");
	}
	return group->ready_count == size ||
		err_set(err, "%u of %u came up", group->ready_count, size);
}

static bool start_group(struct child_group *group, const struct fork_spec *spec,
	int64_t size, struct err *err);

/* All three: a client may wait for the end of the server's stderr. */
static void close_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

/* Returns at a signal that ends it, or after its lifetime. */
static void await_end(const struct fork_spec *spec, struct child_group *children)
{
	int64_t end = clock_now() + spec->behavior->lifetime_ns;
	sigset_t handled;

	sigemptyset(&handled);
	sigaddset(&handled, SIGTERM);
	sigaddset(&handled, SIGINT);
	sigaddset(&handled, SIGCHLD);
	sigprocmask(SIG_BLOCK, &handled, NULL);
	for (;;) {
		int64_t left = end - clock_now();
		struct timespec wait = {left / CLOCK_S, left % CLOCK_S};
		int signal;

		if (spec->behavior->lifetime_ns == 0)
			signal = sigwaitinfo(&handled, NULL);
		else if (left <= 0)
			return;
		else
			signal = sigtimedwait(&handled, NULL, &wait);
		if (signal == SIGTERM || signal == SIGINT)
			log_event("mcp.signal", LOG_IDENTITY(spec->identity), "signal",
				LOG_INT(signal));
		if (signal == SIGINT ||
			(signal == SIGTERM && !spec->behavior->ignore_term))
			return;
		reap_group(children);
	}
}

/* The new process. It ends with _exit(): exit handlers are its parent's. */
static NORETURN void run_child(const struct fork_spec *spec)
{
	struct fork_spec next = *spec;
	struct child_group children;
	struct err err = {0};
	pid_t self = getpid();

	if (spec->line.fd >= 0)
		close(spec->line.fd);
	if (spec->parent_ready_fd >= 0)
		close(spec->parent_ready_fd);
	if (!spec->behavior->stdio)
		close_stdio();
	next.depth = spec->depth - 1;
	next.parent_ready_fd = spec->ready_fd;
	if (!lifeline_connect(&next.line.fd, spec->line.ledger,
		    &(struct lifeline_who){"mock-mcp-child", spec->identity->name,
			    spec->identity->session},
		    &err) ||
		!start_group(&children, &next, next.depth > 0 ? 1 : 0, &err)) {
		fprintf(stderr, "%s: child: %s\n", spec->identity->name, err.text);
		_exit(1);
	}
	if (next.line.fd >= 0)
		lifeline_end_with(next.line.fd, EXIT_FAILURE);
	if (write(spec->ready_fd, &self, sizeof self) != (ssize_t)sizeof self)
		_exit(1);
	close(spec->ready_fd);
	if (!spec->zombie)
		await_end(spec, &children);
	lifeline_exit(0);
	_exit(0);
}

/* Returns when the reaper is the parent, so that the first event has the right ppid. */
static void await_adoption(pid_t parent)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	while (getppid() == parent)
		sigwaitinfo(&signals, NULL);
	prctl(PR_SET_PDEATHSIG, 0);
}

static NORETURN void run_daemon(const struct fork_spec *spec)
{
	pid_t middle = getpid(), pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	await_adoption(middle);
	run_child(spec);
}

/* Sets *waited to the pid to wait for later; 0: none. */
static bool start_child(
	pid_t *waited, const struct fork_spec *spec, int pids_fd, struct err *err)
{
	bool daemon = !spec->zombie && spec->behavior->session == MCP_CHILD_DAEMON;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(err, "fork");
	if (pid == 0) {
		close(pids_fd);
		if (daemon)
			run_daemon(spec);
		if (!spec->zombie && spec->behavior->session == MCP_CHILD_OWN)
			setsid();
		run_child(spec);
	}
	*waited = pid;
	if (daemon) {
		waitpid(pid, NULL, 0);
		*waited = 0;
	}
	return true;
}

/* Starts all of them and waits until they are ready, or leaves none. */
static bool start_group(struct child_group *group, const struct fork_spec *spec,
	int64_t size, struct err *err)
{
	static const char *const kinds[] = {
		[MCP_CHILD_SAME] = "same",
		[MCP_CHILD_OWN] = "own",
		[MCP_CHILD_DAEMON] = "daemon",
	};
	const char *kind = spec->zombie ? "zombie" : kinds[spec->behavior->session];
	struct fork_spec each = *spec;
	bool good;

	*group = (struct child_group){.pids_fd = -1, .ready_fd = -1};
	if (size == 0)
		return true;
	good = begin_group(group, size, err);
	each.ready_fd = group->ready_fd;
	while (good && group->started < size) {
		good = start_child(
			&group->waited[group->started], &each, group->pids_fd, err);
		group->started += good;
	}
	good = good && await_ready(group, (unsigned)size, err);
	if (!good) {
		kill_group(group);
		end_group(group);
		return false;
	}
	close_end(&group->pids_fd);
	for (unsigned i = 0; i < group->ready_count; i++)
		log_event("mcp.child", LOG_IDENTITY(spec->identity), "child",
			LOG_INT(group->ready[i]), "kind", LOG_TEXT(kind));
	return true;
}

/* Waits until each has ended, and leaves it a zombie. */
static void await_ends(const struct child_group *zombies)
{
	siginfo_t info;

	for (unsigned i = 0; i < zombies->started; i++)
		while (waitid(P_PID, (id_t)zombies->waited[i], &info,
			       WEXITED | WNOWAIT) < 0 &&
			errno == EINTR)
			continue;
}

struct children *children_create(const struct mcp_behavior *behavior,
	const struct log_identity *identity, const struct children_lifeline *line,
	struct err *err)
{
	struct fork_spec spec = {
		.behavior = &behavior->children,
		.identity = identity,
		.line = *line,
		.depth = behavior->children.depth,
		.parent_ready_fd = -1,
	};
	struct children *children = mem_zeroed(sizeof *children);

	if (!start_group(&children->children, &spec, behavior->children.count, err)) {
		err_while(err, "children");
		free(children);
		return NULL;
	}
	spec.zombie = true;
	spec.depth = 1;
	if (!start_group(&children->zombies, &spec, behavior->zombies, err)) {
		err_while(err, "zombies");
		kill_group(&children->children);
		children_destroy(children);
		return NULL;
	}
	await_ends(&children->zombies);
	return children;
}

void children_reap(struct children *children)
{
	reap_group(&children->children);
}

void children_destroy(struct children *children)
{
	if (!children)
		return;
	end_group(&children->children);
	end_group(&children->zombies);
	free(children);
}
