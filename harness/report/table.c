#include "harness/report/table.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/comparison_table.h"
#include "harness/report/cure_table.h"
#include "harness/report/rollout_table.h"
#include "harness/report/table_rows.h"
#include "harness/report/what_if_table.h"
#include "harness/results/case_statistics.h"
#include "harness/scenario/diagnosis_id.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/terminal.h"

#define LABEL_FAIR   22 /* labels are cut to this before a column is dropped */
#define LABEL_LEAST  12
#define INDENT_WIDTH 2 /* of a level of the tree */
#define TERM_WIDTH   10

static const struct {
	const char *name;
	int flags;
} headings[] = {
	[COLUMN_RELEASED] = {"RELEASED", SCOLS_FL_RIGHT},
	[COLUMN_EXIT] = {"EXIT", SCOLS_FL_RIGHT},
	[COLUMN_STOP] = {"STOP", SCOLS_FL_RIGHT},
	[COLUMN_RANGE] = {"RANGE", 0},
	[COLUMN_MARGIN] = {"MARGIN", SCOLS_FL_RIGHT},
	[COLUMN_VERDICT] = {"VERDICT", 0},
	[COLUMN_EXPECTATIONS] = {"EXPECTATIONS", 0},
};

/* What is drawn, and how much of it. */
struct table {
	struct terminal terminal;
	struct table_rows rows;
	bool shown[COLUMNS];
	unsigned label_width; /* 0: as it is */
};

/* --- drawing --- */

static void fill_cell(const struct table *table, struct libscols_line *line, size_t at,
	const struct table_row *row, enum column column)
{
	SCOPED(mem_free) char *text =
		terminal_fit(&table->terminal, row->cells[column], 0);

	scols_line_set_data(line, at, text);
	if (column == COLUMN_EXPECTATIONS)
		scols_cell_set_color(scols_line_get_cell(line, at),
			row->known             ? "yellow"
				: row->met     ? "green"
				: row->not_run ? "yellow"
					       : "red");
}

static void fill_line(const struct table *table, struct libscols_line *drawn,
	const struct table_line *line)
{
	unsigned indent = line->depth * INDENT_WIDTH;
	unsigned width = table->label_width > indent + LABEL_LEAST
		? table->label_width - indent
		: table->label_width ? LABEL_LEAST
				     : 0;
	SCOPED(mem_free) char *label =
		terminal_fit(&table->terminal, line->label, width);
	size_t at = 0;

	scols_line_set_data(drawn, at++, label);
	for (unsigned column = 0; column < COLUMNS; column++) {
		if (!table->shown[column])
			continue;
		if (line->row)
			fill_cell(table, drawn, at, line->row, (enum column)column);
		at++;
	}
}

/* The line that lines[at] hangs below; NULL: none. */
static struct libscols_line *line_above(
	const struct table_line *lines, unsigned at, struct libscols_line *const *drawn)
{
	for (unsigned i = at; i-- > 0;) {
		if (lines[i].depth < lines[at].depth)
			return drawn[i];
	}
	return NULL;
}

static void fill(const struct table *table, struct libscols_table *drawing)
{
	const struct table_rows *rows = &table->rows;
	SCOPED(mem_free) struct libscols_line **drawn =
		mem_zeroed(rows->line_count * sizeof(*drawn));

	for (unsigned i = 0; i < rows->line_count; i++) {
		drawn[i] = scols_table_new_line(
			drawing, line_above(rows->lines, i, drawn));
		fill_line(table, drawn[i], &rows->lines[i]);
	}
}

/* One line of text for the headings and for each line of the rows; to free(). Text is
 * cut here: smartcols cuts in the middle of words, without a mark. */
