#include "harness/command.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <uv.h>

#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/programs.h"
#include "harness/report/folder.h"
#include "harness/report/progress.h"
#include "harness/report/results.h"
#include "harness/report/table.h"
#include "harness/run/case.h"
#include "harness/run/home.h"
#include "harness/scenario/plan.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define REPEAT_MAX 10000
#define SEED_MAX   (UINT64_MAX / 4) /* a round's is this and its number */

struct options {
	const char *engine;
	const char *report;
	unsigned repeat; /* 0: as each scenario says */
	uint64_t seed;
	bool seed_given; /* then it wins over a scenario's own */
	bool keep_failed, json;
	struct plan_options plan;
	const char **sets;
	unsigned set_count;
	const char **paths;
	unsigned path_count;
};

static const struct argp_option option_table[] = {
	{"engine", 'e', "NAME", 0, "docker, process, or auto (the default): docker where a daemon answers, else process", 0},
	{"repeat", 'n', "N", 0, "run each case N times, whatever its file says", 0},
	{"set", 's', "KEY=VALUE", 0, "change a value of every scenario (\"load.sessions=20\"); pins a matrix axis", 0},
	{"half", 'h', "main|twin", 0, "only this half of each case", 0},
	{"seed", 'S', "N", 0, "reproduce the draws of the run that printed this seed", 0},
	{"report", 'r', "DIR", 0, "where results.json and the failed cases' folders go (reports)", 0},
	{"keep-failed", 'k', NULL, 0, "leave a failed case's container and folder where they are", 0},
	{"format", 'f', "table|json", 0, "what is printed at the end (table)", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;
	char *end = NULL;

	switch (key) {
	case 'e':
		options->engine = value;
		break;
	case 'n':
		options->repeat = (unsigned)strtoul(value, &end, 10);
		if (*end || options->repeat == 0 || options->repeat > REPEAT_MAX)
			argp_error(state, "--repeat: a number from 1 to %d, not \"%s\"",
				REPEAT_MAX, value);
		break;
	case 's':
		options->sets[options->set_count++] = value;
		break;
	case 'h':
		options->plan.main_only = strcmp(value, "main") == 0;
		options->plan.twin_only = strcmp(value, "twin") == 0;
		if (!options->plan.main_only && !options->plan.twin_only)
			argp_error(state, "--half: main or twin, not \"%s\"", value);
		break;
	case 'S':
		options->seed = strtoull(value, &end, 10);
		options->seed_given = true;
		if (*end || options->seed == 0 || options->seed > SEED_MAX)
			argp_error(state, "--seed: a number from 1 to %llu, not \"%s\"",
				(unsigned long long)SEED_MAX, value);
		break;
	case 'r':
		options->report = value;
		break;
	case 'k':
		options->keep_failed = true;
		break;
	case 'f':
		options->json = strcmp(value, "json") == 0;
		if (!options->json && strcmp(value, "table") != 0)
			argp_error(state, "--format: table or json, not \"%s\"", value);
		break;
	case ARGP_KEY_ARG:
		options->paths[options->path_count++] = value;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = option_table,
	.parser = parse_option,
	.args_doc = "[SCENARIO|FOLDER...]",
	.doc = "Runs scenarios and judges how the service stopped; without a path, those in "
	       "./scenarios.",
};

/* A run under way. */
struct run {
	const struct options *options;
	struct plan plan;
	uv_loop_t loop;
	uv_signal_t signals[2];
	bool interrupted;
	struct home home;
	struct engine *engine;
	struct results *results;
	struct progress *progress;
	const struct plan_case *now;
	struct judgement judgement; /* of the case that was just seen */
	bool kept;
	struct err last_wrong;
};

/* A bad --set is wrong for every file, and said once. */
static void on_wrong(void *arg, const struct err *err)
{
	struct run *run = arg;

	if (strcmp(run->last_wrong.text, err->text) != 0)
		fprintf(stderr, "%s\n", err->text);
	run->last_wrong = *err;
}

static bool make_plan(struct run *run)
{
	static const char *const all[] = {"scenarios"};
	const struct options *options = run->options;
	const char *const *paths = options->path_count ? options->paths : all;
	unsigned count = options->path_count ? options->path_count : 1;
	bool ok = true;

	for (unsigned i = 0; i < count; i++)
		ok = plan_add(&run->plan, paths[i], &options->plan, on_wrong, run) && ok;
	if (ok && run->plan.count == 0) {
		fprintf(stderr, "stopbench: no scenario in %s\n", paths[0]);
		ok = false;
	}
	return ok;
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct run *run = signal->data;

	(void)number;
	run->interrupted = true;
	/* Who asks again does not want to wait for the end of this: from here on the
	 * signal kills us, and the next run removes what we leave. */
	for (size_t i = 0; i < COUNT(run->signals); i++)
		uv_signal_stop(&run->signals[i]);
}

static void catch_signals(struct run *run)
{
	static const int numbers[] = {SIGINT, SIGTERM};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&run->loop, &run->signals[i]);
		run->signals[i].data = run;
		uv_signal_start(&run->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&run->signals[i]);
	}
}

