#include "harness/run/case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/run/home.h"
#include "harness/run/moment.h"
#include "harness/run/outfit.h"
#include "harness/run/ready.h"
#include "harness/run/stage.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* The engine may take this long over the grace until it counts as stuck, and then
 * engine.h says so in the facts; a little more for its saying so. */
#define STOP_EXTRA_NS (60 * CLOCK_S)
/* After PID 1's end: until the mocks' last lines have arrived. */
#define QUIET_NS (1 * CLOCK_S)

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct stage *stage = arg;

	evidence_add_log(stage->evidence, ns, line, len);
}

/* --- up --- */

static bool make_folder(struct stage *stage)
{
	stage->folder = mem_textf("%s/XXXXXX", stage->options->run_folder);
	if (!mkdtemp(stage->folder))
		return stage_trouble(stage, TROUBLE_NOT_UP, "make a folder below %s",
			stage->options->run_folder);
	/* The service may run as another user in its container. */
	chmod(stage->folder, 0755);
	return true;
}

static bool open_ledger(struct stage *stage)
{
	SCOPED(mem_free) char *path = mem_textf("%s/ledger", stage->folder);
	struct err err = {0};

	stage->ledger =
		ledger_create(stage->options->loop, path, stage->evidence, &err);
	return stage->ledger || stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
}

static bool bring_up_mocks(struct stage *stage)
{
	struct engine *engine = stage->options->engine;
	struct err err = {0};

	if (stage->scenario->service.no_mocks)
		return true;
	if (stage->scenario->service.topology == TOPOLOGY_CONTAINERS) {
		stage->network = engine_network(engine, &err);
		if (!stage->network && err.text[0])
			return stage_trouble(
				stage, TROUBLE_NOT_UP, "network: %s", err.text);
	}
	stage->mocks = mocks_up(
		&(struct mocks_options){
			.loop = stage->options->loop,
			.engine = engine,
			.programs = stage->options->programs,
			.folder = stage->folder,
			.network = stage->network,
			.ledger = ledger_address(stage->ledger),
			.seed = stage->evidence->seed,
			.interrupted = stage->options->interrupted,
			.evidence = stage->evidence,
		},
		stage->scenario, &err);
	return stage->mocks || stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
}

static bool bring_up_service(struct stage *stage)
{
	static const char *const ours[] = {"service", NULL};
	const struct service_part *service = &stage->scenario->service;
	struct words env = outfit_env(
		&(struct outfit){
			.host = stage->network ? "0.0.0.0" : "127.0.0.1",
			.agent_url =
				stage->mocks ? mocks_agent_url(stage->mocks) : NULL,
			.ledger = ledger_address(stage->ledger),
			.seed = stage->evidence->seed,
		},
		stage->scenario);
	const char *const *command = (const char *const *)service->command.word;
	const struct unit unit = {
		.name = "service",
		.image = service->image,
		.argv = command          ? command
			: service->image ? NULL
					 : ours,
		.env = (const char *const *)env.word,
		.run_folder = stage->folder,
		.network = stage->network,
		.stop_signal = service->stop_signal,
		.grace_ns = stage->scenario->stop.grace_ns,
		.init = service->init,
		.log = on_log,
		.arg = stage,
	};
	struct err err = {0};

	stage->service = engine_up(stage->options->engine, &unit, &err);
	outfit_free(&env);
	if (!stage->service)
		return stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	stage->evidence->up_ns = clock_now();
	return true;
}

static bool bring_up(struct stage *stage)
{
	struct err err = {0};

	stage_step(stage, "bringing it up");
	if (!engine_prepare(
		    stage->options->engine, stage->scenario->service.image, &err))
		return stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	return make_folder(stage) && open_ledger(stage) && bring_up_mocks(stage) &&
		bring_up_service(stage);
}

/* --- ready --- */

static bool await_ready(struct stage *stage)
{
	struct err err = {0};

	stage_step(stage, "waiting until it is ready");
	switch (ready_await(
		&(struct ready_options){
			.loop = stage->options->loop,
			.scenario = stage->scenario,
			.subject = stage->service,
			.evidence = stage->evidence,
			.interrupted = stage->options->interrupted,
		},
		&stage->base, &err)) {
	case READY_YES:
		stage->evidence->ready_ns = clock_now();
		return true;
	case READY_NOT_IN_TIME:
		return stage_trouble(stage, TROUBLE_NOT_READY, "%s; last line: %.300s",
			err.text, stage_last_words(stage));
	case READY_EXITED:
		if (stage_waits_for_exit(stage))
			return true;
		return stage_trouble(stage, TROUBLE_EXITED,
			"it ended before it was ready; last line: %.300s",
			stage_last_words(stage));
	case READY_INTERRUPTED:
		return stage_interrupted(stage);
	}
	return false;
}

