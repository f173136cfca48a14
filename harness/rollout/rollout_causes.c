#include "harness/rollout/rollout_causes.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/mem.h"

/* A request that failed. */
struct failure {
	const struct traffic_record *request;
	const struct rollout_task *task; /* NULL: not known */
	/* The task's stop signal; where nobody on its node has seen that, when the
	 * orchestrator was seen to want it stopped. 0: it was not stopped. */
	int64_t told_ns;
	bool is_signal;
	bool was_ready; /* the task had finished a request before this one ended */
};

/* Each request is looked up once: there may be a hundred thousand. */
struct causes {
	const struct rollout *rollout;
	struct failure *failures; /* owned */
	unsigned count;
};

static struct failure failure_of(
	const struct rollout *rollout, const struct traffic_record *request)
{
	struct failure failure = {
		.request = request,
		.task = rollout_task_of(rollout, request),
	};
	const struct task_stop *stop =
		failure.task ? rollout_stop_of(rollout, failure.task) : NULL;

	failure.is_signal = stop && stop->signal_ns;
	if (stop)
		failure.told_ns =
			stop->signal_ns ? stop->signal_ns : failure.task->unwanted_ns;
	return failure;
}

/* When each task finished its first request; 0: never. The caller's. */
static int64_t *first_finished(const struct rollout *rollout)
{
	int64_t *first_ns = mem_zeroed((rollout->task_count + 1) * sizeof *first_ns);

	for (unsigned i = 0; i < rollout->request_count; i++) {
		const struct traffic_record *request = &rollout->requests[i];
		const struct rollout_task *task = request->class == TRAFFIC_FINISHED
			? rollout_task_of(rollout, request)
			: NULL;
		int64_t *ns = task ? &first_ns[task - rollout->tasks] : NULL;

		if (ns && (!*ns || request->ended_ns < *ns))
			*ns = request->ended_ns;
	}
	return first_ns;
}

static struct causes causes_of(const struct rollout *rollout)
{
	struct causes causes = {.rollout = rollout};
	int64_t *first_ns = first_finished(rollout);

	causes.failures =
		mem_zeroed((rollout_failed(rollout) + 1) * sizeof *causes.failures);
	for (unsigned i = 0; i < rollout->request_count; i++) {
		const struct traffic_record *request = &rollout->requests[i];
		struct failure *failure = &causes.failures[causes.count];
		int64_t ready_ns;

		if (!traffic_class_failed((enum traffic_class)request->class))
			continue;
		*failure = failure_of(rollout, request);
		ready_ns = failure->task ? first_ns[failure->task - rollout->tasks] : 0;
		failure->was_ready = ready_ns && ready_ns <= request->ended_ns;
		causes.count++;
	}
	free(first_ns);
	return causes;
}

/* Of a task that its node did not take with it. */
static bool is_of_task(const struct failure *failure)
{
	return failure->task && !failure->task->died_with_node;
}

static bool after_signal(const struct failure *failure)
{
	return failure->told_ns && failure->request->sent_ns >= failure->told_ns;
}

