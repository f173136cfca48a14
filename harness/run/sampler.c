#include "harness/run/sampler.h"

#include <stdlib.h>

#include "harness/engine/connection_ends.h"
#include "harness/engine/snapshot.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define FIRST_NS      (100 * CLOCK_MS)
#define BEFORE_END_NS (250 * CLOCK_MS)
#define SNAPSHOTS_MAX 64

/* A process that is running in the last snapshot may only have been woken for a moment,
 * and where it waits is what explains a stop: it is looked at again, a few times. */
#define AGAIN_NS  (20 * CLOCK_MS)
#define AGAIN_MAX 4

struct sampler {
	const struct subject *subject;
	struct evidence *evidence;
	int64_t began_ns, grace_ns;
	unsigned given; /* snapshots that somebody else took before */
	unsigned again; /* looks that were made because of AGAIN_NS */
	struct loop_timer *timer;
	struct connection_ends *ends; /* NULL: not possible, or none was under way */
};

static bool has_running(const struct snapshot *snapshot)
{
	for (unsigned i = 0; i < snapshot->count; i++) {
		if (snapshot->procs[i].state == 'R')
			return true;
	}
	return false;
}

static void take(void *arg)
{
	struct sampler *sampler = arg;
	const struct subject *subject = sampler->subject;
	int64_t last_ns = sampler->grace_ns - BEFORE_END_NS;
	struct snapshot snapshot = {0};
	int64_t past_ns = clock_now() - sampler->began_ns, next_ns;
	bool running = false;
	/* What it had in hand before the stop, and at the end. */
	bool sockets = sampler->evidence->snapshot_count == sampler->given ||
		past_ns >= sampler->grace_ns - 2 * BEFORE_END_NS;
	struct err err;

	if (subject->pid > 0 && subject->running &&
		sampler->evidence->snapshot_count < SNAPSHOTS_MAX &&
		snapshot_take(&snapshot, subject->pid, sockets,
			sampler->evidence->snapshot_count ? sampler->evidence->snapshots
							  : NULL,
			&err)) {
		running = has_running(&snapshot);
		evidence_add_snapshot(sampler->evidence, &snapshot);
	}
	past_ns = clock_now() - sampler->began_ns;
	next_ns = past_ns < FIRST_NS ? FIRST_NS : (past_ns / CLOCK_S + 1) * CLOCK_S;
	if (past_ns < last_ns && last_ns < next_ns) {
		next_ns = last_ns;
	} else if (past_ns >= last_ns && running && sampler->again < AGAIN_MAX) {
		sampler->again++;
		next_ns = past_ns + AGAIN_NS;
	} else if (past_ns >= last_ns && next_ns < sampler->grace_ns + FIRST_NS) {
		next_ns = sampler->grace_ns + FIRST_NS; /* not beside SIGKILL */
	}
	loop_timer_set(sampler->timer, next_ns - past_ns);
}

/* Of the connections that were under way in the first snapshot. */
static void watch_connections(struct sampler *sampler, uv_loop_t *loop)
{
	const struct snapshot *first = sampler->evidence->snapshots;
	struct err ignored; /* they are unknown then */

	if (sampler->evidence->snapshot_count > 0 && first->under_way_count > 0)
		sampler->ends = connection_ends_open(loop, sampler->subject->pid,
			first->under_way, first->under_way_count, &ignored);
}

static void keep_connections(struct sampler *sampler)
{
	struct evidence *evidence = sampler->evidence;

	if (!sampler->ends)
		return;
	evidence->connection_count = evidence->snapshots[0].under_way_count;
	evidence->connections = connection_ends_close(sampler->ends);
	for (unsigned i = 0; i < evidence->connection_count; i++) {
		struct connection_end *end = &evidence->connections[i];

		end->close = subject_close_of(
			sampler->subject, end->before.port, end->before.peer_port);
	}
}

static struct sampler *create(uv_loop_t *loop, const struct subject *subject,
	int64_t began_ns, int64_t grace_ns, struct evidence *evidence)
{
	struct sampler *sampler = mem_zeroed(sizeof *sampler);

	sampler->subject = subject;
	sampler->evidence = evidence;
	sampler->grace_ns = grace_ns;
	sampler->began_ns = began_ns;
	sampler->timer = loop_timer_create(loop, take, sampler);
	return sampler;
}

struct sampler *sampler_begin(uv_loop_t *loop, const struct subject *subject,
	int64_t grace_ns, struct evidence *evidence)
{
	struct sampler *sampler =
		create(loop, subject, clock_now(), grace_ns, evidence);

	take(sampler);
	watch_connections(sampler, loop);
	return sampler;
}

/* What the first of two snapshots had under way is that of the second, or unknown. */
static void move_under_way(struct snapshot *first, struct snapshot *second)
{
	free(first->under_way);
	first->under_way = second ? second->under_way : NULL;
	first->under_way_count = second ? second->under_way_count : 0;
	if (second) {
		second->under_way = NULL;
		second->under_way_count = 0;
	}
}

struct sampler *sampler_begin_late(uv_loop_t *loop, const struct subject *subject,
	int64_t signal_ns, int64_t grace_ns, struct snapshot *before,
	struct evidence *evidence)
{
	struct sampler *sampler = create(loop, subject, signal_ns, grace_ns, evidence);

	if (before->count > 0)
		evidence_add_snapshot(evidence, before);
	sampler->given = evidence->snapshot_count;
	take(sampler);
	if (sampler->given > 0)
		move_under_way(evidence->snapshots,
			evidence->snapshot_count > 1 ? &evidence->snapshots[1] : NULL);
	watch_connections(sampler, loop);
	return sampler;
}

void sampler_end(struct sampler *sampler)
{
	if (!sampler)
		return;
	keep_connections(sampler);
	loop_timer_destroy(sampler->timer);
	free(sampler);
}
