#include "harness/campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "harness/command.h"
#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/programs.h"
#include "harness/report/artifacts.h"
#include "harness/report/progress.h"
#include "harness/report/results.h"
#include "harness/run/case.h"
#include "harness/run/run_dir.h"
#include "lib/fd_limit.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct campaign {
	const struct campaign_options *options;
	struct plan plan;
	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct run_dir run_dir;
	struct engine *engine;
	struct results *results;
	struct progress *progress;
	bool kept;
	struct strlist wrongs; /* that were told */
};

/* A bad --set is wrong for every file, and told once. */
static void on_wrong(void *arg, const struct err *err)
{
	struct campaign *campaign = arg;

	for (unsigned i = 0; i < campaign->wrongs.count; i++) {
		if (strcmp(campaign->wrongs.item[i], err->text) == 0)
			return;
	}
	strlist_add(&campaign->wrongs, "%s", err->text);
	fprintf(stderr, "%s\n", err->text);
}

static bool make_plan(struct campaign *campaign)
{
	const struct campaign_options *options = campaign->options;
	bool ok = true;

	for (const char *const *path = options->paths; *path; path++)
		ok = plan_add(&campaign->plan, *path, &options->plan, on_wrong,
			     campaign) &&
			ok;
	if (ok && campaign->plan.count == 0) {
		fprintf(stderr, "stopbench: no scenario in %s\n", options->paths[0]);
		ok = false;
	}
	return ok;
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct campaign *campaign = signal->data;

	(void)number;
	campaign->interrupted = true;
	/* Who asks again does not want to wait for the end of this: from here on the
	 * signal kills us, and the next run removes what we leave. */
	for (size_t i = 0; i < COUNT(campaign->signals); i++)
		uv_signal_stop(&campaign->signals[i]);
}

static void catch_signals(struct campaign *campaign)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signals_ignore_sigpipe();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&campaign->loop, &campaign->signals[i]);
		campaign->signals[i].data = campaign;
		uv_signal_start(&campaign->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&campaign->signals[i]);
	}
}

static void on_step(void *arg, const char *what)
{
	progress_step(((struct campaign *)arg)->progress, what);
}

static void tell(struct campaign *campaign, const struct evidence *evidence,
	const struct judgement *judgement, const char *folder)
{
	SCOPED(mem_free) char *line = NULL;

	if (judgement->could_run) {
		line = mem_textf("%s%s%s", verdict_name(judgement->verdict),
			judgement->reason[0] ? ": " : "", judgement->reason);
		progress_over(campaign->progress,
			judgement->met ? PROGRESS_MET : PROGRESS_UNMET, line);
	} else {
		line = mem_textf("could not run: %s", evidence->trouble_text);
		progress_over(campaign->progress, PROGRESS_NOT_RUN, line);
	}
	if (folder) {
		SCOPED(mem_free) char *where = mem_textf("  see %s/why.txt", folder);

		progress_say(campaign->progress, where);
	}
}

static uint64_t seed_of(const struct campaign *campaign,
	const struct scenario *scenario, unsigned round)
{
	bool own = scenario->seed && !campaign->options->seed_given;

	return (own ? (uint64_t)scenario->seed : campaign->options->seed) + round - 1;
}

static void run_round(struct campaign *campaign, const struct plan_case *plan_case,
	unsigned round, const char *programs)
{
	const struct scenario *scenario = &plan_case->scenario;
	struct evidence evidence = {0};
	struct judgement judgement;
	struct case_state *state;
	struct err err = {0};
	char *folder = NULL;
	bool failed, keep;

	state = case_run(
		&(struct case_options){
			.loop = &campaign->loop,
			.engine = campaign->engine,
			.programs = programs,
			.run_folder = campaign->run_dir.folder,
			.interrupted = &campaign->interrupted,
			.seed = seed_of(campaign, scenario, round),
			.step = on_step,
			.arg = campaign,
		},
		scenario, &evidence);
	judge(&judgement, scenario, &evidence);
	failed = !judgement.met && evidence.trouble != TROUBLE_INTERRUPTED;
	keep = failed && campaign->options->keep_failed;
	campaign->kept = campaign->kept || keep;
	case_finish(state, keep);
	if (failed) {
		folder = artifacts_write(campaign->options->report, plan_case, round,
			&evidence, &judgement, &err);
		if (!folder)
			progress_say(campaign->progress, err.text);
	}
	results_add(campaign->results, plan_case, round, &evidence, &judgement, folder);
	tell(campaign, &evidence, &judgement, folder);
	free(folder);
	evidence_done(&evidence);
}

static bool fits_engine(
	const struct campaign *campaign, const struct scenario *scenario)
{
	bool only_image =
		scenario->service.image && scenario->service.command.count == 0;

	if (only_image && !engine_kind(campaign->engine)->runs_images)
		return false;
	for (unsigned i = 0; i < scenario->engines.count; i++) {
		if (strcmp(scenario->engines.item[i], engine_name(campaign->engine)) ==
			0)
			return true;
	}
	return scenario->engines.count == 0;
}

static unsigned rounds_of(
	const struct campaign *campaign, const struct plan_case *plan_case)
{
	if (campaign->options->repeat)
		return campaign->options->repeat;
	return plan_case->scenario.repeat > 0 ? (unsigned)plan_case->scenario.repeat
					      : 1;
}

