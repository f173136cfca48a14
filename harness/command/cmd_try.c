#include "harness/command/command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/campaign/cures.h"
#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/programs.h"
#include "harness/report/cure_table.h"
#include "harness/report/stop_report.h"
#include "harness/run/case.h"
#include "harness/run/run_dir.h"
#include "harness/target/run_options.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/terminal.h"

#define WIDTH 80

struct trial {
	struct run_options options;
	uv_loop_t loop;
	uv_signal_t signals[3];
	bool interrupted;
	struct run_dir run_dir;
	char *programs;
	struct engine *engine;
	struct terminal terminal, errors;
};

/* A second signal ends the program at once; `stopbench clean` removes what it leaves. */
static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	struct trial *trial = signal->data;

	trial->interrupted = true;
	for (size_t i = 0; i < COUNT(trial->signals); i++)
		uv_signal_stop(&trial->signals[i]);
}

static void catch_signals(struct trial *trial)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	signals_ignore_sigpipe();
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&trial->loop, &trial->signals[i]);
		trial->signals[i].data = trial;
		uv_signal_start(&trial->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&trial->signals[i]);
	}
}

static bool get_ready(struct trial *trial, struct err *err)
{
	if (!run_dir_open(&trial->run_dir, err))
		return false;
	trial->engine = engine_create(&trial->loop, trial->options.engine,
		&(struct engine_options){
			.run_id = trial->run_dir.id,
			.programs = trial->programs,
			.interrupted = &trial->interrupted,
		},
		err);
	return trial->engine != NULL;
}

/* What `stopbench stop` would find of a container like this one. `cures` is borrowed;
 * NULL: none was asked for. */
static void print(const struct trial *trial, const struct evidence *evidence,
	const struct judgement *judgement, const cJSON *cures)
{
	const struct scenario *scenario = &trial->options.scenario;
	struct subject_about about = {
		.name = scenario->name,
		.image = scenario->service.image ? scenario->service.image
						 : scenario->name,
		.grace_ns = scenario->stop.grace_ns,
		.restart_policy = (char[]){"no"},
		.exit_code = -1,
		.init = scenario->service.init,
	};
	const struct stop_report report = {
		.about = &about,
		.scenario = scenario,
		.evidence = evidence,
		.judgement = judgement,
	};

	if (trial->options.as_json) {
		SCOPED(json_free) cJSON *json = stop_report_json(&report);
		SCOPED(mem_free) char *text = NULL;

		if (cures)
			cJSON_AddItemToObject(json, "cures", json_copy_exact(cures));
		text = json_print_inert(json, true);
		puts(text);
		return;
	}
	stop_report_print(&report, &trial->terminal, stdout);
	if (cures)
		cure_table_print(cures, verdict_names[judgement->verdict],
			&trial->terminal, stdout);
}

/* A rerun may take as long as the grace: a person is told what goes on. */
static void on_step(void *arg, const struct case_step *step)
{
	const struct trial *trial = arg;

	if (trial->errors.live)
		terminal_print(stderr, "stopbench: %s\n", step->what);
}

static struct case_options case_options(struct trial *trial)
{
	return (struct case_options){
		.loop = &trial->loop,
		.engine = trial->engine,
		.programs = trial->programs,
		.run_folder = trial->run_dir.folder,
		.interrupted = &trial->interrupted,
		.seed = 1,
		.step = on_step,
		.arg = trial,
	};
}

static cJSON *try_cures(struct trial *trial, const struct evidence *evidence,
	const struct judgement *judgement)
{
	const struct case_options options = case_options(trial);

	return cures_try(&options,
		&(struct rerun_of){
			.path = "try",
			.json = trial->options.json,
			.scenario = &trial->options.scenario,
			.evidence = evidence,
			.judgement = judgement,
		});
}

static int run(struct trial *trial)
{
	const struct scenario *scenario = &trial->options.scenario;
	const struct case_options options = case_options(trial);
	SCOPED(evidence_done) struct evidence evidence = {0};
	SCOPED(json_free) cJSON *cures = NULL;
	struct judgement judgement;
	bool clean;

	case_finish(case_run(&options, scenario, &evidence), false);
	judge(&judgement, scenario, &evidence);
	if (!judgement.could_run) {
		terminal_print(stderr, "stopbench: %s\n", evidence.trouble_text);
		return EXIT_NOT_RUN;
	}
	clean = judgement.verdict == VERDICT_CLEAN;
	if (trial->options.try_cures && !clean)
		cures = try_cures(trial, &evidence, &judgement);
	print(trial, &evidence, &judgement, cures);
	if (trial->interrupted)
		fputs("stopbench: interrupted: not every cure was tried\n", stderr);
	return trial->interrupted ? EXIT_NOT_RUN : clean ? EXIT_MET : EXIT_UNMET;
}

static void release(struct trial *trial)
{
	engine_destroy(trial->engine);
	run_dir_close(&trial->run_dir, false);
	for (size_t i = 0; i < COUNT(trial->signals); i++)
		uv_close((uv_handle_t *)&trial->signals[i], NULL);
	uv_run(&trial->loop, UV_RUN_DEFAULT);
	uv_loop_close(&trial->loop);
	run_options_done(&trial->options);
	free(trial->programs);
}

int cmd_try(int argc, char **argv)
{
	struct trial trial = {
		.terminal = terminal_of(stdout),
		.errors = terminal_of(stderr),
		.run_dir = {.lock = -1},
	};
	struct err err = {0};
	int code = EXIT_NOT_RUN;

	run_options_parse(&trial.options, argc, argv);
	for (unsigned i = 0; i < trial.options.notes.count; i++)
		terminal_print(stderr, "stopbench: %s\n", trial.options.notes.item[i]);
	if (trial.terminal.width == 0 || trial.terminal.width > WIDTH)
		trial.terminal.width = WIDTH;
	trial.programs = programs_folder();
	uv_loop_init(&trial.loop);
	catch_signals(&trial);
	if (get_ready(&trial, &err))
		code = run(&trial);
	else
		terminal_print(stderr, "stopbench: %s\n", err.text);
	release(&trial);
	return code;
}
