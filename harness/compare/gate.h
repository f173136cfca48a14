/*
 * gate - is a case of NEW slower than that of BASE, over all cases of a run.
 *
 * A case is slower where all of this is true:
 *   - the Hodges-Lehmann shift of NEW - BASE is at least half the tolerance, which is 5 %
 *     of BASE's median or 5 ms, whichever is more: it matters, in relation and in itself;
 *   - the 95 % interval of the shift (paired.h, two_samples.h) lies above zero;
 *   - the test of NEW above BASE (paired_test.h; two_samples.h where there are no pairs)
 *     rejects chance, at a level of 0.1 % for the case and, by Holm's adjustment, of 1 %
 *     for all cases of the run.
 * Faster is the same, the other way round. The same is a case whose 95 % interval lies
 * within the tolerance on both sides. Any other had too few rounds for the level, or for
 * its noise. Nothing here is random: the same times give the same decision.
 *
 * With looks, pairs are added until a case is settled, and the test is repeated after 8,
 * 12, 16, 20, 28 and 40 pairs. Each repetition is a chance of a false alarm, so that the
 * level is divided among the looks (Bonferroni with weights; Armitage, McPherson and Rowe,
 * JRSS A 132 (1969), have what happens without): nothing at 8, where no case could be
 * told slower, a quarter at 12, three sixteenths at each later one. To stop because a
 * case is the same takes nothing from the level; that needs an interval within half the
 * tolerance.
 */
#ifndef HARNESS_COMPARE_GATE_H
#define HARNESS_COMPARE_GATE_H

#include <stdbool.h>

#include "harness/stats/interval.h"

#define GATE_FAMILY_LEVEL 0.01  /* of a false alarm in a run, whatever its cases */
#define GATE_CASE_LEVEL   0.001 /* of a false alarm in a case */
#define GATE_TIMES_MAX    1000  /* of a case and a side; asserted */
#define GATE_LOOK_FIRST   8     /* pairs */
#define GATE_LOOK_LAST    40

/* Borrows the times: finite. Pairs are in the order in which they were measured, and of
 * one count. The sides should take turns in being first (A B B A): on a machine that
 * gets slower from stop to stop, a side that is always second has more false alarms than
 * the level says. */
struct gate_case {
	const double *base_ns, *new_ns;
	unsigned base_count, new_count; /* 0 for a case that has not begun */
	bool paired; /* base_ns[i] and new_ns[i] were measured in turn */
};

enum gate_plan {
	GATE_ONCE,  /* the times are all there are: stopbench compare */
	GATE_LOOKS, /* pairs are added, all of them paired: --against */
};

enum gate_decision {
	GATE_SAME,
	GATE_SLOWER,
	GATE_FASTER,
	GATE_TOO_FEW,
};

struct gate_result {
	enum gate_decision decision;
	double tolerance_ns;         /* 5 ms where BASE has no times */
	double shift_ns;             /* NEW - BASE; NAN where a side has no times */
	struct interval interval_ns; /* of the shift, 95 %; none below 6 pairs */
	double adjusted_p; /* of the shift's own direction; at most GATE_FAMILY_LEVEL
	                      where it is proven */
	/* Rounds of a side, in all, that the case should have; 0: it is settled. An
	 * estimate, at most GATE_TIMES_MAX, where the noise is what asks for more. With
	 * looks, the next look; above GATE_LOOK_LAST: it cannot be settled. */
	unsigned rounds_needed;
};

/* Fills results[i] for cases[i]. All cases of the run, begun or not. */
void gate_decide(struct gate_result *results, const struct gate_case *cases,
	unsigned count, enum gate_plan plan);

const char *gate_decision_name(enum gate_decision decision); /* "too few" */

#endif
