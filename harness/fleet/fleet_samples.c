#include "harness/fleet/fleet_samples.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

const char *const fleet_span_names[FLEET_SPANS + 1] = {
	"begin", "wait", "stop", "start", "next", "end", NULL};

/* A task that was replaced, and the one in its place. In ns since the first action. */
struct pair {
	int64_t unwanted_ns, signal_ns, ended_ns; /* of the old one */
	int64_t created_ns, running_ns;           /* of the new one */
	bool taken; /* its order is the next one of an earlier pair */
};

struct pairs {
	struct pair *list;
	unsigned count;
};

void fleet_samples_done(struct fleet_samples *samples)
{
	for (unsigned i = 0; i < FLEET_SPANS; i++)
		free(samples->span[i]);
	free(samples->updates);
	*samples = (struct fleet_samples){0};
}

void fleet_samples_add(struct fleet_samples *samples, enum fleet_span span, double s)
{
	double **list = &samples->span[span];
	unsigned *count = &samples->count[span];

	*list = mem_grown(*list, *count + 1, sizeof **list);
	(*list)[(*count)++] = s > 0 ? s : 0;
}

static void add_ns(struct fleet_samples *samples, enum fleet_span span, int64_t from_ns,
	int64_t to_ns)
{
	fleet_samples_add(samples, span, (double)(to_ns - from_ns) / CLOCK_S);
}

/* --- the pairs of one update --- */

/* The next one of the same slot; NULL: there is none. */
static const cJSON *replacement_of(const cJSON *tasks, const cJSON *old)
{
	const char *name = json_text(old, "name");
	int64_t created_ns = json_int(old, "created_ns", INT64_MIN);
	const cJSON *found = NULL, *task;

	cJSON_ArrayForEach(task, tasks) {
		int64_t ns = json_int(task, "created_ns", INT64_MIN);
		const char *other = json_text(task, "name");

		if (!name || !other || strcmp(name, other) != 0 || ns <= created_ns ||
			!cJSON_IsNumber(json_get(task, "running_ns")))
			continue;
		if (!found || ns < json_int(found, "created_ns", 0))
			found = task;
	}
	return found;
}

static void add_pair(struct pairs *pairs, const cJSON *old, const cJSON *new)
{
	int64_t unwanted_ns = json_int(old, "unwanted_ns", 0);
	int64_t ended_ns = json_int(old, "ended_ns", unwanted_ns);
	int64_t stop_ns = json_int(old, "stop_ns", ended_ns - unwanted_ns);

	pairs->list = mem_grown(pairs->list, pairs->count + 1, sizeof *pairs->list);
	pairs->list[pairs->count++] = (struct pair){
		.unwanted_ns = unwanted_ns,
		.signal_ns = unwanted_ns +
			json_int(old, "before_signal_ns",
				ended_ns - unwanted_ns - stop_ns),
		.ended_ns = ended_ns,
		.created_ns = json_int(new, "created_ns", 0),
		.running_ns = json_int(new, "running_ns", 0),
	};
}

static struct pairs pairs_of(const cJSON *tasks, int64_t from_ns, int64_t to_ns)
{
	struct pairs pairs = {0};
	const cJSON *task;

	cJSON_ArrayForEach(task, tasks) {
		int64_t unwanted_ns = json_int(task, "unwanted_ns", INT64_MIN);
		const cJSON *new = replacement_of(tasks, task);

		if (new &&unwanted_ns >= from_ns &&
			unwanted_ns <
				to_ns &&cJSON_IsNumber(json_get(task, "ended_ns")))
			add_pair(&pairs, task, new);
	}
	return pairs;
}

/* The moment at which the orchestrator turned to the slot. */
static int64_t order_of(const struct pair *pair, bool start_first)
{
	return start_first ? pair->created_ns : pair->unwanted_ns;
}

/* The first order after ns that is no other pair's next one yet. */
static struct pair *next_of(struct pairs *pairs, int64_t ns, bool start_first)
{
	struct pair *next = NULL;

	for (unsigned i = 0; i < pairs->count; i++) {
		struct pair *pair = &pairs->list[i];

		if (!pair->taken && order_of(pair, start_first) >= ns &&
			(!next ||
				order_of(pair, start_first) <
					order_of(next, start_first)))
			next = pair;
	}
	return next;
}

