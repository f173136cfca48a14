#include "harness/report/comparison_table.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "harness/results/case_rounds.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define UNKNOWN     INT64_MIN
#define FIGURES     56 /* columns that the figures of a row may take */
#define LABEL_LEAST 12

struct comparison_table {
	struct terminal terminal;
	const cJSON *comparison;
};

/* "52.1ms"; "-": not known. To free(). */
static char *time_text(const cJSON *json, const char *key)
{
	int64_t ns = json_int(json, key, UNKNOWN);

	return mem_text(ns == UNKNOWN ? "-" : CLOCK_TEXT(ns));
}

static char *signed_text(const cJSON *json, const char *key)
{
	int64_t ns = json_int(json, key, UNKNOWN);

	if (ns == UNKNOWN)
		return mem_text("-");
	return mem_textf("%s%s", ns < 0 ? "-" : "+", CLOCK_TEXT(ns < 0 ? -ns : ns));
}

/* The gravest difference, or "same". */
static const char *result_of(const cJSON *item)
{
	const cJSON *difference, *first = NULL;

	cJSON_ArrayForEach(difference, json_get(item, "differences")) {
		if (!first ||
			(json_bool(difference, "regression", false) &&
				!json_bool(first, "regression", false)))
			first = difference;
	}
	if (first)
		return json_text(first, "kind");
	return json_text(item, "time") ? json_text(item, "time") : "no worse";
}

static const char *color_of(const cJSON *item)
{
	if (json_bool(item, "regression", false))
		return "red";
	return json_at(item, "differences.0") ? "yellow" : "green";
}

/* 0: there is no end. */
static unsigned label_width(const struct comparison_table *table)
{
	unsigned width = table->terminal.width;

	if (!width)
		return 0;
	return width > FIGURES + LABEL_LEAST ? width - FIGURES : LABEL_LEAST;
}

static void add_row(const struct comparison_table *table, struct libscols_table *drawn,
	const cJSON *item)
{
	struct libscols_line *line = scols_table_new_line(drawn, NULL);
	SCOPED(mem_free) char *title = case_rounds_title(item);
	SCOPED(mem_free)
	char *fitted = terminal_fit(&table->terminal, title, label_width(table));
	SCOPED(mem_free) char *low = signed_text(item, "low_ns");
	SCOPED(mem_free) char *high = signed_text(item, "high_ns");
	SCOPED(mem_free) char *interval =
		strcmp(low, "-") == 0 ? mem_text("-") : mem_textf("%s..%s", low, high);

	scols_line_set_data(line, 0, fitted);
	scols_line_refer_data(line, 1, time_text(json_get(item, "base"), "median_ns"));
	scols_line_refer_data(line, 2, time_text(json_get(item, "new"), "median_ns"));
	scols_line_refer_data(line, 3, signed_text(item, "shift_ns"));
	scols_line_set_data(line, 4, interval);
	scols_line_set_data(line, 5, result_of(item));
	scols_cell_set_color(scols_line_get_cell(line, 5), color_of(item));
}

/* One line of text for the headings and for each case; to free(). */
static char *draw(const struct comparison_table *table)
{
	static const struct {
		const char *name;
		int flags;
	} columns[] = {
		{"CASE", 0},
		{"BASE", SCOLS_FL_RIGHT},
		{"NEW", SCOLS_FL_RIGHT},
		{"SHIFT", SCOLS_FL_RIGHT},
		{"95 %", SCOLS_FL_RIGHT},
		{"RESULT", 0},
	};
	struct libscols_table *drawn = scols_new_table();
	const cJSON *item;
	char *text = NULL;

	scols_table_set_termforce(drawn, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(drawn, table->terminal.colors);
	for (size_t i = 0; i < COUNT(columns); i++)
		scols_table_new_column(drawn, columns[i].name, 0, columns[i].flags);
	cJSON_ArrayForEach(item, json_get(table->comparison, "cases"))
		add_row(table, drawn, item);
	scols_print_table_to_string(drawn, &text);
	scols_unref_table(drawn);
	return text ? text : mem_text("");
}

static void print_differences(
	const struct comparison_table *table, FILE *out, const cJSON *item)
{
	const cJSON *difference;

	cJSON_ArrayForEach(difference, json_get(item, "differences")) {
		const char *text = json_text(difference, "text");

		terminal_fold(
			&table->terminal, out, "    ", "      ", text ? text : "");
	}
}

static void print_rows(const struct comparison_table *table, FILE *out)
{
	SCOPED(mem_free) char *text = draw(table);
	const cJSON *item = json_get(table->comparison, "cases")->child;
	char *line = text;

	for (bool heading = true; *line; heading = false) {
		size_t len = strcspn(line, "\n"), trimmed = len;

		while (trimmed > 0 && line[trimmed - 1] == ' ')
			trimmed--;
		fprintf(out, "%.*s\n", (int)trimmed, line);
		line += len + (line[len] == '\n');
		if (heading || !item)
			continue;
		print_differences(table, out, item);
		item = item->next;
	}
	fputs("\n", out);
}

static unsigned count_kind(const cJSON *comparison, const char *kind)
{
	const cJSON *item, *difference;
	unsigned count = 0;

	cJSON_ArrayForEach(item, json_get(comparison, "cases")) {
		cJSON_ArrayForEach(difference, json_get(item, "differences"))
			count += strcmp(json_text(difference, "kind"), kind) == 0;
	}
	return count;
}

static void print_summary(const struct comparison_table *table, FILE *out)
{
	const struct terminal *terminal = &table->terminal;
	const cJSON *comparison = table->comparison, *caveat;
	int cases = cJSON_GetArraySize(json_get(comparison, "cases"));
	long long regressions = (long long)json_int(comparison, "regressions", 0);
	unsigned few = count_kind(comparison, "too few");

	cJSON_ArrayForEach(caveat, json_get(comparison, "caveats"))
		terminal_fold(terminal, out, "Note: ", "  ", caveat->valuestring);
	fprintf(out, "%s%lld regression%s%s in %d case%s compared",
		regressions ? terminal->red : terminal->green, regressions,
		regressions == 1 ? "" : "s", terminal->plain, cases,
		cases == 1 ? "" : "s");
	if (few)
		fprintf(out, "; %u had too few rounds to compare their times", few);
	fputs("\n", out);
}

void comparison_table_print(FILE *out, const cJSON *comparison)
{
	const struct comparison_table table = {
		.terminal = terminal_of(out),
		.comparison = comparison,
	};

	print_rows(&table, out);
	print_summary(&table, out);
}
