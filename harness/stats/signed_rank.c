#include "harness/stats/signed_rank.h"

#include "lib/mem.h"

double *signed_rank_distribution(unsigned count)
{
	unsigned most = 0;
	double *probability =
		mem_zeroed(((size_t)count * (count + 1) / 2 + 1) * sizeof *probability);

	probability[0] = 1;
	for (unsigned rank = 1; rank <= count; rank++) {
		most += rank;
		for (unsigned sum = most + 1; sum-- > 0;)
			probability[sum] =
				(probability[sum] +
					(sum >= rank ? probability[sum - rank] : 0)) /
				2;
	}
	return probability;
}