static int by_running(const void *a, const void *b)
{
	int64_t first = ((const struct pair *)a)->running_ns;
	int64_t second = ((const struct pair *)b)->running_ns;

	return (first > second) - (first < second);
}

static void add_pairs(
	struct fleet_samples *samples, struct pairs *pairs, bool start_first)
{
	for (unsigned i = 0; i < pairs->count; i++) {
		const struct pair *pair = &pairs->list[i];
		struct pair *next = next_of(pairs, pair->running_ns, start_first);

		add_ns(samples, FLEET_WAIT, pair->unwanted_ns, pair->signal_ns);
		add_ns(samples, FLEET_STOP, pair->signal_ns, pair->ended_ns);
		add_ns(samples, FLEET_START,
			start_first ? pair->created_ns : pair->ended_ns,
			pair->running_ns);
		if (!next)
			continue;
		next->taken = true;
		add_ns(samples, FLEET_NEXT, pair->running_ns,
			order_of(next, start_first));
	}
}

/* --- updates --- */

static bool is_start_first(const struct pairs *pairs)
{
	unsigned count = 0;

	for (unsigned i = 0; i < pairs->count; i++)
		count += pairs->list[i].running_ns < pairs->list[i].ended_ns;
	return 2 * count > pairs->count;
}

static bool read_update(
	struct fleet_samples *samples, const cJSON *step, const cJSON *tasks)
{
	int64_t asked_ns = json_int(step, "asked_ns", 0);
	int64_t settled_ns = asked_ns + json_int(step, "took_ns", 0);
	struct pairs pairs = pairs_of(tasks, asked_ns, settled_ns);
	int64_t first_ns = INT64_MAX, last_ns = 0;
	bool start_first = is_start_first(&pairs);

	if (pairs.count == 0)
		return false;
	qsort(pairs.list, pairs.count, sizeof *pairs.list, by_running);
	samples->mixed = samples->mixed ||
		(samples->update_count > 0 && samples->start_first != start_first);
	samples->start_first = start_first;
	for (unsigned i = 0; i < pairs.count; i++) {
		const struct pair *pair = &pairs.list[i];
		int64_t order_ns = order_of(pair, start_first);
		int64_t over_ns = pair->running_ns > pair->ended_ns ? pair->running_ns
								    : pair->ended_ns;

		first_ns = order_ns < first_ns ? order_ns : first_ns;
		last_ns = over_ns > last_ns ? over_ns : last_ns;
	}
	add_ns(samples, FLEET_BEGIN, asked_ns, first_ns);
	add_ns(samples, FLEET_END, last_ns, settled_ns);
	add_pairs(samples, &pairs, start_first);
	samples->updates = mem_grown(
		samples->updates, samples->update_count + 1, sizeof *samples->updates);
	samples->updates[samples->update_count++] =
		(double)(settled_ns - asked_ns) / CLOCK_S;
	free(pairs.list);
	return true;
}

static unsigned read_rollout(struct fleet_samples *samples, const cJSON *rollout)
{
	const cJSON *step;
	unsigned count = 0;

	cJSON_ArrayForEach(step, json_get(rollout, "steps")) {
		const char *what = json_text(step, "what");

		if (what && strcmp(what, "update") == 0 &&
			cJSON_IsNumber(json_get(step, "took_ns")))
			count += read_update(samples, step, json_get(rollout, "tasks"));
	}
	return count;
}

static unsigned read_stop(struct fleet_samples *samples, const cJSON *round)
{
	const cJSON *stop = json_get(round, "stop_ns");
	const cJSON *ready = json_at(round, "phases_ns.ready");

	if (!cJSON_IsNumber(stop))
		return 0;
	fleet_samples_add(samples, FLEET_STOP, stop->valuedouble / CLOCK_S);
	if (cJSON_IsNumber(ready))
		fleet_samples_add(samples, FLEET_START, ready->valuedouble / CLOCK_S);
	return 1;
}

unsigned fleet_samples_read(struct fleet_samples *samples, const cJSON *results)
{
	unsigned count = 0;
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		const char *half = json_text(round, "half");
		const cJSON *rollout = json_get(round, "rollout");

		if (json_bool(round, "warm_up", false) ||
			(half && strcmp(half, "twin") == 0))
			continue;
		count += rollout ? read_rollout(samples, rollout)
				 : read_stop(samples, round);
	}
	return count;
}
