#include "bench/rig.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/programs.h"
#include "harness/run/case.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fd_limit.h"
#include "lib/mem.h"
#include "lib/run_program.h"

#define SEED          1 /* latencies are fixed here, nothing is drawn */
#define SCENARIO_SIZE 4096

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	struct rig *rig = signal->data;

	rig->interrupted = true;
	/* The next signal ends the benchmark at once. */
	for (size_t i = 0; i < COUNT(rig->signals); i++)
		uv_signal_stop(&rig->signals[i]);
}

static void catch_signals(struct rig *rig)
{
	static const int numbers[] = {SIGINT, SIGTERM};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&rig->loop, &rig->signals[i]);
		rig->signals[i].data = rig;
		uv_signal_start(&rig->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&rig->signals[i]);
	}
}

bool rig_open(struct rig *rig, struct err *err)
{
	struct engine_options options = {.interrupted = &rig->interrupted};
	struct err why = {0};

	*rig = (struct rig){.run_dir = {.lock = -1}};
	uv_loop_init(&rig->loop);
	catch_signals(rig);
	run_dir_clean();
	if (!fd_limit_raise(err) || !run_dir_open(&rig->run_dir, err))
		return false;
	rig->here = programs_folder();
	rig->programs = mem_textf("%s/../bin", rig->here);
	options.run_id = rig->run_dir.id;
	options.programs = rig->programs;
	rig->process = engine_create(&rig->loop, "process", &options, err);
	if (!rig->process)
		return false;
	rig->docker = engine_create(&rig->loop, "docker", &options, &why);
	if (!rig->docker)
		snprintf(rig->no_docker, sizeof rig->no_docker, "%.255s", why.text);
	return true;
}

void rig_close(struct rig *rig)
{
	engine_destroy(rig->docker);
	engine_destroy(rig->process);
	for (size_t i = 0; i < COUNT(rig->signals); i++)
		uv_close((uv_handle_t *)&rig->signals[i], NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	uv_loop_close(&rig->loop);
	run_dir_close(&rig->run_dir, false);
	free(rig->here);
	free(rig->programs);
}

bool rig_scenario(struct scenario *scenario, struct err *err, const char *format, ...)
{
	char text[SCENARIO_SIZE];
	struct json_doc doc = {0};
	va_list args;
	bool ok;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	*err = (struct err){0};
	ok = json_doc_parse(&doc, "bench", text, strlen(text), err) &&
		scenario_read(scenario, &doc, doc.root, fields_keep_first, err);
	json_doc_done(&doc);
	return ok;
}

bool rig_case(struct rig *rig, struct engine *engine, const struct scenario *scenario,
	struct seen *seen, struct err *err)
{
	int64_t began_ns = clock_now();
	struct case_state *state;

	state = case_run(
		&(struct case_options){
			.loop = &rig->loop,
			.engine = engine,
			.programs = rig->programs,
			.run_folder = rig->run_dir.folder,
			.interrupted = &rig->interrupted,
			.seed = SEED,
			.step = rig->step,
			.step_every_ns = rig->step_every_ns,
			.arg = rig->step_arg,
		},
		scenario, &seen->evidence);
	case_finish(state, false);
	seen->wall_ns = clock_now() - began_ns;
	if (seen->evidence.trouble != TROUBLE_NONE)
		return err_set(
			err, "%s: %s", scenario->name, seen->evidence.trouble_text);
	judge(&seen->judgement, scenario, &seen->evidence);
	if (!seen->judgement.met || seen->judgement.stop_ns < 0)
		return err_set(err, "%s: %s: %s", scenario->name,
			verdict_names[seen->judgement.verdict], seen->judgement.reason);
	return true;
}

void seen_done(struct seen *seen)
{
	evidence_done(&seen->evidence);
}

bool rig_sample(struct rig *rig, struct engine *engine, const struct scenario *scenario,
	enum rig_quantity quantity, int64_t unit_ns, struct samples *samples,
	struct err *err)
{
	SCOPED(seen_done) struct seen seen = {0};
	int64_t ns;

	if (!rig_case(rig, engine, scenario, &seen, err))
		return false;
	ns = quantity == RIG_STOP ? seen.judgement.stop_ns : seen.wall_ns;
	if (quantity == RIG_OVERHEAD)
		ns -= seen.judgement.stop_ns;
	samples_add(samples, (double)ns / (double)unit_ns);
	return true;
}

int64_t rig_cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * CLOCK_S +
		(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * (CLOCK_MS / 1000);
}

bool rig_program(struct rig *rig, const char *const *argv, struct program_cost *cost,
	struct err *err)
{
	SCOPED(buf_done) struct buf out = {0};
	int64_t began_cpu_ns = rig_cpu_ns(RUSAGE_CHILDREN), began_ns = clock_now();

	if (!run_program(&rig->loop, argv, &out, err))
		return false;
	cost->wall_ns = clock_now() - began_ns;
	cost->cpu_ns = rig_cpu_ns(RUSAGE_CHILDREN) - began_cpu_ns;
	return !rig->interrupted || err_set(err, "interrupted");
}

bool rig_has_program(const char *name)
{
	const char *path = getenv("PATH");
	SCOPED(mem_free) char *folders = mem_text(path ? path : "");
	char *rest = folders;

	for (char *folder; (folder = strsep(&rest, ":"));) {
		SCOPED(mem_free) char *program = mem_textf("%s/%s", folder, name);

		if (access(program, X_OK) == 0)
			return true;
	}
	return false;
}
