#include "harness/format/junit.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/case_rounds.h"
#include "harness/results/round_sample.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

/* --- XML --- */

/* XML 1.0 has no form for controls, U+FFFE and U+FFFF. */
static void put_text(FILE *out, const char *text)
{
	SCOPED(mem_free) char *mended = utf8_mend(text ? text : "", "\n\t");
	uint32_t point;
	size_t len;

	for (const char *at = mended; *at; at += len) {
		len = utf8_decode(&point, at, SIZE_MAX);
		if (point == '&')
			fputs("&amp;", out);
		else if (point == '<')
			fputs("&lt;", out);
		else if (point == '>')
			fputs("&gt;", out);
		else if (point == '"')
			fputs("&quot;", out);
		else if (point == 0xfffe || point == 0xffff)
			fputs(UTF8_REPLACEMENT, out);
		else
			fprintf(out, "%.*s", (int)len, at);
	}
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	SCOPED(mem_free) char *line = utf8_mend(value ? value : "", "");

	fprintf(out, " %s=\"", name);
	put_text(out, line);
	fputs("\"", out);
}

/* --- cases --- */

static double seconds_of(const struct table_row *row)
{
	double ns = round_median(row->rounds, row->count, "stop_ns");

	/* Of a service that was killed: until then. */
	if (isnan(ns))
		ns = (double)json_int(row->worst, "stop_ns", 0);
	return ns / (double)CLOCK_S;
}

/* What a person has to know to go on. */
static void put_details(FILE *out, const struct table_row *row)
{
	const cJSON *diagnosis;

	put_text(out, json_text(row->worst, "reason"));
	fputs("\n", out);
	cJSON_ArrayForEach(diagnosis, json_get(row->worst, "diagnoses")) {
		put_text(out, json_text(diagnosis, "id"));
		fputs(" ", out);
		put_text(out, json_text(diagnosis, "text"));
		fputs("\n", out);
	}
	for (unsigned i = 0; i < row->unmet.count; i++) {
		put_text(out, row->unmet.item[i]);
		fputs("\n", out);
	}
	put_text(out, json_text(row->worst, "file"));
	fprintf(out, ":%lld\n", (long long)json_int(row->worst, "line", 1));
	put_text(out, json_text(row->worst, "command"));
	fputs("\n", out);
}

static void put_outcome(FILE *out, const struct table_row *row)
{
	const char *element = row->not_run ? "error" : "failure";

	fprintf(out, "      <%s", element);
	put_attribute(out, "type",
		row->regressed
			? "regression"
			: json_text(row->worst, row->not_run ? "trouble" : "verdict"));
	put_attribute(out, "message",
		row->why[0]                ? row->why
			: row->unmet.count ? row->unmet.item[0]
					   : json_text(row->worst, "reason"));
	fputs(">", out);
	put_details(out, row);
	fprintf(out, "</%s>\n", element);
}

static void put_case(FILE *out, const struct table_row *row)
{
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);

	fputs("    <testcase", out);
	put_attribute(out, "name", title);
	put_attribute(out, "classname", json_text(row->worst, "id"));
	fprintf(out, " time=\"%.6f\">\n", seconds_of(row));
	if (!row->met)
		put_outcome(out, row);
	if (row->known) {
		fputs("      <skipped", out);
		put_attribute(out, "message", row->known);
		fputs("/>\n", out);
	}
	fputs("      <system-out>", out);
	put_text(out, json_text(row->worst, "why"));
	if (json_text(row->worst, "why"))
		fputs("\n", out);
	put_text(out, json_text(row->worst, "verdict"));
	fputs(": ", out);
	put_text(out, json_text(row->worst, "reason"));
	fputs("</system-out>\n    </testcase>\n", out);
}

/* --- suites --- */

struct counts {
	unsigned tests, failures, errors;
	double seconds;
};

static void count(struct counts *counts, const struct table_row *rows, unsigned number)
{
	*counts = (struct counts){.tests = number};
	for (unsigned i = 0; i < number; i++) {
		counts->errors += rows[i].not_run;
		counts->failures += !rows[i].met && !rows[i].not_run;
		counts->seconds += seconds_of(&rows[i]);
	}
}

static void put_counts(FILE *out, const struct counts *counts)
{
	fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" time=\"%.6f\"",
		counts->tests, counts->failures, counts->errors, counts->seconds);
}

static void put_suite(
	FILE *out, const cJSON *results, const struct table_row *rows, unsigned number)
{
	struct counts counts;

	count(&counts, rows, number);
	fputs("  <testsuite", out);
	put_attribute(out, "name", json_text(rows[0].worst, "id"));
	put_counts(out, &counts);
	put_attribute(out, "timestamp", json_text(results, "started"));
	fputs(">\n", out);
	for (unsigned i = 0; i < number; i++)
		put_case(out, &rows[i]);
	fputs("  </testsuite>\n", out);
}

static bool same_scenario(const struct table_row *one, const struct table_row *other)
{
	return cJSON_Compare(
		json_get(one->worst, "id"), json_get(other->worst, "id"), true);
}

void junit_print(FILE *out, const cJSON *results)
{
	struct table_rows rows;
	struct counts counts;

	table_rows_fold(&rows, results);
	count(&counts, rows.list, rows.count);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"stopbench\"",
		out);
	put_counts(out, &counts);
	fputs(">\n", out);
	for (unsigned begin = 0, end; begin < rows.count; begin = end) {
		end = begin + 1;
		while (end < rows.count &&
			same_scenario(&rows.list[begin], &rows.list[end]))
			end++;
		put_suite(out, results, &rows.list[begin], end - begin);
	}
	fputs("</testsuites>\n", out);
	table_rows_done(&rows);
}
