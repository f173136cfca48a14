#include "harness/fleet/fleet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/rng.h"

/* One simulation: its own draw of the samples, and what it came to. */
struct simulation {
	const struct fleet *fleet;
	struct rng rng;
	double *span[FLEET_SPANS];
	double *workers; /* a heap: the moment at which each is free, the first one least */
	double longest_stop, away;
	unsigned over_grace;
};

enum outcome {
	OUTCOME_UPDATE,
	OUTCOME_DRAIN,
	OUTCOME_LONGEST_STOP,
	OUTCOME_OVER_GRACE,
	OUTCOME_AWAY,
	OUTCOME_AT_RISK,
	OUTCOMES,
};

static unsigned below(struct rng *rng, unsigned count)
{
	return (unsigned)(rng_next(rng) * count);
}

static void resample(struct simulation *simulation)
{
	const struct fleet_samples *samples = simulation->fleet->samples;

	for (unsigned span = 0; span < FLEET_SPANS; span++) {
		unsigned count = samples->count[span];

		for (unsigned i = 0; i < count; i++)
			simulation->span[span][i] =
				samples->span[span][below(&simulation->rng, count)];
	}
}

static double draw(struct simulation *simulation, enum fleet_span span)
{
	unsigned count = simulation->fleet->samples->count[span];

	return count ? simulation->span[span][below(&simulation->rng, count)] : 0;
}

static double draw_stop(struct simulation *simulation)
{
	const struct fleet *fleet = simulation->fleet;
	double stop = draw(simulation, FLEET_STOP) - fleet->shorter;

	stop = stop > 0 ? stop : 0;
	simulation->over_grace += stop > fleet->grace;
	stop = stop < fleet->grace ? stop : fleet->grace;
	if (stop > simulation->longest_stop)
		simulation->longest_stop = stop;
	return stop;
}

/* The worker that is free first works until `until`. */
static void busy_until(struct simulation *simulation, unsigned count, double until)
{
	double *heap = simulation->workers;
	unsigned at = 0;

	for (;;) {
		unsigned child = 2 * at + 1;

		if (child + 1 < count && heap[child + 1] < heap[child])
			child++;
		if (child >= count || heap[child] >= until)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = until;
}

/* Replaces one task from `from` on. Gives when its worker goes on; `over` is moved to when
 * the old task has ended. */
static double replace(struct simulation *simulation, double from, double *over)
{
	double wait = draw(simulation, FLEET_WAIT);
	double stop = draw_stop(simulation), start = draw(simulation, FLEET_START);
	double running = from + start, ended = running + wait + stop;

	if (!simulation->fleet->start_first) {
		ended = from + wait + stop;
		running = ended + start;
		simulation->away += wait + stop + start;
	}
	if (ended > *over)
		*over = ended;
	if (running > *over)
		*over = running;
	return running + draw(simulation, FLEET_NEXT) + simulation->fleet->delay;
}

static double update(struct simulation *simulation)
{
	const struct fleet *fleet = simulation->fleet;
	unsigned count = fleet->parallelism < fleet->replicas ? fleet->parallelism
							      : fleet->replicas;
	double begin = draw(simulation, FLEET_BEGIN), over = begin;

	for (unsigned i = 0; i < count; i++)
		simulation->workers[i] = begin;
	for (unsigned i = 0; i < fleet->replicas; i++)
		busy_until(simulation, count,
			replace(simulation, simulation->workers[0], &over));
	return over + draw(simulation, FLEET_END);
}

/* All tasks of a host are stopped at once, and start elsewhere; then comes the next. */
static double drain(struct simulation *simulation)
{
	const struct fleet *fleet = simulation->fleet;
	double all = 0;

	for (unsigned host = 0; host < fleet->hosts; host++) {
		unsigned tasks = fleet->replicas / fleet->hosts +
			(host < fleet->replicas % fleet->hosts);
		double longest = 0;

		for (unsigned i = 0; i < tasks; i++) {
			double took = draw(simulation, FLEET_WAIT) +
				draw_stop(simulation) + draw(simulation, FLEET_START);

			longest = took > longest ? took : longest;
		}
		all += longest;
	}
	return all;
}

static void simulate(struct simulation *simulation, double outcome[OUTCOMES])
{
	const struct fleet *fleet = simulation->fleet;
	double took;

	resample(simulation);
	simulation->longest_stop = simulation->away = 0;
	simulation->over_grace = 0;
	took = update(simulation);
	outcome[OUTCOME_UPDATE] = took;
	outcome[OUTCOME_LONGEST_STOP] = simulation->longest_stop;
	outcome[OUTCOME_OVER_GRACE] = simulation->over_grace;
	outcome[OUTCOME_AWAY] = took > 0 ? simulation->away / took : 0;
	/* Each task has its share of the requests, and is at risk once for the lag. */
	outcome[OUTCOME_AT_RISK] =
		took > fleet->lag ? fleet->lag / took : fleet->lag > 0;
	outcome[OUTCOME_DRAIN] = drain(simulation);
}

static int by_value(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static struct fleet_estimate estimate(double *values, unsigned count)
{
	qsort(values, count, sizeof *values, by_value);
	return (struct fleet_estimate){
		.median = values[count / 2],
		.low = values[count / 20],
		.high = values[count - 1 - count / 20],
	};
}

struct fleet_prediction fleet_predict(const struct fleet *fleet)
{
	struct simulation simulation = {.fleet = fleet};
	double *values[OUTCOMES];
	struct fleet_prediction prediction;

	assert(fleet->replicas > 0 && fleet->hosts > 0 && fleet->parallelism > 0 &&
		fleet->simulations > 0);
	rng_seed(&simulation.rng, fleet->seed);
	simulation.workers =
		mem_zeroed(fleet->parallelism * sizeof *simulation.workers);
	for (unsigned i = 0; i < FLEET_SPANS; i++)
		simulation.span[i] = mem_zeroed(
			(fleet->samples->count[i] + 1) * sizeof *simulation.span[i]);
	for (unsigned i = 0; i < OUTCOMES; i++)
		values[i] = mem_zeroed(fleet->simulations * sizeof *values[i]);
	for (unsigned i = 0; i < fleet->simulations; i++) {
		double outcome[OUTCOMES];

		simulate(&simulation, outcome);
		for (unsigned k = 0; k < OUTCOMES; k++)
			values[k][i] = outcome[k];
	}
	prediction = (struct fleet_prediction){
		.update = estimate(values[OUTCOME_UPDATE], fleet->simulations),
		.drain = estimate(values[OUTCOME_DRAIN], fleet->simulations),
		.longest_stop =
			estimate(values[OUTCOME_LONGEST_STOP], fleet->simulations),
		.over_grace = estimate(values[OUTCOME_OVER_GRACE], fleet->simulations),
		.away = estimate(values[OUTCOME_AWAY], fleet->simulations),
		.at_risk = estimate(values[OUTCOME_AT_RISK], fleet->simulations),
	};
	for (unsigned i = 0; i < OUTCOMES; i++)
		free(values[i]);
	for (unsigned i = 0; i < FLEET_SPANS; i++)
		free(simulation.span[i]);
	free(simulation.workers);
	return prediction;
}
