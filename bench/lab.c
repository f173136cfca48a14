#include "bench/lab.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/wait.h"
#include "harness/programs.h"
#include "harness/run/case.h"
#include "lib/buf.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/descriptors.h"
#include "lib/mem.h"

#define SEED          1 /* latencies are fixed here, nothing is drawn */
#define PROGRAM_NS    (60 * CLOCK_S)
#define SCENARIO_SIZE 4096

static void on_signal(uv_signal_t *signal, int number)
{
	struct lab *lab = signal->data;

	(void)number;
	lab->interrupted = true;
	/* Whoever asks again does not want to wait. */
	for (size_t i = 0; i < COUNT(lab->signals); i++)
		uv_signal_stop(&lab->signals[i]);
}

static void catch_signals(struct lab *lab)
{
	static const int numbers[] = {SIGINT, SIGTERM};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		uv_signal_init(&lab->loop, &lab->signals[i]);
		lab->signals[i].data = lab;
		uv_signal_start(&lab->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&lab->signals[i]);
	}
}

bool lab_open(struct lab *lab, struct err *err)
{
	struct engine_options options = {.interrupted = &lab->interrupted};
	struct err why = {0};

	*lab = (struct lab){.home = {.lock = -1}};
	uv_loop_init(&lab->loop);
	catch_signals(lab);
	descriptors_raise();
	home_clean();
	if (!home_open(&lab->home, err))
		return false;
	lab->here = programs_folder();
	lab->programs = mem_textf("%s/../bin", lab->here);
	options.run_id = lab->home.id;
	options.programs = lab->programs;
	lab->family = family_create(&lab->loop, NULL, NULL, err);
	lab->process = lab->family ? engine_create(&lab->loop, "process", &options, err)
				   : NULL;
	if (!lab->process)
		return false;
	lab->docker = engine_create(&lab->loop, "docker", &options, &why);
	if (!lab->docker)
		snprintf(lab->no_docker, sizeof lab->no_docker, "%.255s", why.text);
	return true;
}

void lab_close(struct lab *lab)
{
	engine_destroy(lab->docker);
	engine_destroy(lab->process);
	family_destroy(lab->family);
	for (size_t i = 0; i < COUNT(lab->signals); i++)
		uv_close((uv_handle_t *)&lab->signals[i], NULL);
	uv_run(&lab->loop, UV_RUN_DEFAULT);
	uv_loop_close(&lab->loop);
	home_close(&lab->home, false);
	free(lab->here);
	free(lab->programs);
}

bool lab_scenario(struct scenario *scenario, struct err *err, const char *format, ...)
{
	char text[SCENARIO_SIZE];
	struct json_doc doc = {0};
	va_list args;
	bool ok;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	ok = json_doc_parse(&doc, "bench", text, strlen(text), err) &&
		scenario_read(scenario, &doc, doc.root, err);
	json_doc_done(&doc);
	return ok;
}

bool lab_case(struct lab *lab, struct engine *engine, const struct scenario *scenario,
	struct seen *seen, struct err *err)
{
	int64_t began_ns = clock_now();

	case_run(
		&(struct case_options){
			.loop = &lab->loop,
			.engine = engine,
			.programs = lab->programs,
			.run_folder = lab->home.folder,
			.interrupted = &lab->interrupted,
			.seed = SEED,
		},
		scenario, &seen->evidence);
	seen->wall_ns = clock_now() - began_ns;
	if (seen->evidence.trouble != TROUBLE_NONE)
		return err_set(
			err, "%s: %s", scenario->name, seen->evidence.trouble_text);
	judge(&seen->judgement, scenario, &seen->evidence);
	if (!seen->judgement.met || seen->judgement.stop_ns < 0)
		return err_set(err, "%s: %s: %s", scenario->name,
			verdict_name(seen->judgement.verdict), seen->judgement.reason);
	return true;
}

void seen_done(struct seen *seen)
{
	evidence_done(&seen->evidence);
}

/* A program under way. */
struct run {
	struct buf said;
	bool ended;
	int status;
	int64_t ended_ns;
};

static void on_output(void *arg, const char *data, size_t len)
{
	struct run *run = arg;

	buf_add(&run->said, data, len);
}

static void on_exit_of(void *arg, int status)
{
	struct run *run = arg;

	run->ended_ns = clock_now();
	run->status = status;
	run->ended = true;
}

static bool has_ended(const void *arg)
{
	return ((const struct run *)arg)->ended;
}

bool lab_program(
	struct lab *lab, const char *const *argv, int64_t *wall_ns, struct err *err)
{
	SCOPED(buf_done) struct buf said = {0};
	struct run run = {0};
	int64_t began_ns = clock_now();
	struct child *child = child_spawn(lab->family,
		&(struct child_spec){
			.argv = argv,
			.on_stdout = on_output,
			.on_stderr = on_output,
			.on_exit = on_exit_of,
			.arg = &run,
		},
		err);
	enum wait_end end;

	if (!child)
		return err_while(err, "start %s", argv[0]);
	end = wait_until(
		&lab->loop, has_ended, &run, began_ns + PROGRAM_NS, &lab->interrupted);
	if (end != WAIT_SO) {
		/* A script then removes what it made. */
		child_stop(child, 0, PROGRAM_NS);
		wait_until(&lab->loop, has_ended, &run, clock_now() + 2 * PROGRAM_NS,
			NULL);
	}
	child_destroy(child);
	said = run.said;
	*wall_ns = run.ended_ns - began_ns;
	if (end == WAIT_INTERRUPTED)
		return err_set(err, "interrupted");
	if (end == WAIT_DEADLINE)
		return err_set(err, "%s did not end: %s", argv[0], buf_text(&said));
	if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0)
		return err_set(err, "%s failed: %s", argv[0], buf_text(&said));
	return true;
}

bool lab_has_program(const char *name)
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
