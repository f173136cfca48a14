#include "lib/family.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/kin.h"
#include "lib/mem.h"
#include "lib/sigpipe.h"

#define SCRATCH_SIZE    ((size_t)64 << 10)
#define REAPED_PER_TURN 256
#define LOOKS_PER_SWEEP 64

struct family {
	uv_loop_t *loop;
	family_orphan_fn *orphan;
	void *arg;
	struct family_member *members; /* spawned by us and not reaped yet */
	bool sweeping;    /* somebody whom a sweep has killed is not reaped yet */
	bool made_reaper; /* we are a subreaper because of this family */
	bool leaving;
	unsigned handles;
	uv_signal_t sigchld;
	uv_idle_t look; /* active: look in the next turn of the loop */
	char scratch[SCRATCH_SIZE];
};

static void free_when_empty(struct family *family)
{
	if (family->leaving && family->handles == 0 && !family->members)
		free(family);
}

static void on_closed(uv_handle_t *handle)
{
	struct family *family = handle->data;

	family->handles--;
	free_when_empty(family);
}

uv_loop_t *family_loop(const struct family *family)
{
	return family->loop;
}

uv_buf_t family_scratch(struct family *family)
{
	return uv_buf_init(family->scratch, sizeof family->scratch);
}

void family_join(struct family *family, struct family_member *member)
{
	assert(!family->leaving);
	DL_APPEND(family->members, member);
}

void family_leave(struct family *family, struct family_member *member)
{
	DL_DELETE(family->members, member);
	free_when_empty(family);
}

static const struct family_member *find_member(const struct family *family, pid_t pid)
{
	const struct family_member *member;

	for (member = family->members; member; member = member->next) {
		if (member->pid == pid)
			return member;
	}
	return NULL;
}

static bool is_spared(const void *arg, pid_t pid)
{
	const struct family_member *member = find_member(arg, pid);

	return member && !member->released;
}

/* Kills until a look finds nobody new: what is doomed can't fork any more, and what it
 * forked or leaves behind turns up in the next look. */
static unsigned kill_descendants(struct family *family)
{
	SCOPED(kin_done) struct kin left = {0};
	SCOPED(kin_done) struct kin seen = {0};
	unsigned killed = 0;
	bool awaited = false, more = true;

	for (unsigned looks = 0; more && looks < LOOKS_PER_SWEEP; looks++) {
		more = awaited = false;
		kin_read(&left, getpid(), is_spared, family);
		for (size_t i = 0; i < left.count; i++) {
			const struct relative *relative = &left.all[i];

			if (relative->dead || kill(relative->pid, SIGKILL) == 0)
				awaited = true;
			if (kin_has(&seen, relative->pid))
				continue;
			kin_add(&seen, relative->pid, relative->dead);
			killed += !relative->dead;
			more = true;
		}
	}
	family->sweeping = awaited;
	if (awaited)
		uv_ref((uv_handle_t *)&family->sigchld);
	else
		uv_unref((uv_handle_t *)&family->sigchld);
	return killed;
}

unsigned family_sweep(struct family *family)
{
	assert(family->orphan);
	return kill_descendants(family);
}

static void reap_orphan(struct family *family, pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return;
	family->orphan(family->arg, pid, status);
}

/* A peek shows one zombie at a time and always the same one first: while that is a
 * child which libuv has still to reap, nobody behind it can be seen, so libuv is
 * given a turn of the loop. It reaps all its children at every SIGCHLD. A zero timer
 * would not do: started by a timer, libuv 1.44 runs it before it polls again. */
static void on_look(uv_idle_t *look)
{
	struct family *family = look->data;

	for (unsigned reaped = 0; reaped < REAPED_PER_TURN; reaped++) {
		siginfo_t info = {0};
		int failed = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);

		if (failed || info.si_pid == 0) {
			uv_idle_stop(look);
			if (family->sweeping)
				kill_descendants(family);
			return;
		}
		if (find_member(family, info.si_pid))
			return;
		reap_orphan(family, info.si_pid);
		if (family->leaving)
			return;
	}
}

/* libuv's own watcher may come before or after this one: the next turn follows both. */
static void on_sigchld(uv_signal_t *signal, int number UNUSED)
{
	struct family *family = signal->data;

	uv_idle_start(&family->look, on_look);
}

static bool become_reaper(struct family *family, struct err *err)
{
	int already = 0;

	if (getpid() == 1)
		return true;
	if (prctl(PR_GET_CHILD_SUBREAPER, &already) != 0)
		return err_sys(err, "ask whether we are a subreaper");
	if (already)
		return true;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0)
		return err_sys(err, "become a subreaper");
	family->made_reaper = true;
	return true;
}

/* The first look is for those who died, or became ours, before we listened. */
static bool take_in_orphans(struct family *family, struct err *err)
{
	int failed;

	uv_idle_init(family->loop, &family->look);
	family->look.data = family;
	family->handles++;
	failed = uv_signal_init(family->loop, &family->sigchld);
	if (failed)
		return err_set(err, "watch SIGCHLD: %s", uv_strerror(failed));
	family->sigchld.data = family;
	family->handles++;
	failed = uv_signal_start(&family->sigchld, on_sigchld, SIGCHLD);
	if (failed)
		return err_set(err, "watch SIGCHLD: %s", uv_strerror(failed));
	uv_unref((uv_handle_t *)&family->sigchld);
	uv_idle_start(&family->look, on_look);
	return become_reaper(family, err);
}

struct family *family_create(
	uv_loop_t *loop, family_orphan_fn *orphan, void *arg, struct err *err)
{
	struct family *family = mem_zeroed(sizeof *family);

	family->loop = loop;
	family->orphan = orphan;
	family->arg = arg;
	sigpipe_ignore();
	if (orphan && !take_in_orphans(family, err)) {
		family_destroy(family);
		return NULL;
	}
	return family;
}

void family_destroy(struct family *family)
{
	const struct family_member *member;

	if (!family)
		return;
	for (member = family->members; member; member = member->next)
		assert(member->released);
	if (family->made_reaper)
		prctl(PR_SET_CHILD_SUBREAPER, 0L);
	family->leaving = true;
	if (family->sigchld.data)
		uv_close((uv_handle_t *)&family->sigchld, on_closed);
	if (family->look.data)
		uv_close((uv_handle_t *)&family->look, on_closed);
	free_when_empty(family);
}
