#include "harness/run/moment.h"

#include <string.h>

#include "lib/clock.h"

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
	switch (stage_wait(stage, is_so, stage->scenario->stop.within_ns)) {
	case WAIT_INTERRUPTED:
		return stage_interrupted(stage);
	case WAIT_DEADLINE:
		return stage_trouble(stage, TROUBLE_LOAD,
			"%s: not in time (%u requests ended, %u of %u MCP servers answered); "
			"last line: %.300s",
			what, load_ended(stage->load, kind),
			evidence_count(stage->evidence, "mcp.initialized"),
			servers_expected(stage->scenario), stage_last_words(stage));
	case WAIT_SO:
		break;
	}
	if (service_is_gone(stage))
		return stage_trouble(stage, TROUBLE_EXITED,
			"it ended while %s; last line: %.300s", what,
			stage_last_words(stage));
	if (load_trouble(stage->load, kind))
		return stage_trouble(stage, TROUBLE_LOAD, "%s: %s", what,
			load_trouble(stage->load, kind));
	return true;
}

static bool open_sessions(struct stage *stage)
{
	stage_step(stage, "opening %lld sessions", (long long)stage->scenario->load.sessions);
	load_open_sessions(stage->load);
	return await_load(stage, sessions_are_open, REQUEST_OPEN, "sessions were opened");
}

static bool start_turns(struct stage *stage)
{
	struct err err = {0};

	if (stage->scenario->load.turns == 0)
		return true;
	stage_step(stage, "starting %lld turns", (long long)stage->scenario->load.turns);
	if (stage->mocks &&
		!mocks_slow_turns(stage->mocks, stage->scenario->load.turn_ns, &err))
		return stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
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
		return stage_trouble(stage, TROUBLE_LOAD, "its port is not known: no service.port");
	stage->load = load_create(stage->options->loop, stage->scenario, stage->base,
		stage->evidence, &err);
	return stage->load || stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
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

	stage_step(stage, "waiting for %s", stop->when);
	if (stage->load)
		load_open_sessions(stage->load);
	switch (stage_wait(stage, event_came, stop->within_ns)) {
	case WAIT_INTERRUPTED:
		return stage_interrupted(stage);
	case WAIT_DEADLINE:
		return stage_trouble(stage, TROUBLE_WHEN, "%s came %u times, not %lld", stop->when,
			evidence_count(stage->evidence, stop->when),
			(long long)stop->count);
	case WAIT_SO:
		break;
	}
	if (service_is_gone(stage))
		return stage_trouble(stage, TROUBLE_EXITED, "it ended before %s; last line: %.300s",
			stop->when, stage_last_words(stage));
	return true;
}

static bool await_exit(struct stage *stage)
{
	stage_step(stage, "waiting until it ends by itself");
	switch (stage_wait(stage, is_gone, stage->scenario->stop.within_ns)) {
	case WAIT_INTERRUPTED:
		return stage_interrupted(stage);
	case WAIT_DEADLINE:
		return stage_trouble(stage, TROUBLE_WHEN, "it did not end by itself");
	case WAIT_SO:
		break;
	}
	return true;
}

bool moment_await(struct stage *stage)
{
	const char *when = stage->scenario->stop.when;
	bool ok;

	if (!begin_load(stage))
		return false;
	if (stage_waits_for_exit(stage))
		ok = await_exit(stage);
	else if (strcmp(when, "sessions.ready") != 0)
		ok = await_event(stage);
	else
		ok = !stage->load ||
			(open_sessions(stage) && start_turns(stage) && open_idle(stage));
	stage->evidence->loaded_ns = clock_now();
	return ok;
}
