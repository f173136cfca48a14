#include "harness/rollout/rollout_up.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/run/service_env.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/mem.h"

/* In every container: its network is its own. */
#define PORT_INSIDE 8080
#define OUR_IMAGE   "stopbench-service:latest"

/* --- the tasks --- */

/* Service discovery: the balancer is told what the orchestrator wants to run. */
void rollout_balance(void *arg)
{
	struct rollout_state *state = arg;
	const struct cluster *cluster = state->options->cluster;
	const char **backends;
	unsigned count = 0;

	if (!state->balancer)
		return;
	backends = mem_zeroed((cluster->task_count + 1) * sizeof *backends);
	for (unsigned i = 0; i < cluster->task_count; i++) {
		if (rollout_takes_requests(&cluster->tasks[i]))
			backends[count++] = cluster->tasks[i].address;
	}
	balancer_set(state->balancer, backends, count);
	free(backends);
}

void rollout_add_stop(void *arg, struct task_stop *stop)
{
	struct rollout *rollout = ((struct rollout_state *)arg)->rollout;

	rollout->stops = mem_grown(
		rollout->stops, rollout->stop_count + 1, sizeof *rollout->stops);
	rollout->stops[rollout->stop_count++] = *stop;
	*stop = (struct task_stop){0};
}

/* --- up --- */

static bool make_folder(struct rollout_state *state, struct err *err)
{
	state->folder = mem_textf("%s/XXXXXX", state->options->of_case.run_folder);
	return mkdtemp(state->folder) ||
		err_sys(err, "make a folder below %s",
			state->options->of_case.run_folder);
}

/* The address of this host that a node's containers reach: that from which the node is
 * reached. The caller's; NULL: there is no way to it. */
static char *address_towards(const char *node)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	socklen_t len = sizeof to;
	char text[INET_ADDRSTRLEN];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known = fd >= 0 && node && inet_pton(AF_INET, node, &to.sin_addr) == 1 &&
		connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
		getsockname(fd, (struct sockaddr *)&to, &len) == 0 &&
		inet_ntop(AF_INET, &to.sin_addr, text, sizeof text);

	if (fd >= 0)
		close(fd);
	return known ? mem_text(text) : NULL;
}

static bool bring_up_agent(struct rollout_state *state, struct err *err)
{
	const struct case_options *options = &state->options->of_case;
	const struct cluster *cluster = state->options->cluster;
	SCOPED(mem_free)
	char *host =
		cluster->node_count ? address_towards(cluster->nodes[0].address) : NULL;
	SCOPED(mem_free) char *path = mem_textf("%s/ledger", state->folder);

	if (!scenario_has_mocks(state->scenario))
		return true;
	state->ledger = ledger_create(options->loop, path, state->evidence, err);
	if (!state->ledger)
		return false;
	state->mock_agent = mock_agent_up(
		&(struct mock_options){
			.loop = options->loop,
			.engine = options->engine,
			.programs = options->programs,
			.folder = state->folder,
			.host = host,
			.ledger = ledger_address(state->ledger),
			.seed = options->seed,
			.interrupted = options->interrupted,
			.evidence = state->evidence,
		},
		state->scenario, err);
	return state->mock_agent && mock_agent_await(state->mock_agent, err);
}

static bool bring_up_balancer(struct rollout_state *state, struct err *err)
{
	const struct case_options *options = &state->options->of_case;

	if (state->scenario->balancer.kind == BALANCER_NONE)
		return true;
	state->balancer = balancer_up(
		&(struct balancer_options){
			.loop = options->loop,
			.programs = options->programs,
			.folder = state->folder,
			.part = &state->scenario->balancer,
			.interrupted = options->interrupted,
		},
		err);
	return state->balancer != NULL;
}

static bool open_witnesses(
	struct rollout_state *state, const char *service, struct err *err)
{
	const struct case_options *options = &state->options->of_case;

	state->witnesses = witnesses_open(
		&(struct witnesses_options){
			.loop = options->loop,
			.cluster = state->options->cluster,
			.service = service,
			.addresses = state->options->witnesses,
			.folder = state->folder,
			.interrupted = options->interrupted,
		},
		rollout_add_stop, state, err);
	return state->witnesses != NULL;
}

