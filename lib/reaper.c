#include "lib/reaper.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

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
	struct reaper_child *children; /* spawned and not reaped yet */
	bool sweeping;    /* a process of reaper_kill_all() is not reaped yet */
	bool made_reaper; /* this reaper made the program a subreaper */
	bool closing;
	unsigned handles;
	uv_signal_t sigchld;
	uv_idle_t look; /* active: wait for orphans in the next turn of the loop */
	char scratch[SCRATCH_SIZE];
};

static void free_when_empty(struct reaper *reaper)
{
	if (reaper->closing && reaper->handles == 0 && !reaper->children)
		free(reaper);
}

static void on_closed(uv_handle_t *handle)
{
	struct reaper *reaper = handle->data;

	reaper->handles--;
	free_when_empty(reaper);
}

uv_loop_t *reaper_loop(const struct reaper *reaper)
{
	return reaper->loop;
}

uv_buf_t reaper_scratch(struct reaper *reaper)
{
	return uv_buf_init(reaper->scratch, sizeof reaper->scratch);
}

void reaper_add(struct reaper *reaper, struct reaper_child *child)
{
	assert(!reaper->closing);
	DL_APPEND(reaper->children, child);
}

void reaper_remove(struct reaper *reaper, struct reaper_child *child)
{
	DL_DELETE(reaper->children, child);
	free_when_empty(reaper);
}

static const struct reaper_child *find_child(const struct reaper *reaper, pid_t pid)
{
	const struct reaper_child *child;

	for (child = reaper->children; child; child = child->next)
		if (child->pid == pid)
			return child;
	return NULL;
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
	if (awaited)
		uv_ref((uv_handle_t *)&reaper->sigchld);
	else
		uv_unref((uv_handle_t *)&reaper->sigchld);
	return killed;
}

/* waitid(WNOWAIT) shows one zombie at a time, always the same one first. While that is
 * a child for libuv to reap, the zombies after it are hidden, so libuv gets a turn of
 * the loop, in which it reaps all its children. A zero timer would not do: libuv 1.44
 * runs one that a timer started before it polls again. */
static void on_look(uv_idle_t *look)
{
	struct reaper *reaper = look->data;

	for (unsigned reaped = 0; reaped < REAPED_PER_TURN; reaped++) {
		siginfo_t info = {0};
		int status,
			failed = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);

		if (failed || info.si_pid == 0) {
			uv_idle_stop(look);
			if (reaper->sweeping)
				reaper_kill_all(reaper);
			return;
		}
		if (find_child(reaper, info.si_pid))
			return;
		if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid)
			reaper->orphan(reaper->arg, info.si_pid, status);
		if (reaper->closing)
			return;
	}
}

/* libuv's own watcher may run before or after this one; the next turn follows both. */
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

/* The first look finds orphans that ended before SIGCHLD was watched. */
static bool take_in_orphans(struct reaper *reaper, struct err *err)
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
	uv_idle_start(&reaper->look, on_look);
	return become_reaper(reaper, err);
}

struct reaper *reaper_create(
	uv_loop_t *loop, reaper_orphan_fn *orphan, void *arg, struct err *err)
{
	struct reaper *reaper = mem_zeroed(sizeof *reaper);

	reaper->loop = loop;
	reaper->orphan = orphan;
	reaper->arg = arg;
	signals_ignore_sigpipe();
	if (orphan && !take_in_orphans(reaper, err)) {
		reaper_destroy(reaper);
		return NULL;
	}
	return reaper;
}

void reaper_destroy(struct reaper *reaper)
{
	const struct reaper_child *child;

	if (!reaper)
		return;
	for (child = reaper->children; child; child = child->next)
		assert(child->released);
	if (reaper->made_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0L);
	reaper->closing = true;
	if (reaper->sigchld.data)
		uv_close((uv_handle_t *)&reaper->sigchld, on_closed);
	if (reaper->look.data)
		uv_close((uv_handle_t *)&reaper->look, on_closed);
	free_when_empty(reaper);
}