/* A thousand sessions are several thousand descriptors; the soft limit is 1,024. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void on_step(void *arg, const char *what)
{
	progress_step(((struct run *)arg)->progress, what);
}

static bool on_keep(void *arg, const struct evidence *evidence)
{
	struct run *run = arg;

	if (!run->options->keep_failed)
		return false;
	judge(&run->judgement, &run->now->scenario, evidence);
	run->kept = run->kept || !run->judgement.met;
	return !run->judgement.met;
}

static void tell(struct run *run, const struct evidence *evidence, const char *folder)
{
	const struct judgement *judgement = &run->judgement;
	SCOPED(mem_free) char *line = NULL;

	if (judgement->could_run) {
		line = mem_textf("%s%s%s", verdict_name(judgement->verdict),
			judgement->reason[0] ? ": " : "", judgement->reason);
		progress_over(run->progress,
			judgement->met ? PROGRESS_MET : PROGRESS_UNMET, line);
	} else {
		line = mem_textf("could not run: %s", evidence->trouble_text);
		progress_over(run->progress, PROGRESS_NOT_RUN, line);
	}
	if (folder) {
		SCOPED(mem_free) char *where = mem_textf("  see %s/why.txt", folder);

		progress_say(run->progress, where);
	}
}

static uint64_t seed_of(const struct run *run, const struct scenario *scenario,
	unsigned round)
{
	bool own = scenario->seed && !run->options->seed_given;

	return (own ? (uint64_t)scenario->seed : run->options->seed) + round - 1;
}

static void run_round(struct run *run, const struct plan_case *plan_case, unsigned round,
	const char *programs)
{
	const struct scenario *scenario = &plan_case->scenario;
	struct evidence evidence = {0};
	struct err err = {0};
	char *folder = NULL;

	run->now = plan_case;
	case_run(
		&(struct case_options){
			.loop = &run->loop,
			.engine = run->engine,
			.programs = programs,
			.run_folder = run->home.folder,
			.interrupted = &run->interrupted,
			.seed = seed_of(run, scenario, round),
			.step = on_step,
			.keep = on_keep,
			.arg = run,
		},
		scenario, &evidence);
	judge(&run->judgement, scenario, &evidence);
	if (!run->judgement.met) {
		folder = folder_write(run->options->report, plan_case, round, &evidence,
			&run->judgement, &err);
		if (!folder)
			progress_say(run->progress, err.text);
	}
	results_add(run->results, plan_case, round, &evidence, &run->judgement, folder);
	tell(run, &evidence, folder);
	free(folder);
	evidence_done(&evidence);
}

static bool fits_engine(const struct run *run, const struct scenario *scenario)
{
	bool only_image = scenario->service.image && scenario->service.command.count == 0;

	if (only_image && strcmp(engine_name(run->engine), "docker") != 0)
		return false;
	for (unsigned i = 0; i < scenario->engines.count; i++) {
		if (strcmp(scenario->engines.word[i], engine_name(run->engine)) == 0)
			return true;
	}
	return scenario->engines.count == 0;
}

static unsigned rounds_of(const struct run *run, const struct plan_case *plan_case)
{
	if (run->options->repeat)
		return run->options->repeat;
	return plan_case->scenario.repeat > 0 ? (unsigned)plan_case->scenario.repeat : 1;
}

static unsigned count_rounds(const struct run *run)
{
	unsigned rounds = 0;

	for (unsigned i = 0; i < run->plan.count; i++) {
		if (fits_engine(run, &run->plan.cases[i]->scenario))
			rounds += rounds_of(run, run->plan.cases[i]);
	}
	return rounds;
}

static char *title_of(const struct plan_case *plan_case)
{
	return mem_textf("%s%s%s%s", plan_case->id, plan_case->axes[0] ? " " : "",
		plan_case->axes, plan_case->half == HALF_TWIN ? " (twin)" : "");
}

static void pass_over(struct run *run, const char *title)
{
	SCOPED(mem_free) char *line = mem_textf(
		"passed over, not for engine %s: %s", engine_name(run->engine), title);

	progress_say(run->progress, line);
	results_pass_over(run->results);
}

static void run_cases(struct run *run, const char *programs)
{
	for (unsigned i = 0; i < run->plan.count && !run->interrupted; i++) {
		const struct plan_case *plan_case = run->plan.cases[i];
		SCOPED(mem_free) char *title = title_of(plan_case);

		if (!fits_engine(run, &plan_case->scenario)) {
			pass_over(run, title);
			continue;
		}
		for (unsigned round = 1;
			round <= rounds_of(run, plan_case) && !run->interrupted; round++) {
			progress_round(run->progress, title);
			run_round(run, plan_case, round, programs);
		}
	}
}

static void on_said(void *arg, const char *line)
{
	progress_say(((struct run *)arg)->progress, line);
}

static bool get_ready(struct run *run, const char *programs)
{
	struct err err = {0};

	home_clean();
	if (!home_open(&run->home, &err)) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	run->engine = engine_create(&run->loop, run->options->engine,
		&(struct engine_options){
			.run_id = run->home.id,
			.programs = programs,
			.interrupted = &run->interrupted,
		},
		&err);
	if (!run->engine) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return false;
	}
	run->progress = progress_create(&run->loop, stderr, count_rounds(run));
	if (engine_clean(run->engine, home_is_over, on_said, run, &err) < 0)
		progress_say(run->progress, err.text);
	folder_clear(run->options->report);
	run->results = results_create(engine_fingerprint(run->engine), run->options->seed);
	return true;
}

static int exit_code(const struct run *run)
{
	const struct results *results = run->results;

	if (run->interrupted)
		return EXIT_NOT_RUN;
	/* What is proven is not overridden by what is not known. */
	if (results_unmet(results))
		return EXIT_UNMET;
	/* That nothing was run is no success either. */
	return results_not_run(results) || !results_met(results) ? EXIT_NOT_RUN : EXIT_MET;
}

