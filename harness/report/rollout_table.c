#include "harness/report/rollout_table.h"

#include <string.h>

#include "harness/results/case_rounds.h"
#include "harness/rollout/traffic_class.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define INDENT    4
#define TASKS_MAX 8 /* that are told one by one; results.json has all */

static bool says(const cJSON *json, const char *key, const char *text)
{
	const char *value = json_text(json, key);

	return value && strcmp(value, text) == 0;
}

/* "update, 50 times: 21.1s to 24.0s each". */
static void print_steps(
	const cJSON *rollout, const struct terminal *terminal, FILE *out)
{
	int64_t least_ns = INT64_MAX, most_ns = 0;
	const cJSON *steps = json_get(rollout, "steps"), *step;
	unsigned count = 0, done = 0;
	SCOPED(mem_free) char *text = NULL;

	cJSON_ArrayForEach(step, steps) {
		int64_t took_ns = json_int(step, "took_ns", -1);

		count++;
		if (took_ns < 0)
			continue;
		done++;
		least_ns = took_ns < least_ns ? took_ns : least_ns;
		most_ns = took_ns > most_ns ? took_ns : most_ns;
	}
	if (count == 0)
		return;
	if (done == 0)
		text = mem_textf("%s: not done", json_text(steps->child, "what"));
	else if (count == 1)
		text = mem_textf(
			"%s: %s", json_text(steps->child, "what"), CLOCK_TEXT(most_ns));
	else
		text = mem_textf("%s, %u of %u times: %s to %s each",
			json_text(steps->child, "what"), done, count,
			CLOCK_TEXT(least_ns), CLOCK_TEXT(most_ns));
	terminal_paragraph(terminal, out, INDENT, text);
}

static unsigned count_tasks(const cJSON *tasks, const char *key, const char *value)
{
	const cJSON *task;
	unsigned count = 0;

	cJSON_ArrayForEach(task, tasks)
		count += says(task, key, value) && json_text(task, "verdict");
	return count;
}

/* "12 stops: 11 clean, 1 killed; 12 seen by witnesses, 0 by the API alone". */
static void print_stops(
	const cJSON *rollout, const struct terminal *terminal, FILE *out)
{
	const cJSON *tasks = json_get(rollout, "tasks");
	SCOPED(buf_done) struct buf text = {0};
	unsigned stops = 0;

	for (unsigned i = 0; i < VERDICTS; i++)
		stops += count_tasks(tasks, "verdict", verdict_names[i]);
	if (stops == 0) {
		terminal_paragraph(terminal, out, INDENT, "no stop was seen");
		return;
	}
	buf_addf(&text, "%u stop%s: ", stops, stops == 1 ? "" : "s");
	for (unsigned i = 0, printed = 0; i < VERDICTS; i++) {
		unsigned count = count_tasks(tasks, "verdict", verdict_names[i]);

		if (count)
			buf_addf(&text, "%s%u %s", printed++ ? ", " : "", count,
				verdict_names[i]);
	}
	buf_addf(&text, "; %u seen by a witness, %u by the API alone",
		count_tasks(tasks, "seen_by", "witness"),
		count_tasks(tasks, "seen_by", "api"));
	terminal_paragraph(terminal, out, INDENT, buf_text(&text));
}

static char *task_text(const cJSON *task)
{
	const cJSON *diagnosis =
		json_get(task, "diagnoses") ? json_get(task, "diagnoses")->child : NULL;
	const char *node = json_text(task, "node");
	int64_t code = json_int(task, "exit_code", -1);
	int64_t stop_ns = json_int(task, "stop_ns", -1);
	SCOPED(mem_free)
	char *exit = code < 0 ? mem_text("exit code not known")
			      : mem_textf("exit code %lld", (long long)code);

	return mem_textf("%s on %s: %s, %s%s%s%s%s%s", json_text(task, "name"),
		node ? node : "no node", json_text(task, "verdict"), exit,
		stop_ns >= 0 ? " after " : "", stop_ns >= 0 ? CLOCK_TEXT(stop_ns) : "",
		diagnosis ? "; " : "", diagnosis ? json_text(diagnosis, "id") : "",
		diagnosis ? " " : "");
}

