#include "harness/campaign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "harness/command.h"
#include "harness/engine/engine.h"
#include "harness/programs.h"
#include "harness/report/artifacts.h"
#include "harness/report/progress.h"
#include "harness/report/results.h"
#include "harness/report/terminal.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/engine_kind.h"
#include "harness/worker.h"
#include "lib/fd_limit.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct campaign_round {
	struct campaign *campaign;
	const struct plan_case *plan_case;
	unsigned number;                 /* from 1 */
	struct worker *worker;           /* while it runs */
	struct progress_round *progress; /* while it runs */
	cJSON *json;                     /* once it is over */
};

struct campaign {
	const struct campaign_options *options;
	struct plan plan;
	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct run_dir run_dir;
	struct worker_options worker_options;
	struct campaign_round *rounds; /* in the order of the plan */
	unsigned round_count, started, running;
	bool alone; /* the running round's case runs alone */
	struct results *results;
	struct progress *progress;
	bool kept;
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

	campaign->interrupted = true;
	for (unsigned i = 0; i < campaign->started; i++) {
		if (campaign->rounds[i].worker)
			worker_interrupt(campaign->rounds[i].worker);
	}
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

/* --- the rounds --- */

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

static char *title_of(const struct plan_case *plan_case)
{
	return mem_textf("%s%s%s%s", plan_case->id, plan_case->axes[0] ? " " : "",
		plan_case->axes, plan_case->half == HALF_TWIN ? " (twin)" : "");
}

static void pass_over(struct campaign *campaign, const struct engine *engine,
	const struct plan_case *plan_case)
{
	SCOPED(mem_free) char *title = title_of(plan_case);
	SCOPED(mem_free) char *line = mem_textf(
		"passed over, not for engine %s: %s", engine->kind->name, title);

	progress_say(campaign->progress, line);
	results_pass_over(campaign->results);
}

static void add_rounds(struct campaign *campaign, const struct plan_case *plan_case)
{
	unsigned rounds = rounds_of(campaign, plan_case);

	campaign->rounds = mem_grown(campaign->rounds, campaign->round_count + rounds,
		sizeof *campaign->rounds);
	for (unsigned number = 1; number <= rounds; number++)
		campaign->rounds[campaign->round_count++] = (struct campaign_round){
			.campaign = campaign,
			.plan_case = plan_case,
			.number = number,
		};
}

static uint64_t seed_of(const struct campaign *campaign,
	const struct scenario *scenario, unsigned round)
{
	bool own = scenario->seed && !campaign->options->seed_given;

	return (own ? (uint64_t)scenario->seed : campaign->options->seed) + round - 1;
}

static void on_step(void *arg, const char *what)
{
	struct campaign_round *round = arg;

	progress_step(round->campaign->progress, round->progress, what);
}

static void show_over(struct campaign_round *round)
{
	struct progress *progress = round->campaign->progress;
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
	struct campaign_round *round = arg;
	struct campaign *campaign = round->campaign;

	round->worker = NULL;
	round->json = json;
	campaign->kept = campaign->kept || kept;
	campaign->running--;
	if (say)
		progress_say(campaign->progress, say);
	show_over(round);
}

/* A port of the host that a scenario names serves one round at a time. */
static bool runs_alone(const struct scenario *scenario)
{
	return scenario->alone || scenario->service.port > 0 ||
		scenario->service.ready.port > 0;
}

static bool start_round(struct campaign *campaign, struct campaign_round *round)
{
	const struct scenario *scenario = &round->plan_case->scenario;
	SCOPED(mem_free) char *title = title_of(round->plan_case);
	struct err err = {0};

	round->worker = worker_start(&campaign->worker_options, round->plan_case,
		round->number, seed_of(campaign, scenario, round->number), round, &err);
	if (!round->worker) {
		progress_say(campaign->progress, err.text);
		return false;
	}
	round->progress = progress_begin(campaign->progress, title);
	campaign->alone = runs_alone(scenario);
	campaign->running++;
	return true;
}

/* Starts rounds in the order of the plan, as many as may run side by side. False: there
 * is no process to be had for the next one. */
static bool start_rounds(struct campaign *campaign)
{
	while (campaign->started < campaign->round_count && !campaign->interrupted &&
		campaign->running < campaign->options->jobs) {
		struct campaign_round *round = &campaign->rounds[campaign->started];
		bool alone = campaign->alone || runs_alone(&round->plan_case->scenario);

		if (campaign->running > 0 && alone)
			break;
		if (!start_round(campaign, round))
			return false;
		campaign->started++;
	}
	return true;
}

static bool run_rounds(struct campaign *campaign)
{
	bool ok;

	while ((ok = start_rounds(campaign)) && campaign->running > 0)
		uv_run(&campaign->loop, UV_RUN_ONCE);
	while (campaign->running > 0) /* those that run already */
		uv_run(&campaign->loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < campaign->started; i++) {
		results_add(campaign->results, campaign->rounds[i].json);
		campaign->rounds[i].json = NULL;
	}
	return ok;
}

/* --- the whole --- */

static void on_said(void *arg, const char *line)
{
	struct campaign *campaign = arg;

	if (campaign->progress)
		progress_say(campaign->progress, line);
	else
		terminal_print(stderr, "%s\n", line);
}

/* What cannot be seen here bears on every verdict that follows. */
static void say_limitations(struct campaign *campaign, const struct engine *engine)
{
	const char *note = engine->capabilities.note;
	SCOPED(mem_free) char *line =
		mem_textf("engine %s: %s", engine->kind->name, note);

	if (note[0])
		progress_say(campaign->progress, line);
}

/* The rounds that this engine can run. */
static void plan_rounds(struct campaign *campaign, struct engine *engine)
{
	for (unsigned i = 0; i < campaign->plan.count; i++) {
		const struct plan_case *plan_case = campaign->plan.cases[i];

		if (fits_engine(engine, &plan_case->scenario))
			add_rounds(campaign, plan_case);
	}
	campaign->progress =
		progress_create(&campaign->loop, stderr, campaign->round_count);
	say_limitations(campaign, engine);
	campaign->results =
		results_create(engine_fingerprint(engine), campaign->options->seed);
	for (unsigned i = 0; i < campaign->plan.count; i++) {
		if (!fits_engine(engine, &campaign->plan.cases[i]->scenario))
			pass_over(campaign, engine, campaign->plan.cases[i]);
	}
}

/* What an earlier run left is removed, and our image is loaded once, before workers would
 * load it side by side. A round that needs it says why it is missing. */
static void prepare(struct campaign *campaign, struct engine *engine)
{
	struct err err = {0};
	bool ours = false;

	if (engine_clean(engine, run_dir_is_over, on_said, campaign, &err) < 0)
		progress_say(campaign->progress, err.text);
	for (unsigned i = 0; i < campaign->round_count; i++)
		ours = ours || !campaign->rounds[i].plan_case->scenario.service.image;
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
				.interrupted = &campaign->interrupted,
			},
			&err);

	if (!engine) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	campaign->worker_options = (struct worker_options){
		.loop = &campaign->loop,
		.engine = engine->kind->name,
		.run_id = campaign->run_dir.id,
		.run_folder = campaign->run_dir.folder,
		.programs = programs,
		.report = campaign->options->report,
		.lock = campaign->run_dir.lock,
		.keep_failed = campaign->options->keep_failed,
		.step = on_step,
		.over = on_over,
	};
	plan_rounds(campaign, engine);
	prepare(campaign, engine);
	engine_destroy(engine);
	return true;
}

