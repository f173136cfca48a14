/*
 * view - the evidence of one case, joined once for the rules.
 */
#ifndef HARNESS_JUDGE_VIEW_H
#define HARNESS_JUDGE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/judge/connections.h"
#include "harness/judge/ends.h"
#include "harness/judge/inflight.h"
#include "harness/judge/leaks.h"
#include "harness/judge/processes.h"
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
	struct processes processes;
	struct leaks leaks;
	struct ends ends;
	struct inflight turns;
	struct connections connections; /* none where the clients are our own */

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
	unsigned lost, refused, turned_away, wrong, unproven;
	const char *first_wrong; /* why, of the first; borrowed */

	const struct snapshot *last; /* before the end, NULL: none */
	const struct proc *pid1;     /* there */
	bool init;                   /* and is an init: the service is its child */
	/* What is stopped: PID 1, or the first process behind its inits that is none;
	 * NULL: not seen. */
	const struct process *program;
	/* The program that does the work: `program`, or what that only started and
	 * waits for, as a shell does. NULL: not seen. */
	const struct process *main;
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
/* A 503 turns away what came after the stop signal. What was sent before it was
 * accepted, and then a 503 is a refusal of work in hand. */
bool view_is_refused(const struct view *view, const struct load_request *request);
void view_close(struct view *view);

/* The stop signal reached code of the service: it says so, or, of one that is not ours,
 * the kernel did not discard it. */
bool view_is_told(const struct view *view);

/* `; its last line: "no database"`: what it printed last since the stop signal. */
void view_add_last_line(const struct view *view, struct buf *text);

#endif