static bool across_signal(const struct failure *failure)
{
	return failure->told_ns && failure->request->sent_ns < failure->told_ns &&
		failure->request->ended_ns >= failure->told_ns;
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static bool stopped_in_the_balancer(const struct causes *causes, struct buf *text)
{
	int64_t least_ns = INT64_MAX, most_ns = 0;
	unsigned count = 0;
	bool are_signals = true;

	for (unsigned i = 0; i < causes->count; i++) {
		const struct failure *failure = &causes->failures[i];
		int64_t late_ns = failure->request->sent_ns - failure->told_ns;

		if (!is_of_task(failure) || !after_signal(failure))
			continue;
		are_signals = are_signals && failure->is_signal;
		least_ns = late_ns < least_ns ? late_ns : least_ns;
		most_ns = late_ns > most_ns ? late_ns : most_ns;
		count++;
	}
	return count > 0 &&
		buf_addf(text,
			"%u request%s failed at tasks that %s, %s to %s "
			"after it: the balancer still sent %s there",
			count, plural(count),
			are_signals ? "had got the stop signal"
				    : "the orchestrator had ordered to stop",
			CLOCK_TEXT(least_ns), CLOCK_TEXT(most_ns),
			count == 1 ? "it" : "them");
}

static bool cut_by_the_stop(const struct causes *causes, struct buf *text)
{
	unsigned count = 0;

	for (unsigned i = 0; i < causes->count; i++) {
		const struct failure *failure = &causes->failures[i];

		count += is_of_task(failure) && across_signal(failure);
	}
	return count > 0 &&
		buf_addf(text,
			"%u request%s had been sent to tasks before these were stopped, and "
			"failed after it",
			count, plural(count));
}

static bool not_ready_yet(const struct causes *causes, struct buf *text)
{
	unsigned count = 0;

	for (unsigned i = 0; i < causes->count; i++) {
		const struct failure *failure = &causes->failures[i];

		count += is_of_task(failure) && !failure->was_ready &&
			!after_signal(failure) && !across_signal(failure);
	}
	return count > 0 &&
		buf_addf(text,
			"%u request%s failed at tasks that had not answered one yet",
			count, plural(count));
}

static bool died_with_its_node(const struct causes *causes, struct buf *text)
{
	const char *node = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < causes->count; i++) {
		const struct rollout_task *task = causes->failures[i].task;

		if (!task || !task->died_with_node)
			continue;
		node = task->node;
		count++;
	}
	return count > 0 &&
		buf_addf(text, "%u request%s failed at tasks of %s, which died", count,
			plural(count), node);
}

static bool takes_requests_at(const struct rollout_task *task, int64_t ns)
{
	return task->running_ns && task->running_ns <= ns &&
		(!task->unwanted_ns || task->unwanted_ns > ns) &&
		(!task->ended_ns || task->ended_ns > ns);
}

static bool has_task_at(const struct rollout *rollout, int64_t ns)
{
	for (unsigned i = 0; i < rollout->task_count; i++) {
		if (takes_requests_at(&rollout->tasks[i], ns))
			return true;
	}
	return false;
}

/* From `ns`, at which no task takes requests, until one does. */
static int64_t gap_from(const struct rollout *rollout, int64_t ns)
{
	int64_t until_ns = rollout->held_ns;

	for (unsigned i = 0; i < rollout->task_count; i++) {
		int64_t running_ns = rollout->tasks[i].running_ns;

		if (running_ns > ns && running_ns < until_ns)
			until_ns = running_ns;
	}
	return until_ns > ns ? until_ns - ns : 0;
}

/* The time without a task begins where the last one stops to take requests. */
static bool no_task_took_requests(const struct causes *causes, struct buf *text)
{
	const struct rollout *rollout = causes->rollout;
	unsigned lost = 0, turned_away = 0;
	int64_t gap_ns = 0;

	for (unsigned i = 0; i < rollout->task_count; i++) {
		int64_t ns = rollout->tasks[i].unwanted_ns;
		bool first =
			ns && ns >= rollout->traffic_ns && !has_task_at(rollout, ns);

		/* Tasks that are stopped at the same moment are one gap. */
		for (unsigned k = 0; first && k < i; k++)
			first = rollout->tasks[k].unwanted_ns != ns;
		if (first)
			gap_ns += gap_from(rollout, ns);
	}
	for (unsigned i = 0; i < rollout->request_count; i++) {
		const struct traffic_record *request = &rollout->requests[i];

		if (has_task_at(rollout, request->ended_ns))
			continue;
		lost += traffic_class_failed((enum traffic_class)request->class);
		turned_away += request->class == TRAFFIC_TURNED_AWAY;
	}
	return gap_ns > 0 &&
		buf_addf(text,
			"for %s no task took requests: %u request%s failed and %u %s turned "
			"away",
			CLOCK_TEXT(gap_ns), lost, plural(lost), turned_away,
			turned_away == 1 ? "was" : "were");
}

