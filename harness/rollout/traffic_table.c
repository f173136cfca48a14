#include "harness/rollout/traffic_table.h"

#include <stdlib.h>

#include "lib/json.h"
#include "lib/mem.h"

const char *const traffic_phase_names[TRAFFIC_PHASES + 1] = {
	"before", "changing", "draining", "stopping", "after", NULL};

static const char *const connection_names[] = {"new", "reused"};

/* A moment at which tasks begin or cease to drain, or to stop. */
struct moment {
	int64_t ns;
	int draining, stopping; /* how many more, or fewer */
};

/* The moments of all tasks in their order, and what holds at the present one. A request is
 * looked up in the time of one step, for there may be a hundred thousand of each hundred
 * tasks. */
struct phases {
	const struct rollout *rollout;
	struct moment *moments;
	unsigned count, next; /* the first that has not come */
	int draining, stopping;
};

static void add_span(
	struct phases *phases, int64_t from_ns, int64_t until_ns, struct moment begin)
{
	if (until_ns && until_ns <= from_ns)
		return;
	begin.ns = from_ns;
	phases->moments[phases->count++] = begin;
	if (until_ns)
		phases->moments[phases->count++] =
			(struct moment){until_ns, -begin.draining, -begin.stopping};
}

/* Draining ends with the signal; where that was not seen, with the end. */
static void add_task(struct phases *phases, const struct rollout_task *task)
{
	const struct task_stop *stop = rollout_stop_of(phases->rollout, task);
	int64_t signal_ns = stop ? stop->signal_ns : 0;

	if (task->unwanted_ns)
		add_span(phases, task->unwanted_ns,
			signal_ns ? signal_ns : task->ended_ns,
			(struct moment){.draining = 1});
	if (signal_ns)
		add_span(phases, signal_ns, stop->exit_ns,
			(struct moment){.stopping = 1});
}

static int compare_moments(const void *one, const void *other)
{
	int64_t first = ((const struct moment *)one)->ns;
	int64_t second = ((const struct moment *)other)->ns;

	return (first > second) - (first < second);
}

static struct phases phases_of(const struct rollout *rollout)
{
	struct phases phases = {.rollout = rollout};

	phases.moments =
		mem_zeroed((4 * rollout->task_count + 1) * sizeof *phases.moments);
	for (unsigned i = 0; i < rollout->task_count; i++)
		add_task(&phases, &rollout->tasks[i]);
	qsort(phases.moments, phases.count, sizeof *phases.moments, compare_moments);
	return phases;
}

/* `ns` never goes back from one call to the next. */
static enum traffic_phase phase_at(struct phases *phases, int64_t ns)
{
	const struct rollout *rollout = phases->rollout;
	const struct rollout_step *last =
		rollout->step_count ? &rollout->steps[rollout->step_count - 1] : NULL;

	for (; phases->next < phases->count && phases->moments[phases->next].ns <= ns;
		phases->next++) {
		phases->draining += phases->moments[phases->next].draining;
		phases->stopping += phases->moments[phases->next].stopping;
	}
	if (!last || ns < rollout->steps[0].asked_ns)
		return TRAFFIC_BEFORE;
	if (phases->stopping > 0)
		return TRAFFIC_STOPPING;
	if (phases->draining > 0)
		return TRAFFIC_DRAINING;
	return last->settled_ns && ns >= last->settled_ns ? TRAFFIC_AFTER
							  : TRAFFIC_CHANGING;
}

static void count_late(struct traffic_table *table, const struct rollout *rollout,
	const struct traffic_record *request, enum traffic_connection connection)
{
	const struct rollout_task *task = rollout_task_of(rollout, request);
	const struct task_stop *stop = task ? rollout_stop_of(rollout, task) : NULL;
	int64_t *late_ns = &table->late_ns[connection];

	if (stop && stop->signal_ns && request->sent_ns >= stop->signal_ns &&
		request->ended_ns - stop->signal_ns > *late_ns)
		*late_ns = request->ended_ns - stop->signal_ns;
}

void traffic_table_fill(struct traffic_table *table, const struct rollout *rollout)
{
	int64_t finished_ns = rollout->traffic_ns;
	struct phases phases = phases_of(rollout);

	*table = (struct traffic_table){0};
	for (unsigned i = 0; i < rollout->request_count; i++) {
		const struct traffic_record *request = &rollout->requests[i];
		enum traffic_connection connection =
			request->reused ? TRAFFIC_REUSED : TRAFFIC_NEW;

		table->count[phase_at(&phases, request->ended_ns)][request->class]
			    [connection]++;
		table->repeated += request->repeats > 0;
		if (request->class != TRAFFIC_FINISHED)
			continue;
		if (request->ended_ns - finished_ns > table->longest_gap_ns)
			table->longest_gap_ns = request->ended_ns - finished_ns;
		finished_ns = request->ended_ns;
		count_late(table, rollout, request, connection);
	}
	if (rollout->held_ns - finished_ns > table->longest_gap_ns)
		table->longest_gap_ns = rollout->held_ns - finished_ns;
	free(phases.moments);
}

/* {"finished": {"new": 10, "reused": 12}, ...}, without the classes of none. */
static cJSON *phase_json(const struct traffic_table *table, enum traffic_phase phase)
{
	cJSON *json = cJSON_CreateObject();

	for (unsigned class = 0; class < TRAFFIC_CLASSES; class ++) {
		const unsigned *count = table->count[phase][class];
		cJSON *object;

		if (count[TRAFFIC_NEW] + count[TRAFFIC_REUSED] == 0)
			continue;
		object = cJSON_AddObjectToObject(json, traffic_class_names[class]);
		for (unsigned i = 0; i < TRAFFIC_CONNECTIONS; i++)
			json_add_int(object, connection_names[i], count[i]);
	}
	return json;
}

cJSON *traffic_table_json(const struct rollout *rollout)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *phases = cJSON_AddObjectToObject(json, "phases"), *late;
	struct traffic_table table;

	traffic_table_fill(&table, rollout);
	for (unsigned i = 0; i < TRAFFIC_PHASES; i++)
		cJSON_AddItemToObject(phases, traffic_phase_names[i],
			phase_json(&table, (enum traffic_phase)i));
	json_add_int(json, "requests", rollout->request_count);
	json_add_int(json, "repeated", table.repeated);
	json_add_int(json, "longest_gap_ns", table.longest_gap_ns);
	late = cJSON_AddObjectToObject(json, "late_ns");
	for (unsigned i = 0; i < TRAFFIC_CONNECTIONS; i++)
		json_add_int(late, connection_names[i], table.late_ns[i]);
	return json;
}
