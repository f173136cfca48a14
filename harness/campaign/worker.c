#include "harness/campaign/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/campaign/cures.h"
#include "harness/campaign/what_if.h"
#include "harness/cluster/cluster_engine.h"
#include "harness/engine/engine.h"
#include "harness/judge/judge.h"
#include "harness/report/artifacts.h"
#include "harness/results/round.h"
#include "harness/results/round_rollout.h"
#include "harness/rollout/rollout_judge.h"
#include "harness/rollout/rollout_run.h"
#include "harness/run/case.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/pipe_lines.h"
#include "lib/signals.h"

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, 0};

/* The JSON of a round; with a picture of 500 lanes it has 0.5 MiB. */
#define ROUND_CEILING ((size_t)64 << 20)

struct worker {
	const struct worker_options *options;
	const struct plan_case *plan_case;
	unsigned round;
	uint64_t seed;
	void *arg;
	pid_t pid;
	struct pipe_lines *lines; /* from the worker */
	cJSON *answer;            /* its last line; NULL: not yet */
};

/* The JSON of a round that could not be run. */
PRINTF(2, 3)
static cJSON *not_run(const struct worker *worker, const char *format, ...)
{
	struct evidence evidence = {
		.engine = worker->options->engine,
		.trouble = TROUBLE_NOT_UP,
		.seed = worker->seed,
	};
	struct judgement judgement;
	va_list args;

	va_start(args, format);
	vsnprintf(evidence.trouble_text, sizeof evidence.trouble_text, format, args);
	va_end(args);
	judge(&judgement, &worker->plan_case->scenario, &evidence);
	return round_json(
		worker->plan_case, worker->round, &evidence, &judgement, NULL);
}

/* --- in the worker's process --- */

/* The worker's own side. */
struct work {
	const struct worker *worker;
	int out;
	uv_loop_t loop;
	uv_signal_t signals[COUNT(stop_signals) - 1];
	bool interrupted;
	bool kept;
	char *say;
};

/* Takes message. A reader that has gone is no concern: the kernel kills the worker. */
static void send_message(const struct work *work, cJSON *message)
{
	SCOPED(mem_free) char *text = json_print_inert(message, false);
	SCOPED(buf_done) struct buf line = {.ceiling = SIZE_MAX};

	buf_addf(&line, "%s\n", text);
	for (size_t at = 0; at < line.len;) {
		ssize_t len = write(work->out, line.data + at, line.len - at);

		if (len < 0 && errno != EINTR)
			break;
		at += len > 0 ? (size_t)len : 0;
	}
	cJSON_Delete(message);
}

static void on_step(void *arg, const struct case_step *step)
{
	cJSON *message = json_fill(
		NULL, "{'step': %s, 'sessions': %u}", step->what, step->sessions);

	/* Both processes have the same clock. */
	cJSON_AddNumberToObject(message, "asked_ns", (double)step->asked_ns);
	cJSON_AddNumberToObject(message, "grace_ns", (double)step->grace_ns);
	send_message(arg, message);
}

static void on_signal(uv_signal_t *signal, int number UNUSED)
{
	((struct work *)signal->data)->interrupted = true;
}

/* What the reruns of this round found, with its cures and what would have been. */
static void add_reruns(const struct work *work, const struct case_options *options,
	const struct evidence *evidence, const struct judgement *judgement,
	cJSON *round)
{
	const struct worker *worker = work->worker;
	const struct plan_case *plan_case = worker->plan_case;
	SCOPED(json_free)
	cJSON *json = json_parse(plan_case->json, strlen(plan_case->json));
	const struct rerun_of of = {
		.path = plan_case->path,
		.json = json,
		.scenario = &plan_case->scenario,
		.evidence = evidence,
		.judgement = judgement,
	};

	if (!judgement->could_run)
		return;
	if (worker->options->try_cures && judgement->verdict != VERDICT_CLEAN)
		cJSON_AddItemToObject(round, "cures", cures_try(options, &of));
	if (worker->options->what_if == worker->round)
		cJSON_AddItemToObject(round, "what_if", what_if_try(options, &of));
}

