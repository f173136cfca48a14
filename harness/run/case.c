#include "harness/run/case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/run/free_port.h"
#include "harness/run/more_signals.h"
#include "harness/run/observe.h"
#include "harness/run/readiness.h"
#include "harness/run/run_dir.h"
#include "harness/run/service_env.h"
#include "harness/run/trigger.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"

/* After PID 1's end: until the mocks' last lines have arrived. */
#define QUIET_NS (1 * CLOCK_S)
/* On a network of its own, where every port is free. */
#define PORT_INSIDE 8080

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct case_state *state = arg;

	evidence_add_log(state->evidence, ns, line, len);
}

/* --- up --- */

static bool make_folder(struct case_state *state, struct err *err)
{
	state->folder = mem_textf("%s/XXXXXX", state->options.run_folder);
	if (!mkdtemp(state->folder))
		return err_sys(
			err, "make a folder below %s", state->options.run_folder);
	/* The service may run as another user in its container. */
	chmod(state->folder, 0755);
	return true;
}

static bool open_ledger(struct case_state *state, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/ledger", state->folder);

	state->ledger = ledger_create(state->options.loop, path, state->evidence, err);
	return state->ledger != NULL;
}

static bool bring_up_mocks(struct case_state *state, struct err *err)
{
	struct engine *engine = state->options.engine;
	struct mock_options options = {
		.loop = state->options.loop,
		.engine = engine,
		.programs = state->options.programs,
		.folder = state->folder,
		.ledger = ledger_address(state->ledger),
		.seed = state->evidence->seed,
		.interrupted = state->options.interrupted,
		.evidence = state->evidence,
	};

	if (!scenario_has_mocks(state->scenario))
		return true;
	*err = (struct err){0};
	if (state->scenario->service.topology == TOPOLOGY_CONTAINERS) {
		state->network = engine_network(engine, err);
		if (!state->network && err->text[0])
			return err_while(err, "network");
	}
	options.network = state->network;
	state->mock_agent = mock_agent_up(&options, state->scenario, err);
	if (state->mock_agent)
		state->mock_mcp = mock_mcp_up(&options, &state->scenario->mcp, err);
	return state->mock_mcp != NULL;
}

/* 0: the service has none, or chooses it. */
static int64_t port_of(struct case_state *state, bool apart)
{
	const struct service_part *service = &state->scenario->service;

	if (service->port || !scenario_uses(state->scenario, PLACEHOLDER_PORT))
		return service->port;
	if (apart)
		return PORT_INSIDE;
	free_port_take(&state->free_port, FREE_PORTS_FIRST, FREE_PORTS);
	return state->free_port.port;
}

static bool bring_up_service(struct case_state *state, struct err *err)
{
	static const char *const ours[] = {"service", NULL};
	const struct service_part *service = &state->scenario->service;
	bool apart =
		state->network || container_options_have_network(&service->container);
	int64_t port = port_of(state, apart);
	const struct service_env values = {
		.scenario = state->scenario,
		.host = apart ? "0.0.0.0" : "127.0.0.1",
		.agent_url =
			state->mock_agent ? mock_agent_url(state->mock_agent) : NULL,
		.mcp_urls = state->mock_mcp ? mock_mcp_urls(state->mock_mcp) : NULL,
		.ledger = ledger_address(state->ledger),
		.port = port,
		.seed = state->evidence->seed,
	};
	SCOPED(strlist_done) struct strlist env = service_env_list(&values);
	SCOPED(strlist_done)
	struct strlist command = service_env_expand(&values, &service->command);
	SCOPED(strlist_done)
	struct strlist entrypoint = service_env_expand(&values, &service->entrypoint);
	bool is_ours = scenario_is_ours(state->scenario);
	const struct subject_spec spec = {
		.name = "service",
		.image = service->image,
		.entrypoint = (const char *const *)entrypoint.item,
		.command = is_ours ? ours : (const char *const *)command.item,
		.env = (const char *const *)env.item,
		.run_folder = state->folder,
		.network = state->network,
		.stop_signal = is_ours && !service->stop_signal ? "SIGTERM"
								: service->stop_signal,
		.grace_ns = state->scenario->stop.grace_ns,
		.init = service->init,
		.container = &service->container,
		.log = on_log,
		.arg = state,
	};

	state->port = port;
	state->service = engine_up(state->options.engine, &spec, err);
	state->evidence->up_ns = state->service ? clock_now() : 0;
	return state->service != NULL;
}

/* It started beside the service. */
static bool await_mock_agent(struct case_state *state, struct err *err)
{
	return !state->mock_agent || mock_agent_await(state->mock_agent, err);
}

