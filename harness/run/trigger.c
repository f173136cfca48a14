#include "harness/run/trigger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

#define READ_NS (2 * CLOCK_S) /* for requests that the service lets wait */
#define LOOK_NS (1 * CLOCK_MS)

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
	case REQUEST_HTTP: /* see clients_are_there() */
	case REQUEST_KINDS:
		break;
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
	case_state_step(state, "opening %lld session%s",
		(long long)state->scenario->load.sessions,
		state->scenario->load.sessions == 1 ? "" : "s");
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

	if (load->sessions == 0 && load->idle_connections == 0 && !load->request.path)
		return true;
	if (!state->base)
		return case_state_trouble(
			state, TROUBLE_LOAD, "its port is not known: no service.port");
	state->load = load_create(state->options.loop, state->scenario, state->base,
		state->mock_agent ? mock_agent_url(state->mock_agent) : NULL,
		state->evidence, &err);
	return state->load || case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
}

/* --- load.request --- */

static bool clients_are_there(const void *arg)
{
	const struct case_state *state = arg;

	return is_gone_or_event_came(state) || clients_trouble(state->clients) ||
		clients_are_under_way(state->clients);
}

/* The wait until the service has read the requests; /proc has no event for it. */
struct reading {
	const struct case_state *state;
	struct loop_timer *again;
	bool over;
};

static void look_whether_read(void *arg)
{
	struct reading *reading = arg;
	const struct case_state *state = reading->state;
	int64_t port = strtoll(strrchr(state->base, ':') + 1, NULL, 10);

	reading->over =
		!state->service->running || subject_has_read(state->service, port);
	if (!reading->over)
		loop_timer_set(reading->again, LOOK_NS);
}

static bool is_read(const void *arg)
{
	return ((const struct reading *)arg)->over;
}

/* A request that is in the kernel alone is not under way. A service that lets some wait
 * for long is stopped all the same. */
static bool await_reading(struct case_state *state)
{
	struct reading reading = {.state = state};
	enum wait_end end;

	reading.again =
		loop_timer_create(state->options.loop, look_whether_read, &reading);
	look_whether_read(&reading);
	end = wait_until(state->options.loop, is_read, &reading, clock_now() + READ_NS,
		state->options.interrupted);
	loop_timer_destroy(reading.again);
	return end != WAIT_INTERRUPTED ||
		case_state_trouble(state, TROUBLE_INTERRUPTED, "interrupted");
}

/* Waits until each client has a request under way. The failure of a request is a
 * trouble, but not where the stop comes with an event. */
static bool await_clients(struct case_state *state, int64_t until_ns)
{
	const char *trouble;
	bool came;

	if (!await(state, clients_are_there, until_ns, &came))
		return false;
	trouble = clients_trouble(state->clients);
	if (waits_for_event(state))
		return true;
	if (!state->service->running)
		return case_state_trouble(state, TROUBLE_EXITED,
			"it ended before its requests were under way; last line: %.300s",
			case_state_last_line(state));
	if (trouble)
		return case_state_trouble(
			state, TROUBLE_LOAD, "load.request: %s", trouble);
	return came ||
		case_state_trouble(state, TROUBLE_LOAD,
			"load.request: not all of %lld requests were under way in time",
			(long long)state->scenario->load.request.concurrency);
}

static bool begin_clients(struct case_state *state, int64_t until_ns)
{
	const struct load_request_part *part = &state->scenario->load.request;
	struct err err = {0};

	if (!part->path || event_came(state))
		return true;
	case_state_step(state, "sending %lld requests", (long long)part->concurrency);
	state->clients = clients_create(
		state->options.loop, part, state->base, state->evidence, &err);
	if (!state->clients)
		return case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
	clients_begin(state->clients);
	return await_clients(state, until_ns);
}

/* --- load.command --- */

/* Gives the command with its placeholders replaced; empty, with the trouble, where the
 * service's address is not known. */