static bool deploy(struct rollout_state *state, const char *name, struct err *err)
{
	const struct service_part *service = &state->scenario->service;
	const struct rollout_part *part = &state->scenario->rollout;
	const struct service_env values = {
		.scenario = state->scenario,
		.host = "0.0.0.0",
		.agent_url =
			state->mock_agent ? mock_agent_url(state->mock_agent) : NULL,
		.port = service->port ? service->port : PORT_INSIDE,
		.seed = state->options->of_case.seed,
	};
	SCOPED(strlist_done) struct strlist env = service_env_list(&values);
	SCOPED(strlist_done)
	struct strlist command = service_env_expand(&values, &service->command);
	SCOPED(strlist_done)
	struct strlist entrypoint = service_env_expand(&values, &service->entrypoint);
	const struct cluster_spec spec = {
		.name = name,
		.image = service->image ? service->image : OUR_IMAGE,
		.entrypoint = (const char *const *)entrypoint.item,
		.command = (const char *const *)command.item,
		.env = (const char *const *)env.item,
		.stop_signal = service->stop_signal,
		.grace_ns = state->scenario->stop.grace_ns,
		.replicas = (unsigned)part->replicas,
		.order = (enum update_order)part->order,
		.parallelism = (unsigned)part->parallelism,
		.delay_ns = part->delay_ns,
		.port = (unsigned)values.port,
		.publish = (enum publish_mode)part->publish,
		.overlay = part->overlay,
		.ready_path = state->scenario->service.ready.kind == READY_HTTP
			? state->scenario->service.ready.text
			: NULL,
	};

	return cluster_deploy(
		state->options->cluster, &spec, rollout_balance, state, err);
}

bool rollout_up(struct rollout_state *state)
{
	SCOPED(mem_free)
	char *name = mem_textf("stopbench-%s-%d",
		state->options->cluster->options.run_id, (int)getpid());
	struct err err = {0};

	rollout_step_says(state, "bringing it up");
	return (make_folder(state, &err) && bring_up_agent(state, &err) &&
		       bring_up_balancer(state, &err) &&
		       open_witnesses(state, name, &err) &&
		       deploy(state, name, &err)) ||
		rollout_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
}

/* --- ready --- */

static bool all_run(const void *arg)
{
	const struct rollout_state *state = arg;

	return cluster_has_settled(state->options->cluster);
}

static void on_probe(void *arg, const struct fetch_result *result)
{
	struct rollout_state *state = arg;

	state->probing--;
	state->answered += result->end == FETCH_ANSWERED;
}

static bool is_probed(const void *arg)
{
	return ((const struct rollout_state *)arg)->probing == 0;
}

static void probe(struct rollout_state *state, const char *address)
{
	const char *path = state->scenario->balancer.health_path;
	SCOPED(mem_free) char *url =
		mem_textf("http://%s%s", address, path ? path : "/");
	struct err ignored;

	if (fetch_start(state->probes,
		    &(struct fetch_request){
			    .url = url,
			    .timeout_ns = 2 * CLOCK_S,
			    .done = on_probe,
			    .arg = state,
			    .fresh = true,
		    },
		    &ignored))
		state->probing++;
}

/* The first requests must not find a program that does not listen yet. (What the tasks of
 * an update do is for the balancer's health check.) */
static bool await_answers(struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	int64_t deadline_ns = clock_now() + state->scenario->service.ready.within_ns;
	unsigned wanted;

	do {
		state->answered = wanted = 0;
		for (unsigned i = 0; i < cluster->task_count; i++) {
			if (!rollout_takes_requests(&cluster->tasks[i]))
				continue;
			wanted++;
			probe(state, cluster->tasks[i].address);
		}
		rollout_await(state, is_probed, 3 * CLOCK_S);
		if (state->answered == wanted && wanted > 0)
			return true;
	} while (clock_now() < deadline_ns && !*state->options->of_case.interrupted);
	return rollout_trouble(state, TROUBLE_NOT_READY,
		"%u of %u tasks answered on their port within %s", state->answered,
		wanted, CLOCK_TEXT(state->scenario->service.ready.within_ns));
}

bool rollout_await_ready(struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	const char *message;
	unsigned running = 0;

	rollout_step_says(state, "waiting until its tasks run");
	if (rollout_await(state, all_run, state->scenario->rollout.within_ns) ==
		WAIT_SO)
		return await_answers(state);
	message = cluster_message(cluster);
	for (unsigned i = 0; i < cluster->task_count; i++)
		running += cluster->tasks[i].state == TASK_RUNNING;
	return rollout_trouble(state, TROUBLE_NOT_READY,
		"%u of %u tasks run after %s: %.300s", running, cluster->replicas,
		CLOCK_TEXT(state->scenario->rollout.within_ns),
		message ? message : "no task says why");
}

/* --- down --- */

void rollout_down(struct rollout_state *state)
{
	struct cluster *cluster = state->options->cluster;
	struct balancer *balancer = state->balancer;
	struct err err = {0};

	cluster_ignore(cluster);
	witnesses_close(state->witnesses);
	if (cluster->ours && !state->removed && !cluster_remove(cluster, &err))
		rollout_step_says(state, "remove: %s", err.text);
	traffic_destroy(state->traffic);
	fetch_destroy(state->probes);
	/* Tasks still change, while it ends. */
	state->balancer = NULL;
	balancer_down(balancer);
	mock_agent_down(state->mock_agent);
	ledger_destroy(state->ledger);
	if (state->folder)
		fs_remove_tree(state->folder);
	uv_run(state->options->of_case.loop, UV_RUN_NOWAIT);
	free(state->folder);
	free(state->base);
}
