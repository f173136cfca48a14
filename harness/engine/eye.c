#include "harness/engine/eye.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/engine/lives.h"
#include "harness/engine/tap.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* The threads of a process that exits end within some ms of each other. */
#define LEFT_EARLY_NS (50 * CLOCK_MS)

struct eyes {
	uv_loop_t *loop;
	struct lives *lives; /* NULL: not possible here */
	struct tap *lid;     /* watches nobody; NULL: taps are not possible here */
};

/* A signal that was tapped, and the command name of its sender. */
struct sent {
	struct tap_record record;
	char sender[40];
};

struct eye {
	struct eyes *eyes;
	pid_t pid;
	int pidfd;
	uv_poll_t poll;
	int64_t dying_ns;              /* it began to exit; 0: not tapped */
	struct tap *tap;               /* NULL: not possible here */
	const struct lineage *lineage; /* NULL: not possible here */
	int64_t seen_ns; /* when the pidfd said that it ended; 0: not yet */
	eye_ended_fn *ended;
	void *arg;

	struct sent *sent;
	unsigned sent_count;
};

/* Tracepoints and the connector count processes in the first PID namespace. */
static bool pids_are_global(void)
{
	static const char first[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */
	char here[sizeof first] = "";

	return readlink("/proc/self/ns/pid", here, sizeof here) ==
		(ssize_t)(sizeof first - 1) &&
		memcmp(here, first, sizeof first - 1) == 0;
}

/* Of processes that are not our children, since Linux 6.15. */
static bool pidfds_tell_statuses(void)
{
	struct utsname host;
	int major, minor;

	return uname(&host) == 0 &&
		sscanf(host.release, "%d.%d", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 15));
}

static void on_nobody(void *arg, const struct tap_record *record)
{
	(void)arg;
	(void)record;
}

/* Who lets go of a tracepoint as the last waits for all processors, some 80 ms in all.
 * Held from the beginning, each case's own taps come and go at once. */
static struct tap *hold_tracepoints(uv_loop_t *loop, struct err *err)
{
	if (pids_are_global())
		return tap_open(loop, 0, on_nobody, NULL, err);
	err_set(err, "not in the first PID namespace");
	return NULL;
}

static struct lives *open_lives(uv_loop_t *loop, struct err *err)
{
	if (pids_are_global())
		return lives_open(loop, err);
	err_set(err, "not in the first PID namespace");
	return NULL;
}

struct eyes *eyes_open(uv_loop_t *loop, struct engine_sight *sight)
{
	struct eyes *eyes = mem_zeroed(sizeof *eyes);
	size_t len = strlen(sight->note);
	struct err err;

	eyes->loop = loop;
	eyes->lives = open_lives(loop, &err);
	sight->exit = eyes->lives ? WITNESS_KERNEL : WITNESS_SELF;
	if (eyes->lives || pidfds_tell_statuses())
		sight->wait_status = true;
	if (!eyes->lives)
		len += (size_t)snprintf(sight->note + len, sizeof sight->note - len,
			"%sno kernel stamp of exits (%.80s)", len ? "; " : "",
			err.text);
	eyes->lid = hold_tracepoints(loop, &err);
	sight->signal_fate = eyes->lid != NULL;
	if (eyes->lid)
		sight->signal = sight->kill = WITNESS_KERNEL;
	else
		snprintf(sight->note + len, sizeof sight->note - len,
			"%sno kernel trace of signals (%.80s)", len ? "; " : "",
			err.text);
	return eyes;
}

void eyes_close(struct eyes *eyes)
{
	if (!eyes)
		return;
	lives_close(eyes->lives);
	tap_close(eyes->lid);
	free(eyes);
}

static void on_ended(uv_poll_t *poll, int status, int events)
{
	struct eye *eye = poll->data;

	(void)status;
	(void)events;
	eye->seen_ns = clock_now();
	uv_poll_stop(poll);
	eye->ended(eye->arg);
}

static void name_sender(pid_t pid, char *name, size_t size)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");

	if (!file || !fgets(name, (int)size, file))
		snprintf(name, size, "process %d", (int)pid);
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* Kept in the order of their time: each processor has its own queue. The sender is
 * named at once, it may be gone soon. */
static void on_sent(void *arg, const struct tap_record *record)
{
	struct eye *eye = arg;
	unsigned at = eye->sent_count;

	if (record->what == TAP_DYING) {
		eye->dying_ns = record->ns;
		return;
	}
	eye->sent = mem_grown(eye->sent, eye->sent_count + 1, sizeof *eye->sent);
	while (at > 0 && eye->sent[at - 1].record.ns > record->ns) {
		eye->sent[at] = eye->sent[at - 1];
		at--;
	}
	eye->sent[at] = (struct sent){.record = *record};
	if (record->from_kernel)
		snprintf(eye->sent[at].sender, sizeof eye->sent[at].sender,
			"the kernel (memory or CPU limit)");
	else
		name_sender(record->sender, eye->sent[at].sender,
			sizeof eye->sent[at].sender);
	eye->sent_count++;
}

