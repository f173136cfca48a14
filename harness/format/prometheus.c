#include "harness/format/prometheus.h"

#include <math.h>
#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/round_sample.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

static void put_label(FILE *out, const char *name, const char *value)
{
	SCOPED(mem_free) char *line = utf8_mend(value ? value : "", "");

	fprintf(out, "%s=\"", name);
	for (const char *at = line; *at; at++) {
		if (*at == '\\' || *at == '"')
			fputs("\\", out);
		fputc(*at, out);
	}
	fputs("\"", out);
}

/* "load.sessions=3 stop.grace=1s" */
static char *axes_text(const cJSON *axes)
{
	struct buf text = {0};
	const cJSON *axis;

	cJSON_ArrayForEach(axis, axes) {
		SCOPED(mem_free) char *value = cJSON_IsString(axis)
			? mem_text(axis->valuestring)
			: json_print(axis);

		buf_addf(&text, "%s%s=%s", text.len ? " " : "", axis->string, value);
	}
	return text.data ? buf_take(&text) : mem_text("");
}

/* --- what is measured of a case; NAN: not known --- */

static double stop_seconds(const struct table_row *row)
{
	return round_median(row->rounds, row->count, "stop_ns") / (double)CLOCK_S;
}

static double stop_over_limit(const struct table_row *row)
{
	return round_median(row->rounds, row->count, "stop_over_limit");
}

static double grace_seconds(const struct table_row *row)
{
	return (double)json_int(row->worst, "grace_ns", 0) / (double)CLOCK_S;
}

static double is_met(const struct table_row *row)
{
	return row->not_run ? NAN : row->met;
}

static double killed_rounds(const struct table_row *row)
{
	unsigned killed = 0;

	for (unsigned i = 0; i < row->count; i++) {
		const char *verdict = json_text(row->rounds[i], "verdict");

		killed +=
			verdict && strcmp(verdict, verdict_names[VERDICT_KILLED]) == 0;
	}
	return killed;
}

static double rounds(const struct table_row *row)
{
	return row->count;
}

static const struct metric {
	const char *name, *help;
	double (*value)(const struct table_row *row);
} metrics[] = {
	{"stopbench_stop_seconds",
		"From the delivery of the stop signal to the end of PID 1: the median.",
		stop_seconds},
	{"stopbench_stop_over_limit_ratio",
		"The stop as a multiple of the slowest latency that is planted in its way.",
		stop_over_limit},
	{"stopbench_grace_seconds", "The grace period.", grace_seconds},
	{"stopbench_case_met",
		"1: every expectation is met; absent where the case could not run.",
		is_met},
	{"stopbench_case_killed_rounds",
		"In how many of them the grace expired: these have no stop time.",
		killed_rounds},
	{"stopbench_case_rounds", "How often the case was run.", rounds},
};

static void put_head(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_metric(
	FILE *out, const struct metric *metric, const struct table_rows *rows)
{
	put_head(out, metric->name, metric->help);
	for (unsigned i = 0; i < rows->count; i++) {
		const struct table_row *row = &rows->list[i];
		SCOPED(mem_free) char *axes = axes_text(json_get(row->worst, "axes"));
		double value = metric->value(row);

		if (isnan(value))
			continue;
		fprintf(out, "%s{", metric->name);
		put_label(out, "scenario", json_text(row->worst, "id"));
		fputs(",", out);
		put_label(out, "axes", axes);
		fputs(",", out);
		put_label(out, "half", json_text(row->worst, "half"));
		fprintf(out, "} %.9g\n", value);
	}
}

static void put_run(FILE *out, const cJSON *results)
{
	static const char *const outcomes[] = {
		"met", "known_failures", "unmet", "not_run", "passed_over"};
	const cJSON *summary = json_get(results, "summary");
	const cJSON *seconds = json_get(summary, "seconds");

	put_head(out, "stopbench_cases", "Cases of the run, by what became of them.");
	for (size_t i = 0; i < COUNT(outcomes); i++)
		fprintf(out, "stopbench_cases{outcome=\"%s\"} %lld\n", outcomes[i],
			(long long)json_int(summary, outcomes[i], 0));
	put_head(out, "stopbench_run_seconds", "How long the whole run took.");
	fprintf(out, "stopbench_run_seconds %.9g\n",
		seconds ? seconds->valuedouble : 0);
	put_head(out, "stopbench_run_info", "What ran, and on what.");
	fputs("stopbench_run_info{", out);
	put_label(out, "version", json_text(results, "stopbench"));
	fputs(",", out);
	put_label(out, "engine", json_text(json_get(results, "engine"), "engine"));
	fputs(",", out);
	put_label(out, "kernel", json_text(json_get(results, "host"), "kernel"));
	fputs("} 1\n", out);
}

void prometheus_print(FILE *out, const cJSON *results)
{
	struct table_rows rows;

	table_rows_fold(&rows, results);
	for (size_t i = 0; i < COUNT(metrics); i++)
		put_metric(out, &metrics[i], &rows);
	put_run(out, results);
	table_rows_done(&rows);
}
