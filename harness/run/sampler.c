#include "harness/run/sampler.h"

#include <stdlib.h>

#include "harness/engine/snapshot.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define FIRST_NS          (100 * CLOCK_MS)
#define BEFORE_THE_END_NS (250 * CLOCK_MS)

struct sampler {
	const struct subject *subject;
	struct evidence *evidence;
	int64_t began_ns, grace_ns;
	uv_timer_t timer;
};

/* When the next look is due, counted from the beginning. */
static int64_t next_look(const struct sampler *watch, int64_t past_ns)
{
	int64_t last_ns = watch->grace_ns - BEFORE_THE_END_NS;
	int64_t next_ns =
		past_ns < FIRST_NS ? FIRST_NS : (past_ns / CLOCK_S + 1) * CLOCK_S;

	return past_ns < last_ns && last_ns < next_ns ? last_ns : next_ns;
}

static void look(struct sampler *watch)
{
	struct snapshot snapshot = {0};
	struct err err;

	if (subject_pid(watch->subject) > 0 && subject_running(watch->subject) &&
		watch->evidence->snapshot_count < SAMPLER_SNAPSHOTS_MAX &&
		snapshot_take(&snapshot, subject_pid(watch->subject), &err))
		evidence_add_snapshot(watch->evidence, &snapshot);
}

static void on_look(uv_timer_t *timer);

static void look_again_later(struct sampler *watch)
{
	int64_t past_ns = clock_now() - watch->began_ns;

	uv_update_time(watch->timer.loop);
	uv_timer_start(&watch->timer, on_look,
		clock_ms_up(next_look(watch, past_ns) - past_ns), 0);
}

static void on_look(uv_timer_t *timer)
{
	struct sampler *watch = timer->data;

	look(watch);
	look_again_later(watch);
}

struct sampler *sampler_begin(uv_loop_t *loop, const struct subject *subject,
	int64_t grace_ns, struct evidence *evidence)
{
	struct sampler *watch = mem_zeroed(sizeof *watch);

	watch->subject = subject;
	watch->evidence = evidence;
	watch->grace_ns = grace_ns;
	watch->began_ns = clock_now();
	uv_timer_init(loop, &watch->timer);
	watch->timer.data = watch;
	look(watch);
	look_again_later(watch);
	return watch;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void sampler_end(struct sampler *watch)
{
	if (watch)
		uv_close((uv_handle_t *)&watch->timer, on_closed);
}
