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

/* What a new process is to be. */
struct birth {
	const struct mcp_child_behavior *behavior;
	const struct log_identity *identity;
	struct children_lifeline line;
	int64_t depth; /* generations, its own counted */
	bool zombie;
	int say;   /* where it says that it is up */
	int outer; /* where its parent will, which is none of its business; -1: none */
};

/* One litter: those that a process made, and the pipe on which each says that it is up
 * (its pid), until nobody holds the other end any more. */
struct litter {
	int said, say;
	pid_t *waited; /* ours to wait for: 0 where there is none */
	pid_t *up;
	unsigned made, upped;
};

struct children {
	struct litter children, zombies;
};

static bool begin_litter(struct litter *litter, int64_t size, struct err *err)
{
	int ends[2];

	*litter = (struct litter){.said = -1, .say = -1};
	if (size == 0)
		return true;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	litter->said = ends[0];
	litter->say = ends[1];
	litter->waited = mem_grown(NULL, (size_t)size, sizeof *litter->waited);
	litter->up = mem_grown(NULL, (size_t)size, sizeof *litter->up);
	return true;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void end_litter(struct litter *litter)
{
	close_end(&litter->said);
	close_end(&litter->say);
	free(litter->waited);
	free(litter->up);
	*litter = (struct litter){.said = -1, .say = -1};
}

static void kill_litter(const struct litter *litter)
{
	for (unsigned i = 0; i < litter->made; i++)
		if (litter->waited[i] > 0)
			kill(litter->waited[i], SIGKILL);
	for (unsigned i = 0; i < litter->upped; i++)
		kill(litter->up[i], SIGKILL);
}

static void reap_litter(struct litter *litter)
{
	for (unsigned i = 0; i < litter->made; i++)
		if (litter->waited[i] > 0 &&
			waitpid(litter->waited[i], NULL, WNOHANG) == litter->waited[i])
			litter->waited[i] = 0;
}

/* Pids are smaller than PIPE_BUF: each is read whole. */
static bool await_litter(struct litter *litter, unsigned size, struct err *err)
{
	ssize_t len = 1;

	if (size == 0)
		return true;
	close_end(&litter->say);
	while (litter->upped < size && len != 0) {
		pid_t pid;

		len = read(litter->said, &pid, sizeof pid);
		if (len == (ssize_t)sizeof pid)
			litter->up[litter->upped++] = pid;
		else if (len < 0 && errno != EINTR)
			return err_sys(err, "read of a pipe");
	}
	return litter->upped == size ||
		err_set(err, "%u of %u came up", litter->upped, size);
}

static const char *kind(const struct birth *birth)
{
	if (birth->zombie)
		return "zombie";
	switch ((enum mcp_child_session)birth->behavior->session) {
	case MCP_CHILD_SAME:
		return "same";
	case MCP_CHILD_OWN:
		return "own";
	case MCP_CHILD_DAEMON:
		return "daemon";
	}
	return "";
}

static bool make_litter(struct litter *litter, const struct birth *birth, int64_t size,
	struct err *err);

static void point_at_null(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, fd);
	close(null);
}

/* All three, or a client that waits for the end of our stderr would wait for them. */
static void let_go_of_stdio(const struct birth *birth)
{
	if (birth->behavior->stdio)
		return;
	point_at_null(STDIN_FILENO);
	point_at_null(STDOUT_FILENO);
	point_at_null(STDERR_FILENO);
}

/* Until it is told to end, or its time is over. */
static void live(const struct birth *birth, struct litter *children)
{
	int64_t end = clock_now() + birth->behavior->lifetime_ns;
	sigset_t heard;

	sigemptyset(&heard);
	sigaddset(&heard, SIGTERM);
	sigaddset(&heard, SIGINT);
	sigaddset(&heard, SIGCHLD);
	sigprocmask(SIG_BLOCK, &heard, NULL);
	for (;;) {
		int64_t left = end - clock_now();
		struct timespec wait = {left / CLOCK_S, left % CLOCK_S};
		int signal;

		if (birth->behavior->lifetime_ns == 0)
			signal = sigwaitinfo(&heard, NULL);
		else if (left <= 0)
			return;
		else
			signal = sigtimedwait(&heard, NULL, &wait);
		if (signal == SIGTERM || signal == SIGINT)
			log_event("mcp.signal", LOG_IDENTITY(birth->identity), "signal",
				LOG_INT(signal));
		if (signal == SIGINT ||
			(signal == SIGTERM && !birth->behavior->ignore_term))
			return;
		reap_litter(children);
	}
}

/* What the process does, from its birth to its end. Only _exit(): everything else is
 * its parent's. */
