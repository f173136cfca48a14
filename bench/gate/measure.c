#include "bench/gate/measure.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/mem.h"

#define WAIT_US    15000
#define COMPUTE_US 5000
#define SLOWER_US  5000 /* the tolerance of a stop below 100 ms */
#define PROCESSORS 256
#define TRIES      3 /* of a block, where a stop came to nothing */

/* One program that computes on each processor. */
struct burners {
	pid_t pid[PROCESSORS];
	unsigned count;
};

static void burn(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		for (volatile unsigned i = 0; i < 1000000; i++)
			continue;
	_exit(0);
}

static void burners_stop(struct burners *burners)
{
	for (unsigned i = 0; i < burners->count; i++) {
		kill(burners->pid[i], SIGKILL);
		while (waitpid(burners->pid[i], NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	burners->count = 0;
}

static bool burners_start(struct burners *burners, struct err *err)
{
	int processors = get_nprocs();
	pid_t parent = getpid();

	while ((int)burners->count < processors && burners->count < PROCESSORS) {
		pid_t pid = fork();

		if (pid == 0)
			burn(parent);
		if (pid < 0) {
			burners_stop(burners);
			return err_set(err, "fork: %s", strerror(errno));
		}
		burners->pid[burners->count++] = pid;
	}
	return true;
}

static bool stop_once(
	struct rig *rig, const struct scenario *scenario, double *ns, struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};

	if (!rig_case(rig, rig->process, scenario, &seen, err))
		return false;
	*ns = (double)seen.judgement.stop_ns;
	return true;
}

static bool stop_pairs(struct rig *rig, const struct scenario *base,
	const struct scenario *new, struct block *block, struct err *err)
{
	for (unsigned i = 0; i < BLOCK_PAIRS; i++) {
		bool base_first = i % 2 == 0;

		if ((base_first && !stop_once(rig, base, &block->base_ns[i], err)) ||
			!stop_once(rig, new, &block->new_ns[i], err) ||
			(!base_first && !stop_once(rig, base, &block->base_ns[i], err)))
			return false;
	}
	return true;
}

static bool read_scenario(
	struct rig *rig, struct scenario *scenario, unsigned wait_us, struct err *err)
{
	return rig_scenario(scenario, err,
		"{\"name\": \"a planted time\","
		" \"service\": {\"command\": [\"%s/timed\", \"%u\", \"%u\"],"
		"  \"mocks\": false, \"ready\": {\"log\": \"ready\"}},"
		" \"stop\": {\"grace\": \"10s\"}}",
		rig->here, wait_us, (unsigned)COMPUTE_US);
}

static bool measure_block(struct rig *rig, struct block *block, struct err *err)
{
	SCOPED(scenario_done) struct scenario base = {0}, new = {0};
	struct burners burners = {0};
	bool ok = read_scenario(rig, &base, WAIT_US, err) &&
		read_scenario(
			rig, &new, WAIT_US + (block->slowed ? SLOWER_US : 0), err) &&
		(!block->loaded || burners_start(&burners, err)) &&
		stop_pairs(rig, &base, &new, block, err);

	burners_stop(&burners);
	if (getloadavg(&block->load, 1) != 1)
		block->load = 0;
	return ok;
}

static bool try_block(struct rig *rig, struct block *block, struct err *err)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (measure_block(rig, block, err))
			return true;
		if (rig->interrupted)
			return false;
		fprintf(stderr, "bench-gate: measured again: %s\n", err->text);
	}
	return false;
}

/* Of this process, and so of everything that is started for the block. */
static bool set_priority(bool realtime, struct err *err)
{
	struct sched_param param = {.sched_priority = realtime ? 1 : 0};

	return sched_setscheduler(0, realtime ? SCHED_RR : SCHED_OTHER, &param) == 0 ||
		err_set(err, "sched_setscheduler: %s", strerror(errno));
}

static void say_host(struct times *times, bool realtime)
{
	struct utsname host = {0};

	uname(&host);
	snprintf(times->host, sizeof times->host, "%.64s %.64s, %d processors%s",
		host.sysname, host.release, get_nprocs(),
		realtime ? ", quiet at real-time priority" : "");
}

bool measure(struct rig *rig, struct times *times,
	const struct measure_options *options, struct err *err)
{
	unsigned same = 0;

	say_host(times, options->realtime);
	times_write_host(times, options->file);
	for (unsigned i = 0; same < options->comparisons && !rig->interrupted; i++) {
		struct block block = {.loaded = i % 2 == 1, .slowed = i % 8 >= 6};

		if (!set_priority(options->realtime && !block.loaded, err))
			return false;
		if (!try_block(rig, &block, err))
			return rig->interrupted;
		times_add(times, &block);
		times_write_block(&block, options->file);
		if (!block.slowed)
			same += BLOCK_PAIRS / PAIRS;
	}
	return true;
}
