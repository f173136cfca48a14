#include "service/agent/agent_pacer.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

/* A window tells a rate once it is this long and has so many requests, or is longer. */
#define WINDOW_NS     (250 * CLOCK_MS)
#define WINDOW_SENT   8
#define WINDOW_MAX_NS (2 * CLOCK_S)
/* Without a further refusal: those of the first requests have come. */
#define QUIET_NS (100 * CLOCK_MS)
/* A limit that is reached refuses some: a sixth to a third of what is sent. With less
 * in vain a part of the limit would be unused, or one that is higher not found. */
#define REFUSED_LEAST 0.15
#define REFUSED_MOST  0.35
#define FASTER        1.25
#define RATE_MIN      1.0              /* a second */
#define STALL_NS      (100 * CLOCK_MS) /* of a loop: what was missed is made up for */
#define FORGET_NS     (2 * CLOCK_S)    /* without a refusal */

struct agent_pacer {
	struct agent_pacer_entry *waiting; /* the first to be due comes first */
	double rate;                       /* a second; 0: not known */
	double credit;                     /* requests that may be sent at paid_ns */
	int64_t paid_ns;
	int64_t window_ns;      /* its begin */
	unsigned sent, refused; /* in the window */
	int64_t refused_ns;     /* the last refusal; 0: there is no limit */
	struct loop_timer *turn;
};

static void begin_window(struct agent_pacer *pacer, int64_t now_ns)
{
	pacer->window_ns = now_ns;
	pacer->sent = pacer->refused = 0;
}

static void count_sent(
	struct agent_pacer *pacer, struct agent_pacer_entry *entry, int64_t now_ns)
{
	if (pacer->refused_ns == 0 && now_ns - pacer->window_ns > WINDOW_NS)
		begin_window(pacer, now_ns);
	entry->sent_ns = now_ns;
	pacer->sent++;
}

static bool is_window_over(const struct agent_pacer *pacer, int64_t now_ns)
{
	int64_t len_ns = now_ns - pacer->window_ns;

	if (len_ns >= WINDOW_MAX_NS)
		return true;
	if (pacer->rate == 0)
		return now_ns - pacer->refused_ns >= QUIET_NS;
	return len_ns >= WINDOW_NS && pacer->sent >= WINDOW_SENT;
}

static void set_rate(struct agent_pacer *pacer, int64_t now_ns)
{
	double seconds = (double)(now_ns - pacer->window_ns) / (double)CLOCK_S;
	unsigned accepted = pacer->sent - pacer->refused;
	double refused = pacer->sent > 0 ? (double)pacer->refused / pacer->sent : 0;

	if (pacer->rate == 0)
		pacer->paid_ns = now_ns;
	if (pacer->rate == 0 || (refused > REFUSED_MOST && accepted > 0))
		pacer->rate = FASTER * accepted / seconds;
	else if (refused > REFUSED_MOST)
		pacer->rate /= 2;
	else if (refused < REFUSED_LEAST)
		pacer->rate *= FASTER;
	if (pacer->rate < RATE_MIN)
		pacer->rate = RATE_MIN;
	begin_window(pacer, now_ns);
}

static void pay(struct agent_pacer *pacer, int64_t now_ns)
{
	double most = pacer->rate * STALL_NS / CLOCK_S;

	pacer->credit +=
		pacer->rate * (double)(now_ns - pacer->paid_ns) / (double)CLOCK_S;
	pacer->paid_ns = now_ns;
	if (most < 1)
		most = 1;
	if (pacer->credit > most)
		pacer->credit = most;
}

static void set_turn(struct agent_pacer *pacer, int64_t now_ns)
{
	int64_t wait_ns;

	if (!pacer->waiting)
		return;
	if (pacer->rate == 0)
		wait_ns = QUIET_NS - (now_ns - pacer->refused_ns);
	else
		wait_ns =
			(int64_t)((1 - pacer->credit) / pacer->rate * (double)CLOCK_S);
	if (wait_ns < pacer->waiting->due_ns - now_ns)
		wait_ns = pacer->waiting->due_ns - now_ns;
	loop_timer_set(pacer->turn, wait_ns > 0 ? wait_ns : 0);
}

static void on_turn(void *arg)
{
	struct agent_pacer *pacer = arg;
	int64_t now_ns = clock_now();

	if (is_window_over(pacer, now_ns))
		set_rate(pacer, now_ns);
	if (pacer->rate > 0)
		pay(pacer, now_ns);
	while (pacer->waiting && pacer->waiting->due_ns <= now_ns &&
		pacer->credit >= 1) {
		struct agent_pacer_entry *entry = pacer->waiting;

		pacer->credit--;
		agent_pacer_leave(pacer, entry);
		count_sent(pacer, entry, now_ns);
		entry->send(entry->arg);
	}
	set_turn(pacer, now_ns);
}

struct agent_pacer *agent_pacer_create(uv_loop_t *loop)
{
	struct agent_pacer *pacer = mem_zeroed(sizeof *pacer);

	pacer->turn = loop_timer_create(loop, on_turn, pacer);
	return pacer;
}

static void enqueue(struct agent_pacer *pacer, struct agent_pacer_entry *entry)
{
	struct agent_pacer_entry *before = pacer->waiting ? pacer->waiting->prev : NULL;

	assert(!entry->waiting);
	entry->waiting = true;
	/* utlist: the first one's prev is the last one. */
	while (before && before->due_ns > entry->due_ns)
		before = before == pacer->waiting ? NULL : before->prev;
	DL_APPEND_ELEM(pacer->waiting, before, entry);
	if (pacer->waiting == entry)
		set_turn(pacer, clock_now());
}

bool agent_pacer_may_send(struct agent_pacer *pacer, struct agent_pacer_entry *entry)
{
	int64_t now_ns = clock_now();

	if (!pacer->waiting && now_ns - pacer->refused_ns > FORGET_NS) {
		pacer->rate = pacer->credit = 0;
		pacer->refused_ns = 0;
	}
	if (pacer->refused_ns == 0) {
		count_sent(pacer, entry, now_ns);
		return true;
	}
	entry->due_ns = now_ns;
	enqueue(pacer, entry);
	return false;
}

void agent_pacer_refused(
	struct agent_pacer *pacer, struct agent_pacer_entry *entry, int64_t wait_ns)
{
	pacer->refused_ns = clock_now();
	if (entry->sent_ns >= pacer->window_ns && pacer->refused < pacer->sent)
		pacer->refused++;
	entry->due_ns = pacer->refused_ns + wait_ns;
	/* Exactly then there is room for one: earlier or later it would be missed. */
	if (pacer->rate > 0 && pacer->rate * (double)wait_ns <= (double)CLOCK_S) {
		pay(pacer, pacer->refused_ns);
		pacer->credit = 1 - pacer->rate * (double)wait_ns / (double)CLOCK_S;
	}
	enqueue(pacer, entry);
	set_turn(pacer, pacer->refused_ns);
}

void agent_pacer_leave(struct agent_pacer *pacer, struct agent_pacer_entry *entry)
{
	if (!entry->waiting)
		return;
	entry->waiting = false;
	DL_DELETE(pacer->waiting, entry);
}

void agent_pacer_destroy(struct agent_pacer *pacer)
{
	if (!pacer)
		return;
	assert(!pacer->waiting);
	loop_timer_destroy(pacer->turn);
	free(pacer);
}
