#include "harness/campaign/sides.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/terminal.h"

bool sides_open(struct sides *sides, const struct campaign_options *options)
{
	sides->count = 1;
	sides->item[SIDE_NEW].options = options;
	return side_plan(&sides->item[SIDE_NEW], NULL);
}

static bool are_same_cases(const struct plan *base, const struct plan *new)
{
	bool same = base->count == new->count;

	for (unsigned i = 0; same && i < new->count; i++)
		same = strcmp(base->cases[i]->axes, new->cases[i]->axes) == 0;
	return same;
}

bool sides_open_base(struct sides *sides, const struct base_options *options)
{
	struct side *new = &sides->item[SIDE_NEW], *base = &sides->item[SIDE_BASE];
	struct err err = {0};

	sides->count = SIDES;
	base->options = new->options;
	if (!base_open(&sides->base, options, &err)) {
		terminal_print(stderr, "stopbench: --against: %s\n", err.text);
		return false;
	}
	if (!side_plan(base, sides->base.image))
		return false;
	if (are_same_cases(&base->plan, &new->plan))
		return true;
	terminal_print(stderr,
		"stopbench: --against: service.image is an axis of a matrix: pin it "
		"(--set service.image=IMAGE)\n");
	return false;
}

void sides_done(struct sides *sides)
{
	for (unsigned i = 0; i < SIDES; i++)
		side_done(&sides->item[i]);
	base_done(&sides->base);
	free(sides->base_failed);
	*sides = (struct sides){0};
}

bool sides_fit(
	const struct sides *sides, const struct engine_kind *kind, unsigned index)
{
	bool fit = true;

	for (unsigned i = 0; i < sides->count; i++)
		fit = fit && !side_misfit(&sides->item[i], kind, index);
	return fit;
}

bool sides_are_rollouts(const struct sides *sides)
{
	const struct plan *plan = &sides->item[SIDE_NEW].plan;
	bool all = plan->count > 0;

	for (unsigned i = 0; i < plan->count; i++)
		all = all && scenario_has_rollout(&plan->cases[i]->scenario);
	return all;
}

bool sides_need_own_image(const struct sides *sides, const struct engine_kind *kind)
{
	const struct plan *plan = &sides->item[SIDE_NEW].plan;
	bool need = false;

	for (unsigned i = 0; i < plan->count; i++)
		need = need ||
			(!plan->cases[i]->scenario.service.image &&
				sides_fit(sides, kind, i));
	return need;
}

bool sides_have_image(const struct sides *sides, struct engine *engine, struct err *err)
{
	const char *image = sides->base.image;

	if (!image)
		return true;
	if (!engine->kind->runs_images)
		return err_set(err,
			"--against: %s is no commit of this repository, and engine %s runs "
			"no images",
			image, engine->kind->name);
	return engine_prepare(engine, image, err) || err_while(err, "--against");
}

void sides_set_workers(struct sides *sides, const struct worker_options *options)
{
	const struct base *base = &sides->base;
	struct worker_options *of_base = &sides->item[SIDE_BASE].worker_options;
	SCOPED(mem_free) char *here = realpath(".", NULL);
	bool absolute = options->failed[0] == '/';

	sides->item[SIDE_NEW].worker_options = *options;
	*of_base = *options;
	sides->base_failed = mem_textf("%s%s%s/base", absolute ? "" : here,
		absolute ? "" : "/", options->failed);
	of_base->failed = sides->base_failed;
	of_base->folder = base->folder;
	if (base->programs)
		of_base->subjects = base->programs;
}

void sides_set_own_image(struct sides *sides, const char *image)
{
	const char *subjects = sides->item[SIDE_NEW].worker_options.subjects;

	for (unsigned i = 0; i < SIDES; i++) {
		struct worker_options *options = &sides->item[i].worker_options;

		if (options->subjects == subjects)
			options->own_image = image;
	}
}

void sides_begin(struct sides *sides, struct engine *engine)
{
	for (unsigned i = 0; i < sides->count; i++)
		sides->item[i].results = results_create(
			engine_fingerprint(engine), sides->item[i].options->seed);
}

void sides_collect(struct sides *sides, struct rounds *rounds)
{
	for (unsigned i = 0; i < sides->count; i++) {
		struct side *side = &sides->item[i];

		rounds_results(rounds, &side->plan, side->results);
		results_summarise(side->results);
	}
}