static bool never_started(const struct causes *causes, struct buf *text)
{
	const struct rollout *rollout = causes->rollout;
	const struct rollout_task *first = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < rollout->task_count; i++) {
		const struct rollout_task *task = &rollout->tasks[i];

		if (!task->ended_ns || task->running_ns || task->unwanted_ns)
			continue;
		first = first ? first : task;
		count++;
	}
	return count > 0 &&
		buf_addf(text, "%u task%s ended before %s ran; %s on %s: \"%.200s\"",
			count, plural(count), count == 1 ? "it" : "they", first->name,
			first->node ? first->node : "no node",
			first->message ? first->message : "no reason is told");
}

static bool never_settled(const struct causes *causes, struct buf *text)
{
	const struct rollout *rollout = causes->rollout;
	for (unsigned i = 0; i < rollout->step_count; i++) {
		const struct rollout_step *step = &rollout->steps[i];
		const char *why =
			rollout->gave_up ? rollout->gave_up : rollout->unobserved;

		if (!step->settled_ns)
			return buf_addf(text, "the %s was not done after %s%s%.200s",
				step->what,
				CLOCK_TEXT(rollout->held_ns - step->asked_ns),
				why ? ": " : "", why ? why : "");
	}
	return false;
}

/* Where there is a balancer, whatever a task answers has the task's address. */
static bool is_of_balancer(
	const struct rollout *rollout, const struct traffic_record *request)
{
	return rollout->backend_count > 1 && request->backend == 0 &&
		request->class == TRAFFIC_SERVER_ERROR;
}

static bool answered_by_the_balancer(const struct causes *causes, struct buf *text)
{
	enum { STATUSES = 100 };
	unsigned of_status[STATUSES] = {0}, count = 0, said = 0;

	for (unsigned i = 0; i < causes->count; i++) {
		const struct traffic_record *request = causes->failures[i].request;

		if (!is_of_balancer(causes->rollout, request))
			continue;
		of_status[request->status % STATUSES]++;
		count++;
	}
	if (count == 0)
		return false;
	buf_addf(text,
		"%u request%s failed with a 5xx of the balancer's own, which no task sent: ",
		count, plural(count));
	for (unsigned i = 0; i < STATUSES; i++) {
		if (of_status[i] > 0)
			buf_addf(text, "%s%u with 5%02u", said++ ? ", " : "",
				of_status[i], i);
	}
	return true;
}

/* Not by the action "node-death". */
static bool node_went_down(const struct causes *causes, struct buf *text)
{
	const struct rollout *rollout = causes->rollout;
	const char *node = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < rollout->task_count; i++) {
		const struct rollout_task *task = &rollout->tasks[i];

		if (!rollout_lost_task(rollout, task))
			continue;
		node = task->node;
		count++;
	}
	return count > 0 &&
		buf_addf(text, "%s went down, and %u task%s with it",
			node ? node : "a node", count, plural(count));
}

/* True when the diagnosis holds; then `text` has its sentence. */
static const struct {
	enum diagnosis_id id;
	bool (*holds)(const struct causes *causes, struct buf *text);
} rules[] = {
#define DIAGNOSIS(...)                   /* of one stop */
#define ROLLOUT_DIAGNOSIS(id, rule, ...) {DIAGNOSIS_##id, rule},
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

void rollout_causes(struct judgement *judgement, const struct rollout *rollout)
{
	struct causes causes = causes_of(rollout);

	for (size_t i = 0; i < COUNT(rules); i++) {
		SCOPED(buf_done) struct buf text = {0};
		struct diagnosis *diagnosis;

		if (judgement->diagnosis_count == DIAGNOSES ||
			!rules[i].holds(&causes, &text))
			continue;
		diagnosis = &judgement->diagnoses[judgement->diagnosis_count++];
		diagnosis->id = rules[i].id;
		snprintf(
			diagnosis->text, sizeof diagnosis->text, "%s", buf_text(&text));
	}
	free(causes.failures);
}
