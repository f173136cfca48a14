#include "harness/report/table_rows.h"

#include <stdlib.h>
#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/verdict.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define UNKNOWN INT64_MIN

static const char *text_of(const cJSON *round, const char *key)
{
	const char *text = json_text(round, key);

	return text ? text : "";
}

/* --- figures --- */

static int compare_ns(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

/* The known values of a member, in order; to free(). */
static int64_t *values_of(const struct table_row *row, const char *key, unsigned *count)
{
	int64_t *values = mem_zeroed(sizeof *values * row->count);

	*count = 0;
	for (unsigned i = 0; i < row->count; i++) {
		int64_t value = json_int(row->rounds[i], key, UNKNOWN);

		if (value != UNKNOWN)
			values[(*count)++] = value;
	}
	qsort(values, *count, sizeof *values, compare_ns);
	return values;
}

static int64_t median(const int64_t *values, unsigned count)
{
	int64_t below = values[(count - 1) / 2], above = values[count / 2];

	return below + (above - below) / 2;
}

/* "2.01..2.04s", "990ms..1.02s", "1.00s" where both read the same. */
static char *range_of(int64_t least_ns, int64_t most_ns)
{
	SCOPED(mem_free) char *least = mem_text(CLOCK_TEXT(least_ns));
	SCOPED(mem_free) char *most = mem_text(CLOCK_TEXT(most_ns));
	size_t number = strspn(least, "0123456789."),
	       other = strspn(most, "0123456789.");

	if (strcmp(least, most) == 0)
		return mem_text(least);
	if (strcmp(least + number, most + other) == 0)
		least[number] = '\0';
	return mem_textf("%s..%s", least, most);
}

static void fill_times(struct table_row *row)
{
	unsigned count;
	SCOPED(mem_free) int64_t *stops = values_of(row, "stop_ns", &count);
	SCOPED(mem_free) int64_t *margins = NULL;

	row->cells[COLUMN_STOP] =
		mem_text(count ? CLOCK_TEXT(median(stops, count)) : "-");
	row->cells[COLUMN_RANGE] =
		count > 1 ? range_of(stops[0], stops[count - 1]) : mem_text("");
	margins = values_of(row, "margin_ns", &count);
	row->cells[COLUMN_MARGIN] = mem_text(count ? CLOCK_TEXT(margins[0]) : "-");
}

/* Each value once: "0", "0,137". */
static char *list_of(const struct table_row *row, const char *key)
{
	unsigned count;
	SCOPED(mem_free) int64_t *values = values_of(row, key, &count);
	struct buf text = {0};

	for (unsigned i = 0; i < count; i++) {
		if (i == 0 || values[i] != values[i - 1])
			buf_addf(&text, "%s%lld", text.len ? "," : "",
				(long long)values[i]);
	}
	if (count == 0)
		buf_adds(&text, "-");
	return buf_take(&text);
}

/* Of the round with the fewest disconnected. */
static char *sessions_of(const struct table_row *row)
{
	unsigned count;
	SCOPED(mem_free) char *sessions = list_of(row, "sessions");
	SCOPED(mem_free) int64_t *disconnected = values_of(row, "disconnected", &count);
	SCOPED(mem_free) char *fewest = NULL;

	if (count == 0)
		return mem_text(sessions);
	fewest = mem_textf("%lld", (long long)disconnected[0]);
	if (strcmp(fewest, sessions) == 0)
		return mem_text(sessions);
	return mem_textf("%s/%s", fewest, sessions);
}

/* --- verdict --- */

static int gravity(const cJSON *round)
{
	enum verdict verdict;

	/* Unmet is graver than not run, and not run than met. */
	int gravity = !json_bool(round, "could_run", true) ? VERDICTS
		: !json_bool(round, "met", false)          ? 2 * VERDICTS
							   : 0;

	return verdict_parse(&verdict, text_of(round, "verdict"))
		? gravity + (int)verdict
		: gravity;
}

/* The round that the row shows. */
static const cJSON *gravest(const struct table_row *row)
{
	const cJSON *worst = row->rounds[0];

	for (unsigned i = 1; i < row->count; i++) {
		if (gravity(row->rounds[i]) > gravity(worst))
			worst = row->rounds[i];
	}
	return worst;
}

static void fill_expected(struct table_row *row)
{
	unsigned met = 0;
	const char *word;

	row->met = true;
	for (unsigned i = 0; i < row->count; i++) {
		bool could_run = json_bool(row->rounds[i], "could_run", true);
		bool is_met = could_run && json_bool(row->rounds[i], "met", false);

		met += is_met;
		row->met = row->met && (is_met || !could_run);
		row->not_run = row->not_run || !could_run;
	}
	word = !row->met ? "NOT MET" : row->not_run ? "NOT RUN" : "ok";
	row->not_run = row->met && row->not_run;
	row->met = row->met && !row->not_run;
	row->cells[COLUMN_EXPECTED] = row->count > 1
		? mem_textf("%s %u/%u", word, met, row->count)
		: mem_text(word);
}

/* Zombies (L3) explain no verdict. */
static const char *cause_of(const cJSON *diagnosis)
{
	const char *id = diagnosis ? text_of(diagnosis, "id") : "";

	return strcmp(id, diagnosis_ids[DIAGNOSIS_L3]) == 0 ? "" : id;
}

/* A clean stop needs no reason. A slow stop, and one without a diagnosis, has the
 * verdict's. */
static void fill_why(struct table_row *row, const cJSON *round)
{
	const cJSON *first = cJSON_GetArrayItem(json_get(round, "diagnoses"), 0);
	const char *verdict = text_of(round, "verdict");
	bool could_run = json_bool(round, "could_run", true);
	bool in_words =
		!could_run || strcmp(verdict, "slow") == 0 || !cause_of(first)[0];
	bool clean = could_run && strcmp(verdict, "clean") == 0;

	row->id = mem_text(clean || in_words ? "" : cause_of(first));
	if (clean)
		row->cells[COLUMN_WHY] = mem_text("");
	else if (in_words)
		row->cells[COLUMN_WHY] = mem_text(text_of(round, "reason"));
	else
		row->cells[COLUMN_WHY] =
			mem_textf("%s %s", row->id, text_of(first, "text"));
}

static void fill_verdict(struct table_row *row)
{
	const cJSON *worst = gravest(row);
	bool could_run = json_bool(worst, "could_run", true);

	row->cells[COLUMN_VERDICT] =
		mem_text(could_run ? text_of(worst, "verdict") : "-");
	fill_why(row, worst);
}

/* The unmet expectations of the gravest round: rounds mostly fail alike. */
static void fill_unmet(struct table_row *row)
{
	const cJSON *worst = gravest(row);
	const cJSON *item;

	if (row->met || row->not_run)
		return;
	cJSON_ArrayForEach(item, json_get(worst, "expectations")) {
		if (!json_bool(item, "met", true))
			strlist_add(&row->unmet, "%s: wanted %s, seen %s",
				text_of(item, "what"), text_of(item, "wanted"),
				text_of(item, "seen"));
	}
	if (row->count > 1)
		strlist_add(&row->unmet, "round %lld: %s",
			(long long)json_int(worst, "round", 0),
			text_of(worst, "command"));
	if (json_text(worst, "folder"))
		strlist_add(&row->unmet, "see %s/why.txt", json_text(worst, "folder"));
}

/* --- rows --- */

static bool same_case(const cJSON *one, const cJSON *other)
{
	return strcmp(text_of(one, "id"), text_of(other, "id")) == 0 &&
		strcmp(text_of(one, "half"), text_of(other, "half")) == 0 &&
		cJSON_Compare(json_get(one, "axes"), json_get(other, "axes"), true);
}

static void add_round(struct table_rows *rows, const cJSON *round)
{
	struct table_row *row = rows->count ? &rows->list[rows->count - 1] : NULL;

	if (!row || !same_case(row->rounds[0], round)) {
		rows->list = mem_grown(rows->list, rows->count + 1, sizeof *rows->list);
		row = &rows->list[rows->count++];
		*row = (struct table_row){0};
	}
	row->rounds = mem_grown(row->rounds, row->count + 1, sizeof *row->rounds);
	row->rounds[row->count++] = round;
}

/* --- lines --- */

static const cJSON *axes_of(const struct table_row *row)
{
	return json_get(row->rounds[0], "axes");
}

static const char *id_of(const struct table_row *row)
{
	const char *id = json_text(row->rounds[0], "id");

	return id ? id : "?";
}

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

/* "sessions" for "load.sessions", unless another axis ends in the same word. */
static const char *short_name(const cJSON *axes, const cJSON *axis)
{
	const char *name = last_part(axis->string);
	const cJSON *other;

	cJSON_ArrayForEach(other, axes) {
		if (other != axis && strcmp(last_part(other->string), name) == 0)
			return axis->string;
	}
	return name;
}

/* "sessions=3" */
static char *axis_label(const cJSON *axes, const cJSON *axis)
{
	SCOPED(mem_free) char *value =
		cJSON_IsString(axis) ? mem_text(axis->valuestring) : json_print(axis);

	return mem_textf("%s=%s", short_name(axes, axis), value);
}

/* Takes label. */
static void add_line(struct table_rows *rows, unsigned depth, char *label,
	const struct table_row *row)
{
	rows->lines = mem_grown(rows->lines, rows->line_count + 1, sizeof *rows->lines);
	rows->lines[rows->line_count++] =
		(struct table_line){.label = label, .depth = depth, .row = row};
}

static const cJSON *axis_of(const struct table_row *row, unsigned depth)
{
	return cJSON_GetArrayItem(axes_of(row), (int)depth - 1);
}

static bool same_value(
	const struct table_row *one, const struct table_row *other, unsigned depth)
{
	const cJSON *axis = axis_of(one, depth), *with = axis_of(other, depth);

	return axis && with && strcmp(axis->string, with->string) == 0 &&
		cJSON_Compare(axis, with, true);
}

/* The rows from begin to end have the same values above the axis of this depth. The
 * last axis is a row's own line: main halves first, so that their curve is not
 * interrupted. */
static void add_axis(
	struct table_rows *rows, unsigned begin, unsigned end, unsigned depth)
{
	static const char *const halves[] = {"main", "twin"};
	const struct table_row *row;

	for (size_t half = 0; half < COUNT(halves); half++) {
		for (unsigned i = begin; i < end; i++) {
			row = &rows->list[i];
			if (!axis_of(row, depth)->next &&
				strcmp(row->cells[COLUMN_HALF], halves[half]) == 0)
				add_line(rows, depth,
					axis_label(axes_of(row), axis_of(row, depth)),
					row);
		}
	}
	for (unsigned next; begin < end; begin = next) {
		row = &rows->list[begin];
		for (next = begin + 1;
			next < end && same_value(row, &rows->list[next], depth);)
			next++;
		if (!axis_of(row, depth)->next)
			continue;
		add_line(rows, depth, axis_label(axes_of(row), axis_of(row, depth)),
			NULL);
		add_axis(rows, begin, next, depth + 1);
	}
}

static void add_lines(struct table_rows *rows)
{
	for (unsigned i = 0, end; i < rows->count; i = end) {
		const struct table_row *row = &rows->list[i];
		bool has_axes = axis_of(row, 1);

		end = i + 1;
		while (has_axes && end < rows->count && axis_of(&rows->list[end], 1) &&
			strcmp(id_of(&rows->list[end]), id_of(row)) == 0)
			end++;
		add_line(rows, 0, mem_text(id_of(row)), has_axes ? NULL : row);
		if (has_axes)
			add_axis(rows, i, end, 1);
	}
}

void table_rows_fold(struct table_rows *rows, const cJSON *results)
{
	const cJSON *round;

	*rows = (struct table_rows){0};
	cJSON_ArrayForEach(round, json_get(results, "cases"))
		add_round(rows, round);
	for (unsigned i = 0; i < rows->count; i++) {
		struct table_row *row = &rows->list[i];

		row->cells[COLUMN_HALF] = mem_text(text_of(row->rounds[0], "half"));
		row->cells[COLUMN_SESSIONS] = sessions_of(row);
		row->cells[COLUMN_EXIT] = list_of(row, "exit_code");
		fill_times(row);
		fill_expected(row);
		fill_verdict(row);
		fill_unmet(row);
	}
	add_lines(rows);
}

void table_rows_done(struct table_rows *rows)
{
	for (unsigned i = 0; i < rows->count; i++) {
		struct table_row *row = &rows->list[i];

		for (unsigned column = 0; column < COLUMNS; column++)
			free(row->cells[column]);
		free(row->id);
		strlist_done(&row->unmet);
		free(row->rounds);
	}
	for (unsigned i = 0; i < rows->line_count; i++)
		free(rows->lines[i].label);
	free(rows->list);
	free(rows->lines);
	*rows = (struct table_rows){0};
}
