#include "harness/stats/holm.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"

struct ranked {
	double p;
	unsigned place; /* in the caller's order */
};

static int compare(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	return (left->p > right->p) - (left->p < right->p);
}

void holm_adjust(double *adjusted, const double *p, unsigned count)
{
	struct ranked *ranked = mem_grown(NULL, (size_t)count + 1, sizeof *ranked);
	double greatest = 0;

	for (unsigned i = 0; i < count; i++) {
		assert(p[i] >= 0 && p[i] <= 1);
		ranked[i] = (struct ranked){p[i], i};
	}
	if (count)
		qsort(ranked, count, sizeof *ranked, compare);
	for (unsigned i = 0; i < count; i++) {
		greatest = fmax(greatest, fmin(1, (count - i) * ranked[i].p));
		adjusted[ranked[i].place] = greatest;
	}
	free(ranked);
}
