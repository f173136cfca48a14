/*
 * holm - p values of several tests, adjusted so that one level holds for all of them.
 *
 * To reject where the adjusted p is at most a rejects a true hypothesis in at most a of
 * all families of tests, whatever depends on what. Source: Holm, "A simple sequentially
 * rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
 */
#ifndef HARNESS_STATS_HOLM_H
#define HARNESS_STATS_HOLM_H

/* p is from 0 to 1, asserted; adjusted may be p itself. */
void holm_adjust(double *adjusted, const double *p, unsigned count);

#endif