struct eye *eye_open(
	struct eyes *eyes, pid_t pid, eye_ended_fn *ended, void *arg, struct err *err)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct eye *eye;
	struct err ignored;

	if (pidfd < 0) {
		err_sys(err, "pidfd of process %d", (int)pid);
		return NULL;
	}
	eye = mem_zeroed(sizeof *eye);
	eye->eyes = eyes;
	eye->pid = pid;
	eye->pidfd = pidfd;
	eye->ended = ended;
	eye->arg = arg;
	if (eyes->lives)
		eye->lineage = lives_watch(eyes->lives, pid);
	if (eyes->lid)
		eye->tap = tap_open(eyes->loop, pid, on_sent, eye, &ignored);
	uv_poll_init(eyes->loop, &eye->poll, pidfd);
	eye->poll.data = eye;
	uv_poll_start(&eye->poll, UV_READABLE, on_ended);
	return eye;
}

int eye_pidfd(const struct eye *eye)
{
	return eye->pidfd;
}

bool eye_ended(const struct eye *eye)
{
	return eye->seen_ns != 0;
}

/* struct pidfd_info of Linux 6.13; the exit status came with 6.15. */
struct pidfd_info_v1 {
	uint64_t mask, cgroup_id;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};

#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)
#define PIDFD_GET_INFO_V1   _IOWR(0xFF, 11, struct pidfd_info_v1)

static void tell_exit(const struct eye *eye, struct stop_facts *facts)
{
	struct pidfd_info_v1 info = {.mask = PIDFD_INFO_EXIT_BIT};

	if (!eye->seen_ns)
		return;
	facts->exit_ns = eye->seen_ns;
	facts->exit_error_ns = CLOCK_MS;
	facts->exit_witness = WITNESS_SELF;
	if (eye->lineage && eye->lineage->self.ended_ns) {
		facts->exit_ns = eye->lineage->self.ended_ns;
		facts->exit_error_ns = 0;
		facts->exit_witness = WITNESS_KERNEL;
		facts->wait_status_known = true;
		facts->wait_status = eye->lineage->self.wait_status;
	} else if (ioctl(eye->pidfd, PIDFD_GET_INFO_V1, &info) == 0 &&
		(info.mask & PIDFD_INFO_EXIT_BIT)) {
		facts->wait_status_known = true;
		facts->wait_status = info.exit_code;
	}
	/* It may have ended while the stop was being asked for. */
	if (facts->exit_ns < facts->asked_ns)
		facts->exited_before_stop = true;
}

static void tell_signal(const struct sent *sent, struct stop_facts *facts)
{
	if (sent->record.signal != facts->stop_signal || !facts->asked_ns ||
		sent->record.ns < facts->asked_ns)
		return;
	if (facts->signals_seen++ > 0)
		return;
	facts->signal_ns = sent->record.ns;
	facts->signal_error_ns = 0;
	facts->signal_witness = WITNESS_KERNEL;
	facts->signal_fate = sent->record.ignored ? FATE_IGNORED : FATE_DELIVERED;
}

/* The first that came before the end is the one that killed. */
static void tell_kill(const struct sent *sent, struct stop_facts *facts, pid_t *kill_by)
{
	/* One that the kernel threw away (kill(1, 9) from inside) killed nobody; of the
	 * others the first is the one that did. */
	if (sent->record.signal != SIGKILL || sent->record.ignored ||
		facts->kill_witness == WITNESS_KERNEL ||
		(facts->exit_ns && sent->record.ns > facts->exit_ns))
		return;
	facts->kill_ns = sent->record.ns;
	facts->kill_witness = WITNESS_KERNEL;
	*kill_by = sent->record.from_kernel ? -1 : sent->record.sender;
	snprintf(facts->kill_sender, sizeof facts->kill_sender, "%s", sent->sender);
}

/* A main thread that goes while others stay is not the beginning of the end. */
static bool left_early(const struct eye *eye)
{
	const struct lineage *lineage = eye->lineage;

	return lineage && lineage->leader_ns &&
		lineage->self.ended_ns - lineage->leader_ns > LEFT_EARLY_NS;
}

void eye_tell(struct eye *eye, struct stop_facts *facts, pid_t *kill_by)
{
	if (eye->lineage)
		lives_read(eye->eyes->lives);
	if (eye->tap)
		tap_read(eye->tap);
	facts->signals_seen = 0;
	tell_exit(eye, facts);
	if (!left_early(eye))
		facts->dying_ns = eye->dying_ns;
	for (unsigned i = 0; i < eye->sent_count; i++) {
		tell_signal(&eye->sent[i], facts);
		tell_kill(&eye->sent[i], facts, kill_by);
	}
}

bool eye_descendants(struct eye *eye, const struct life **lives, unsigned *count)
{
	if (!eye->lineage)
		return false;
	lives_read(eye->eyes->lives);
	*lives = eye->lineage->descendants;
	*count = eye->lineage->count;
	return !eye->lineage->torn;
}

static void on_closed(uv_handle_t *handle)
{
	struct eye *eye = handle->data;

	close(eye->pidfd);
	free(eye);
}

void eye_close(struct eye *eye)
{
	if (!eye)
		return;
	if (eye->lineage)
		lives_forget(eye->eyes->lives, eye->lineage);
	tap_close(eye->tap);
	free(eye->sent);
	uv_close((uv_handle_t *)&eye->poll, on_closed);
}
