#include "harness/stats/mann_whitney.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* From the distributions of (i - 1, j), in `grown`, and of (i, j - 1) that of (i, j), in
 * place: the greatest of all is one of the first sample, and above all j of the second,
 * or it is one of the second. */
static void grow(double *grown, const double *fewer, unsigned i, unsigned j)
{
	double first = (double)i / (i + j), second = (double)j / (i + j);
	unsigned most = i * j, most_fewer = i * (j - 1);

	for (unsigned u = most + 1; u-- > 0;)
		grown[u] = (u >= j ? first * grown[u - j] : 0) +
			(u <= most_fewer ? second * fewer[u] : 0);
}

double *mann_whitney_distribution(unsigned first, unsigned second)
{
	size_t room = (size_t)first * second + 1;
	double *all = mem_zeroed((second + 1) * room * sizeof *all); /* by j */
	double *probability = mem_grown(NULL, room, sizeof *probability);

	for (unsigned j = 0; j <= second; j++)
		all[j * room] = 1; /* i = 0 */
	for (unsigned i = 1; i <= first; i++)
		for (unsigned j = 1; j <= second; j++)
			grow(all + j * room, all + (j - 1) * room, i, j);
	memcpy(probability, all + second * room, room * sizeof *probability);
	free(all);
	return probability;
}
