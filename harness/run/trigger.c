#include "harness/run/trigger.h"

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

static bool service_is_gone(const struct case_state *state)
{
	return !state->service->running;
}

/* stop.when names an event: the stop comes with it, also before the load is complete. */
static bool waits_for_event(const struct case_state *state)
{
	return !case_state_waits_for_exit(state) &&
		strcmp(state->scenario->stop.when, "sessions.ready") != 0;
}

static bool event_came(const struct case_state *state)
{
	const struct stop_part *stop = &state->scenario->stop;

	return waits_for_event(state) &&
		evidence_count(state->evidence, stop->when) >= (unsigned)stop->count;
}

static bool is_cut_short(const struct case_state *state)
{
	return service_is_gone(state) || event_came(state);
}

static bool is_gone_or_event_came(const void *arg)
{
	return is_cut_short(arg);
}

static bool sessions_are_open(const void *arg)
{
	const struct case_state *state = arg;

	return is_cut_short(state) || load_trouble(state->load, REQUEST_OPEN) ||
		(load_ended(state->load, REQUEST_OPEN) ==
				(unsigned)state->scenario->load.sessions &&
			evidence_count(state->evidence, "mcp.initialized") >=
				servers_expected(state->scenario));
}

static bool turns_run(const void *arg)
{
	const struct case_state *state = arg;
	unsigned turns = (unsigned)state->scenario->load.turns;

	return is_cut_short(state) ||
		evidence_count(state->evidence, "agent.turn.begin") >=
		state->turns_before + turns ||
		load_ended(state->load, REQUEST_TURN) == turns;
}

static bool idle_are_open(const void *arg)
{
	const struct case_state *state = arg;

	return is_cut_short(state) ||
		load_ended(state->load, REQUEST_IDLE) ==
		(unsigned)state->scenario->load.idle_connections;
}

/* False with the trouble when the run is interrupted. *came: before the deadline. */
static bool await(
	struct case_state *state, wait_fn *is_so, int64_t until_ns, bool *came)
{
	enum wait_end end = case_state_wait(state, is_so, until_ns - clock_now());

	*came = end == WAIT_SO;
	return end != WAIT_INTERRUPTED || case_state_interrupted(state);
}

/* Waits for a part of the load. Each way in which it can fail is a trouble, but not where
 * the stop comes with an event: such a failure may be what the scenario is about. `what`
 * follows "could not". */
static bool await_load(struct case_state *state, wait_fn *is_so, enum request_kind kind,
	int64_t until_ns, const char *what)
{
	bool came;

	if (!await(state, is_so, until_ns, &came))
		return false;
	if (!came)
		return waits_for_event(state) ||
			case_state_trouble(state, TROUBLE_LOAD,
				"could not %s in time (%u requests ended, %u of %u MCP servers "
				"answered); last line: %.300s",
				what, load_ended(state->load, kind),
				evidence_count(state->evidence, "mcp.initialized"),
				servers_expected(state->scenario),
				case_state_last_line(state));
	if (service_is_gone(state))
		return case_state_trouble(state, TROUBLE_EXITED,
			"it ended before the run could %s; last line: %.300s", what,
			case_state_last_line(state));
	if (load_trouble(state->load, kind) && !waits_for_event(state))
		return case_state_trouble(state, TROUBLE_LOAD, "could not %s: %s", what,
			load_trouble(state->load, kind));
	return true;
}

static bool open_sessions(struct case_state *state, int64_t until_ns)
{
	case_state_step(state, "opening %lld sessions",
		(long long)state->scenario->load.sessions);
	load_open_sessions(state->load);
	return await_load(
		state, sessions_are_open, REQUEST_OPEN, until_ns, "open its sessions");
}

static bool start_turns(struct case_state *state, int64_t until_ns)
{
	struct err err = {0};

	if (state->scenario->load.turns == 0 || event_came(state))
		return true;
	case_state_step(
		state, "starting %lld turns", (long long)state->scenario->load.turns);
	if (state->mock_agent &&
		!mock_agent_slow_turns(
			state->mock_agent, state->scenario->load.turn_ns, &err))
		return case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
	state->turns_before = evidence_count(state->evidence, "agent.turn.begin");
	load_start_turns(state->load);
	return await_load(state, turns_run, REQUEST_TURN, until_ns, "start its turns");
}

static bool open_idle(struct case_state *state, int64_t until_ns)
{
	if (state->scenario->load.idle_connections == 0 || event_came(state))
		return true;
	load_open_idle(state->load);
	return await_load(state, idle_are_open, REQUEST_IDLE, until_ns,
		"open its idle connections");
}

static bool begin_load(struct case_state *state)
{
	const struct load_part *load = &state->scenario->load;
	struct err err = {0};

	if (load->sessions == 0 && load->idle_connections == 0)
		return true;
	if (!state->base)
		return case_state_trouble(
			state, TROUBLE_LOAD, "its port is not known: no service.port");
	state->load = load_create(state->options.loop, state->scenario, state->base,
		state->evidence, &err);
	return state->load || case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
}

static bool await_event(struct case_state *state, int64_t until_ns)
{
	const struct stop_part *stop = &state->scenario->stop;
	bool came;

	case_state_step(state, "waiting for %s", stop->when);
	if (!await(state, is_gone_or_event_came, until_ns, &came))
		return false;
	if (!came)
		return case_state_trouble(state, TROUBLE_WHEN,
			"%s came %u times, not %lld; last line: %.300s", stop->when,
			evidence_count(state->evidence, stop->when),
			(long long)stop->count, case_state_last_line(state));
	return event_came(state) ||
		case_state_trouble(state, TROUBLE_EXITED,
			"it ended before %s; last line: %.300s", stop->when,
			case_state_last_line(state));
}

static bool await_exit(struct case_state *state, int64_t until_ns)
{
	bool came;

	case_state_step(state, "waiting until it ends by itself");
	if (!await(state, is_gone_or_event_came, until_ns, &came))
		return false;
	return came ||
		case_state_trouble(state, TROUBLE_WHEN, "it did not end by itself");
}

bool trigger_await(struct case_state *state)
{
	int64_t until_ns = clock_now() + state->scenario->stop.within_ns;
	bool ok = begin_load(state);

	if (ok && case_state_waits_for_exit(state))
		ok = await_exit(state, until_ns);
	else if (ok && state->load)
		ok = open_sessions(state, until_ns) && start_turns(state, until_ns) &&
			open_idle(state, until_ns);
	if (ok && waits_for_event(state))
		ok = await_event(state, until_ns);
	state->evidence->loaded_ns = clock_now();
	return ok;
}