static void be_child(const struct birth *birth) NORETURN;
static void be_child(const struct birth *birth)
{
	struct birth next = *birth;
	struct litter children;
	struct err err = {0};
	pid_t self = getpid();

	if (birth->line.fd >= 0)
		close(birth->line.fd);
	if (birth->outer >= 0)
		close(birth->outer);
	let_go_of_stdio(birth);
	next.depth = birth->depth - 1;
	next.outer = birth->say;
	if (!lifeline_connect(&next.line.fd, birth->line.ledger,
		    &(struct lifeline_who){"mock-mcp-child", birth->identity->name,
			    birth->identity->session},
		    &err) ||
		!make_litter(&children, &next, next.depth > 0 ? 1 : 0, &err)) {
		fprintf(stderr, "%s: child: %s\n", birth->identity->name, err.text);
		_exit(1);
	}
	if (next.line.fd >= 0)
		lifeline_end_with(next.line.fd, EXIT_FAILURE);
	if (write(birth->say, &self, sizeof self) != (ssize_t)sizeof self)
		_exit(1);
	close(birth->say);
	if (!birth->zombie)
		live(birth, &children);
	lifeline_exit(0);
	_exit(0);
}

/* Returns when its parent is the reaper: its first line says so. */
static void await_adoption(pid_t parent)
{
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	while (getppid() == parent)
		sigwaitinfo(&told, NULL);
	prctl(PR_SET_PDEATHSIG, 0);
}

static void be_daemon(const struct birth *birth) NORETURN;
static void be_daemon(const struct birth *birth)
{
	pid_t middle = getpid(), pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0);
	await_adoption(middle);
	be_child(birth);
}

/* Makes one. The pid is that to wait for later, 0 when there is none. */
static bool make_one(
	pid_t *waited, const struct birth *birth, int said, struct err *err)
{
	bool daemon = !birth->zombie && birth->behavior->session == MCP_CHILD_DAEMON;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(err, "fork");
	if (pid == 0) {
		close(said);
		if (daemon)
			be_daemon(birth);
		if (!birth->zombie && birth->behavior->session == MCP_CHILD_OWN)
			setsid();
		be_child(birth);
	}
	*waited = pid;
	if (daemon) {
		waitpid(pid, NULL, 0);
		*waited = 0;
	}
	return true;
}

/* All of them and that they are up, or none. */
static bool make_litter(
	struct litter *litter, const struct birth *birth, int64_t size, struct err *err)
{
	bool good = begin_litter(litter, size, err);
	struct birth each = *birth;

	each.say = litter->say;
	while (good && litter->made < size) {
		good = make_one(
			&litter->waited[litter->made], &each, litter->said, err);
		litter->made += good;
	}
	good = good && await_litter(litter, (unsigned)size, err);
	if (!good) {
		kill_litter(litter);
		end_litter(litter);
		return false;
	}
	close_end(&litter->said);
	for (unsigned i = 0; i < litter->upped; i++)
		log_event("mcp.child", LOG_IDENTITY(birth->identity), "child",
			LOG_INT(litter->up[i]), "kind", LOG_TEXT(kind(birth)));
	return true;
}

/* Waits for each to have ended, and leaves it. */
static void await_ends(const struct litter *zombies)
{
	siginfo_t info;

	for (unsigned i = 0; i < zombies->made; i++)
		while (waitid(P_PID, (id_t)zombies->waited[i], &info,
			       WEXITED | WNOWAIT) < 0 &&
			errno == EINTR)
			continue;
}

struct children *children_create(const struct mcp_behavior *behavior,
	const struct log_identity *identity, const struct children_lifeline *line,
	struct err *err)
{
	struct birth birth = {
		.behavior = &behavior->children,
		.identity = identity,
		.line = *line,
		.depth = behavior->children.depth,
		.outer = -1,
	};
	struct children *children = mem_zeroed(sizeof *children);

	if (!make_litter(&children->children, &birth, behavior->children.count, err)) {
		err_while(err, "children");
		free(children);
		return NULL;
	}
	birth.zombie = true;
	birth.depth = 1;
	if (!make_litter(&children->zombies, &birth, behavior->zombies, err)) {
		err_while(err, "zombies");
		kill_litter(&children->children);
		children_destroy(children);
		return NULL;
	}
	await_ends(&children->zombies);
	return children;
}

void children_reap(struct children *children)
{
	reap_litter(&children->children);
}

void children_destroy(struct children *children)
{
	if (!children)
		return;
	end_litter(&children->children);
	end_litter(&children->zombies);
	free(children);
}