static bool bring_up(struct case_state *state)
{
	struct err err = {0};

	case_state_step(state, "bringing it up");
	return (engine_prepare(
			state->options.engine, state->scenario->service.image, &err) &&
		       make_folder(state, &err) && open_ledger(state, &err) &&
		       bring_up_mocks(state, &err) && bring_up_service(state, &err) &&
		       await_mock_agent(state, &err)) ||
		case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
}

/* --- ready --- */

static bool await_ready(struct case_state *state)
{
	struct err err = {0};

	case_state_step(state, "waiting until it is ready");
	switch (readiness_await(
		&(struct readiness_options){
			.loop = state->options.loop,
			.scenario = state->scenario,
			.port = state->port,
			.subject = state->service,
			.evidence = state->evidence,
			.interrupted = state->options.interrupted,
		},
		&state->base, &err)) {
	case READINESS_UNSETTLED:
		state->evidence->unsettled = true;
		state->evidence->ready_ns = clock_now();
		return true;
	case READINESS_YES:
		state->evidence->ready_ns = clock_now();
		return true;
	case READINESS_NOT_IN_TIME:
		return case_state_trouble(state, TROUBLE_NOT_READY,
			"%s; last line: %.300s", err.text, case_state_last_line(state));
	case READINESS_NEVER:
		return case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
	case READINESS_EXITED:
		if (case_state_waits_for_exit(state))
			return true;
		return case_state_trouble(state, TROUBLE_EXITED,
			"it ended before it was ready; last line: %.300s",
			case_state_last_line(state));
	case READINESS_INTERRUPTED:
		return case_state_trouble(state, TROUBLE_INTERRUPTED, "interrupted");
	}
	return false;
}

/* service.exec */
static bool start_execs(struct case_state *state)
{
	const struct execs *execs = &state->scenario->service.container.exec;
	struct err err = {0};

	for (unsigned i = 0; i < execs->count && state->service->running; i++) {
		case_state_step(state, "exec %s", execs->item[i].item[0]);
		if (!subject_exec(state->service,
			    (const char *const *)execs->item[i].item, &err))
			return case_state_trouble(
				state, TROUBLE_NOT_UP, "service.%s", err.text);
	}
	return true;
}

/* --- load.replacement --- */

/* The client of a session that was ended turns to the replacement. */
static void on_ledger_event(void *arg, const char *name, const cJSON *json)
{
	struct case_state *state = arg;
	const char *session = json_text(json, "session");

	if (state->replacement && session && strcmp(name, "agent.disconnect.done") == 0)
		replacement_open(
			state->replacement, (unsigned)strtoul(session, NULL, 10));
}

static bool bring_up_replacement(struct case_state *state)
{
	struct err err = {0};

	if (!state->scenario->load.replacement || !state->mock_agent)
		return true;
	case_state_step(state, "bringing up the replacement");
	state->replacement = replacement_up(
		&(struct replacement_options){
			.loop = state->options.loop,
			.engine = state->options.engine,
			.scenario = state->scenario,
			.agent_url = mock_agent_url(state->mock_agent),
			.ledger = ledger_address(state->ledger),
			.run_folder = state->folder,
			.seed = state->evidence->seed,
			.interrupted = state->options.interrupted,
		},
		&err);
	if (!state->replacement)
		return case_state_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
	state->evidence->replaced = (unsigned)state->scenario->load.sessions;
	ledger_on_event(state->ledger, on_ledger_event, state);
	return true;
}

static bool have_clients_turned(const void *arg)
{
	return replacement_is_quiet(((const struct case_state *)arg)->replacement);
}

/* --- stop --- */

static bool is_stopped(const void *arg)
{
	return ((const struct case_state *)arg)->service->stopped;
}

/* A process of that kind, a mock of ours or a child of the service, still runs. */
static bool has_open_lifeline(const struct evidence *evidence, bool of_mocks)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];
		const char *role = lifeline->role ? lifeline->role : "";
		bool is_mock = strcmp(role, "mock-agent") == 0 ||
			strcmp(role, "mock-mcp-http") == 0;

		if (!lifeline->ended_ns && is_mock == of_mocks)
			return true;
	}
	return false;
}

/* No child of the service has its lifeline open, and every request has its end. */
static bool is_quiet(const void *arg)
{
	const struct evidence *evidence = ((const struct case_state *)arg)->evidence;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		if (evidence->requests[i].end == REQUEST_PENDING)
			return false;
	}
	return !has_open_lifeline(evidence, false);
}

static bool has_load_command_ended(const void *arg)
{
	return load_command_has_ended(((const struct case_state *)arg)->load_command);
}