static unsigned count_rounds(const struct campaign *campaign)
{
	unsigned rounds = 0;

	for (unsigned i = 0; i < campaign->plan.count; i++) {
		if (fits_engine(campaign, &campaign->plan.cases[i]->scenario))
			rounds += rounds_of(campaign, campaign->plan.cases[i]);
	}
	return rounds;
}

static char *title_of(const struct plan_case *plan_case)
{
	return mem_textf("%s%s%s%s", plan_case->id, plan_case->axes[0] ? " " : "",
		plan_case->axes, plan_case->half == HALF_TWIN ? " (twin)" : "");
}

static void pass_over(struct campaign *campaign, const char *title)
{
	SCOPED(mem_free) char *line = mem_textf("passed over, not for engine %s: %s",
		engine_name(campaign->engine), title);

	progress_say(campaign->progress, line);
	results_pass_over(campaign->results);
}

static void run_cases(struct campaign *campaign, const char *programs)
{
	for (unsigned i = 0; i < campaign->plan.count && !campaign->interrupted; i++) {
		const struct plan_case *plan_case = campaign->plan.cases[i];
		SCOPED(mem_free) char *title = title_of(plan_case);
		unsigned rounds;

		if (!fits_engine(campaign, &plan_case->scenario)) {
			pass_over(campaign, title);
			continue;
		}
		rounds = rounds_of(campaign, plan_case);
		for (unsigned round = 1; round <= rounds && !campaign->interrupted;
			round++) {
			progress_round(campaign->progress, title);
			run_round(campaign, plan_case, round, programs);
		}
	}
}

static void on_said(void *arg, const char *line)
{
	progress_say(((struct campaign *)arg)->progress, line);
}

/* What cannot be seen here bears on every verdict that follows. */
static void say_limitations(struct campaign *campaign)
{
	const char *note = engine_capabilities(campaign->engine)->note;
	SCOPED(mem_free) char *line =
		mem_textf("engine %s: %s", engine_name(campaign->engine), note);

	if (note[0])
		progress_say(campaign->progress, line);
}

static bool get_ready(struct campaign *campaign, const char *programs)
{
	struct err err = {0};

	run_dir_clean();
	/* Now, not when everything has been run. */
	if (!fs_make_folders(campaign->options->report, &err) ||
		!run_dir_open(&campaign->run_dir, &err)) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	campaign->engine = engine_create(&campaign->loop, campaign->options->engine,
		&(struct engine_options){
			.run_id = campaign->run_dir.id,
			.programs = programs,
			.interrupted = &campaign->interrupted,
		},
		&err);
	if (!campaign->engine) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	campaign->progress =
		progress_create(&campaign->loop, stderr, count_rounds(campaign));
	say_limitations(campaign);
	if (engine_clean(campaign->engine, run_dir_is_over, on_said, campaign, &err) <
		0)
		progress_say(campaign->progress, err.text);
	artifacts_clear(campaign->options->report);
	campaign->results = results_create(
		engine_fingerprint(campaign->engine), campaign->options->seed);
	return true;
}

static int exit_code(const struct campaign *campaign)
{
	const struct results *results = campaign->results;

	if (campaign->interrupted)
		return EXIT_NOT_RUN;
	/* What is proven is not overridden by what is not known. */
	if (results_unmet(results))
		return EXIT_UNMET;
	/* That nothing was run is no success either. */
	return results_not_run(results) || !results_met(results) ? EXIT_NOT_RUN
								 : EXIT_MET;
}

static int finish(struct campaign *campaign)
{
	const char *report = campaign->options->report;
	SCOPED(mem_free) char *path = mem_textf("%s/results.json", report);
	const struct format *format = campaign->options->format;
	struct err err = {0};

	progress_destroy(campaign->progress);
	campaign->progress = NULL;
	format->print(stdout, results_json(campaign->results));
	if (!results_write(campaign->results, path, &err)) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	fprintf(format->for_programs ? stderr : stdout,
		"Results: %s  (engine %s, seed %llu)\n", path,
		engine_name(campaign->engine),
		(unsigned long long)campaign->options->seed);
	return exit_code(campaign);
}

static void let_go(struct campaign *campaign)
{
	progress_destroy(campaign->progress);
	results_destroy(campaign->results);
	engine_destroy(campaign->engine);
	for (size_t i = 0; i < COUNT(campaign->signals); i++)
		uv_close((uv_handle_t *)&campaign->signals[i], NULL);
	uv_run(&campaign->loop, UV_RUN_DEFAULT);
	uv_loop_close(&campaign->loop);
	if (campaign->kept)
		fprintf(stderr, "stopbench: kept until the next run: %s\n",
			campaign->run_dir.folder);
	run_dir_close(&campaign->run_dir, campaign->kept);
	plan_done(&campaign->plan);
	strlist_done(&campaign->wrongs);
}

int campaign_run(const struct campaign_options *options)
{
	SCOPED(mem_free) char *programs = programs_folder();
	struct campaign campaign = {.options = options, .run_dir = {.lock = -1}};
	struct err err;
	int code = EXIT_USAGE;

	if (!fd_limit_raise(&err)) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	uv_loop_init(&campaign.loop);
	catch_signals(&campaign);
	if (make_plan(&campaign)) {
		code = EXIT_NOT_RUN;
		if (get_ready(&campaign, programs)) {
			run_cases(&campaign, programs);
			code = finish(&campaign);
		}
	}
	let_go(&campaign);
	return code;
}
