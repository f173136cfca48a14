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

/* stop.when names an event: the stop comes with it, however far the load is. */
static bool waits_for_event(const struct stage *stage)
{
	return !stage_waits_for_exit(stage) &&
		strcmp(stage->scenario->stop.when, "sessions.ready") != 0;
}

static bool event_came(const struct stage *stage)
{
	const struct stop_part *stop = &stage->scenario->stop;

	return waits_for_event(stage) &&
		evidence_count(stage->evidence, stop->when) >= (unsigned)stop->count;
}

static bool is_cut_short(const struct stage *stage)
{
	return service_is_gone(stage) || event_came(stage);
}

static bool is_gone_or_event_came(const void *arg)
{
	return is_cut_short(arg);
}

static bool sessions_are_open(const void *arg)
{
	const struct stage *stage = arg;

	return is_cut_short(stage) || load_trouble(stage->load, REQUEST_OPEN) ||
		(load_ended(stage->load, REQUEST_OPEN) ==
				(unsigned)stage->scenario->load.sessions &&
			evidence_count(stage->evidence, "mcp.initialized") >=
				servers_expected(stage->scenario));
}

static bool turns_run(const void *arg)
{
	const struct stage *stage = arg;
	unsigned turns = (unsigned)stage->scenario->load.turns;

	return is_cut_short(stage) ||
		evidence_count(stage->evidence, "agent.turn.begin") >=
		stage->turns_before + turns ||
		load_ended(stage->load, REQUEST_TURN) == turns;
}

static bool idlers_are_there(const void *arg)
{
	const struct stage *stage = arg;

	return is_cut_short(stage) ||
		load_ended(stage->load, REQUEST_IDLE) ==
		(unsigned)stage->scenario->load.idle_connections;
}

static enum wait_end await(const struct stage *stage, wait_fn *is_so, int64_t until_ns)
{
	return stage_wait(stage, is_so, until_ns - clock_now());
}

/* Waits for a part of the load; every way in which it can fail is a trouble, unless the
 * stop waits for an event: then that may be what the scenario is about. */
static bool await_load(struct stage *stage, wait_fn *is_so, enum request_kind kind,
	int64_t until_ns, const char *what)
{
	switch (await(stage, is_so, until_ns)) {
	case WAIT_INTERRUPTED:
		return stage_interrupted(stage);
	case WAIT_DEADLINE:
		return waits_for_event(stage) ||
			stage_trouble(stage, TROUBLE_LOAD,
				"%s: not in time (%u requests ended, %u of %u MCP servers "
				"answered); last line: %.300s",
				what, load_ended(stage->load, kind),
				evidence_count(stage->evidence, "mcp.initialized"),
				servers_expected(stage->scenario),
				stage_last_words(stage));
	case WAIT_SO:
		break;
	}
	if (service_is_gone(stage))
		return stage_trouble(stage, TROUBLE_EXITED,
			"it ended while %s; last line: %.300s", what,
			stage_last_words(stage));
	if (load_trouble(stage->load, kind) && !waits_for_event(stage))
		return stage_trouble(stage, TROUBLE_LOAD, "%s: %s", what,
			load_trouble(stage->load, kind));
	return true;
}

static bool open_sessions(struct stage *stage, int64_t until_ns)
{
	stage_step(stage, "opening %lld sessions",
		(long long)stage->scenario->load.sessions);
	load_open_sessions(stage->load);
	return await_load(stage, sessions_are_open, REQUEST_OPEN, until_ns,
		"sessions were opened");
}

static bool start_turns(struct stage *stage, int64_t until_ns)
{
	struct err err = {0};

	if (stage->scenario->load.turns == 0 || event_came(stage))
		return true;
	stage_step(
		stage, "starting %lld turns", (long long)stage->scenario->load.turns);
	if (stage->mocks &&
		!mocks_slow_turns(stage->mocks, stage->scenario->load.turn_ns, &err))
		return stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
	stage->turns_before = evidence_count(stage->evidence, "agent.turn.begin");
	load_start_turns(stage->load);
	return await_load(
		stage, turns_run, REQUEST_TURN, until_ns, "turns were started");
}

static bool open_idle(struct stage *stage, int64_t until_ns)
{
	if (stage->scenario->load.idle_connections == 0 || event_came(stage))
		return true;
	load_open_idle(stage->load);
	return await_load(stage, idlers_are_there, REQUEST_IDLE, until_ns,
		"idle connections were opened");
}

static bool begin_load(struct stage *stage)
{
	const struct load_part *load = &stage->scenario->load;
	struct err err = {0};

	if (load->sessions == 0 && load->idle_connections == 0)
		return true;
	if (!stage->base)
		return stage_trouble(
			stage, TROUBLE_LOAD, "its port is not known: no service.port");
	stage->load = load_create(stage->options->loop, stage->scenario, stage->base,
		stage->evidence, &err);
	return stage->load || stage_trouble(stage, TROUBLE_NOT_UP, "%s", err.text);
}

static bool await_event(struct stage *stage, int64_t until_ns)
{
	const struct stop_part *stop = &stage->scenario->stop;

	stage_step(stage, "waiting for %s", stop->when);
	switch (await(stage, is_gone_or_event_came, until_ns)) {
	case WAIT_INTERRUPTED:
		return stage_interrupted(stage);
	case WAIT_DEADLINE:
		return stage_trouble(stage, TROUBLE_WHEN,
			"%s came %u times, not %lld; last line: %.300s", stop->when,
			evidence_count(stage->evidence, stop->when),
			(long long)stop->count, stage_last_words(stage));
	case WAIT_SO:
		break;
	}
	if (!event_came(stage))
		return stage_trouble(stage, TROUBLE_EXITED,
			"it ended before %s; last line: %.300s", stop->when,
			stage_last_words(stage));
	return true;
}

static bool await_exit(struct stage *stage, int64_t until_ns)
{
	stage_step(stage, "waiting until it ends by itself");
	switch (await(stage, is_gone_or_event_came, until_ns)) {
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
	int64_t until_ns = clock_now() + stage->scenario->stop.within_ns;
	bool ok = begin_load(stage);

	if (ok && stage_waits_for_exit(stage))
		ok = await_exit(stage, until_ns);
	else if (ok && stage->load)
		ok = open_sessions(stage, until_ns) && start_turns(stage, until_ns) &&
			open_idle(stage, until_ns);
	if (ok && waits_for_event(stage))
		ok = await_event(stage, until_ns);
	stage->evidence->loaded_ns = clock_now();
	return ok;
}
