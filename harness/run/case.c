#include "harness/run/case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/engine/wait.h"
#include "harness/run/home.h"
#include "harness/run/ledger.h"
#include "harness/run/load.h"
#include "harness/run/mocks.h"
#include "harness/run/outfit.h"
#include "harness/run/ready.h"
#include "harness/run/watch.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* The engine may take this long over the grace until it counts as stuck, and then
 * engine.h says so in the facts; a little more for its saying so. */
#define STOP_EXTRA_NS (60 * CLOCK_S)
/* After PID 1's end: until the mocks' last lines have arrived. */
#define QUIET_NS (1 * CLOCK_S)

/* A case under way: what is up, and whom to ask. */
struct stage {
	const struct case_options *options;
	const struct scenario *scenario;
	struct evidence *evidence;
	char *folder;
	char *network;
	struct ledger *ledger;
	struct mocks *mocks;
	struct subject *service;
	char *base; /* "http://127.0.0.1:8080", NULL where no port is known */
	struct load *load;
	struct watch *watch;
	unsigned turns_before; /* agent.turn.begin events before the turns in flight */
};

static void step(const struct stage *stage, const char *format, ...) PRINTF(2, 3);

static void step(const struct stage *stage, const char *format, ...)
{
	char text[128];
	va_list args;

	if (!stage->options->step)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	stage->options->step(stage->options->arg, text);
}

static bool trouble(struct stage *stage, enum trouble kind, const char *format, ...)
	PRINTF(3, 4);

static bool trouble(struct stage *stage, enum trouble kind, const char *format, ...)
{
	struct evidence *evidence = stage->evidence;
	va_list args;

	evidence->trouble = kind;
	va_start(args, format);
	vsnprintf(evidence->trouble_text, sizeof evidence->trouble_text, format, args);
	va_end(args);
	return false;
}

static bool interrupted(struct stage *stage)
{
	return trouble(stage, TROUBLE_INTERRUPTED, "interrupted");
}

static enum wait_end wait_for(const struct stage *stage, wait_fn *is_so, int64_t within_ns)
{
	return wait_until(stage->options->loop, is_so, stage, clock_now() + within_ns,
		stage->options->interrupted);
}

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
		return trouble(stage, TROUBLE_NOT_UP, "make a folder below %s",
			stage->options->run_folder);
	/* The service may run as another user in its container. */
	chmod(stage->folder, 0755);
	return true;
}

static bool open_ledger(struct stage *stage)
{
	SCOPED(mem_free) char *path = mem_textf("%s/ledger", stage->folder);
	struct err err = {0};

	stage->ledger = ledger_create(stage->options->loop, path, stage->evidence, &err);
	return stage->ledger || trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
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
			return trouble(stage, TROUBLE_NOT_UP, "network: %s", err.text);
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
	return stage->mocks || trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
}

static bool bring_up_service(struct stage *stage)
{
	static const char *const ours[] = {"service", NULL};
	const struct service_part *service = &stage->scenario->service;
	struct words env = outfit_env(
		&(struct outfit){
			.host = stage->network ? "0.0.0.0" : "127.0.0.1",
			.agent_url = stage->mocks ? mocks_agent_url(stage->mocks) : NULL,
			.ledger = ledger_address(stage->ledger),
			.seed = stage->evidence->seed,
		},
		stage->scenario);
	const char *const *command = (const char *const *)service->command.word;
	const struct unit unit = {
		.name = "service",
		.image = service->image,
		.argv = command ? command : service->image ? NULL : ours,
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
		return trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	stage->evidence->up_ns = clock_now();
	return true;
}

static bool bring_up(struct stage *stage)
{
	struct err err = {0};

	step(stage, "bringing it up");
	if (!engine_prepare(
		    stage->options->engine, stage->scenario->service.image, &err))
		return trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	return make_folder(stage) && open_ledger(stage) && bring_up_mocks(stage) &&
		bring_up_service(stage);
}

/* --- ready --- */

/* The last thing that the service said, for whoever reads the trouble. */
static const char *last_words(const struct evidence *evidence)
{
	return evidence->log_count ? evidence->log[evidence->log_count - 1].text
				   : "(it printed nothing)";
}

/* A stop that comes to a service that has ended already is asked for. */
static bool waits_for_exit(const struct stage *stage)
{
	return strcmp(stage->scenario->stop.when, "exit") == 0;
}

static bool await_ready(struct stage *stage)
{
	struct err err = {0};

	step(stage, "waiting until it is ready");
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
		return trouble(stage, TROUBLE_NOT_READY, "%s; last line: %.300s", err.text,
			last_words(stage->evidence));
	case READY_EXITED:
		if (waits_for_exit(stage))
			return true;
		return trouble(stage, TROUBLE_EXITED,
			"it ended before it was ready; last line: %.300s",
			last_words(stage->evidence));
	case READY_INTERRUPTED:
		return interrupted(stage);
	}
	return false;
}

