#include "harness/cluster/task_list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static bool is_over(const struct cluster_task *task)
{
	return task->state == TASK_ENDED || task->state == TASK_GONE;
}

static struct cluster_task *find(struct cluster *cluster, const char *id)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		if (strcmp(cluster->tasks[i].id, id) == 0)
			return &cluster->tasks[i];
	return NULL;
}

static struct cluster_task *add(struct cluster *cluster, const char *id, int64_t now_ns)
{
	struct cluster_task *task;

	cluster->tasks = mem_grown(
		cluster->tasks, cluster->task_count + 1, sizeof *cluster->tasks);
	task = &cluster->tasks[cluster->task_count++];
	*task = (struct cluster_task){
		.id = mem_text(id),
		.state = TASK_PENDING,
		.wanted = true,
		.exit_code = -1,
		.created_ns = now_ns,
	};
	return task;
}

static bool learn(char **known, const char *said)
{
	if (!said || (*known && strcmp(*known, said) == 0))
		return false;
	free(*known);
	*known = mem_text(said);
	return true;
}

static bool learn_texts(struct cluster_task *task, const struct task_sight *sight)
{
	bool changed = learn(&task->name, sight->name);

	changed = learn(&task->node, sight->node) || changed;
	changed = learn(&task->container, sight->container) || changed;
	changed = learn(&task->address, sight->address) || changed;
	return learn(&task->message, sight->message) || changed;
}

static bool enter(struct cluster_task *task, enum task_state state, int64_t now_ns)
{
	if (state <= task->state)
		return false;
	task->state = state;
	if (state == TASK_RUNNING)
		task->running_ns = now_ns;
	if (is_over(task) && !task->ended_ns)
		task->ended_ns = now_ns;
	return true;
}

static bool set_flags(struct cluster_task *task, bool wanted, bool ready)
{
	bool is_ready = ready && wanted && task->state == TASK_RUNNING;
	bool changed = task->wanted != wanted || task->ready != is_ready;

	task->wanted = wanted;
	task->ready = is_ready;
	return changed;
}

static void note_unwanted(struct cluster_task *task, int64_t now_ns)
{
	if (!task->wanted && !task->unwanted_ns)
		task->unwanted_ns = now_ns;
}

bool task_list_see(
	struct cluster *cluster, const struct task_sight *sight, int64_t now_ns)
{
	struct cluster_task *task = find(cluster, sight->id);
	bool changed = !task;

	if (!task)
		task = add(cluster, sight->id, now_ns);
	task->listed = true;
	changed = learn_texts(task, sight) || changed;
	if (enter(task, sight->state, now_ns)) {
		task->lost = sight->lost && is_over(task);
		changed = true;
	}
	changed = set_flags(task, sight->wanted && !is_over(task), sight->ready) ||
		changed;
	if (!sight->by_itself)
		note_unwanted(task, now_ns);
	if (sight->exit_code >= 0 && sight->exit_code != task->exit_code) {
		task->exit_code = sight->exit_code;
		changed = true;
	}
	if (sight->ended_wall_ns) {
		task->ended_wall_ns = sight->ended_wall_ns;
		task->ended_error_ns = sight->ended_error_ns;
	}
	return changed;
}

void task_list_begin(struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++)
		cluster->tasks[i].listed = false;
}

bool task_list_end(struct cluster *cluster, int64_t now_ns)
{
	bool changed = false;

	for (unsigned i = 0; i < cluster->task_count; i++) {
		struct cluster_task *task = &cluster->tasks[i];

		bool had_ended = task->state == TASK_ENDED;

		if (task->listed || !enter(task, TASK_GONE, now_ns))
			continue;
		set_flags(task, false, false);
		if (!had_ended)
			note_unwanted(task, now_ns);
		changed = true;
	}
	return changed;
}

void task_list_done(struct cluster *cluster)
{
	for (unsigned i = 0; i < cluster->task_count; i++) {
		struct cluster_task *task = &cluster->tasks[i];

		free(task->id);
		free(task->name);
		free(task->node);
		free(task->container);
		free(task->address);
		free(task->message);
	}
	free(cluster->tasks);
	cluster->tasks = NULL;
	cluster->task_count = 0;
}

struct task_counts task_list_count(const struct cluster *cluster)
{
	struct task_counts counts = {0};

	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		counts.wanted += task->wanted;
		counts.ready += task->ready;
		counts.ending += !task->wanted && !is_over(task);
	}
	return counts;
}
