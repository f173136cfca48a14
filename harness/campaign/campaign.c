#include "harness/campaign/campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/campaign/rounds.h"
#include "harness/engine/engine.h"
#include "harness/exit_code.h"
#include "harness/programs.h"
#include "harness/report/artifacts.h"
#include "harness/report/case_rounds.h"
#include "harness/report/progress.h"
#include "harness/report/results.h"
#include "harness/report/terminal.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/engine_kind.h"
#include "lib/fd_limit.h"
#include "lib/fs.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct campaign {
	const struct campaign_options *options;
	struct plan plan;
	uv_loop_t loop;
	uv_signal_t signals[3];
	struct run_dir run_dir;
	char *failed; /* the folder of this run's artifacts */
	struct rounds rounds;
	struct results *results;
	struct progress *progress;
	struct strlist errors; /* of the plan, printed */
};

/* A bad --set is an error of every file, and printed once. */
static void on_wrong(void *arg, const struct err *err)
{
	struct campaign *campaign = arg;

	for (unsigned i = 0; i < campaign->errors.count; i++) {
		if (strcmp(campaign->errors.item[i], err->text) == 0)
			return;
	}
	strlist_add(&campaign->errors, "%s", err->text);
	terminal_print(stderr, "%s\n", err->text);
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
		terminal_print(stderr, "stopbench: no scenario in %s%s%s\n",
			options->paths[0],
			options->plan.filter ? " fits --filter " : "",
			options->plan.filter ? options->plan.filter : "");
		ok = false;
	}
	return ok;
}

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	struct campaign *campaign = signal->data;

	rounds_interrupt(&campaign->rounds);
	/* A second signal kills the run at once, and its workers with it; the next run
	 * removes what they leave. */
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