static struct case_options options_of(struct work *work, struct engine *engine)
{
	const struct worker_options *options = work->worker->options;

	return (struct case_options){
		.loop = &work->loop,
		.engine = engine,
		.programs = options->programs,
		.run_folder = options->run_folder,
		.interrupted = &work->interrupted,
		.seed = work->worker->seed,
		.step = on_step,
		.step_every_ns = options->step_every_ns,
		.arg = work,
	};
}

static bool has_failed(
	const struct judgement *judgement, const struct evidence *evidence)
{
	return !judgement->met && evidence->trouble != TROUBLE_INTERRUPTED;
}

/* Gives the caller the folder; NULL: the round is as it should be, or it could not be
 * written, which is said. */
static char *keep_artifacts(struct work *work, const struct evidence *evidence,
	const struct judgement *judgement)
{
	const struct worker *worker = work->worker;
	struct err err = {0};
	char *folder;

	if (!has_failed(judgement, evidence))
		return NULL;
	folder = artifacts_write(worker->options->failed, worker->plan_case,
		worker->round, evidence, judgement, &err);
	if (!folder)
		work->say = mem_text(err.text);
	return folder;
}

static cJSON *run_rollout(struct work *work, struct engine *engine)
{
	const struct worker *worker = work->worker;
	const struct scenario *scenario = &worker->plan_case->scenario;
	SCOPED(evidence_done) struct evidence evidence = {0};
	SCOPED(rollout_done) struct rollout rollout = {0};
	SCOPED(mem_free) char *folder = NULL;
	struct judgement judgement;
	cJSON *round;

	rollout_run(
		&(struct rollout_options){
			.of_case = options_of(work, engine),
			.cluster = cluster_of_engine(engine),
			.witnesses = worker->options->witnesses,
		},
		scenario, &rollout, &evidence);
	rollout_judge(&judgement, scenario, &rollout, &evidence);
	folder = keep_artifacts(work, &evidence, &judgement);
	round = round_json(
		worker->plan_case, worker->round, &evidence, &judgement, folder);
	round_add_rollout(round, scenario, &rollout);
	return round;
}

static cJSON *run_case(struct work *work, struct engine *engine)
{
	const struct worker *worker = work->worker;
	const struct worker_options *options = worker->options;
	const struct scenario *scenario = &worker->plan_case->scenario;
	const struct case_options case_options = options_of(work, engine);
	SCOPED(mem_free) char *folder = NULL;
	SCOPED(evidence_done) struct evidence evidence = {0};
	struct judgement judgement;
	struct case_state *state;
	cJSON *round;

	state = case_run(&case_options, scenario, &evidence);
	judge(&judgement, scenario, &evidence);
	work->kept = has_failed(&judgement, &evidence) && options->keep_failed;
	case_finish(state, work->kept);
	folder = keep_artifacts(work, &evidence, &judgement);
	round = round_json(
		worker->plan_case, worker->round, &evidence, &judgement, folder);
	if (options->with_picture)
		round_add_picture(round, scenario, &evidence);
	add_reruns(work, &case_options, &evidence, &judgement, round);
	return round;
}

static cJSON *run_round(struct work *work)
{
	const struct worker_options *options = work->worker->options;
	struct err err = {0};
	struct engine *engine = engine_create(&work->loop, options->engine,
		&(struct engine_options){
			.run_id = options->run_id,
			.programs = options->subjects,
			.interrupted = &work->interrupted,
			.own_image = options->own_image,
		},
		&err);
	cJSON *round;

	if (!engine)
		return not_run(work->worker, "%s", err.text);
	round = engine->kind->rollouts ? run_rollout(work, engine)
				       : run_case(work, engine);
	engine_destroy(engine);
	return round;
}

/* The handlers of the caller's loop are the caller's: here they would write into its
 * pipes. */
static void forget_signal(uv_handle_t *handle, void *arg UNUSED)
{
	if (handle->type == UV_SIGNAL && !uv_is_closing(handle))
		uv_signal_stop((uv_signal_t *)handle);
}

