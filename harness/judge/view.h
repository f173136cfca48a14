/*
 * view - the evidence of one case, joined once for the rules.
 */
#ifndef HARNESS_JUDGE_VIEW_H
#define HARNESS_JUDGE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/judge/inflight.h"
#include "harness/judge/leaks.h"
#include "harness/judge/session_records.h"
#include "harness/run/evidence.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"

struct view {
	const struct scenario *scenario;
	const struct evidence *evidence;
	const struct stop_facts *facts;
	struct session_records sessions;
	struct leaks leaks;
	struct inflight turns;

	/* What the judge found, for the rules; not set by view_open(). */
	enum verdict verdict;
	const char *reason;

	int64_t stop_ns;        /* T1 - T0; -1: not known */
	int64_t margin_ns;      /* grace - stop; -1: not known */
	int64_t engine_late_ns; /* SIGKILL after the grace; -1: none was sent */
	struct death death;     /* of PID 1 */
	bool too_late;          /* PID 1 had ended before the stop signal reached it */
	bool signalled;         /* PID 1 died of a signal, by its raw wait status */
	int death_signal;       /* then: which */
	bool killed;            /* the engine's SIGKILL is proven */
	unsigned lost, turned_away, wrong, unproven;
	const char *first_wrong; /* why, of the first; borrowed */

	const struct snapshot *last; /* before the end, NULL: none */
	const struct proc *pid1;     /* there */
	bool init;                   /* and is an init: the service is its child */
	/* What is stopped: PID 1, or behind an init its child; NULL: not seen. */
	const struct proc *program;
	/* The kernel discarded the stop signal: traced, or shown by PID 1's masks in
	 * two snapshots 100 ms apart. */
	bool discarded;
	bool delivery_unproven; /* it may have been: not observed for long enough */

	const struct event *shutdown; /* the service's shutdown.begin, NULL: never */
	bool completed;               /* it logged shutdown.complete */
	unsigned last_lines;          /* that it logged after the stop signal */
	const char *disconnect; /* "parallel", from shutdown.begin; NULL: not said */
};

void view_open(struct view *view, const struct scenario *scenario,
	const struct evidence *evidence);
/* The first child that ran in the last snapshot; NULL: none. */
const struct proc *view_child(const struct view *view, const struct proc *parent);
void view_close(struct view *view);

#endif
