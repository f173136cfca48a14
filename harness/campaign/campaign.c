#include "harness/campaign/campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/campaign/pairs.h"
#include "harness/campaign/rounds.h"
#include "harness/campaign/sides.h"
#include "harness/compare/comparison.h"
#include "harness/compare/results_file.h"
#include "harness/engine/engine.h"
#include "harness/exit_code.h"
#include "harness/programs.h"
#include "harness/report/artifacts.h"
#include "harness/report/progress.h"
#include "harness/results/results.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/engine_kind.h"
#include "lib/fd_limit.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/terminal.h"

struct campaign {
	const struct campaign_options *options;
	char *programs; /* the folder of our programs */
	struct sides sides;
	struct pairs pairs; /* of --against */
	cJSON *baseline;    /* of --baseline, or NULL */
	struct known_failures known;
	bool misused; /* the command line asks for what cannot be compared */
	uv_loop_t loop;
	uv_signal_t signals[3];
	struct run_dir run_dir;
	char *failed;    /* the folder of this run's artifacts */
	char *own_image; /* that the engine prepared, or NULL */
	struct rounds rounds;
	struct progress *progress;
};

/* --- signals --- */

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

/* --- what is run --- */

static void on_said(void *arg, const char *line)
{
	struct campaign *campaign = arg;

	if (campaign->progress)
		progress_say(campaign->progress, line);
	else
		terminal_print(stderr, "%s\n", line);
}

static void pass_over(
	struct campaign *campaign, const struct engine_kind *kind, unsigned index)
{
	const struct side *side = &campaign->sides.item[SIDE_NEW];
	const char *why = side_misfit(side, kind, index);
	SCOPED(mem_free) char *title = rounds_title(side->plan.cases[index]);
	SCOPED(mem_free) char *line =
		mem_textf("passed over, not for engine %s: %s%s%s%s", kind->name, title,
			why ? " (" : "", why ? why : "", why ? ")" : "");

	progress_say(campaign->progress, line);
	for (unsigned i = 0; i < campaign->sides.count; i++)
		results_pass_over(campaign->sides.item[i].results);
}

static void plan_rounds(struct campaign *campaign, const struct engine_kind *kind)
{
	struct side *side = &campaign->sides.item[SIDE_NEW];

	for (unsigned i = 0; i < side->plan.count; i++) {
		unsigned count = side_repeat(side, i);

		if (!sides_fit(&campaign->sides, kind, i))
			continue;
		for (unsigned number = 1; number <= count; number++)
			side_add_round(side, &campaign->rounds, i, number);
	}
}

static void plan_pairs(struct campaign *campaign, const struct engine_kind *kind)
{
	campaign->pairs.base = &campaign->sides.item[SIDE_BASE];
	campaign->pairs.new = &campaign->sides.item[SIDE_NEW];
	for (unsigned i = 0; i < campaign->sides.item[SIDE_NEW].plan.count; i++) {
		if (sides_fit(&campaign->sides, kind, i))
			pairs_add_case(&campaign->pairs, i);
	}
	pairs_begin(&campaign->pairs, &campaign->rounds);
}

/* The cases that this engine can run. */
static void plan_cases(struct campaign *campaign, struct engine *engine)
{
	const struct engine_kind *kind = engine->kind;
	SCOPED(mem_free) char *note =
		mem_textf("engine %s: %s", kind->name, engine->capabilities.note);

	if (campaign->options->against)
		plan_pairs(campaign, kind);
	else
		plan_rounds(campaign, kind);
	campaign->progress = campaign->rounds.progress =
		progress_create(&campaign->loop, stderr, campaign->rounds.count);
	/* What cannot be seen here bears on every verdict that follows. */
	if (engine->capabilities.note[0])
		progress_say(campaign->progress, note);
	sides_begin(&campaign->sides, engine);
	for (unsigned i = 0; i < campaign->sides.item[SIDE_NEW].plan.count; i++) {
		if (!sides_fit(&campaign->sides, kind, i))
			pass_over(campaign, kind, i);
	}
}

/* What an earlier run left is removed, and our image is loaded once, before workers
 * would load it side by side: to see that it is there takes longer than to create a
 * container. A round that needs it says why it is missing. */
static void prepare(struct campaign *campaign, struct engine *engine)
{
	struct err err = {0};

	if (engine_clean(engine, run_dir_is_over, on_said, campaign, &err) < 0)
		progress_say(campaign->progress, err.text);
	if (!sides_need_own_image(&campaign->sides, engine->kind))
		return;
	if (!engine_prepare(engine, NULL, &err))
		progress_say(campaign->progress, err.text);
	else if (engine->own_image)
		campaign->own_image = mem_text(engine->own_image);
	sides_set_own_image(&campaign->sides, campaign->own_image);
}

