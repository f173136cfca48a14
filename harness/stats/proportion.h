/*
 * proportion - how frequent is what was seen in some of many independent trials?
 *
 * Source: Clopper and Pearson, Biometrika 26 (1934); R's binom.test(alternative = "less").
 */
#ifndef HARNESS_STATS_PROPORTION_H
#define HARNESS_STATS_PROPORTION_H

/* The exact upper end of the one-sided interval: were it more frequent than this, `seen` or
 * fewer of `count` would be seen with a chance of less than 1 - confidence. 1 where it
 * was always seen, and without trials. */
double proportion_upper(unsigned seen, unsigned count, double confidence);

#endif
