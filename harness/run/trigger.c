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

/* stop.when names an event: the stop comes with it, also before the load is
 * complete. */
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

static bool is_gone_or_event_came(const void *arg)
{
	const struct case_state *state = arg;

	return !state->service->running || event_came(state);
}

/* The part of the load that is under way is complete, or cannot become so. */
static bool is_loaded(const void *arg)
{
	const struct case_state *state = arg;
	const struct load *load = state->load;
	const struct load_part *part = &state->scenario->load;

	if (is_gone_or_event_came(state))
		return true;
	switch (state->loading) {
	case REQUEST_OPEN:
		return load->trouble[REQUEST_OPEN] ||
			(load->ended[REQUEST_OPEN] == (unsigned)part->sessions &&
				evidence_count(state->evidence, "mcp.initialized") >=
					servers_expected(state->scenario));
	case REQUEST_TURN:
		return evidence_count(state->evidence, "agent.turn.begin") >=
			state->turns_before + (unsigned)part->turns ||
			load->ended[REQUEST_TURN] == (unsigned)part->turns;
	case REQUEST_IDLE:
		return load->ended[REQUEST_IDLE] == (unsigned)part->idle_connections;
	}
	return true;
}

/* False with the trouble when the run is interrupted. *came: before the deadline. */
static bool await(
	struct case_state *state, wait_fn *is_so, int64_t until_ns, bool *came)
{
	enum wait_end end = case_state_wait(state, is_so, until_ns - clock_now());

	*came = end == WAIT_SO;
	return end != WAIT_INTERRUPTED ||
		case_state_trouble(state, TROUBLE_INTERRUPTED, "interrupted");
}

/* Begins a part of the load and waits for it. Each way in which it can fail is a
 * trouble, but not where the stop comes with an event: such a failure may be what the
 * scenario is about. `what` follows "could not". */
static bool await_load(struct case_state *state, enum request_kind kind,
	int64_t until_ns, const char *what)
{
	const struct load *load = state->load;
	bool came;

	state->loading = kind;
	load_begin(state->load, kind);
	if (!await(state, is_loaded, until_ns, &came))
		return false;
	if (!came)
		return waits_for_event(state) ||
			case_state_trouble(state, TROUBLE_LOAD,
				"could not %s in time (%u requests ended, %u of %u MCP servers "
				"answered); last line: %.300s",
				what, load->ended[kind],
				evidence_count(state->evidence, "mcp.initialized"),
				servers_expected(state->scenario),
				case_state_last_line(state));
	if (!state->service->running)
		return case_state_trouble(state, TROUBLE_EXITED,
			"it ended before the run could %s; last line: %.300s", what,
			case_state_last_line(state));
	return !load->trouble[kind] || waits_for_event(state) ||
		case_state_trouble(state, TROUBLE_LOAD, "could not %s: %s", what,
			load->trouble[kind]);
}

static bool open_sessions(struct case_state *state, int64_t until_ns)
{
	case_state_step(state, "opening %lld sessions",
		(long long)state->scenario->load.sessions);
	return await_load(state, REQUEST_OPEN, until_ns, "open its sessions");
}

static bool start_turns(struct case_state *state, int64_t until_ns)
{
	const struct load_part *part = &state->scenario->load;
	struct err err = {0};

	if (part->turns == 0 || event_came(state))
		return true;
	case_state_step(state, "starting %lld turns", (long long)part->turns);
	if (state->mock_agent &&
		!mock_agent_slow_turns(state->mock_agent, part->turn_ns, &err))
		return case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
	state->turns_before = evidence_count(state->evidence, "agent.turn.begin");
	return await_load(state, REQUEST_TURN, until_ns, "start its turns");
}

static bool open_idle(struct case_state *state, int64_t until_ns)
{
	return state->scenario->load.idle_connections == 0 || event_came(state) ||
		await_load(state, REQUEST_IDLE, until_ns, "open its idle connections");
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
	return await(state, is_gone_or_event_came, until_ns, &came) &&
		(came ||
			case_state_trouble(
				state, TROUBLE_WHEN, "it did not end by itself"));
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
