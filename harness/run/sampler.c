#include "harness/run/sampler.h"

#include <stdlib.h>

#include "harness/engine/snapshot.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define FIRST_NS      (100 * CLOCK_MS)
#define BEFORE_END_NS (250 * CLOCK_MS)
#define SNAPSHOTS_MAX 64

struct sampler {
	const struct subject *subject;
	struct evidence *evidence;
	int64_t began_ns, grace_ns;
	struct loop_timer *timer;
};

static void take(void *arg)
{
	struct sampler *sampler = arg;
	const struct subject *subject = sampler->subject;
	int64_t last_ns = sampler->grace_ns - BEFORE_END_NS;
	struct snapshot snapshot = {0};
	int64_t past_ns = clock_now() - sampler->began_ns, next_ns;
	/* What it had in hand before the stop, and at the end. */
	bool sockets = sampler->evidence->snapshot_count == 0 ||
		past_ns >= sampler->grace_ns - 2 * BEFORE_END_NS;
	struct err err;

	if (subject->pid > 0 && subject->running &&
		sampler->evidence->snapshot_count < SNAPSHOTS_MAX &&
		snapshot_take(&snapshot, subject->pid, sockets, &err))
		evidence_add_snapshot(sampler->evidence, &snapshot);
	past_ns = clock_now() - sampler->began_ns;
	next_ns = past_ns < FIRST_NS ? FIRST_NS : (past_ns / CLOCK_S + 1) * CLOCK_S;
	if (past_ns < last_ns && last_ns < next_ns)
		next_ns = last_ns;
	loop_timer_set(sampler->timer, next_ns - past_ns);
}

struct sampler *sampler_begin(uv_loop_t *loop, const struct subject *subject,
	int64_t grace_ns, struct evidence *evidence)
{
	struct sampler *sampler = mem_zeroed(sizeof *sampler);

	sampler->subject = subject;
	sampler->evidence = evidence;
	sampler->grace_ns = grace_ns;
	sampler->began_ns = clock_now();
	sampler->timer = loop_timer_create(loop, take, sampler);
	take(sampler);
	return sampler;
}

void sampler_end(struct sampler *sampler)
{
	if (!sampler)
		return;
	loop_timer_destroy(sampler->timer);
	free(sampler);
}