static void set_workers(struct campaign *campaign, const struct engine_kind *kind)
{
	sides_set_workers(&campaign->sides,
		&(struct worker_options){
			.loop = &campaign->loop,
			.engine = kind->name,
			.run_id = campaign->run_dir.id,
			.run_folder = campaign->run_dir.folder,
			.programs = campaign->programs,
			.subjects = campaign->programs,
			.witnesses = campaign->options->witnesses,
			.failed = campaign->failed,
			.lock = campaign->run_dir.lock,
			.keep_failed = campaign->options->keep_failed,
			.try_cures = campaign->options->try_cures,
			.what_if = campaign->options->what_if
				? campaign->options->warm_up + 1
				: 0,
			.with_picture =
				outputs_want_picture(&campaign->options->outputs),
		});
}

/* This process asks the engine once; each worker has an engine of its own. */
static bool meet_engine(struct campaign *campaign)
{
	struct err err = {0};
	struct engine *engine =
		engine_create(&campaign->loop, campaign->options->engine,
			&(struct engine_options){
				.run_id = campaign->run_dir.id,
				.programs = campaign->programs,
				.interrupted = &campaign->rounds.interrupted,
				.rollouts = sides_are_rollouts(&campaign->sides),
			},
			&err);

	campaign->misused = engine && campaign->baseline &&
		!comparison_check_engine(campaign->baseline, engine->kind->name, &err);
	if (!engine || campaign->misused ||
		!sides_have_image(&campaign->sides, engine, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		engine_destroy(engine);
		return false;
	}
	campaign->rounds.loop = &campaign->loop;
	campaign->rounds.jobs = campaign->options->jobs;
	set_workers(campaign, engine->kind);
	plan_cases(campaign, engine);
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

static bool open_base(struct campaign *campaign)
{
	return !campaign->options->against ||
		sides_open_base(&campaign->sides,
			&(struct base_options){
				.loop = &campaign->loop,
				.interrupted = &campaign->rounds.interrupted,
				.name = campaign->options->against,
				.build = campaign->options->build,
				.folder = campaign->run_dir.folder,
				.programs = campaign->programs,
			});
}

static bool get_ready(struct campaign *campaign)
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
	return open_base(campaign) && meet_engine(campaign);
}

/* --- the run --- */

static void compare(struct campaign *campaign, const cJSON *base, enum gate_plan plan)
{
	struct results *results = campaign->sides.item[SIDE_NEW].results;

	results_compare(results, comparison_json(base, results->json, plan));
}

/* False: a round could not begin. */
static bool run_pairs(struct campaign *campaign)
{
	struct results *base = campaign->sides.item[SIDE_BASE].results;
	struct results *new = campaign->sides.item[SIDE_NEW].results;
	bool ok;

	results_pair(base, campaign->sides.base.title, campaign->run_dir.id);
	results_pair(new, NULL, campaign->run_dir.id);
	do {
		ok = rounds_run(&campaign->rounds);
		sides_collect(&campaign->sides, &campaign->rounds);
		compare(campaign, base->json, GATE_LOOKS);
	} while (ok && !campaign->rounds.interrupted &&
		pairs_go_on(&campaign->pairs, &campaign->rounds,
			json_get(new->json, "comparison")));
	return ok;
}

static bool run_rounds(struct campaign *campaign)
{
	const struct results *results;
	bool ok = rounds_run(&campaign->rounds);
	struct err err;

	sides_collect(&campaign->sides, &campaign->rounds);
	results = campaign->sides.item[SIDE_NEW].results;
	if (!campaign->baseline || campaign->rounds.interrupted)
		return ok;
	campaign->misused = !comparison_check(campaign->baseline, results->json, &err);
	if (campaign->misused)
		terminal_print(stderr, "stopbench: --baseline: %s\n", err.text);
	else
		compare(campaign, campaign->baseline, GATE_ONCE);
	return ok;
}

/* --- its end --- */

static int exit_code(const struct campaign *campaign)
{
	const struct results *results = campaign->sides.item[SIDE_NEW].results;

	if (campaign->rounds.interrupted)
		return EXIT_NOT_RUN;
	/* What is proven is not overridden by what is not known. */
	if (results->counts[OUTCOME_UNMET])
		return EXIT_UNMET;
	/* That nothing was run is no success either. */
	return results->counts[OUTCOME_NOT_RUN] ||
			!(results->counts[OUTCOME_MET] + results->counts[OUTCOME_KNOWN])
		? EXIT_NOT_RUN
		: EXIT_MET;
}

static bool write_results(
	const struct campaign *campaign, enum side_name name, const char *file)
{
	SCOPED(mem_free) char *path =
		mem_textf("%s/%s", campaign->options->report, file);
	struct err err = {0};

	if (results_write(campaign->sides.item[name].results, path, &err))
		return true;
	terminal_print(stderr, "stopbench: %s\n", err.text);
	return false;
}

static int finish(struct campaign *campaign)
{
	const struct outputs *outputs = &campaign->options->outputs;
	const char *kubelet = json_text(
		json_get(campaign->sides.item[SIDE_NEW].results->json, "engine"),
		"kubelet");
	bool simulated = kubelet && !strcmp(kubelet, "simulated kubelet");
	int code = exit_code(campaign);
	struct err err = {0};
	bool written;

	progress_destroy(campaign->progress);
	campaign->progress = NULL;
	written = outputs_print(
		outputs, campaign->sides.item[SIDE_NEW].results->json, &err);
	if (!written)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	if (!write_results(campaign, SIDE_NEW, "results.json") ||
		(campaign->options->against &&
			!write_results(campaign, SIDE_BASE, "base.json")))
		return EXIT_NOT_RUN;
	terminal_print(outputs_on_stdout(outputs)->for_programs ? stderr : stdout,
		"Results: %s/results.json  (engine %s%s%s, seed %llu)\n",
		campaign->options->report,
		campaign->sides.item[SIDE_NEW].worker_options.engine,
		simulated ? ", " : "", simulated ? kubelet : "",
		(unsigned long long)campaign->options->seed);
	return written || code == EXIT_UNMET ? code : EXIT_NOT_RUN;
}

/* A worker that crashed has not removed its containers. */
static void sweep(struct campaign *campaign)
{
	const struct worker_options *options =
		&campaign->sides.item[SIDE_NEW].worker_options;
	const char *name = options->engine;
	struct err err = {0};
	struct engine *engine;

	if (!name || !engine_kind_find(name)->runs_images || campaign->rounds.kept)
		return;
	engine = engine_create(&campaign->loop, name,
		&(struct engine_options){
			.run_id = "sweep",
			.programs = options->programs,
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
	for (size_t i = 0; i < COUNT(campaign->signals); i++)
		uv_close((uv_handle_t *)&campaign->signals[i], NULL);
	uv_run(&campaign->loop, UV_RUN_DEFAULT);
	uv_loop_close(&campaign->loop);
	rounds_done(&campaign->rounds);
	pairs_done(&campaign->pairs);
	cJSON_Delete(campaign->baseline);
	known_failures_done(&campaign->known);
	sides_done(&campaign->sides);
	free(campaign->failed);
	free(campaign->own_image);
	free(campaign->programs);
}

/* What the run is compared with, and what is known of it. */
static bool read_files(struct campaign *campaign)
{
	const struct campaign_options *options = campaign->options;
	struct err err = {0};

	if (options->known_failures &&
		!known_failures_read(&campaign->known, options->known_failures, &err)) {
		terminal_print(stderr, "stopbench: --known-failures: %s\n", err.text);
		return false;
	}
	if (!options->baseline)
		return true;
	campaign->baseline = results_file_read(options->baseline, &err);
	if (!campaign->baseline)
		terminal_print(stderr, "stopbench: --baseline: %s\n", err.text);
	return campaign->baseline;
}

int campaign_run(const struct campaign_options *options)
{
	struct campaign campaign = {
		.options = options,
		.run_dir = {.lock = -1},
	};
	struct err err;
	int code = EXIT_USAGE;

	if (!fd_limit_raise(&err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	campaign.programs = programs_folder();
	uv_loop_init(&campaign.loop);
	catch_signals(&campaign);
	if (read_files(&campaign) && sides_open(&campaign.sides, options)) {
		if (!get_ready(&campaign)) {
			code = campaign.misused ? EXIT_USAGE : EXIT_NOT_RUN;
		} else {
			bool ok = options->against ? run_pairs(&campaign)
						   : run_rounds(&campaign);

			results_know(
				campaign.sides.item[SIDE_NEW].results, &campaign.known);
			code = finish(&campaign);
			code = ok || code == EXIT_UNMET ? code : EXIT_NOT_RUN;
			if (code == EXIT_MET && campaign.misused)
				code = EXIT_USAGE;
		}
	}
	close_campaign(&campaign);
	return code;
}
