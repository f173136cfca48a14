#include "harness/rollout/rollout_run.h"

#include <string.h>

#include "harness/rollout/rollout_actions.h"
#include "harness/rollout/rollout_load.h"
#include "harness/rollout/rollout_up.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* --- what is known at the end --- */

static void keep_task(struct rollout_state *state, const struct cluster_task *task)
{
	struct rollout *rollout = state->rollout;
	rollout->tasks[rollout->task_count++] = (struct rollout_task){
		.id = mem_text(task->id),
		.name = mem_text(task->name),
		.node = mem_text(task->node),
		.message = mem_text(task->message),
		.address = mem_text(task->address),
		.created_ns = task->created_ns,
		.running_ns = task->running_ns,
		.unwanted_ns = task->unwanted_ns,
		.ended_ns = task->ended_ns,
		.died_with_node = task->lost ||
			(state->dead && task->node &&
				strcmp(task->node, state->dead) == 0),
	};
}

/* A witness knows the container; whose task it was, the orchestrator knows. */
static void name_stops(struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	struct rollout *rollout = state->rollout;

	for (unsigned i = 0; i < rollout->stop_count; i++) {
		struct task_stop *stop = &rollout->stops[i];
		const struct cluster_task *task = stop->container
			? cluster_task_of_container(cluster, stop->container)
			: NULL;

		if (!task)
			continue;
		mem_free(&stop->task);
		stop->task = mem_text(task->id);
	}
}

static void keep_tasks(struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	struct rollout *rollout = state->rollout;

	rollout->tasks = mem_zeroed((cluster->task_count + 1) * sizeof *rollout->tasks);
	name_stops(state);
	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];
		struct task_stop stop;

		keep_task(state, task);
		if (!task->ended_ns || !task->running_ns ||
			rollout_stop_of(rollout, &rollout->tasks[i]))
			continue;
		stop = task_stop_of_api(task);
		rollout_add_stop(state, &stop);
	}
	rollout->killed_node = mem_text(state->dead);
	if (cluster->unobserved[0])
		rollout->unobserved = mem_text(cluster->unobserved);
}

static void keep_nodes(struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	struct rollout *rollout = state->rollout;

	rollout->nodes = mem_zeroed((cluster->node_count + 1) * sizeof *rollout->nodes);
	for (unsigned i = 0; i < cluster->node_count; i++) {
		const char *name = cluster->nodes[i].name;

		rollout->nodes[rollout->node_count++] = (struct rollout_node){
			.name = mem_text(name),
			.witnessed = witnesses_have(state->witnesses, name),
			.trouble = mem_text(witnesses_trouble(state->witnesses, name)),
		};
	}
}

void rollout_run(const struct rollout_options *options, const struct scenario *scenario,
	struct rollout *rollout, struct evidence *evidence)
{
	struct rollout_state state = {
		.options = options,
		.scenario = scenario,
		.rollout = rollout,
		.evidence = evidence,
	};
	struct err err = {0};

	evidence->engine = options->cluster->kind;
	evidence->facts.exit_code = -1; /* of no stop yet */
	evidence->own_service = scenario_is_ours(scenario);
	evidence->seed = options->of_case.seed;
	evidence->began_ns = clock_now();
	state.probes = fetch_create(options->of_case.loop, 1, &err);
	if (!state.probes)
		rollout_trouble(&state, TROUBLE_NOT_UP, "%s", err.text);
	else if (rollout_up(&state) && (evidence->up_ns = clock_now()) &&
		rollout_await_ready(&state) && (evidence->ready_ns = clock_now()) &&
		rollout_load_begin(&state))
		rollout_act(&state);
	rollout_load_end(&state);
	keep_tasks(&state);
	keep_nodes(&state);
	rollout_mend(&state);
	rollout_down(&state);
	evidence->ended_ns = clock_now();
}