/* The bad ones, each with its cause. */
static void print_tasks(
	const cJSON *rollout, const struct terminal *terminal, FILE *out)
{
	const cJSON *task;
	unsigned bad = 0;

	cJSON_ArrayForEach(task, json_get(rollout, "tasks")) {
		const cJSON *diagnoses = json_get(task, "diagnoses");
		SCOPED(mem_free) char *text = NULL;
		SCOPED(mem_free) char *line = NULL;

		if (!json_text(task, "verdict") || says(task, "verdict", "clean") ||
			++bad > TASKS_MAX)
			continue;
		text = task_text(task);
		line = mem_textf("%s%s", text,
			diagnoses && diagnoses->child
				? json_text(diagnoses->child, "text")
				: "");
		terminal_paragraph(terminal, out, INDENT, line);
	}
	if (bad > TASKS_MAX) {
		SCOPED(mem_free)
		char *more = mem_textf("and %u more", bad - TASKS_MAX);

		terminal_paragraph(terminal, out, INDENT, more);
	}
}

/* --- the requests --- */

/* New and reused connections together. */
static int64_t requests_of(const cJSON *phase, const char *class)
{
	const cJSON *counts = json_get(phase, class);

	return json_int(counts, "new", 0) + json_int(counts, "reused", 0);
}

static int64_t requests_of_class(const cJSON *phases, const char *class)
{
	const cJSON *phase;
	int64_t count = 0;

	cJSON_ArrayForEach(phase, phases)
		count += requests_of(phase, class);
	return count;
}

/* A row for each class that there was, a column for each phase. */
static void print_requests(const cJSON *rollout, FILE *out)
{
	const cJSON *traffic = json_get(rollout, "traffic");
	const cJSON *phases = json_get(traffic, "phases"), *phase;

	if (json_int(traffic, "requests", 0) == 0)
		return;
	fprintf(out, "    %-12s", "REQUESTS");
	cJSON_ArrayForEach(phase, phases)
		fprintf(out, " %9s", phase->string);
	fprintf(out, " %9s\n", "all");
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++) {
		const char *class = traffic_class_names[i];

		if (requests_of_class(phases, class) == 0)
			continue;
		fprintf(out, "    %-12s", class);
		cJSON_ArrayForEach(phase, phases)
			fprintf(out, " %9lld", (long long)requests_of(phase, class));
		fprintf(out, " %9lld\n", (long long)requests_of_class(phases, class));
	}
}

static void print_times(
	const cJSON *rollout, const struct terminal *terminal, FILE *out)
{
	const cJSON *traffic = json_get(rollout, "traffic");
	const cJSON *late = json_get(traffic, "late_ns");
	int64_t new_ns = json_int(late, "new", 0),
		reused_ns = json_int(late, "reused", 0);
	SCOPED(buf_done) struct buf text = {0};

	if (json_int(traffic, "requests", 0) == 0)
		return;
	buf_addf(&text, "The longest time without a finished request: %s.",
		CLOCK_TEXT(json_int(traffic, "longest_gap_ns", 0)));
	if (new_ns || reused_ns)
		buf_addf(&text,
			" Tasks finished requests that came up to %s after their stop signal.",
			CLOCK_TEXT(new_ns > reused_ns ? new_ns : reused_ns));
	terminal_paragraph(terminal, out, INDENT, buf_text(&text));
}

void rollout_tables_print(const cJSON *results, FILE *out)
{
	const struct terminal terminal = terminal_of(out);
	const cJSON *round;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		const cJSON *rollout = json_get(round, "rollout");
		SCOPED(mem_free) char *title =
			rollout ? case_rounds_title(round) : NULL;

		if (!rollout)
			continue;
		terminal_print(out, "\n%s\n", title);
		print_steps(rollout, &terminal, out);
		print_stops(rollout, &terminal, out);
		print_tasks(rollout, &terminal, out);
		print_requests(rollout, out);
		print_times(rollout, &terminal, out);
	}
}
