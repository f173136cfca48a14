/*
 * interval - from low to high, both ends within it. Both are NAN where there is none.
 */
#ifndef HARNESS_STATS_INTERVAL_H
#define HARNESS_STATS_INTERVAL_H

struct interval {
	double low, high;
};

#endif