/* --- stop --- */

static bool is_stopped(const void *arg)
{
	const struct stage *stage = arg;

	return subject_stopped(stage->service);
}

/* No offspring of the service has its lifeline open, and every request has its end. */
static bool is_quiet(const void *arg)
{
	const struct stage *stage = arg;
	const struct evidence *evidence = stage->evidence;

	if (ledger_open_lines(stage->ledger) >
		ledger_open_of(stage->ledger, "mock-agent"))
		return false;
	for (unsigned i = 0; i < evidence->request_count; i++) {
		if (evidence->requests[i].end == REQUEST_PENDING)
			return false;
	}
	return true;
}

static void stop(struct stage *stage)
{
	int64_t grace_ns = stage->scenario->stop.grace_ns;
	struct evidence *evidence = stage->evidence;
	struct err err = {0};

	stage_step(stage, "stopping");
	stage->watch =
		watch_begin(stage->options->loop, stage->service, grace_ns, evidence);
	if (!subject_stop(stage->service, &err)) {
		stage_trouble(stage, TROUBLE_NOT_UP, "stop: %s", err.text);
		return;
	}
	if (stage_wait(stage, is_stopped, grace_ns + STOP_EXTRA_NS) ==
		WAIT_INTERRUPTED) {
		stage_interrupted(stage);
		return;
	}
	evidence->stopped_ns = clock_now();
	stage_wait(stage, is_quiet, QUIET_NS);
}

/* What the engine still knows, also of a service that ended without us. */
static void ask_engine(struct stage *stage)
{
	struct evidence *evidence = stage->evidence;
	struct err err = {0};

	if (!subject_inspect(stage->service, &err))
		stage_step(stage, "inspect: %s", err.text);
	evidence->facts = *subject_facts(stage->service);
	evidence->engine_events = subject_engine_events(stage->service);
}

/* Who was there, and did they end before PID 1 went, or with it? */
static void ask_kernel(struct stage *stage)
{
	struct evidence *evidence = stage->evidence;
	const struct life *lives;
	unsigned count;

	if (!subject_descendants(stage->service, &lives, &count))
		return;
	evidence->descendants_told = true;
	evidence->descendant_count = count;
	if (count == 0)
		return;
	evidence->descendants = mem_grown(NULL, count, sizeof *lives);
	memcpy(evidence->descendants, lives, count * sizeof *lives);
}

static bool has_signed_off(const void *arg)
{
	const struct stage *stage = arg;

	return ledger_open_of(stage->ledger, "mock-agent") == 0;
}

/* The mock agent may have given its last answer, and not have told of it yet. Only its
 * own end proves that all it saw is in the ledger. */
static void close_book(struct stage *stage)
{
	/* Its failure is ours, and must not be told of the service. */
	if (stage->mocks && !mocks_running(stage->mocks) &&
		stage->evidence->trouble == TROUBLE_NONE)
		stage_trouble(
			stage, TROUBLE_NOT_UP, "mock-agent ended during the case");
	mocks_down(stage->mocks);
	stage->mocks = NULL;
	if (stage->ledger)
		stage_wait(stage, has_signed_off, QUIET_NS);
}

/* --- down --- */

static void bring_down(struct stage *stage)
{
	bool keep = stage->service && stage->options->keep &&
		stage->options->keep(stage->options->arg, stage->evidence);

	watch_end(stage->watch);
	if (keep)
		subject_keep(stage->service);
	else
		subject_down(stage->service);
	load_destroy(stage->load);
	ledger_destroy(stage->ledger);
	if (stage->network)
		engine_network_remove(stage->options->engine, stage->network);
	if (stage->folder && !keep)
		home_remove_tree(stage->folder);
	/* Handles report closed in the next turns. */
	uv_run(stage->options->loop, UV_RUN_NOWAIT);
	free(stage->network);
	free(stage->folder);
	free(stage->base);
}

void case_run(const struct case_options *options, const struct scenario *scenario,
	struct evidence *evidence)
{
	struct stage stage = {
		.options = options,
		.scenario = scenario,
		.evidence = evidence,
	};

	evidence->engine = engine_name(options->engine);
	evidence->sight = *engine_sight(options->engine);
	evidence->seed = options->seed;
	evidence->began_ns = clock_now();
	if (bring_up(&stage) && await_ready(&stage) && moment_await(&stage))
		stop(&stage);
	if (stage.service) {
		ask_engine(&stage);
		ask_kernel(&stage);
	}
	close_book(&stage);
	bring_down(&stage);
	evidence->ended_ns = clock_now();
}