static int finish(struct run *run)
{
	const char *report = run->options->report;
	SCOPED(mem_free) char *path = mem_textf("%s/results.json", report);
	SCOPED(mem_free) char *text = NULL;
	struct err err = {0};

	progress_destroy(run->progress);
	run->progress = NULL;
	if (run->options->json) {
		text = cJSON_Print(results_json(run->results));
		puts(text);
	} else {
		table_print(stdout, results_json(run->results));
	}
	if (!results_write(run->results, path, &err)) {
		fprintf(stderr, "stopbench: %s\n", err.text);
		return EXIT_NOT_RUN;
	}
	fprintf(run->options->json ? stderr : stdout,
		"Results: %s  (engine %s, seed %llu)\n", path, engine_name(run->engine),
		(unsigned long long)run->options->seed);
	return exit_code(run);
}

static void let_go(struct run *run)
{
	progress_destroy(run->progress);
	results_destroy(run->results);
	engine_destroy(run->engine);
	for (size_t i = 0; i < COUNT(run->signals); i++)
		uv_close((uv_handle_t *)&run->signals[i], NULL);
	uv_run(&run->loop, UV_RUN_DEFAULT);
	uv_loop_close(&run->loop);
	home_close(&run->home, run->kept);
	plan_done(&run->plan);
}

static int run_all(const struct options *options)
{
	SCOPED(mem_free) char *programs = programs_folder();
	struct run run = {.options = options, .home = {.lock = -1}};
	int code = EXIT_USAGE;

	uv_loop_init(&run.loop);
	catch_signals(&run);
	raise_descriptor_limit();
	if (make_plan(&run)) {
		code = EXIT_NOT_RUN;
		if (get_ready(&run, programs)) {
			run_cases(&run, programs);
			code = finish(&run);
		}
	}
	let_go(&run);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct options options = {.engine = "auto", .report = "reports"};
	int code;

	/* No list can be longer than the command line. */
	options.sets = mem_zeroed(sizeof *options.sets * (size_t)(argc + 1));
	options.paths = mem_zeroed(sizeof *options.paths * (size_t)(argc + 1));
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	options.plan.sets = options.sets;
	while (options.seed == 0) {
		if (getrandom(&options.seed, sizeof options.seed, 0) < 0)
			options.seed = (uint64_t)clock_now();
		options.seed &= UINT32_MAX; /* short enough to type */
	}
	code = run_all(&options);
	free(options.sets);
	free(options.paths);
	return code;
}
