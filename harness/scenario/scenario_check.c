/*
 * The contradictions of a scenario: members that are right by themselves, and together
 * mean nothing or cannot come true.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/engine_kind.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/signals.h"

struct check {
	const struct scenario *scenario;
	const struct json_doc *doc;
	const cJSON *root;
	fields_wrong_fn *wrong;
	void *arg;
	bool good;
};

/* An error at the path, or at the root where the file does not have the path. */
static void contradict(struct check *check, const char *path, const char *format, ...)
	PRINTF(3, 4);
static void contradict(struct check *check, const char *path, const char *format, ...)
{
	const cJSON *node = json_at(check->root, path);
	struct err what, err;
	va_list args;

	va_start(args, format);
	vsnprintf(what.text, sizeof what.text, format, args);
	va_end(args);
	json_doc_wrong(
		check->doc, node ? node : check->root, &err, "%s: %s", path, what.text);
	check->good = false;
	check->wrong(check->arg, &err);
}

static bool uses(const struct check *check, enum placeholder placeholder)
{
	return scenario_uses(check->scenario, placeholder);
}

/* --- engines --- */

static bool runs_on(const struct scenario *scenario, const char *engine)
{
	for (unsigned i = 0; i < scenario->engines.count; i++)
		if (strcmp(scenario->engines.item[i], engine) == 0)
			return true;
	return scenario->engines.count == 0;
}

static void check_engines(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	const struct service_part *service = &scenario->service;
	bool needs_image = service->image && service->command.count == 0 &&
		service->entrypoint.count == 0;
	bool is_runnable = !needs_image, has_containers = false;
	const char *key = container_options_of_engine(&service->container);
	SCOPED(mem_free) char *path = mem_textf("service.%s", key ? key : "");
	SCOPED(buf_done) struct buf whole = {0};

	for (size_t i = 0; i < ENGINE_KINDS; i++) {
		const struct engine_kind *kind = &engine_kinds[i];

		if (!runs_on(scenario, kind->name) ||
			kind->rollouts != scenario_has_rollout(scenario))
			continue;
		is_runnable = is_runnable || kind->runs_images;
		has_containers = has_containers || kind->runs_images;
		if (kind->whole_seconds)
			buf_addf(&whole, "%s%s", whole.len ? ", " : "", kind->name);
	}
	if (whole.len > 0 && scenario->stop.grace_ns % CLOCK_S != 0)
		contradict(check, "stop.grace",
			"a fraction of a second needs \"engines\" without those that count "
			"whole seconds: %s",
			buf_text(&whole));
	if (!has_containers && service->ready.kind == READY_HEALTHY)
		contradict(check, "service.ready.healthy",
			"the process engine has no health checks");
	if (key && !has_containers)
		contradict(check, path, "the process engine has not got it");
	if (!is_runnable)
		contradict(check, "engines",
			"none of them runs an image without service.command");
}

/* --- service --- */

static void check_stop_signal(struct check *check)
{
	const char *name = check->scenario->service.stop_signal;
	int number = name ? signal_number(name) : SIGTERM;

	if (number == 0)
		contradict(check, "service.stop_signal",
			"no such signal; expected a name such as \"SIGTERM\" or "
			"\"SIGRTMIN+3\"");
	else if (number == SIGSTOP)
		contradict(check, "service.stop_signal",
			"no program can handle %.40s, and it ends none", name);
}

static void check_ready(struct check *check)
{
	const struct service_part *service = &check->scenario->service;
	bool is_ours = scenario_is_ours(check->scenario);

	if (service->ready.kind == READY_HTTP && !is_ours && service->port == 0 &&
		!uses(check, PLACEHOLDER_PORT))
		contradict(check, "service.ready.http",
			"the port is not known; ready.http needs service.port, or a {port} in "
			"service.env, command or entrypoint");
	if (service->ready.kind == READY_TCP && service->ready.port != service->port &&
		(is_ours || service->port != 0))
		contradict(check, "service.ready.tcp",
			"the service listens on service.port (%lld)",
			(long long)service->port);
	if (service->ready.kind == READY_SIGNAL && service->init)
		contradict(check, "service.ready.signal",
			"with service.init PID 1 is the init, which always catches the "
			"signal");
}

static void check_secrets(struct check *check)
{
	const struct strlist *secrets = &check->scenario->service.secrets;

	for (unsigned i = 0; i < secrets->count; i++)
		if (!scenario_env(check->scenario, secrets->item[i]))
			contradict(check, "service.secrets",
				"there is no \"%.60s\" in service.env",
				secrets->item[i]);
}

