#include "harness/format/markdown.h"

#include <string.h>

#include "harness/report/table_rows.h"
#include "harness/results/case_rounds.h"
#include "harness/scenario/diagnosis_id.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

/* A step summary may be one MiB long, and a comment 65536 characters. */
#define UNMET_MAX 20

/* Of one line, and nothing in it is markup, a link or a mention. */
static void put(FILE *out, const char *text)
{
	static const char special[] = "\\`*_{}[]()#+!|~$:@\"";
	SCOPED(mem_free) char *line = utf8_mend(text ? text : "", "");

	for (const char *at = line; *at; at++) {
		if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '&')
			fputs("&amp;", out);
		else
			fprintf(out, "%s%c", strchr(special, *at) ? "\\" : "", *at);
	}
}

/* As code, with a fence that is longer than any run of backticks in it. */
static void put_code(FILE *out, const char *text)
{
	SCOPED(mem_free) char *line = utf8_mend(text ? text : "", "");
	size_t longest = 0;

	for (const char *at = line; *at; at++) {
		size_t run = strspn(at, "`");

		longest = run > longest ? run : longest;
		at += run ? run - 1 : 0;
	}
	for (size_t i = 0; i <= longest; i++)
		fputs("`", out);
	fprintf(out, longest ? " %s " : "%s", line);
	for (size_t i = 0; i <= longest; i++)
		fputs("`", out);
}

/* "**1 of 4 cases is not met**, 1 could not run: ..." */
static void put_verdict(FILE *out, const struct table_rows *rows, const cJSON *results)
{
	const cJSON *summary = json_get(results, "summary");
	long long cases = (long long)json_int(summary, "cases", 0);
	long long unmet = (long long)json_int(summary, "unmet", 0);
	long long not_run = (long long)json_int(summary, "not_run", 0);
	const struct table_row *first = NULL;

	for (unsigned i = 0; i < rows->count && !first; i++) {
		if (!rows->list[i].met && (!unmet || !rows->list[i].not_run))
			first = &rows->list[i];
	}
	if (cases == 0)
		fputs("**Nothing was run.**", out);
	else if (!first && cases == 1)
		fputs("**The one case stopped as expected.**", out);
	else if (!first)
		fprintf(out, "**All %lld cases stopped as expected.**", cases);
	if (first) {
		SCOPED(mem_free) char *title = case_rounds_title(first->worst);

		fputs("**", out);
		if (cases == 1)
			fputs(unmet ? "The one case did not stop as expected"
				    : "The one case could not run",
				out);
		else if (unmet)
			fprintf(out, "%lld of %lld cases did not stop as expected",
				unmet, cases);
		if (not_run && cases > 1)
			fprintf(out, "%s%lld of %lld could not run", unmet ? ", " : "",
				not_run, cases);
		fputs("**: ", out);
		put(out, title);
		fputs(": ", out);
		put(out,
			first->why[0] ? first->why
				: first->unmet.count
				? first->unmet.item[0]
				: json_text(first->worst, "reason"));
	}
	fputs("\n", out);
}

static void put_row(FILE *out, const struct table_row *row)
{
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);

	fputs("| ", out);
	put(out, title);
	fputs(" | ", out);
	put(out, row->cells[COLUMN_VERDICT]);
	fputs(" | ", out);
	put(out, row->cells[COLUMN_STOP]);
	fprintf(out, " | %s |\n", row->not_run ? "could not run" : "**not met**");
}

static void put_table(FILE *out, const struct table_rows *rows)
{
	fputs("\n| case | verdict | stop | expectations |\n|---|---|--:|---|\n", out);
	for (unsigned i = 0; i < rows->count; i++) {
		if (!rows->list[i].met)
			put_row(out, &rows->list[i]);
	}
}

static void put_unmet(FILE *out, const struct table_row *row)
{
	enum diagnosis_id id = diagnosis_find(row->id);
	SCOPED(mem_free) char *title = case_rounds_title(row->worst);

	fputs("\n**", out);
	put(out, title);
	fputs("**: ", out);
	put(out, row->why[0] ? row->why : json_text(row->worst, "reason"));
	fputs("\n\n", out);
	for (unsigned i = 0; i < row->unmet.count; i++) {
		fputs("- ", out);
		put(out, row->unmet.item[i]);
		fputs("\n", out);
	}
	if (id != DIAGNOSIS_ANY && diagnosis_cure(id)[0]) {
		fputs("- cure: ", out);
		put(out, diagnosis_cure(id));
		fputs("\n", out);
	}
	fputs("- alone: ", out);
	put_code(out, json_text(row->worst, "command"));
	fputs("\n", out);
}

static void put_run(FILE *out, const cJSON *results)
{
	const cJSON *seconds = json_get(json_get(results, "summary"), "seconds");
	int64_t ns = seconds ? (int64_t)(seconds->valuedouble * (double)CLOCK_S) : 0;

	fputs("\nEngine ", out);
	put(out, json_text(json_get(results, "engine"), "engine"));
	fputs(", seed ", out);
	put(out, json_text(results, "seed"));
	fprintf(out, ", %lld rounds in %s.\n",
		(long long)json_int(json_get(results, "summary"), "rounds", 0),
		CLOCK_TEXT(ns));
}

void markdown_print(FILE *out, const cJSON *results)
{
	struct table_rows rows;
	unsigned told = 0, unmet = 0;

	table_rows_fold(&rows, results);
	put_verdict(out, &rows, results);
	for (unsigned i = 0; i < rows.count; i++)
		unmet += !rows.list[i].met;
	if (unmet)
		put_table(out, &rows);
	for (unsigned i = 0; i < rows.count && told < UNMET_MAX; i++) {
		if (rows.list[i].met)
			continue;
		put_unmet(out, &rows.list[i]);
		told++;
	}
	if (unmet > told)
		fprintf(out, "\n%u more are in results.json.\n", unmet - told);
	put_run(out, results);
	table_rows_done(&rows);
}
