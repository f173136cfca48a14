#include "lib/reaper.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/descendants.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define SCRATCH_SIZE    ((size_t)64 << 10)
#define REAPED_PER_TURN 256
#define READS_MAX       64

struct reaper {
	uv_loop_t *loop;
	reaper_orphan_fn *orphan;
	void *arg;
	struct spawner spawner;
	struct reaper_child *children; /* started and not reaped yet, by pid */
	bool sweeping;    /* a process of reaper_kill_all() is not reaped yet */
	bool made_reaper; /* this reaper made the program a subreaper */
	bool closing;
	unsigned handles;
	uv_signal_t sigchld;
	uv_idle_t look; /* active: something may have ended */
	char scratch[SCRATCH_SIZE];
};

static void on_closed(uv_handle_t *handle)
{
	struct reaper *reaper = handle->data;

	if (--reaper->handles == 0)
		free(reaper);
}

static void close_handle(uv_handle_t *handle)
{
	if (handle->data && !uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void close_when_empty(struct reaper *reaper)
{
	if (!reaper->closing || reaper->children)
		return;
	close_handle((uv_handle_t *)&reaper->sigchld);
	close_handle((uv_handle_t *)&reaper->look);
}

/* The loop runs as long as something is to be reaped. */
static void keep_running(struct reaper *reaper)
{
	uv_handle_t *sigchld = (uv_handle_t *)&reaper->sigchld;

	if (reaper->children || reaper->sweeping)
		uv_ref(sigchld);
	else
		uv_unref(sigchld);
}

uv_loop_t *reaper_loop(const struct reaper *reaper)
{
	return reaper->loop;
}

uv_buf_t reaper_scratch(struct reaper *reaper)
{
	return uv_buf_init(reaper->scratch, sizeof reaper->scratch);
}

int reaper_start(
	struct reaper *reaper, const struct spawn *spawn, struct reaper_child *child)
{
	int failed = spawner_start(&reaper->spawner, spawn, &child->pid);

	assert(!reaper->closing);
	if (failed)
		return failed;
	HASH_ADD(hh, reaper->children, pid, sizeof child->pid, child);
	keep_running(reaper);
	return 0;
}

static struct reaper_child *find_child(const struct reaper *reaper, pid_t pid)
{
	struct reaper_child *child;

	HASH_FIND(hh, reaper->children, &pid, sizeof pid, child);
	return child;
}

static bool is_spared(const void *arg, pid_t pid)
{
	const struct reaper_child *child = find_child(arg, pid);

	return child && !child->released;
}

/* Kills until a read finds no new descendant: a killed process cannot fork any more,
 * and what it forked or leaves behind appears in the next read. */
unsigned reaper_kill_all(struct reaper *reaper)
{
	SCOPED(descendants_done) struct descendants left = {0};
	SCOPED(descendants_done) struct descendants seen = {0};
	unsigned killed = 0;
	bool awaited = false, more = true;

	assert(reaper->orphan);
	for (unsigned reads = 0; more && reads < READS_MAX; reads++) {
		more = awaited = false;
		descendants_read(&left, getpid(), is_spared, reaper);
		for (size_t i = 0; i < left.count; i++) {
			const struct descendant *one = &left.all[i];

			if (one->dead || kill(one->pid, SIGKILL) == 0)
				awaited = true;
			if (descendants_has(&seen, one->pid))
				continue;
			descendants_add(&seen, one->pid, one->dead);
			killed += !one->dead;
			more = true;
		}
	}
	reaper->sweeping = awaited;
	keep_running(reaper);
	return killed;
}

/* Gives the pid of a process that was reaped, or 0. *child is NULL for an orphan. */
static pid_t reap_one(
	const struct reaper *reaper, struct reaper_child **child, int *status)
{
	struct reaper_child *one, *next;
	pid_t pid;

	*child = NULL;
	if (reaper->orphan && !reaper->closing) {
		pid = waitpid(-1, status, WNOHANG);
		*child = pid > 0 ? find_child(reaper, pid) : NULL;
		return pid > 0 ? pid : 0;
	}
	HASH_ITER(hh, reaper->children, one, next) {
		if (waitpid(one->pid, status, WNOHANG) != one->pid)
			continue;
		*child = one;
		return one->pid;
	}
	return 0;
}

static void hand_over(
	struct reaper *reaper, pid_t pid, struct reaper_child *child, int status)
{
	if (!child) {
		reaper->orphan(reaper->arg, pid, status);
		return;
	}
	HASH_DEL(reaper->children, child);
	keep_running(reaper);
	child->reaped(child, status);
	close_when_empty(reaper);
}

static void on_look(uv_idle_t *look)
{
	struct reaper *reaper = look->data;

	for (unsigned reaped = 0; reaped < REAPED_PER_TURN; reaped++) {
		struct reaper_child *child;
		int status;
		pid_t pid = reap_one(reaper, &child, &status);

		if (pid > 0) {
			hand_over(reaper, pid, child, status);
			if (uv_is_closing((uv_handle_t *)look))
				return;
			continue;
		}
		uv_idle_stop(look);
		if (reaper->sweeping)
			reaper_kill_all(reaper);
		return;
	}
}

static void on_sigchld(uv_signal_t *signal, int number UNUSED)
{
	struct reaper *reaper = signal->data;

	uv_idle_start(&reaper->look, on_look);
}

static bool become_reaper(struct reaper *reaper, struct err *err)
{
	int already = 0;

	if (getpid() == 1)
		return true;
	if (prctl(PR_GET_CHILD_SUBREAPER, &already) != 0)
		return err_sys(err, "ask whether this process is a subreaper");
	if (already)
		return true;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0)
		return err_sys(err, "become a subreaper");
	reaper->made_reaper = true;
	return true;
}

static bool watch_children(struct reaper *reaper, struct err *err)
{
	int failed;

	uv_idle_init(reaper->loop, &reaper->look);
	reaper->look.data = reaper;
	reaper->handles++;
	failed = uv_signal_init(reaper->loop, &reaper->sigchld);
	if (!failed) {
		reaper->sigchld.data = reaper;
		reaper->handles++;
		failed = uv_signal_start(&reaper->sigchld, on_sigchld, SIGCHLD);
	}
	if (failed)
		return err_set(err, "watch SIGCHLD: %s", uv_strerror(failed));
	uv_unref((uv_handle_t *)&reaper->sigchld);
	return spawner_init(&reaper->spawner, err);
}

struct reaper *reaper_create(
	uv_loop_t *loop, reaper_orphan_fn *orphan, void *arg, struct err *err)
{
	struct reaper *reaper = mem_zeroed(sizeof *reaper);

	reaper->loop = loop;
	reaper->orphan = orphan;
	reaper->arg = arg;
	signals_ignore_sigpipe();
	if (!watch_children(reaper, err) || (orphan && !become_reaper(reaper, err))) {
		reaper_destroy(reaper);
		return NULL;
	}
	/* Orphans may have ended before SIGCHLD was watched. */
	if (orphan)
		uv_idle_start(&reaper->look, on_look);
	return reaper;
}

void reaper_destroy(struct reaper *reaper)
{
	const struct reaper_child *child;

	if (!reaper)
		return;
	for (child = reaper->children; child; child = child->hh.next)
		assert(child->released);
	if (reaper->made_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0L);
	spawner_done(&reaper->spawner);
	reaper->closing = true;
	reaper->sweeping = false;
	keep_running(reaper);
	close_when_empty(reaper);
}
