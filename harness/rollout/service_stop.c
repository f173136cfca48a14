#include "harness/rollout/service_stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/rollout/witnesses.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define DEFAULT_GRACE_NS (10 * CLOCK_S)
#define SETTLED_NS       (10 * CLOCK_S)
#define EXTRA_NS         (60 * CLOCK_S) /* for the orchestrator, beside each grace */

struct run {
	const struct service_stop_options *options;
	struct service_stop *stop;
	struct cluster *cluster;
	struct witnesses *witnesses; /* NULL while they are opened */
};

static void on_changed(void *arg UNUSED)
{
}

/* --- the tasks that are to end --- */

static void add_task(
	struct service_stop *stop, const struct cluster_task *task, unsigned index)
{
	stop->tasks = mem_grown(stop->tasks, stop->count + 1, sizeof *stop->tasks);
	stop->tasks[stop->count++] = (struct service_task){
		.name = mem_text(task->name),
		.node = mem_text(task->node),
		.index = index,
	};
}

static bool is_settled(const void *arg)
{
	return cluster_has_settled(((const struct run *)arg)->cluster);
}

static int by_name(const void *one, const void *other)
{
	const struct service_task *a = one, *b = other;

	return strcmp(a->name, b->name);
}

/* One that does not come to rest is stopped as it is. */
static bool list_tasks(struct run *run, struct err *err)
{
	const struct cluster *cluster = run->cluster;
	const char *why;

	if (wait_until(run->options->loop, is_settled, run, clock_now() + SETTLED_NS,
		    run->options->interrupted) == WAIT_INTERRUPTED)
		return err_set(err, "interrupted");
	if (cluster->unobserved[0])
		return err_set(err, "%s", cluster->unobserved);

	for (unsigned i = 0; i < cluster->task_count; i++) {
		const struct cluster_task *task = &cluster->tasks[i];

		if (task->state == TASK_RUNNING && task->wanted)
			add_task(run->stop, task, i);
	}
	if (run->stop->count > 0)
		qsort(run->stop->tasks, run->stop->count, sizeof *run->stop->tasks,
			by_name);
	why = cluster_message(cluster);
	return run->stop->count > 0 ||
		err_set(err, "nothing runs of the service %s%s%.300s",
			run->options->service, why ? ": " : "", why ? why : "");
}

static const struct cluster_task *of(
	const struct run *run, const struct service_task *task)
{
	return &run->cluster->tasks[task->index];
}

static bool is_same(const char *one, const char *other)
{
	return one && other && strcmp(one, other) == 0;
}

static void on_stop(void *arg, struct task_stop *told)
{
	struct run *run = arg;

	for (unsigned i = 0; i < run->stop->count; i++) {
		struct service_task *task = &run->stop->tasks[i];

		if (task->told ||
			!(is_same(told->container, of(run, task)->container) ||
				is_same(told->task, of(run, task)->id)))
			continue;
		task->told = true;
		task->stop = *told;
		return;
	}
	task_stop_done(told);
}

/* --- the order --- */

static bool has_ended(const struct cluster_task *task)
{
	return task->state == TASK_ENDED || task->state == TASK_GONE;
}

static bool is_over(const struct run *run, const struct service_task *task)
{
	const char *container = of(run, task)->container;

	return task->told ||
		(has_ended(of(run, task)) &&
			!(container && witnesses_expect(run->witnesses, container)));
}

static bool is_done(const void *arg)
{
	const struct run *run = arg;

	for (unsigned i = 0; i < run->stop->count; i++) {
		if (!is_over(run, &run->stop->tasks[i]))
			return false;
	}
	return cluster_has_settled(run->cluster) || run->cluster->gave_up[0];
}

static int64_t bound_ns(const struct service_stop *stop)
{
	int64_t one_ns =
		(stop->grace_ns ? stop->grace_ns : DEFAULT_GRACE_NS) + EXTRA_NS;

	return stop->rolling ? stop->count * one_ns : one_ns;
}

static bool give_order(struct run *run, struct err *err)
{
	run->stop->ordered_ns = clock_now();
	return run->options->rolling ? cluster_update(run->cluster, err)
				     : cluster_scale(run->cluster, 0, err);
}

