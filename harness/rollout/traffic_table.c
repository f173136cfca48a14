#include "harness/rollout/traffic_table.h"

#include "lib/json.h"

const char *const traffic_phase_names[TRAFFIC_PHASES + 1] = {
	"before", "changing", "draining", "stopping", "after", NULL};

static const char *const connection_names[] = {"new", "reused"};

static bool stops_at(const struct task_stop *stop, int64_t ns)
{
	return stop && stop->signal_ns && stop->signal_ns <= ns &&
		(!stop->exit_ns || ns < stop->exit_ns);
}

static bool drains_at(
	const struct rollout_task *task, const struct task_stop *stop, int64_t ns)
{
	int64_t until_ns = stop && stop->signal_ns ? stop->signal_ns : task->ended_ns;

	return task->unwanted_ns && task->unwanted_ns <= ns &&
		(!until_ns || ns < until_ns);
}

static enum traffic_phase phase_at(const struct rollout *rollout, int64_t ns)
{
	const struct rollout_step *last =
		rollout->step_count ? &rollout->steps[rollout->step_count - 1] : NULL;
	enum traffic_phase phase = TRAFFIC_CHANGING;

	if (!last || ns < rollout->steps[0].asked_ns)
		return TRAFFIC_BEFORE;
	for (unsigned i = 0; i < rollout->task_count; i++) {
		const struct rollout_task *task = &rollout->tasks[i];
		const struct task_stop *stop = rollout_stop_of(rollout, task);

		if (stops_at(stop, ns))
			return TRAFFIC_STOPPING;
		if (drains_at(task, stop, ns))
			phase = TRAFFIC_DRAINING;
	}
	if (phase == TRAFFIC_CHANGING && last->settled_ns && ns >= last->settled_ns)
		phase = TRAFFIC_AFTER;
	return phase;
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

	*table = (struct traffic_table){0};
	for (unsigned i = 0; i < rollout->request_count; i++) {
		const struct traffic_record *request = &rollout->requests[i];
		enum traffic_connection connection =
			request->reused ? TRAFFIC_REUSED : TRAFFIC_NEW;

		table->count[phase_at(rollout, request->ended_ns)][request->class]
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
}

/* {"finished": {"new": 10, "reused": 12}, ...}, without the classes of none. */
static cJSON *phase_json(const struct traffic_table *table, enum traffic_phase phase)
{
	cJSON *json = cJSON_CreateObject();

	for (unsigned class = 0; class < TRAFFIC_CLASSES; class++) {
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