/* Without the service the load has no meaning any more. */
static void end_load_command(struct case_state *state)
{
	if (!state->load_command)
		return;
	load_command_end(state->load_command);
	if (case_state_wait(state, has_load_command_ended, 2 * LOAD_COMMAND_NS) ==
		WAIT_SO)
		state->evidence->load_command =
			load_command_failure(state->load_command);
}

static void stop(struct case_state *state)
{
	int64_t grace_ns = state->scenario->stop.grace_ns;
	struct evidence *evidence = state->evidence;
	struct more_signals *more;
	enum wait_end end;
	struct err err = {0};

	state->asked_ns = clock_now();
	case_state_step(state, "stopping");
	state->sampler = observe_stop(
		state->options.loop, state->service, grace_ns, evidence, &err);
	if (!state->sampler) {
		case_state_trouble(state, TROUBLE_NOT_UP, "stop: %s", err.text);
		return;
	}
	more = more_signals_begin(state->options.loop, state->service,
		&state->scenario->stop.signals, evidence);
	end = case_state_wait(state, is_stopped, grace_ns + OBSERVE_EXTRA_NS);
	more_signals_end(more);
	if (end == WAIT_INTERRUPTED) {
		case_state_trouble(state, TROUBLE_INTERRUPTED, "interrupted");
		return;
	}
	evidence->stopped_ns = clock_now();
	case_state_wait(state, is_quiet, QUIET_NS);
	case_state_wait(
		state, have_clients_turned, state->scenario->service.session.within_ns);
	end_load_command(state);
}

/* The last facts, also of a service that ended by itself. */
static void ask_facts(struct case_state *state)
{
	struct err err = {0};

	if (!observe_facts(state->service, state->evidence, &err))
		case_state_step(state, "inspect: %s", err.text);
}

static bool have_mocks_ended(const void *arg)
{
	return !has_open_lifeline(((const struct case_state *)arg)->evidence, true);
}

/* A mock may have given its last answer without having written it down. Only its own
 * end proves that all it saw is in the ledger. */
static void close_ledger(struct case_state *state)
{
	/* The mock's failure is not the service's. */
	if (state->mock_agent && !mock_agent_running(state->mock_agent) &&
		state->evidence->trouble == TROUBLE_NONE)
		case_state_trouble(
			state, TROUBLE_NOT_UP, "mock-agent ended during the case");
	if (state->mock_mcp && !mock_mcp_all_running(state->mock_mcp) &&
		state->evidence->trouble == TROUBLE_NONE)
		case_state_trouble(state, TROUBLE_NOT_UP,
			"an MCP server over HTTP ended during the case");
	mock_agent_down(state->mock_agent);
	mock_mcp_down(state->mock_mcp);
	state->mock_agent = NULL;
	state->mock_mcp = NULL;
	if (state->ledger)
		case_state_wait(state, have_mocks_ended, QUIET_NS);
}

/* --- down --- */

void case_finish(struct case_state *state, bool keep)
{
	if (state->service && keep)
		subject_keep(state->service);
	else
		subject_down(state->service);
	replacement_down(state->replacement);
	load_destroy(state->load);
	clients_destroy(state->clients);
	load_command_destroy(state->load_command);
	ledger_destroy(state->ledger);
	if (state->network)
		engine_network_remove(state->options.engine, state->network);
	if (state->folder && !keep)
		fs_remove_tree(state->folder);
	/* Handles report closed in the next turns. */
	uv_run(state->options.loop, UV_RUN_NOWAIT);
	state->evidence->ended_ns = clock_now();
	free_port_done(&state->free_port);
	free(state->network);
	free(state->folder);
	free(state->base);
	free(state->last_line);
	free(state);
}

struct case_state *case_run(const struct case_options *options,
	const struct scenario *scenario, struct evidence *evidence)
{
	struct case_state *state = mem_zeroed(sizeof *state);

	state->options = *options;
	state->scenario = scenario;
	state->evidence = evidence;
	evidence->engine = options->engine->kind->name;
	evidence->capabilities = options->engine->capabilities;
	evidence->own_service = scenario_is_ours(scenario);
	evidence->seed = options->seed;
	evidence->began_ns = clock_now();
	if (bring_up(state) && await_ready(state) && start_execs(state) &&
		bring_up_replacement(state) && trigger_await(state))
		stop(state);
	sampler_end(state->sampler);
	if (state->service)
		ask_facts(state);
	close_ledger(state);
	if (state->service)
		observe_client_closes(state->service, evidence);
	loop_timer_destroy(state->again);
	state->again = NULL;
	return state;
}