/* --- load --- */

static unsigned servers_expected(const struct scenario *scenario)
{
	const char *start = scenario_env(scenario, "MCP_START");

	if (start && strcmp(start, "lazy") == 0)
		return 0;
	return scenario_is_ours(scenario)
		? (unsigned)scenario->load.sessions * scenario->mcp.count
		: 0;
}

static bool service_is_gone(const struct stage *stage)
{
	return !subject_running(stage->service);
}

static bool sessions_are_open(const void *arg)
{
	const struct stage *stage = arg;

	return service_is_gone(stage) || load_trouble(stage->load, REQUEST_OPEN) ||
		(load_ended(stage->load, REQUEST_OPEN) ==
				(unsigned)stage->scenario->load.sessions &&
			evidence_count(stage->evidence, "mcp.initialized") >=
				servers_expected(stage->scenario));
}

static bool turns_run(const void *arg)
{
	const struct stage *stage = arg;
	unsigned turns = (unsigned)stage->scenario->load.turns;

	return service_is_gone(stage) ||
		evidence_count(stage->evidence, "agent.turn.begin") >=
		stage->turns_before + turns ||
		load_ended(stage->load, REQUEST_TURN) == turns;
}

static bool idlers_are_there(const void *arg)
{
	const struct stage *stage = arg;

	return service_is_gone(stage) ||
		load_ended(stage->load, REQUEST_IDLE) ==
		(unsigned)stage->scenario->load.idle_connections;
}

/* Waits for a part of the load; every way in which it can fail is a trouble. */
static bool await_load(struct stage *stage, wait_fn *is_so, enum request_kind kind,
	const char *what)
{
	switch (wait_for(stage, is_so, stage->scenario->stop.within_ns)) {
	case WAIT_INTERRUPTED:
		return interrupted(stage);
	case WAIT_DEADLINE:
		return trouble(stage, TROUBLE_LOAD, "%s: not in time; last line: %.300s",
			what, last_words(stage->evidence));
	case WAIT_SO:
		break;
	}
	if (service_is_gone(stage))
		return trouble(stage, TROUBLE_EXITED,
			"it ended while %s; last line: %.300s", what,
			last_words(stage->evidence));
	if (load_trouble(stage->load, kind))
		return trouble(stage, TROUBLE_LOAD, "%s: %s", what,
			load_trouble(stage->load, kind));
	return true;
}

static bool open_sessions(struct stage *stage)
{
	step(stage, "opening %lld sessions", (long long)stage->scenario->load.sessions);
	load_open_sessions(stage->load);
	return await_load(stage, sessions_are_open, REQUEST_OPEN, "sessions were opened");
}

static bool start_turns(struct stage *stage)
{
	struct err err = {0};

	if (stage->scenario->load.turns == 0)
		return true;
	step(stage, "starting %lld turns", (long long)stage->scenario->load.turns);
	if (stage->mocks &&
		!mocks_slow_turns(stage->mocks, stage->scenario->load.turn_ns, &err))
		return trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	stage->turns_before = evidence_count(stage->evidence, "agent.turn.begin");
	load_start_turns(stage->load);
	return await_load(stage, turns_run, REQUEST_TURN, "turns were started");
}

static bool open_idle(struct stage *stage)
{
	if (stage->scenario->load.idle_connections == 0)
		return true;
	load_open_idle(stage->load);
	return await_load(
		stage, idlers_are_there, REQUEST_IDLE, "idle connections were opened");
}