static void catch_signals(struct work *work)
{
	uv_walk(work->worker->options->loop, forget_signal, NULL);
	for (size_t i = 0; i < COUNT(work->signals); i++) {
		uv_signal_init(&work->loop, &work->signals[i]);
		work->signals[i].data = work;
		uv_signal_start(&work->signals[i], on_signal, stop_signals[i]);
		uv_unref((uv_handle_t *)&work->signals[i]);
	}
	signals_block_only(NULL);
}

static NORETURN void work(const struct worker *worker, pid_t caller, int out)
{
	struct work work = {.worker = worker, .out = out};
	cJSON *message = cJSON_CreateObject();

	/* A Ctrl-C is for the caller, which passes it on. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != caller)
		_exit(0);
	close(worker->options->lock);
	if (worker->options->folder && chdir(worker->options->folder) != 0)
		_exit(1);
	uv_loop_init(&work.loop);
	catch_signals(&work);
	cJSON_AddItemToObject(message, "round", run_round(&work));
	cJSON_AddBoolToObject(message, "kept", work.kept);
	if (work.say)
		cJSON_AddStringToObject(message, "say", work.say);
	send_message(&work, message);
	_exit(0);
}

/* --- in the caller's process --- */

static void on_line(void *arg, int64_t ns UNUSED, const char *line, size_t len)
{
	struct worker *worker = arg;
	cJSON *message = json_parse(line, len);
	const struct case_step step = {
		.what = json_text(message, "step"),
		.sessions = (unsigned)json_int(message, "sessions", 0),
		.asked_ns = json_int(message, "asked_ns", 0),
		.grace_ns = json_int(message, "grace_ns", 0),
	};

	if (step.what)
		worker->options->step(worker->arg, &step);
	if (json_get(message, "round")) {
		cJSON_Delete(worker->answer);
		worker->answer = message;
	} else {
		cJSON_Delete(message);
	}
}

static cJSON *round_of_dead(const struct worker *worker, int status)
{
	char text[WAIT_STATUS_TEXT_SIZE];

	if (WIFSIGNALED(status))
		return not_run(worker, "the worker died of signal %d (%s)",
			WTERMSIG(status), wait_status_name(status, text));
	return not_run(worker, "the worker ended without a result: exit %d",
		WEXITSTATUS(status));
}

static void on_end(void *arg)
{
	struct worker *worker = arg;
	cJSON *round;
	int status;

	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	round = worker->answer ? json_copy_exact(json_get(worker->answer, "round"))
			       : round_of_dead(worker, status);
	worker->options->over(worker->arg, round,
		json_bool(worker->answer, "kept", false),
		json_text(worker->answer, "say"));
	pipe_lines_close(worker->lines);
	cJSON_Delete(worker->answer);
	free(worker);
}

struct worker *worker_start(const struct worker_options *options,
	const struct plan_case *plan_case, unsigned round, uint64_t seed, void *arg,
	struct err *err)
{
	struct worker *worker = NULL;
	pid_t caller = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		err_sys(err, "pipe of a worker");
		return NULL;
	}
	worker = mem_zeroed(sizeof *worker);
	*worker = (struct worker){
		.options = options,
		.plan_case = plan_case,
		.round = round,
		.seed = seed,
		.arg = arg,
	};
	/* Until each process has handlers of its own. */
	signals_block_only(stop_signals);
	worker->pid = fork();
	if (worker->pid == 0)
		work(worker, caller, ends[1]);
	signals_block_only(NULL);
	close(ends[1]);
	if (worker->pid < 0) {
		err_sys(err, "fork a worker");
		close(ends[0]);
		free(worker);
		return NULL;
	}
	worker->lines = pipe_lines_open(
		options->loop, ends[0], ROUND_CEILING, on_line, worker, on_end, worker);
	return worker;
}

void worker_interrupt(const struct worker *worker)
{
	kill(worker->pid, SIGTERM);
}