static void follow(struct run *run)
{
	struct service_stop *stop = run->stop;
	const struct cluster *cluster = run->cluster;
	int64_t ns = bound_ns(stop);

	switch (wait_until(run->options->loop, is_done, run, stop->ordered_ns + ns,
		run->options->interrupted)) {
	case WAIT_SO:
		if (cluster->gave_up[0])
			stop->trouble = mem_text(cluster->gave_up);
		else
			stop->settled_ns = clock_now();
		return;
	case WAIT_INTERRUPTED:
		stop->trouble = mem_text("interrupted: the order goes on without us");
		return;
	case WAIT_DEADLINE:
		break;
	}
	stop->trouble = cluster->unobserved[0]
		? mem_textf("the orchestrator could not be watched: %s",
			  cluster->unobserved)
		: mem_textf("it was not done within %s", CLOCK_TEXT(ns));
}

/* --- what became of each --- */

/* A witness does not know the grace of a service. */
static void compare_with_grace(struct run *run, struct task_stop *stop)
{
	int64_t grace_ns = run->stop->grace_ns;
	int64_t ns = stop->exit_ns - stop->signal_ns;

	if (stop->verdict != VERDICT_CLEAN || !grace_ns || !stop->signal_ns ||
		!stop->exit_ns || grace_ns - ns >= grace_ns / 5)
		return;
	stop->verdict = VERDICT_SLOW;
	free(stop->reason);
	stop->reason = mem_textf("%s: under a fifth of the grace of %s is left",
		CLOCK_TEXT(ns), CLOCK_TEXT(grace_ns));
}

static void conclude(struct run *run, struct service_task *task)
{
	if (task->told)
		task_stop_lose_node(&task->stop, of(run, task));
	else
		task->stop = task_stop_of_api(of(run, task));
	if (!task->told && !has_ended(of(run, task))) {
		task->stop.verdict = VERDICT_INCONCLUSIVE;
		free(task->stop.reason);
		task->stop.reason = mem_text("it still runs");
	}
	task->unwanted_ns = of(run, task)->unwanted_ns;
	compare_with_grace(run, &task->stop);
}

/* --- */

static bool open_witnesses(struct run *run, struct err *err)
{
	run->witnesses = witnesses_open(
		&(struct witnesses_options){
			.loop = run->options->loop,
			.cluster = run->cluster,
			.service = run->cluster->service,
			.addresses = run->options->witnesses,
			.interrupted = run->options->interrupted,
		},
		on_stop, run, err);
	return run->witnesses != NULL;
}

static bool begin(struct run *run, struct err *err)
{
	struct service_stop *stop = run->stop;

	run->cluster = cluster_create(run->options->loop, run->options->orchestrator,
		&(struct cluster_options){
			.run_id = "stop",
			.interrupted = run->options->interrupted,
		},
		err);
	if (!run->cluster ||
		!cluster_find(
			run->cluster, run->options->service, on_changed, run, err))
		return false;
	stop->orchestrator = run->cluster->kind;
	/* Kubernetes: with its namespace and kind. */
	stop->service = mem_text(strcmp(stop->orchestrator, "swarm") == 0
			? run->cluster->service
			: run->options->service);
	stop->cluster = cluster_fingerprint(run->cluster);
	stop->rolling = run->options->rolling;
	stop->replicas = run->cluster->replicas;
	stop->grace_ns = run->cluster->grace_ns;
	return list_tasks(run, err) && open_witnesses(run, err) && give_order(run, err);
}

bool service_stop_run(struct service_stop *stop,
	const struct service_stop_options *options, struct err *err)
{
	struct run run = {.options = options, .stop = stop};
	bool ok = begin(&run, err);

	if (ok)
		follow(&run);
	for (unsigned i = 0; ok && i < stop->count; i++)
		conclude(&run, &stop->tasks[i]);
	witnesses_close(run.witnesses);
	cluster_destroy(run.cluster);
	return ok;
}

int64_t service_stop_before_ns(
	const struct service_stop *stop, const struct service_task *task)
{
	int64_t from_ns = stop->rolling ? task->unwanted_ns : stop->ordered_ns;

	return from_ns && task->stop.signal_ns >= from_ns
		? task->stop.signal_ns - from_ns
		: -1;
}

void service_stop_done(struct service_stop *stop)
{
	for (unsigned i = 0; i < stop->count; i++) {
		free(stop->tasks[i].name);
		free(stop->tasks[i].node);
		task_stop_done(&stop->tasks[i].stop);
	}
	free(stop->tasks);
	free(stop->service);
	cJSON_Delete(stop->cluster);
	free(stop->trouble);
	*stop = (struct service_stop){0};
}
