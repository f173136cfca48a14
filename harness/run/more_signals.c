#include "harness/run/more_signals.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct more_signal {
	struct subject *subject;
	struct evidence *evidence;
	int number;
	struct loop_timer *timer;
};

struct more_signals {
	struct more_signal one[STOP_SIGNALS_MAX];
	unsigned count;
};

static void send_one(void *arg)
{
	struct more_signal *one = arg;
	struct evidence *evidence = one->evidence;
	int64_t ns = clock_now();
	struct err ignored;

	if (one->subject->running &&
		subject_signal(one->subject, one->number, &ignored))
		evidence->sent_signals[evidence->sent_signal_count++] =
			(struct sent_signal){ns, one->number};
}

struct more_signals *more_signals_begin(uv_loop_t *loop, struct subject *subject,
	const struct stop_signals *signals, struct evidence *evidence)
{
	struct more_signals *more;

	if (signals->count == 0)
		return NULL;
	more = mem_zeroed(sizeof *more);
	more->count = signals->count;
	for (unsigned i = 0; i < more->count; i++) {
		struct more_signal *one = &more->one[i];

		one->subject = subject;
		one->evidence = evidence;
		one->number = signal_number(signals->step[i].signal);
		one->timer = loop_timer_create(loop, send_one, one);
		loop_timer_set(one->timer, signals->step[i].after_ns);
	}
	return more;
}

void more_signals_end(struct more_signals *more)
{
	if (!more)
		return;
	for (unsigned i = 0; i < more->count; i++)
		loop_timer_destroy(more->one[i].timer);
	free(more);
}
