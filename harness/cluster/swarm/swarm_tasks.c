#include "harness/cluster/swarm/swarm_tasks.h"

#include <string.h>

#include "harness/cluster/task_list.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/ */
static const struct row {
	const char *name;
	enum task_state means;
	bool has_code;  /* the exit code that comes with it is of the end */
	bool by_itself; /* unless it was seen to be unwanted before */
} states[] = {
	{"new", TASK_PENDING, false, false},
	{"allocated", TASK_PENDING, false, false},
	{"pending", TASK_PENDING, false, false},
	{"assigned", TASK_PENDING, false, false},
	{"accepted", TASK_PENDING, false, false},
	{"preparing", TASK_PENDING, false, false},
	{"ready", TASK_PENDING, false, false},
	{"starting", TASK_PENDING, false,
		false}, /* also: its health check has not passed */
	{"running", TASK_RUNNING, false, false},
	{"complete", TASK_ENDED, true, true},
	{"shutdown", TASK_ENDED, true, false},
	{"failed", TASK_ENDED, true, true},
	{"rejected", TASK_ENDED, false, true},
	{"orphaned", TASK_ENDED, false, false}, /* its node was away for too long */
	{"remove", TASK_ENDED, false, false},
};

/* NULL: a state of a later version. */
static const struct row *state_of(const char *name)
{
	for (size_t i = 0; name && i < COUNT(states); i++)
		if (strcmp(name, states[i].name) == 0)
			return &states[i];
	return NULL;
}

unsigned swarm_task_port(const cJSON *task)
{
	const cJSON *port;

	cJSON_ArrayForEach(port, json_at(task, "Status.PortStatus.Ports")) {
		const char *mode = json_text(port, "PublishMode");

		if (mode && strcmp(mode, "host") == 0)
			return (unsigned)json_int(port, "PublishedPort", 0);
	}
	return 0;
}

/* The caller's; NULL: none. */
static char *address_of(
	const struct cluster_node *node, const cJSON *task, unsigned mesh_port)
{
	unsigned port = swarm_task_port(task);

	if (!port)
		port = mesh_port;
	return node && port ? mem_textf("%s:%u", node->address, port) : NULL;
}

/* "shop.2", of a global service "shop.NODE"; the caller's. */
static char *name_of(const struct cluster *cluster, const struct cluster_node *node,
	const cJSON *task)
{
	int64_t slot = json_int(task, "Slot", 0);

	return slot ? mem_textf("%s.%lld", cluster->service, (long long)slot)
		    : mem_textf("%s.%s", cluster->service, node ? node->name : "?");
}

/* A container that never ran has an exit code of 0 as well. */
static int exit_code_of(const cJSON *status, bool ran)
{
	int64_t code = json_int(json_get(status, "ContainerStatus"), "ExitCode", -1);

	return code > 0 || ran ? (int)code : -1;
}

static bool has_run(const struct cluster *cluster, const char *id)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (strcmp(cluster->tasks[i].id, id) == 0)
			return cluster->tasks[i].running_ns != 0;
	return false;
}

static void note_end(const struct cluster *cluster, struct task_sight *sight,
	const cJSON *status, const struct row *state)
{
	const char *time = json_text(status, "Timestamp");
	struct err ignored;

	if (!state->has_code)
		return;
	sight->exit_code = exit_code_of(status,
		has_run(cluster, sight->id) || strcmp(state->name, "complete") == 0);
	if (time && clock_parse_rfc3339(&sight->ended_wall_ns, time, &ignored))
		sight->ended_error_ns = SWARM_END_ERROR_NS;
}

static bool read_task(
	struct cluster *cluster, const cJSON *task, unsigned mesh_port, int64_t now_ns)
{
	const cJSON *status = json_get(task, "Status");
	const char *node_id = json_text(task, "NodeID");
	const char *desired = json_text(task, "DesiredState");
	const struct row *state = state_of(json_text(status, "State"));
	const struct row *wanted = state_of(desired);
	const struct cluster_node *node =
		node_id ? cluster_node(cluster, node_id) : NULL;
	SCOPED(mem_free) char *address = address_of(node, task, mesh_port);
	SCOPED(mem_free) char *name = name_of(cluster, node, task);
	struct task_sight sight = {
		.id = json_text(task, "ID"),
		.name = name,
		.node = node ? node->name : NULL,
		.container =
			json_text(json_get(status, "ContainerStatus"), "ContainerID"),
		.message = json_text(status, "Err"),
		.state = state ? state->means : TASK_PENDING,
		.by_itself = state && state->by_itself,
		/* "ready" is wanted too: its turn comes when another has ended. */
		.wanted = wanted && wanted->means != TASK_ENDED,
		.exit_code = -1,
		.lost = state && strcmp(state->name, "orphaned") == 0,
	};

	if (!sight.id)
		return false;
	if (sight.state == TASK_RUNNING)
		sight.address = address;
	if (state && sight.state == TASK_ENDED)
		note_end(cluster, &sight, status, state);
	if (node && !node->ready && !sight.wanted && sight.state != TASK_ENDED) {
		sight.state = TASK_ENDED;
		sight.message = "its node is not heard of any more";
		sight.lost = true;
	}
	sight.ready = sight.state == TASK_RUNNING && node && node->ready;
	return task_list_see(cluster, &sight, now_ns);
}

bool swarm_tasks_read(
	struct cluster *cluster, const cJSON *tasks, unsigned mesh_port, int64_t now_ns)
{
	const cJSON *task;
	bool changed = false;

	task_list_begin(cluster);
	cJSON_ArrayForEach(task, tasks)
		changed = read_task(cluster, task, mesh_port, now_ns) || changed;
	return task_list_end(cluster, now_ns) || changed;
}
