#include "harness/campaign/rounds.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* For the live view alone: where nobody looks, nothing runs beside a stop. */
#define STEP_EVERY_NS (CLOCK_S / 2)

struct planned_round {
	struct rounds *rounds;
	struct worker_options *options;
	const struct plan_case *plan_case;
	unsigned number; /* from 1 */
	uint64_t seed;
	bool warm_up;
	struct worker *worker;           /* while it runs */
	struct progress_round *progress; /* while it runs */
	cJSON *json;                     /* once it is over */
};

char *rounds_title(const struct plan_case *plan_case)
{
	return mem_textf("%s%s%s%s", plan_case->id, plan_case->axes[0] ? " " : "",
		plan_case->axes, plan_case->half == HALF_TWIN ? " (twin)" : "");
}

static void on_step(void *arg, const struct case_step *step)
{
	struct planned_round *round = arg;

	progress_step(round->rounds->progress, round->progress, step);
}

static void show_over(struct planned_round *round)
{
	struct progress *progress = round->rounds->progress;
	bool could_run = json_bool(round->json, "could_run", false);
	const char *reason =
		json_text(round->json, could_run ? "reason" : "trouble_text");
	const char *verdict = json_text(round->json, "verdict");
	const char *folder = json_text(round->json, "folder");
	SCOPED(mem_free) char *line =
		mem_textf("%s%s%s", could_run ? verdict : "could not run",
			reason && reason[0] ? ": " : "", reason ? reason : "");

	progress_over(progress, round->progress,
		!could_run                                     ? PROGRESS_NOT_RUN
			: json_bool(round->json, "met", false) ? PROGRESS_MET
							       : PROGRESS_UNMET,
		line);
	if (folder) {
		SCOPED(mem_free) char *where = mem_textf("  see %s/why.txt", folder);

		progress_say(progress, where);
	}
}

static void on_over(void *arg, cJSON *json, bool kept, const char *say)
{
	struct planned_round *round = arg;
	struct rounds *rounds = round->rounds;

	round->worker = NULL;
	round->json = json;
	if (round->warm_up)
		cJSON_AddTrueToObject(json, "warm_up");
	rounds->kept = rounds->kept || kept;
	rounds->running--;
	if (say)
		progress_say(rounds->progress, say);
	show_over(round);
}

void rounds_add(struct rounds *rounds, struct worker_options *options,
	const struct plan_case *plan_case, unsigned number, uint64_t seed, bool warm_up)
{
	options->step = on_step;
	options->over = on_over;
	if (rounds->progress)
		progress_add(rounds->progress, 1);
	rounds->list = mem_grown(rounds->list, rounds->count + 1, sizeof *rounds->list);
	rounds->list[rounds->count++] = (struct planned_round){
		.rounds = rounds,
		.options = options,
		.plan_case = plan_case,
		.number = number,
		.seed = seed,
		.warm_up = warm_up,
	};
}

/* A port of the host that a scenario names serves one round at a time. */
static bool runs_alone(const struct scenario *scenario)
{
	const struct published_ports *ports = &scenario->service.container.ports;

	for (unsigned i = 0; i < ports->count; i++) {
		if (ports->item[i].host_port > 0)
			return true;
	}
	return scenario->alone || scenario->service.port > 0 ||
		scenario->service.ready.port > 0;
}

static bool start_round(struct rounds *rounds, struct planned_round *round)
{
	const struct scenario *scenario = &round->plan_case->scenario;
	SCOPED(mem_free) char *title = rounds_title(round->plan_case);
	struct err err = {0};

	round->options->step_every_ns =
		progress_is_live(rounds->progress) ? STEP_EVERY_NS : 0;
	round->worker = worker_start(round->options, round->plan_case, round->number,
		round->seed, round, &err);
	if (!round->worker) {
		progress_say(rounds->progress, err.text);
		return false;
	}
	round->progress = progress_begin(rounds->progress, title);
	rounds->alone = runs_alone(scenario);
	rounds->running++;
	return true;
}

/* Starts rounds in the order of the plan, as many as may run side by side. False: there
 * is no process to be had for the next one. */
static bool start_rounds(struct rounds *rounds)
{
	while (rounds->started < rounds->count && !rounds->interrupted &&
		rounds->running < rounds->jobs) {
		struct planned_round *round = &rounds->list[rounds->started];
		bool alone = rounds->alone || runs_alone(&round->plan_case->scenario);

		if (rounds->running > 0 && alone)
			break;
		if (!start_round(rounds, round))
			return false;
		rounds->started++;
	}
	return true;
}

bool rounds_run(struct rounds *rounds)
{
	bool ok;

	while ((ok = start_rounds(rounds)) && rounds->running > 0)
		uv_run(rounds->loop, UV_RUN_ONCE);
	while (rounds->running > 0) /* those that run already */
		uv_run(rounds->loop, UV_RUN_ONCE);
	return ok;
}

void rounds_results(
	struct rounds *rounds, const struct plan *plan, struct results *results)
{
	for (unsigned i = 0; i < plan->count; i++) {
		for (unsigned j = 0; j < rounds->started; j++) {
			struct planned_round *round = &rounds->list[j];

			if (round->plan_case != plan->cases[i] || !round->json)
				continue;
			results_add(results, round->json);
			round->json = NULL;
		}
	}
}

void rounds_interrupt(struct rounds *rounds)
{
	rounds->interrupted = true;
	if (rounds->progress)
		progress_interrupt(rounds->progress);
	for (unsigned i = 0; i < rounds->started; i++) {
		if (rounds->list[i].worker)
			worker_interrupt(rounds->list[i].worker);
	}
}

void rounds_done(struct rounds *rounds)
{
	free(rounds->list);
	*rounds = (struct rounds){0};
}
