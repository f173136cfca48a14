#include "harness/campaign/side.h"

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/terminal.h"

/* A bad --set is an error of every file, and printed once. */
static void on_wrong(void *arg, const struct err *err)
{
	struct strlist *errors = arg;

	for (unsigned i = 0; i < errors->count; i++) {
		if (strcmp(errors->item[i], err->text) == 0)
			return;
	}
	strlist_add(errors, "%s", err->text);
	terminal_print(stderr, "%s\n", err->text);
}

bool side_plan(struct side *side, const char *image)
{
	struct plan_options options = side->options->plan;
	SCOPED(strlist_done) struct strlist errors = {0};
	SCOPED(strlist_done) struct strlist sets = {0};
	bool ok = true;

	for (unsigned i = 0; options.sets && options.sets[i]; i++)
		strlist_add(&sets, "%s", options.sets[i]);
	if (image)
		strlist_add(&sets, "service.image=%s", image);
	options.sets = (const char *const *)sets.item;
	for (const char *const *path = side->options->paths; *path; path++)
		ok = plan_add(&side->plan, *path, &options, on_wrong, &errors) && ok;
	if (ok && side->plan.count == 0) {
		terminal_print(stderr, "stopbench: no scenario in %s%s%s\n",
			side->options->paths[0],
			options.filter ? " fits --filter " : "",
			options.filter ? options.filter : "");
		ok = false;
	}
	return ok;
}

void side_done(struct side *side)
{
	results_destroy(side->results);
	plan_done(&side->plan);
	*side = (struct side){0};
}

static bool names_engine(
	const struct scenario *scenario, const struct engine_kind *kind)
{
	for (unsigned i = 0; i < scenario->engines.count; i++) {
		if (strcmp(scenario->engines.item[i], kind->name) == 0)
			return true;
	}
	return scenario->engines.count == 0;
}

const char *side_misfit(
	const struct side *side, const struct engine_kind *kind, unsigned index)
{
	const struct scenario *scenario = &side->plan.cases[index]->scenario;
	bool only_image =
		scenario->service.image && scenario->service.command.count == 0;

	if (kind->rollouts && !scenario_has_rollout(scenario))
		return "it has no rollout, and this engine runs nothing else";
	if (!kind->rollouts && scenario_has_rollout(scenario))
		return "it has a rollout, which needs an orchestrator";
	if (only_image && !kind->runs_images)
		return "its program is in an image, which this engine does not run";
	return names_engine(scenario, kind) ? NULL : "its `engines` do not name this one";
}

unsigned side_repeat(const struct side *side, unsigned index)
{
	const struct scenario *scenario = &side->plan.cases[index]->scenario;

	if (side->options->repeat)
		return side->options->repeat + side->options->warm_up;
	return (scenario->repeat > 0 ? (unsigned)scenario->repeat : 1) +
		side->options->warm_up;
}

void side_add_round(
	struct side *side, struct rounds *rounds, unsigned index, unsigned number)
{
	const struct plan_case *plan_case = side->plan.cases[index];
	bool own = plan_case->scenario.seed && !side->options->seed_given;
	uint64_t seed = own ? (uint64_t)plan_case->scenario.seed : side->options->seed;

	rounds_add(rounds, &side->worker_options, plan_case, number, seed + number - 1,
		number <= side->options->warm_up);
}
