#include "harness/stats/paired_test.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "harness/stats/paired.h"
#include "harness/stats/signed_rank.h"
#include "lib/mem.h"

/* What speaks against: the differences, and the Walsh averages, that are not above zero.
 * The latter are as many as the sum of the ranks of the former (Tukey). */
struct against {
	unsigned signs, ranks;
};

static struct against count_against(
	const double *base, const double *new, unsigned count)
{
	struct against against = {0};

	for (unsigned i = 0; i < count; i++) {
		double difference = new[i] - base[i];

		assert(isfinite(difference));
		against.signs += difference <= 0;
		for (unsigned j = 0; j <= i; j++)
			against.ranks += difference + (new[j] - base[j]) <= 0;
	}
	return against;
}

/* P(k of count signs are against). To free(). */
static double *sign_distribution(unsigned count)
{
	double *probability = mem_zeroed((count + 1) * sizeof *probability);

	probability[0] = 1;
	for (unsigned n = 1; n <= count; n++)
		for (unsigned k = n + 1; k-- > 0;)
			probability[k] =
				(probability[k] + (k ? probability[k - 1] : 0)) / 2;
	return probability;
}

static double lower_tail(const double *probability, unsigned most)
{
	double sum = 0;

	for (unsigned i = 0; i <= most; i++)
		sum += probability[i];
	return sum;
}

/* How many values, from 0 on, have a lower tail of at most p. */
static unsigned values_within(const double *probability, unsigned most, double p)
{
	double sum = 0;
	unsigned value = 0;

	while (value <= most && (sum += probability[value]) <= p)
		value++;
	return value;
}

/* P(fewer than `signs` are against, and their ranks' sum is less than `ranks`). */
static double joint_lower_tail(unsigned count, unsigned signs, unsigned ranks)
{
	double *probability = mem_zeroed((size_t)signs * ranks * sizeof *probability);
	double sum = 0;

	probability[0] = 1; /* [k * ranks + s]: k signs, s ranks */
	for (unsigned rank = 1; rank <= count; rank++)
		for (unsigned k = signs; k-- > 0;) {
			double *row = probability + (size_t)k * ranks;
			const double *fewer = k ? row - ranks : NULL;

			for (unsigned s = 0; s < ranks; s++)
				row[s] /= 2;
			for (unsigned s = rank; fewer && s < ranks; s++)
				row[s] += fewer[s - rank] / 2;
		}
	for (size_t i = 0; i < (size_t)signs * ranks; i++)
		sum += probability[i];
	free(probability);
	return sum;
}

/* P(one of the two p is at most `least`): of one, of the other, less that of both. */
static double smaller_p_distribution(
	unsigned count, double least, const double *sign, const double *rank)
{
	unsigned signs = values_within(sign, count, least);
	unsigned ranks = values_within(rank, count * (count + 1) / 2, least);
	double p = 0;

	if (signs)
		p += lower_tail(sign, signs - 1);
	if (ranks)
		p += lower_tail(rank, ranks - 1);
	if (signs && ranks)
		p -= joint_lower_tail(count, signs, ranks);
	return fmin(p, 1);
}

static double exact(struct against against, unsigned count, const double *sign)
{
	double *rank = signed_rank_distribution(count);
	double least =
		fmin(lower_tail(sign, against.signs), lower_tail(rank, against.ranks));
	double p = fmin(1, 2 * least);

	if (least <= 0.5 && count <= PAIRED_TEST_EXACT_MAX)
		p = smaller_p_distribution(count, least, sign, rank);
	free(rank);
	return p;
}

double paired_test(const double *base, const double *new, unsigned count)
{
	struct against against;
	double *sign, p;

	assert(count <= PAIRED_MAX);
	against = count_against(base, new, count);
	sign = sign_distribution(count);
	if (count <= PAIRED_EXACT_MAX) {
		p = exact(against, count, sign);
	} else {
		double averages = count * (count + 1) / 2.0;
		double deviation = sqrt(averages * (2.0 * count + 1) / 12);
		double z = (averages / 2 - against.ranks - 0.5) / deviation;

		p = fmin(1,
			2 *
				fmin(lower_tail(sign, against.signs),
					erfc(z / M_SQRT2) / 2));
	}
	free(sign);
	return p;
}

unsigned paired_test_needed(double p)
{
	unsigned count;

	assert(p > 0 && p <= 1);
	count = (unsigned)ceil(-log2(p));
	assert(count <= PAIRED_TEST_EXACT_MAX);
	return count;
}