static bool begin_load(struct stage *stage)
{
	const struct load_part *load = &stage->scenario->load;
	struct err err = {0};

	if (load->sessions == 0 && load->idle_connections == 0)
		return true;
	if (!stage->base)
		return trouble(stage, TROUBLE_LOAD, "its port is not known: no service.port");
	stage->load = load_create(stage->options->loop, stage->scenario, stage->base,
		stage->evidence, &err);
	return stage->load || trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
}

static bool event_came(const void *arg)
{
	const struct stage *stage = arg;
	const struct stop_part *stop = &stage->scenario->stop;

	return service_is_gone(stage) ||
		evidence_count(stage->evidence, stop->when) >= (unsigned)stop->count;
}

static bool is_gone(const void *arg)
{
	return service_is_gone(arg);
}

/* stop.when names an event: the load is on its way, and the stop does not wait for it. */
static bool await_event(struct stage *stage)
{
	const struct stop_part *stop = &stage->scenario->stop;

	step(stage, "waiting for %s", stop->when);
	if (stage->load)
		load_open_sessions(stage->load);
	switch (wait_for(stage, event_came, stop->within_ns)) {
	case WAIT_INTERRUPTED:
		return interrupted(stage);
	case WAIT_DEADLINE:
		return trouble(stage, TROUBLE_WHEN, "%s came %u times, not %lld", stop->when,
			evidence_count(stage->evidence, stop->when),
			(long long)stop->count);
	case WAIT_SO:
		break;
	}
	if (service_is_gone(stage))
		return trouble(stage, TROUBLE_EXITED, "it ended before %s; last line: %.300s",
			stop->when, last_words(stage->evidence));
	return true;
}

static bool await_exit(struct stage *stage)
{
	step(stage, "waiting until it ends by itself");
	switch (wait_for(stage, is_gone, stage->scenario->stop.within_ns)) {
	case WAIT_INTERRUPTED:
		return interrupted(stage);
	case WAIT_DEADLINE:
		return trouble(stage, TROUBLE_WHEN, "it did not end by itself");
	case WAIT_SO:
		break;
	}
	return true;
}

static bool await_moment(struct stage *stage)
{
	const char *when = stage->scenario->stop.when;
	bool ok;

	if (!begin_load(stage))
		return false;
	if (waits_for_exit(stage))
		ok = await_exit(stage);
	else if (strcmp(when, "sessions.ready") != 0)
		ok = await_event(stage);
	else
		ok = !stage->load ||
			(open_sessions(stage) && start_turns(stage) && open_idle(stage));
	stage->evidence->loaded_ns = clock_now();
	return ok;
}

/* --- stop --- */

static bool is_stopped(const void *arg)
{
	const struct stage *stage = arg;

	return subject_stopped(stage->service);
}

/* Nothing but the mock agent's lifeline is open, and every request has its end. */
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

	step(stage, "stopping");
	stage->watch =
		watch_begin(stage->options->loop, stage->service, grace_ns, evidence);
	if (!subject_stop(stage->service, &err)) {
		trouble(stage, TROUBLE_NOT_UP, "stop: %s", err.text);
		return;
	}
	if (wait_for(stage, is_stopped, grace_ns + STOP_EXTRA_NS) == WAIT_INTERRUPTED) {
		interrupted(stage);
		return;
	}
	evidence->stopped_ns = clock_now();
	wait_for(stage, is_quiet, QUIET_NS);
}

/* What the engine still knows, also of a service that ended without us. */
static void ask_engine(struct stage *stage)
{
	struct evidence *evidence = stage->evidence;
	struct err err = {0};

	if (!subject_inspect(stage->service, &err))
		step(stage, "inspect: %s", err.text);
	evidence->facts = *subject_facts(stage->service);
	evidence->engine_events = subject_engine_events(stage->service);
}

/* --- down --- */

static void bring_down(struct stage *stage)
{
	bool keep = stage->service && stage->options->keep &&
		stage->options->keep(stage->options->arg, stage->evidence);

	watch_end(stage->watch);
	load_destroy(stage->load);
	if (keep)
		subject_keep(stage->service);
	else
		subject_down(stage->service);
	mocks_down(stage->mocks);
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
	if (bring_up(&stage) && await_ready(&stage) && await_moment(&stage))
		stop(&stage);
	if (stage.service)
		ask_engine(&stage);
	bring_down(&stage);
	evidence->ended_ns = clock_now();
}
