/*
 * rng - pseudo-random numbers that one seed reproduces.
 */
#ifndef LIB_RNG_H
#define LIB_RNG_H

#include <stdint.h>

/* The state of erand48(3). */
struct rng {
	unsigned short state[3];
};

/* Neighboring seeds give unrelated sequences. */
void rng_seed(struct rng *rng, uint64_t seed);

double rng_next(struct rng *rng); /* in [0, 1) */

#endif