static char *draw(const struct table *table)
{
	struct libscols_table *lines = scols_new_table();
	char *text = NULL;

	scols_table_set_termforce(lines, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(lines, table->terminal.colors);
	scols_table_new_column(lines, "CASE", 0, SCOLS_FL_TREE);
	for (unsigned column = 0; column < COLUMNS; column++) {
		if (table->shown[column])
			scols_table_new_column(lines, headings[column].name, 0,
				headings[column].flags);
	}
	fill(table, lines);
	scols_print_table_to_string(lines, &text);
	scols_unref_table(lines);
	return text ? text : mem_text("");
}

/* --- widths --- */

/* Takes a line off the front of text; NULL behind the last. */
static char *take_line(char **text)
{
	char *line = *text, *end;

	if (!*line)
		return NULL;
	end = line + strcspn(line, "\n");
	*text = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

static unsigned width_of(struct table *table)
{
	bool colors = table->terminal.colors;
	SCOPED(mem_free) char *text = NULL;
	unsigned widest = 0;
	char *rest, *line;

	table->terminal.colors = false;
	text = rest = draw(table);
	table->terminal.colors = colors;
	while ((line = take_line(&rest))) {
		unsigned width = terminal_columns(line);

		widest = width > widest ? width : widest;
	}
	return widest;
}

static unsigned widest_label(const struct table *table)
{
	unsigned widest = 0;

	for (unsigned i = 0; i < table->rows.line_count; i++) {
		const struct table_line *line = &table->rows.lines[i];
		unsigned width =
			terminal_columns(line->label) + line->depth * INDENT_WIDTH;

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* Cuts the labels by what is too much, down to `least`. */
static unsigned cut_labels(
	struct table *table, unsigned width, unsigned room, unsigned least)
{
	unsigned label = widest_label(table);

	if (width <= room)
		return width;
	table->label_width =
		label > width - room + least ? label - (width - room) : least;
	return width_of(table);
}

static unsigned drop_column(
	struct table *table, enum column column, unsigned width, unsigned room)
{
	if (width <= room || !table->shown[column])
		return width;
	table->shown[column] = false;
	table->label_width = 0;
	return width_of(table);
}

/* Drops columns, the least important first, until the rest fits. */
static void fit(struct table *table)
{
	unsigned room = table->terminal.width;
	unsigned width = width_of(table);

	width = drop_column(table, COLUMN_MARGIN, width, room);
	width = cut_labels(table, width, room, LABEL_FAIR);
	width = drop_column(table, COLUMN_RANGE, width, room);
	cut_labels(table, width, room, LABEL_LEAST);
}

/* A column that says nothing in every row is left out: no sessions, one round each,
 * and all as expected. */
static void choose_columns(struct table *table)
{
	bool *shown = table->shown;

	for (unsigned column = 0; column < COLUMNS; column++)
		shown[column] = true;
	shown[COLUMN_RELEASED] = shown[COLUMN_RANGE] = false;
	shown[COLUMN_EXPECTATIONS] = false;
	for (unsigned i = 0; i < table->rows.count; i++) {
		const struct table_row *row = &table->rows.list[i];

		shown[COLUMN_RELEASED] |= strcmp(row->cells[COLUMN_RELEASED], "-") != 0;
		shown[COLUMN_RANGE] |= row->cells[COLUMN_RANGE][0] != '\0';
		shown[COLUMN_EXPECTATIONS] |= !row->met || row->known || row->count > 1;
	}
}

/* --- printing --- */

static void print_trimmed(FILE *out, const char *line)
{
	size_t len = strlen(line);

	while (len > 0 && line[len - 1] == ' ')
		len--;
	fprintf(out, "%.*s\n", (int)len, line);
}

/* Does another line of this level hang behind lines[at], below the same one? */
static bool has_next(const struct table_rows *rows, unsigned at, unsigned level)
{
	for (unsigned i = at + 1; i < rows->line_count; i++) {
		if (rows->lines[i].depth <= level)
			return rows->lines[i].depth == level;
	}
	return false;
}

/* The tree's own lines go on beside the text below lines[at]; to free(). */
static char *tree_below(const struct table *table, unsigned at)
{
	const struct table_rows *rows = &table->rows;
	const char *bar = table->terminal.utf8 ? "\u2502 " : "| ";
	unsigned depth = rows->lines[at].depth;
	struct buf text = {0};

	for (unsigned level = 1; level <= depth; level++)
		buf_adds(&text, has_next(rows, at, level) ? bar : "  ");
	buf_adds(&text, has_next(rows, at, depth + 1) ? bar : "  ");
	buf_adds(&text, "  ");
	return buf_take(&text);
}

/* Do they read the same but for their figures? */
static bool same_words(const char *one, const char *other)
{
	static const char figures[] = "0123456789.";

	for (;;) {
		one += strspn(one, figures);
		other += strspn(other, figures);
		if (*one != *other)
			return false;
		if (!*one)
			return true;
		one++;
		other++;
	}
}

static bool same_scenario(const struct table_row *one, const struct table_row *other)
{
	return cJSON_Compare(
		json_get(one->rounds[0], "id"), json_get(other->rounds[0], "id"), true);
}

/* Was it told of another case of this scenario? In a matrix the same sentence below
 * every row would hide the curve. */
static bool is_told_above(const struct table_rows *rows, const struct table_row *row)
{
	for (const struct table_row *above = rows->list; above < row; above++) {
		if (row->id[0] && same_scenario(above, row) &&
			same_words(above->why, row->why))
			return true;
	}
	return false;
}

/* Of a case that was repeated often enough for an interval of its median. */
static void print_statistics(const struct table *table, FILE *out,
	const struct table_row *row, const char *tree)
{
	const struct case_rounds rounds = {row->rounds, row->count};
	SCOPED(json_free) cJSON *json = case_statistics_json(&rounds);
	SCOPED(mem_free) char *text = NULL;

	if (json_int(json, "low_ns", -1) < 0)
		return;
	text = case_statistics_text(json);
	terminal_fold(&table->terminal, out, tree, tree, text);
}

/* Below a row: why, what was not met, and the statistics of its rounds. */
static void print_details(const struct table *table, FILE *out, unsigned at)
{
	const struct table_row *row = table->rows.lines[at].row;
	SCOPED(mem_free) char *tree = tree_below(table, at);
	bool told = false;

	/* A reason without an id is the verdict's, and stands in its expectation. */
	for (unsigned i = 0; i < row->unmet.count && !row->id[0]; i++)
		told |= strncmp(row->unmet.item[i], "verdict: ", 9) == 0;
	if (row->met && is_told_above(&table->rows, row))
		fprintf(out, "%s%s as above\n", tree, row->id);
	else if (!told)
		terminal_fold(&table->terminal, out, tree, tree, row->why);
	for (unsigned i = 0; i < row->unmet.count; i++)
		terminal_fold(&table->terminal, out, tree, tree, row->unmet.item[i]);
	print_statistics(table, out, row, tree);
}

static void print_table(struct table *table, FILE *out)
{
	SCOPED(mem_free) char *text = draw(table);
	char *rest = text, *line = take_line(&rest); /* the headings */

	for (unsigned i = 0; line; line = take_line(&rest), i++) {
		print_trimmed(out, line);
		if (i > 0 && table->rows.lines[i - 1].row)
			print_details(table, out, i - 1);
	}
	fputs("\n", out);
}

static void print_term(
	const struct table *table, FILE *out, const char *term, const char *meaning)
{
	SCOPED(mem_free) char *first = mem_textf("%-*s", TERM_WIDTH, term);
	SCOPED(mem_free) char *rest = mem_textf("%*s", TERM_WIDTH, "");

	terminal_fold(&table->terminal, out, first, rest, meaning);
}

static bool is_named_before(const struct table_rows *rows, unsigned at)
{
	for (unsigned i = 0; i < at; i++) {
		if (strcmp(rows->list[i].id, rows->list[at].id) == 0)
			return true;
	}
	return false;
}

static bool has_open(const struct table_rows *rows)
{
	for (unsigned i = 0; i < rows->count; i++) {
		if (strstr(rows->list[i].cells[COLUMN_RELEASED], "open"))
			return true;
	}
	return false;
}

/* What the words in the table mean. */
static void print_legend(const struct table *table, FILE *out)
{
	const struct table_rows *rows = &table->rows;
	bool any = false;

	for (unsigned i = 0; i < rows->count; i++) {
		enum diagnosis_id id = diagnosis_find(rows->list[i].id);

		if (id == DIAGNOSIS_ANY || is_named_before(rows, i))
			continue;
		print_term(table, out, diagnosis_ids[id], diagnosis_meaning(id));
		any = true;
	}
	if (any)
		print_term(table, out, "",
			"`stopbench explain ID` says how it is proven, and what cures it.");
	if (rows->twins)
		print_term(table, out, "twin",
			"the case above it with one change, which must change the verdict");
	if (table->shown[COLUMN_RELEASED])
		print_term(table, out, "RELEASED",
			"how many of its sessions the service disconnected");
	if (table->shown[COLUMN_RELEASED] && has_open(rows))
		print_term(table, out, "",
			"open: of a client that ends none by a request, until its process ended");
	if (any || rows->twins || table->shown[COLUMN_RELEASED])
		fputs("\n", out);
}

static void print_summary(const struct table *table, FILE *out, const cJSON *summary)
{
	const struct terminal *terminal = &table->terminal;
	long long cases = (long long)json_int(summary, "cases", 0);
	long long unmet = (long long)json_int(summary, "unmet", 0);
	long long known = (long long)json_int(summary, "known_failures", 0);
	long long not_run = (long long)json_int(summary, "not_run", 0);
	long long passed_over = (long long)json_int(summary, "passed_over", 0);
	const cJSON *seconds = json_get(summary, "seconds");
	int64_t ns = seconds ? (int64_t)(seconds->valuedouble * (double)CLOCK_S) : 0;

	fprintf(out, "%lld case%s, %lld met, ", cases, cases == 1 ? "" : "s",
		(long long)json_int(summary, "met", 0));
	if (known)
		fprintf(out, "%lld known failure%s, ", known, known == 1 ? "" : "s");
	fprintf(out, "%s%lld not met%s", unmet ? terminal->red : "", unmet,
		unmet ? terminal->plain : "");
	if (not_run)
		fprintf(out, ", %s%lld could not run%s", terminal->yellow, not_run,
			terminal->plain);
	if (passed_over)
		fprintf(out, ", %lld passed over", passed_over);
	fprintf(out, " in %s\n", CLOCK_TEXT(ns));
}

void table_print(FILE *out, const cJSON *results)
{
	struct table table = {.terminal = terminal_of(out)};

	table_rows_fold(&table.rows, results);
	if (table.rows.count > 0) {
		choose_columns(&table);
		if (table.terminal.width)
			fit(&table);
		print_table(&table, out);
		print_legend(&table, out);
	}
	print_summary(&table, out, json_get(results, "summary"));
	rollout_tables_print(results, out);
	cure_tables_print(results, out);
	what_if_tables_print(results, out);
	if (json_get(results, "comparison")) {
		fputs("\n", out);
		comparison_table_print(out, json_get(results, "comparison"));
	}
	table_rows_done(&table.rows);
}