static void check_container(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	const struct container_options *container = &scenario->service.container;
	const char *path =
		container->networks.count ? "service.networks" : "service.ports";

	if (container_options_have_network(container) &&
		scenario->service.topology == TOPOLOGY_HOST &&
		scenario_has_mocks(scenario))
		contradict(check, path,
			"the mock agent API is on the host's network; it needs "
			"service.topology \"containers\", or service.mocks false");
	if (container->networks.count &&
		scenario->service.topology == TOPOLOGY_CONTAINERS)
		contradict(check, path,
			"with service.topology \"containers\" it is on a network of the "
			"run's own");
	if (container->healthcheck.disable &&
		(container->healthcheck.test.count ||
			scenario->service.ready.kind == READY_HEALTHY))
		contradict(
			check, "service.healthcheck.disable", "then there is no check");
}

static void check_mocks(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	bool is_ours = scenario_is_ours(scenario);

	if (!scenario->service.mocks) {
		if (uses(check, PLACEHOLDER_AGENT_URL))
			contradict(check, "service.mocks",
				"{agent_url} needs the mock agent API");
		if (scenario->agent_json)
			contradict(check, "agent",
				"with service.mocks false there is no mock agent API");
		if (scenario->mcp.count > 0 && is_ours)
			contradict(check, "mcp",
				"MCP servers belong to sessions, and with service.mocks "
				"false no session can be opened");
	} else if (!scenario_has_mocks(scenario) && scenario->agent_json) {
		contradict(check, "agent",
			"nothing uses the mock agent API; add {agent_url} to "
			"service.env, command or entrypoint");
	}
	if (!is_ours && scenario->mcp.count > 0 && !uses(check, PLACEHOLDER_MCP_CONFIG))
		contradict(check, "mcp",
			"nothing starts these servers; add {mcp_config} to "
			"service.env, command or entrypoint");
}

/* --- load, stop and expect --- */

static void check_stop(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	const char *when = scenario->stop.when;

	if (scenario->load.turns > scenario->load.sessions)
		contradict(check, "load.turns", "more than load.sessions (%lld)",
			(long long)scenario->load.sessions);
	if (scenario->stop.after_ns > 0 && strcmp(when, "exit") == 0)
		contradict(check, "stop.after", "\"exit\" is the end already");
	for (unsigned i = 0; i < scenario->stop.signals.count; i++)
		if (scenario->stop.signals.step[i].after_ns >= scenario->stop.grace_ns)
			contradict(check, "stop.signals",
				"SIGKILL comes before %s, when stop.grace (%s) is over",
				scenario->stop.signals.step[i].signal,
				CLOCK_TEXT(scenario->stop.grace_ns));
	if (scenario->stop.count > 1 &&
		(strcmp(when, "sessions.ready") == 0 || strcmp(when, "exit") == 0))
		contradict(check, "stop.count", "\"%s\" comes once", when);
	if (strncmp(when, "agent.", strlen("agent.")) == 0 &&
		!scenario_has_mocks(scenario))
		contradict(check, "stop.when",
			"there is no mock agent API, which logs \"%s\"", when);
}

static void check_replacement(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	const char *agent = scenario_env(scenario, "AGENT");

	if (!scenario->load.replacement)
		return;
	if (!scenario_is_ours(scenario) || (agent && strcmp(agent, "cli") == 0) ||
		!scenario_has_mocks(scenario))
		contradict(check, "load.replacement",
			"only stopbench's own service, with sessions of the mock agent "
			"API, has one");
	else if (scenario->load.sessions == 0)
		contradict(check, "load.replacement",
			"load.sessions is 0: nobody turns to it");
	if (scenario->service.topology == TOPOLOGY_CONTAINERS ||
		scenario->service.port != 0)
		contradict(check, "load.replacement",
			"two instances need the host's network, and no service.port");
}