static bool get_ready(struct campaign *campaign, const char *programs)
{
	struct err err = {0};

	run_dir_clean();
	/* Now, not when everything has been run. */
	if (!fs_make_folders(campaign->options->report, &err) ||
		!run_dir_open(&campaign->run_dir, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	if (!meet_engine(campaign, programs))
		return false;
	artifacts_clear(campaign->options->report);
	return true;
}

static int exit_code(const struct campaign *campaign)
{
	const struct results *results = campaign->results;

	if (campaign->interrupted)
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
	const struct format *format = campaign->options->format;
	struct err err = {0};

	progress_destroy(campaign->progress);
	campaign->progress = NULL;
	format->print(stdout, campaign->results->json);
	if (!results_write(campaign->results, path, &err)) {
		terminal_print(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	terminal_print(format->for_programs ? stderr : stdout,
		"Results: %s  (engine %s, seed %llu)\n", path,
		campaign->worker_options.engine,
		(unsigned long long)campaign->options->seed);
	return exit_code(campaign);
}

/* A worker that died cannot have removed its containers. */
static void sweep(struct campaign *campaign)
{
	const char *name = campaign->worker_options.engine;
	const bool interrupted = false;
	struct err err = {0};
	struct engine *engine;

	if (!name || !engine_kind_find(name)->runs_images || campaign->kept)
		return;
	engine = engine_create(&campaign->loop, name,
		&(struct engine_options){
			.run_id = "sweep",
			.programs = campaign->worker_options.programs,
			.interrupted = &interrupted,
		},
		&err);
	if (!engine ||
		engine_clean(engine, run_dir_is_over, on_said, campaign, &err) < 0)
		terminal_print(stderr, "stopbench: %s\n", err.text);
	engine_destroy(engine);
}

static void close_campaign(struct campaign *campaign)
{
	if (campaign->kept)
		terminal_print(stderr, "stopbench: kept until the next run: %s\n",
			campaign->run_dir.folder);
	run_dir_close(&campaign->run_dir, campaign->kept);
	sweep(campaign);
	progress_destroy(campaign->progress);
	results_destroy(campaign->results);
	for (size_t i = 0; i < COUNT(campaign->signals); i++)
		uv_close((uv_handle_t *)&campaign->signals[i], NULL);
	uv_run(&campaign->loop, UV_RUN_DEFAULT);
	uv_loop_close(&campaign->loop);
	free(campaign->rounds);
	plan_done(&campaign->plan);
	strlist_done(&campaign->errors);
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
			bool ok = run_rounds(&campaign);

			code = finish(&campaign);
			code = ok || code == EXIT_UNMET ? code : EXIT_NOT_RUN;
		}
	}
	close_campaign(&campaign);
	return code;
}