static struct strlist command_of(struct case_state *state)
{
	const struct strlist *texts = &state->scenario->load.command;
	const char *const values[PLACEHOLDERS] = {
		[PLACEHOLDER_SERVICE_URL] = state->base,
		[PLACEHOLDER_PORT] = state->base ? strrchr(state->base, ':') + 1 : NULL,
	};
	struct strlist command = {0};

	for (unsigned i = 0; i < texts->count; i++) {
		SCOPED(mem_free)
		char *text = placeholders_expand(texts->item[i], values);

		if (!state->base &&
			(placeholders_use(texts->item[i], PLACEHOLDER_SERVICE_URL) ||
				placeholders_use(texts->item[i], PLACEHOLDER_PORT))) {
			strlist_done(&command);
			case_state_trouble(state, TROUBLE_LOAD,
				"load.command: the port is not known: no service.port");
			return command;
		}
		strlist_add(&command, "%s", text);
	}
	return command;
}

static bool begin_command(struct case_state *state)
{
	SCOPED(strlist_done) struct strlist command = {0};
	struct err err = {0};

	if (state->scenario->load.command.count == 0)
		return true;
	command = command_of(state);
	if (command.count == 0)
		return false;
	case_state_step(state, "starting load.command");
	state->load_command = load_command_begin(
		state->options.loop, (const char *const *)command.item, &err);
	return state->load_command ||
		case_state_trouble(state, TROUBLE_NOT_UP, "load.command: %s", err.text);
}

/* It may end by itself when the stop comes with an event. */
static bool command_is_over(const struct case_state *state)
{
	return state->load_command && load_command_has_ended(state->load_command) &&
		!waits_for_event(state);
}

/* False with the trouble: the command ended before the stop. */
static bool command_runs(struct case_state *state)
{
	SCOPED(mem_free) char *failure = NULL;

	if (!command_is_over(state))
		return true;
	failure = load_command_failure(state->load_command);
	return case_state_trouble(state, TROUBLE_LOAD,
		"load.command: before the stop it %s",
		failure ? failure : "ended with exit 0");
}

/* --- stop.after --- */

/* Something happened for which the stop does not wait any longer. */
static bool is_disturbed(const void *arg)
{
	const struct case_state *state = arg;

	return !state->service->running || command_is_over(state) ||
		(state->clients && clients_trouble(state->clients) &&
			!waits_for_event(state));
}

static bool await_time(struct case_state *state)
{
	int64_t after_ns = state->scenario->stop.after_ns;
	bool disturbed;

	if (after_ns == 0)
		return command_runs(state);
	case_state_step(state, "waiting for stop.after");
	if (!await(state, is_disturbed, clock_now() + after_ns, &disturbed))
		return false;
	if (!state->service->running)
		return case_state_trouble(state, TROUBLE_EXITED,
			"it ended before the stop; last line: %.300s",
			case_state_last_line(state));
	if (!command_runs(state))
		return false;
	return !disturbed ||
		case_state_trouble(state, TROUBLE_LOAD, "load.request: %s",
			clients_trouble(state->clients));
}

/* The moment of the stop has come: from now on no request is sent, but one for each
 * client that had none under way. With an event the stop comes at once. */
static bool hold_clients(struct case_state *state)
{
	int64_t until_ns = clock_now() + state->scenario->stop.within_ns;

	if (!state->clients)
		return true;
	clients_hold(state->clients, !waits_for_event(state));
	return waits_for_event(state) ||
		(await_clients(state, until_ns) && await_reading(state));
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
			open_idle(state, until_ns) && begin_clients(state, until_ns);
	ok = ok && (case_state_waits_for_exit(state) || begin_command(state));
	if (ok && waits_for_event(state))
		ok = await_event(state, until_ns);
	ok = ok && await_time(state) && hold_clients(state);
	state->evidence->loaded_ns = clock_now();
	return ok;
}