static void check_load(struct check *check)
{
	const struct strlist *command = &check->scenario->load.command;
	const struct load_request_part *request = &check->scenario->load.request;
	const cJSON *node = json_at(check->root, "load.request");

	if (uses(check, PLACEHOLDER_SERVICE_URL))
		contradict(check, "service",
			"{service_url} is for load.command: the service is not up yet");
	for (unsigned i = 0; i < command->count; i++)
		for (int j = 0; j < PLACEHOLDERS; j++)
			if (j != PLACEHOLDER_SERVICE_URL && j != PLACEHOLDER_PORT &&
				placeholders_use(command->item[i], (enum placeholder)j))
				contradict(check, "load.command",
					"{%s} is not for it; {service_url} and {port} are",
					placeholder_names[j]);
	if (node && !request->path)
		contradict(check, "load.request", "its path is missing");
	if (request->path && request->path[0] != '/')
		contradict(check, "load.request.path",
			"expected a path such as \"/report\"");
	if (request->contains && !request->contains[0])
		contradict(check, "load.request.contains",
			"every answer has an empty text");
}

static void check_expect(struct check *check)
{
	const struct expect_part *expect = &check->scenario->expect;
	int64_t sessions = check->scenario->load.sessions;
	bool only_clean = expect->verdicts == 1u << VERDICT_CLEAN;

	if (expect->disconnected > sessions)
		contradict(check, "expect.disconnected",
			"more than load.sessions (%lld)", (long long)sessions);
	if (only_clean && expect->orphans > 0)
		contradict(check, "expect.orphans", "no stop with orphans is clean");
	if (only_clean && expect->lost > 0)
		contradict(check, "expect.lost", "no stop with lost requests is clean");
}

/* --- many stops --- */

/* What has no meaning where the service has replicas, and what only has one there. */
static void check_keys_of_rollout(struct check *check)
{
	static const char *const of_one[] = {"load.sessions", "load.turns", "load.turn",
		"load.idle_connections", "load.command", "stop.when", "stop.after",
		"stop.count", "stop.within", "stop.signals", "service.init",
		"service.topology", "service.session", "expect.disconnected",
		"expect.orphans", "expect.lost", "expect.log", "expect.log_absent"};
	static const char *const of_many[] = {"balancer", "expect.failed"};
	bool many = scenario_has_rollout(check->scenario);

	for (size_t i = 0; many && i < COUNT(of_one); i++)
		if (json_at(check->root, of_one[i]))
			contradict(check, of_one[i], "a rollout has not got it");
	for (size_t i = 0; !many && i < COUNT(of_many); i++)
		if (json_at(check->root, of_many[i]))
			contradict(check, of_many[i], "it needs a rollout");
}

static void check_rollout(struct check *check)
{
	const struct scenario *scenario = check->scenario;
	const struct rollout_part *rollout = &scenario->rollout;
	const char *key = container_options_of_engine(&scenario->service.container);
	SCOPED(mem_free) char *path = mem_textf("service.%s", key ? key : "");
	bool of_node = rollout->action == ROLLOUT_DRAIN ||
		rollout->action == ROLLOUT_NODE_DEATH;

	check_keys_of_rollout(check);
	if (!scenario_has_rollout(scenario))
		return;
	if (key)
		contradict(check, path, "a rollout has not got it");
	if (!scenario->load.request.path)
		contradict(check, "load.request",
			"a rollout without requests shows nothing; load.request.path is "
			"missing");
	if (rollout->action != ROLLOUT_SCALE && json_at(check->root, "rollout.to"))
		contradict(check, "rollout.to", "only \"scale\" has it");
	if (!of_node && rollout->node)
		contradict(check, "rollout.node",
			"only \"drain\" and \"node-death\" have it");
	if (rollout->action == ROLLOUT_NODE_DEATH && rollout->kill_node.count == 0)
		contradict(check, "rollout.kill_node",
			"\"node-death\" needs it: the command that ends the node");
	if (rollout->action != ROLLOUT_NODE_DEATH && rollout->kill_node.count > 0)
		contradict(check, "rollout.kill_node", "only \"node-death\" has it");
	if (rollout->action != ROLLOUT_UPDATE && rollout->times > 1)
		contradict(check, "rollout.times", "only \"update\" can be repeated");
	if (scenario->load.request.stream)
		contradict(check, "load.request.stream", "a rollout has not got it");
}

bool scenario_check(const struct scenario *scenario, const struct json_doc *doc,
	const cJSON *root, fields_wrong_fn *wrong, void *arg)
{
	struct check check = {scenario, doc, root, wrong, arg, true};

	check_engines(&check);
	check_stop_signal(&check);
	check_ready(&check);
	check_secrets(&check);
	check_container(&check);
	check_mocks(&check);
	check_load(&check);
	check_replacement(&check);
	check_stop(&check);
	check_expect(&check);
	check_rollout(&check);
	return check.good;
}
