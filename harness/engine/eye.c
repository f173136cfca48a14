#include "harness/engine/eye.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/engine/exits.h"
#include "harness/engine/tap.h"
#include "lib/clock.h"
#include "lib/mem.h"

struct eyes {
	uv_loop_t *loop;
	struct exits *exits; /* NULL: not possible here */
	bool taps;
};

struct eye {
	struct eyes *eyes;
	pid_t pid;
	int pidfd;
	uv_poll_t poll;
	struct tap *tap; /* NULL: not possible here */
	struct exit_record record;
	int64_t seen_ns; /* when the pidfd said that it ended; 0: not yet */
	eye_ended_fn *ended;
	void *arg;

	/* What was tapped, oldest first. */
	struct tap_record *taps;
	unsigned tap_count;
};

struct eyes *eyes_open(uv_loop_t *loop, struct engine_sight *sight)
{
	struct eyes *eyes = mem_zeroed(sizeof *eyes);
	size_t len = strlen(sight->note);
	struct err err;

	eyes->loop = loop;
	eyes->exits = exits_open(loop, &err);
	sight->exit = eyes->exits ? WITNESS_KERNEL : WITNESS_SELF;
	if (!eyes->exits)
		len += (size_t)snprintf(sight->note + len, sizeof sight->note - len,
			"%sno kernel stamp of exits (%.80s)", len ? "; " : "", err.text);
	eyes->taps = tap_possible(&err);
	sight->signal_fate = eyes->taps;
	if (eyes->taps)
		sight->signal = sight->kill = WITNESS_KERNEL;
	else
		snprintf(sight->note + len, sizeof sight->note - len,
			"%sno kernel trace of signals (%.80s)", len ? "; " : "", err.text);
	return eyes;
}

void eyes_close(struct eyes *eyes)
{
	if (!eyes)
		return;
	exits_close(eyes->exits);
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
	if (eyes->exits)
		exits_watch(eyes->exits, pid, &eye->record);
	if (eyes->taps)
		eye->tap = tap_open(pid, &ignored);
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
	if (eye->record.ns) {
		facts->exit_ns = eye->record.ns;
		facts->exit_error_ns = 0;
		facts->exit_witness = WITNESS_KERNEL;
		facts->wait_status_known = true;
		facts->wait_status = eye->record.wait_status;
	} else if (ioctl(eye->pidfd, PIDFD_GET_INFO_V1, &info) == 0 &&
		(info.mask & PIDFD_INFO_EXIT_BIT)) {
		facts->wait_status_known = true;
		facts->wait_status = info.exit_code;
	}
}

static int by_time(const void *one, const void *other)
{
	int64_t a = ((const struct tap_record *)one)->ns;
	int64_t b = ((const struct tap_record *)other)->ns;

	return (a > b) - (a < b);
}

static void read_tap(struct eye *eye)
{
	struct tap_record record;

	while (eye->tap && tap_next(eye->tap, &record)) {
		eye->taps = mem_grown(eye->taps, eye->tap_count + 1, sizeof *eye->taps);
		eye->taps[eye->tap_count++] = record;
	}
	if (eye->tap_count)
		qsort(eye->taps, eye->tap_count, sizeof *eye->taps, by_time);
}

static void name_sender(pid_t pid, char *name, size_t size)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");

	snprintf(name, size, "process %d", (int)pid);
	if (file && fgets(name, (int)size, file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void tell_signals(const struct eye *eye, struct stop_facts *facts, pid_t *kill_by)
{
	for (unsigned i = 0; i < eye->tap_count; i++) {
		const struct tap_record *record = &eye->taps[i];

		if (record->signal == SIGKILL && facts->kill_witness != WITNESS_KERNEL) {
			facts->kill_ns = record->ns;
			facts->kill_witness = WITNESS_KERNEL;
			*kill_by = record->sender;
			name_sender(record->sender, facts->kill_sender,
				sizeof facts->kill_sender);
		}
		if (record->signal != facts->stop_signal || !facts->asked_ns ||
			record->ns < facts->asked_ns)
			continue;
		if (facts->signals_seen++ == 0) {
			facts->signal_ns = record->ns;
			facts->signal_error_ns = 0;
			facts->signal_witness = WITNESS_KERNEL;
			facts->signal_fate =
				record->ignored ? FATE_IGNORED : FATE_DELIVERED;
		}
	}
}

void eye_tell(struct eye *eye, struct stop_facts *facts, pid_t *kill_by)
{
	if (eye->eyes->exits)
		exits_read(eye->eyes->exits);
	read_tap(eye);
	facts->signals_seen = 0;
	tell_exit(eye, facts);
	tell_signals(eye, facts, kill_by);
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
	if (eye->eyes->exits)
		exits_forget(eye->eyes->exits, eye->pid);
	tap_close(eye->tap);
	free(eye->taps);
	uv_close((uv_handle_t *)&eye->poll, on_closed);
}