static bool fits_engine(const struct engine *engine, const struct scenario *scenario)
{
	bool only_image =
		scenario->service.image && scenario->service.command.count == 0;

	if (only_image && !engine->kind->runs_images)
		return false;
	for (unsigned i = 0; i < scenario->engines.count; i++) {
		if (strcmp(scenario->engines.item[i], engine->kind->name) == 0)
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

static void pass_over(struct campaign *campaign, const struct engine *engine,
	const struct plan_case *plan_case)
{
	SCOPED(mem_free) char *title = rounds_title(plan_case);
	SCOPED(mem_free) char *line = mem_textf(
		"passed over, not for engine %s: %s", engine->kind->name, title);

	progress_say(campaign->progress, line);
	results_pass_over(campaign->results);
}

static uint64_t seed_of(const struct campaign *campaign,
	const struct scenario *scenario, unsigned round)
{
	bool own = scenario->seed && !campaign->options->seed_given;

	return (own ? (uint64_t)scenario->seed : campaign->options->seed) + round - 1;
}

static void on_said(void *arg, const char *line)
{
	struct campaign *campaign = arg;

	if (campaign->progress)
		progress_say(campaign->progress, line);
	else
		terminal_print(stderr, "%s\n", line);
}

/* The rounds that this engine can run. */
static void plan_rounds(struct campaign *campaign, struct engine *engine)
{
	SCOPED(mem_free) char *note = mem_textf(
		"engine %s: %s", engine->kind->name, engine->capabilities.note);

	for (unsigned i = 0; i < campaign->plan.count; i++) {
		const struct plan_case *plan_case = campaign->plan.cases[i];

		unsigned count = rounds_of(campaign, plan_case);

		if (!fits_engine(engine, &plan_case->scenario))
			continue;
		for (unsigned number = 1; number <= count; number++)
			rounds_add(&campaign->rounds, plan_case, number,
				seed_of(campaign, &plan_case->scenario, number));
	}
	campaign->progress = campaign->rounds.progress =
		progress_create(&campaign->loop, stderr, campaign->rounds.count);
	/* What cannot be seen here bears on every verdict that follows. */
	if (engine->capabilities.note[0])
		progress_say(campaign->progress, note);
	campaign->results =
		results_create(engine_fingerprint(engine), campaign->options->seed);
	for (unsigned i = 0; i < campaign->plan.count; i++) {
		if (!fits_engine(engine, &campaign->plan.cases[i]->scenario))
			pass_over(campaign, engine, campaign->plan.cases[i]);
	}
}

/* What an earlier run left is removed, and our image is loaded once, before workers
 * would load it side by side. A round that needs it says why it is missing. */
static void prepare(struct campaign *campaign, struct engine *engine)
{
	struct err err = {0};
	bool ours = false;

	if (engine_clean(engine, run_dir_is_over, on_said, campaign, &err) < 0)
		progress_say(campaign->progress, err.text);
	for (unsigned i = 0; i < campaign->plan.count; i++) {
		const struct scenario *scenario = &campaign->plan.cases[i]->scenario;

		ours = ours ||
			(!scenario->service.image && fits_engine(engine, scenario));
	}
	if (ours && !engine_prepare(engine, NULL, &err))
		progress_say(campaign->progress, err.text);
}

/* This process asks the engine once; each worker has an engine of its own. */
static bool meet_engine(struct campaign *campaign, const char *programs)
{
	struct err err = {0};
	struct engine *engine =
		engine_create(&campaign->loop, campaign->options->engine,
			&(struct engine_options){
				.run_id = campaign->run_dir.id,
				.programs = programs,
				.interrupted = &campaign->rounds.interrupted,
			},
			&err);

	if (!engine) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	campaign->rounds.jobs = campaign->options->jobs;
	campaign->rounds.worker_options = (struct worker_options){
		.loop = &campaign->loop,
		.engine = engine->kind->name,
		.run_id = campaign->run_dir.id,
		.run_folder = campaign->run_dir.folder,
		.programs = programs,
		.failed = campaign->failed,
		.lock = campaign->run_dir.lock,
		.keep_failed = campaign->options->keep_failed,
		.try_cures = campaign->options->try_cures,
		.with_picture = outputs_want_picture(&campaign->options->outputs),
	};
	plan_rounds(campaign, engine);
	prepare(campaign, engine);
	engine_destroy(engine);
	return true;
}

/* Now, not when everything has been run. */
static bool make_report_folder(const char *path, struct err *err)
{
	if (fs_make_folders(path, err) &&
		(access(path, W_OK | X_OK) == 0 || err_sys(err, "%s", path)))
		return true;
	return err_while(err,
		"the results cannot be written (`--report FOLDER` names another folder)");
}

static bool get_ready(struct campaign *campaign, const char *programs)
{
	struct err err = {0};

	run_dir_clean();
	if (!make_report_folder(campaign->options->report, &err) ||
		!outputs_check(&campaign->options->outputs, &err) ||
		!run_dir_open(&campaign->run_dir, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	campaign->failed = artifacts_open(campaign->options->report);
	return meet_engine(campaign, programs);
}

static int exit_code(const struct campaign *campaign)
{
	const struct results *results = campaign->results;

	if (campaign->rounds.interrupted)
		return EXIT_NOT_RUN;
	/* What is proven is not overridden by what is not known. */
	if (results->counts[OUTCOME_UNMET])
		return EXIT_UNMET;
	/* That nothing was run is no success either. */
	return results->counts[OUTCOME_NOT_RUN] || !results->counts[OUTCOME_MET]
		? EXIT_NOT_RUN
		: EXIT_MET;
}

static int finish(struct campaign *campaign)
{
	const char *report = campaign->options->report;
	SCOPED(mem_free) char *path = mem_textf("%s/results.json", report);
	const struct outputs *outputs = &campaign->options->outputs;
	bool for_programs = outputs_on_stdout(outputs)->for_programs;
	struct err err = {0};
	bool printed;

	progress_destroy(campaign->progress);
	campaign->progress = NULL;
	printed = outputs_print(outputs, campaign->results->json, &err);
	if (!printed)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	if (!results_write(campaign->results, path, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	terminal_print(for_programs ? stderr : stdout,
		"Results: %s  (engine %s, seed %llu)\n", path,
		campaign->rounds.worker_options.engine,
		(unsigned long long)campaign->options->seed);
	return printed || exit_code(campaign) == EXIT_UNMET ? exit_code(campaign)
							    : EXIT_NOT_RUN;
}

/* A worker that crashed has not removed its containers. */
static void sweep(struct campaign *campaign)
{
	const char *name = campaign->rounds.worker_options.engine;
	struct err err = {0};
	struct engine *engine;

	if (!name || !engine_kind_find(name)->runs_images || campaign->rounds.kept)
		return;
	engine = engine_create(&campaign->loop, name,
		&(struct engine_options){
			.run_id = "sweep",
			.programs = campaign->rounds.worker_options.programs,
		},
		&err);
	if (!engine ||
		engine_clean(engine, run_dir_is_over, on_said, campaign, &err) < 0)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	engine_destroy(engine);
}

static void close_campaign(struct campaign *campaign)
{
	if (campaign->rounds.kept)
		terminal_print(stderr, "stopbench: kept until the next run: %s\n",
			campaign->run_dir.folder);
	run_dir_close(&campaign->run_dir, campaign->rounds.kept);
	sweep(campaign);
	progress_destroy(campaign->progress);
	results_destroy(campaign->results);
	for (size_t i = 0; i < COUNT(campaign->signals); i++)
		uv_close((uv_handle_t *)&campaign->signals[i], NULL);
	uv_run(&campaign->loop, UV_RUN_DEFAULT);
	uv_loop_close(&campaign->loop);
	rounds_done(&campaign->rounds);
	plan_done(&campaign->plan);
	strlist_done(&campaign->errors);
	free(campaign->failed);
}

int campaign_run(const struct campaign_options *options)
{
	SCOPED(mem_free) char *programs = programs_folder();
	struct campaign campaign = {.options = options, .run_dir = {.lock = -1}};
	struct err err;
	int code = EXIT_USAGE;

	if (!fd_limit_raise(&err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	uv_loop_init(&campaign.loop);
	catch_signals(&campaign);
	if (make_plan(&campaign)) {
		code = EXIT_NOT_RUN;
		if (get_ready(&campaign, programs)) {
			bool ok = rounds_run(&campaign.rounds, campaign.results);

			code = finish(&campaign);
			code = ok || code == EXIT_UNMET ? code : EXIT_NOT_RUN;
		}
	}
	close_campaign(&campaign);
	return code;
}
