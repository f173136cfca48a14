/*
 * fisher - are failures more frequent in NEW than in BASE?
 *
 * Source: R. A. Fisher, "Statistical Methods for Research Workers", section 21.02; the
 * one-sided exact test of a two by two table, R's fisher.test(alternative = "greater").
 */
#ifndef HARNESS_STATS_FISHER_H
#define HARNESS_STATS_FISHER_H

/* The chance of at least new_failed of the failures in NEW, where which rounds failed is
 * up to chance alone. 1 where a side has no rounds. */
double fisher_p_more(unsigned base_failed, unsigned base_count, unsigned new_failed,
	unsigned new_count);

#endif
