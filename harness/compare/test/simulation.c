#include "harness/compare/test/simulation.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "lib/mem.h"

#define PAIRS_MAX 64

const char *noise_name(enum noise noise)
{
	switch (noise) {
	case NOISE_NORMAL:
		return "normal";
	case NOISE_LOGNORMAL:
		return "lognormal";
	case NOISE_SCHEDULING:
		return "scheduling";
	case NOISE_DRIFT:
		return "drift";
	case NOISE_BIMODAL:
		return "bimodal";
	case NOISE_KINDS:
		break;
	}
	return "";
}

static double normal(struct rng *rng)
{
	double radius = sqrt(-2 * log(1 - rng_next(rng)));

	return radius * cos(2 * M_PI * rng_next(rng));
}

/* In units of noise_ns; `turn` counts stops from 0. */
static double draw(struct simulation *simulation, unsigned turn)
{
	struct rng *rng = &simulation->rng;

	switch (simulation->noise) {
	case NOISE_NORMAL:
		return normal(rng);
	case NOISE_LOGNORMAL: /* exp(Z) has the deviation sqrt(e (e - 1)) */
		return exp(normal(rng)) / sqrt(M_E * (M_E - 1));
	case NOISE_SCHEDULING:
		return -log(1 - rng_next(rng)) +
			(rng_next(rng) < 0.05 ? 3 * pow(1 - rng_next(rng), -1 / 1.5)
					      : 0);
	case NOISE_DRIFT:
		return normal(rng) + turn / 20.0;
	case NOISE_BIMODAL: /* 4 sqrt(0.3 * 0.7) = 1.83, and 0.5: 1.9 together */
		return (4 * (rng_next(rng) < 0.3) + normal(rng) / 2) / 1.9;
	case NOISE_KINDS:
		break;
	}
	return 0;
}

/* The sides take turns in being first. */
static void add_pairs(struct simulation *simulation, double *base_ns, double *new_ns,
	unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		unsigned base_turn = 2 * i + i % 2, new_turn = 2 * i + 1 - i % 2;

		base_ns[i] = simulation->base_ns +
			simulation->noise_ns * draw(simulation, base_turn);
		new_ns[i] = simulation->base_ns + simulation->slowdown_ns +
			simulation->noise_ns * draw(simulation, new_turn);
	}
}

/* Of the first case; the others have no times. */
static struct gate_result decide(const struct simulation *simulation,
	const double *base_ns, const double *new_ns, unsigned pairs,
	enum gate_plan plan)
{
	struct gate_case *cases = mem_zeroed(simulation->cases * sizeof *cases);
	struct gate_result *results = mem_zeroed(simulation->cases * sizeof *results);
	struct gate_result result;

	for (unsigned i = 0; i < simulation->cases; i++)
		cases[i].paired = true;
	cases[0] = (struct gate_case){base_ns, new_ns, pairs, pairs, true};
	gate_decide(results, cases, simulation->cases, plan);
	result = results[0];
	free(cases);
	free(results);
	return result;
}

struct simulated simulate_once(struct simulation *simulation, unsigned pairs)
{
	double base_ns[PAIRS_MAX], new_ns[PAIRS_MAX];

	assert(pairs <= PAIRS_MAX);
	add_pairs(simulation, base_ns, new_ns, 0, pairs);
	return (struct simulated){
		decide(simulation, base_ns, new_ns, pairs, GATE_ONCE).decision, pairs};
}

struct simulated simulate_looks(struct simulation *simulation)
{
	double base_ns[PAIRS_MAX], new_ns[PAIRS_MAX];
	struct gate_result result = {.rounds_needed = GATE_LOOK_FIRST};
	unsigned pairs = 0;

	while (result.rounds_needed && result.rounds_needed <= GATE_LOOK_LAST) {
		assert(result.rounds_needed > pairs);
		add_pairs(simulation, base_ns, new_ns, pairs, result.rounds_needed);
		pairs = result.rounds_needed;
		result = decide(simulation, base_ns, new_ns, pairs, GATE_LOOKS);
	}
	return (struct simulated){result.decision, pairs};
}

unsigned simulate_run(
	struct simulation *simulation, enum gate_plan plan, unsigned pairs)
{
	unsigned count = simulation->cases, slower = 0;
	double *base_ns = mem_grown(NULL, (size_t)count * PAIRS_MAX, sizeof *base_ns);
	double *new_ns = mem_grown(NULL, (size_t)count * PAIRS_MAX, sizeof *new_ns);
	struct gate_case *cases = mem_zeroed(count * sizeof *cases);
	struct gate_result *results = mem_zeroed(count * sizeof *results);
	bool more = true;

	assert(pairs <= PAIRS_MAX);
	for (unsigned i = 0; i < count; i++) {
		cases[i] = (struct gate_case){base_ns + (size_t)i * PAIRS_MAX,
			new_ns + (size_t)i * PAIRS_MAX, 0, 0, true};
		results[i].rounds_needed = plan == GATE_LOOKS ? GATE_LOOK_FIRST : pairs;
	}
	while (more) {
		more = false;
		for (unsigned i = 0; i < count; i++) {
			unsigned from = cases[i].base_count,
				 to = results[i].rounds_needed;

			if (to <= from || to > PAIRS_MAX)
				continue;
			add_pairs(simulation, base_ns + (size_t)i * PAIRS_MAX,
				new_ns + (size_t)i * PAIRS_MAX, from, to);
			cases[i].base_count = cases[i].new_count = to;
			more = plan == GATE_LOOKS;
		}
		gate_decide(results, cases, count, plan);
	}
	for (unsigned i = 0; i < count; i++)
		slower += results[i].decision == GATE_SLOWER;
	free(base_ns);
	free(new_ns);
	free(cases);
	free(results);
	return slower;
}
