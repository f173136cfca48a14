/*
 * saving - by how much stops with a change are shorter than those without, of a few pairs
 * that were made in turn.
 *
 * It is told apart from chance by its sign and by its size: from SAVING_EXACT pairs on,
 * where its 95 % interval (paired.h) leaves zero and it is no smaller than the spread of
 * the pairs. Fewer pairs have no such interval; they are plain where all of them lie
 * beyond zero by SAVING_PLAIN times their range, which of three normal differences one in
 * 200 does by chance. In all, some 3 in 100 changes that change nothing are not called
 * noise.
 */
#ifndef HARNESS_COMPARE_SAVING_H
#define HARNESS_COMPARE_SAVING_H

#include <stdbool.h>

#include "harness/stats/interval.h"

#define SAVING_LEAST 3 /* pairs; of fewer, nothing is proven */
#define SAVING_EXACT 6
#define SAVING_PLAIN 4

struct saving {
	double ns; /* Hodges and Lehmann's; below 0: it takes longer. NAN without pairs */
	struct interval
		range_ns; /* its 95 % interval, or from the least to the greatest
	                             of fewer than SAVING_EXACT pairs */
	bool proven;
};

/* Borrows the times, in ns: with_ns[i] and without_ns[i] are a pair. At most PAIRED_MAX. */
void saving_find(struct saving *saving, const double *with_ns, const double *without_ns,
	unsigned pairs);

#endif
