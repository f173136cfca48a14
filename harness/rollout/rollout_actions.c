#include "harness/rollout/rollout_actions.h"

#include <stdlib.h>
#include <string.h>

#include "harness/rollout/rollout_load.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/run_program.h"

/* After the orchestrator is done: until the witnesses have told every stop. */
#define TOLD_NS         (10 * CLOCK_S)
#define NODE_COMMAND_NS (60 * CLOCK_S)

/* One that has tasks, and whose end leaves the cluster its manager. */
static const char *choose_node(const struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;
	const char *chosen = NULL;

	if (state->scenario->rollout.node)
		return state->scenario->rollout.node;
	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];
		const struct cluster_node *node = task->wanted && task->node
			? cluster_node(cluster, task->node)
			: NULL;

		if (node && (!chosen || !node->manager))
			chosen = node->name;
		if (node && !node->manager)
			break;
	}
	return chosen;
}

static bool run_for_node(struct rollout_state *state, const struct strlist *command,
	const char *node, struct err *err)
{
	setenv("NODE", node, 1);
	return run_program_call(state->options->of_case.loop,
		&(struct program_call){
			.argv = (const char *const *)command->item,
			.within_ns = NODE_COMMAND_NS,
			.interrupted = state->options->of_case.interrupted,
		},
		err);
}

static bool on_node(struct rollout_state *state, const char *node, struct err *err)
{
	if (!node)
		return err_set(err, "no node has a task of the service");
	if (state->scenario->rollout.action == ROLLOUT_DRAIN) {
		state->drained = node;
		return cluster_drain(state->options->cluster, node, err);
	}
	state->dead = node;
	return run_for_node(state, &state->scenario->rollout.kill_node, node, err);
}

static bool act(struct rollout_state *state, const char *node, struct err *err)
{
	const struct rollout_part *part = &state->scenario->rollout;
	struct cluster *cluster = state->options->cluster;

	switch ((enum rollout_action)part->action) {
	case ROLLOUT_UPDATE:
		return cluster_update(cluster, err);
	case ROLLOUT_SCALE:
		return cluster_scale(cluster, (unsigned)part->to, err);
	case ROLLOUT_REMOVE:
		state->removed = true;
		return cluster_remove(cluster, err);
	case ROLLOUT_DRAIN:
	case ROLLOUT_NODE_DEATH:
		return on_node(state, node, err);
	}
	return false;
}

/* Until the manager misses the node it wants tasks there, and thinks that all is well. */
static bool is_missed(const struct rollout_state *state)
{
	const struct cluster *cluster = state->options->cluster;

	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		if (task->wanted && task->node && strcmp(task->node, state->dead) == 0)
			return false;
	}
	return true;
}

static bool has_settled(const void *arg)
{
	const struct rollout_state *state = arg;

	return (!state->dead || is_missed(state)) &&
		cluster_has_settled(state->options->cluster) &&
		(!state->balancer || balancer_has_settled(state->balancer));
}

/* Or the orchestrator has given up. */
static bool is_decided(const void *arg)
{
	const struct rollout_state *state = arg;

	return state->options->cluster->gave_up[0] || has_settled(state);
}

/* Every task that ended on a node with a witness has its stop. */
static bool is_told(const void *arg)
{
	const struct rollout_state *state = arg;
	const struct cluster *cluster = state->options->cluster;

	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		if (task->ended_ns && task->running_ns && task->container &&
			witnesses_expect(state->witnesses, task->container))
			return false;
	}
	return true;
}

static struct rollout_step *add_step(struct rollout_state *state, const char *node)
{
	const struct rollout_part *part = &state->scenario->rollout;
	struct rollout *rollout = state->rollout;
	struct rollout_step *added;
	const char *name = rollout_action_names[part->action];

	rollout->steps = mem_grown(
		rollout->steps, rollout->step_count + 1, sizeof *rollout->steps);
	added = &rollout->steps[rollout->step_count++];
	*added = (struct rollout_step){
		.what = part->action == ROLLOUT_SCALE
			? mem_textf("scale to %lld", (long long)part->to)
			: node ? mem_textf("%s of %s", name, node)
			       : mem_text(name),
		.asked_ns = clock_now(),
	};
	return added;
}

static bool acts_on_node(const struct rollout_part *part)
{
	return part->action == ROLLOUT_DRAIN || part->action == ROLLOUT_NODE_DEATH;
}

static bool gave_up(struct rollout_state *state)
{
	const char *words = state->options->cluster->gave_up;

	if (words[0] && !state->rollout->gave_up)
		state->rollout->gave_up = mem_text(words);
	return words[0];
}

/* False: there is no use in another one. */
static bool do_step(struct rollout_state *state, unsigned number)
{
	const struct rollout_part *part = &state->scenario->rollout;
	const char *node = acts_on_node(part) ? choose_node(state) : NULL;
	struct rollout_step *added = add_step(state, node);
	struct err err = {0};

	rollout_step_says(
		state, "%s, %u of %lld", added->what, number, (long long)part->times);
	if (!act(state, node, &err))
		return rollout_trouble(
			state, TROUBLE_NOT_UP, "%s: %s", added->what, err.text);
	switch (rollout_await(state, is_decided, part->within_ns)) {
	case WAIT_SO:
		if (gave_up(state))
			return false;
		added->settled_ns = clock_now();
		rollout_await(state, is_told, TOLD_NS);
		return true;
	case WAIT_DEADLINE:
		return false;
	case WAIT_INTERRUPTED:
		return rollout_trouble(state, TROUBLE_INTERRUPTED, "interrupted");
	}
	return false;
}

void rollout_act(struct rollout_state *state)
{
	const struct rollout_part *part = &state->scenario->rollout;
	bool goes_on = true;

	state->evidence->loaded_ns = clock_now();
	for (unsigned i = 1; goes_on && i <= part->times; i++)
		goes_on = do_step(state, i);
	state->evidence->stopped_ns = clock_now();
	rollout_load_go_on(state);
}

void rollout_mend(struct rollout_state *state)
{
	const struct rollout_part *part = &state->scenario->rollout;
	struct err err = {0};
	bool ok = true;

	if (state->drained)
		ok = cluster_activate(state->options->cluster, state->drained, &err);
	if (ok && state->dead && part->mend_node.count)
		ok = run_for_node(state, &part->mend_node, state->dead, &err);
	if (!ok)
		rollout_trouble(state, TROUBLE_NOT_UP, "%s", err.text);
}
