#include "lib/rng.h"

#include <stdlib.h>

#include "lib/cc.h"

/* The seed is mixed by the last step of splitmix64. */
void rng_seed(struct rng *rng, uint64_t seed)
{
	seed += UINT64_C(0x9e3779b97f4a7c15);
	seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
	seed ^= seed >> 31;
	for (size_t i = 0; i < COUNT(rng->state); i++)
		rng->state[i] = (unsigned short)(seed >> (16 * i));
}

double rng_next(struct rng *rng)
{
	return erand48(rng->state);
}
