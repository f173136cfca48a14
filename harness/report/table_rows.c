#include "harness/report/table_rows.h"

#include <stdlib.h>
#include <string.h>

#include "harness/results/case_rounds.h"
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

static bool is_twin(const struct table_row *row)
{
	return strcmp(text_of(row->rounds[0], "half"), "twin") == 0;
}

/* --- figures --- */

/* How long a stop took: longer than this, where it was killed. */
struct stop_time {
	int64_t ns;
	bool killed;
};

static bool was_killed(const cJSON *round)
{
	return strcmp(text_of(round, "verdict"), verdict_names[VERDICT_KILLED]) == 0;
}

static int compare_times(const void *one, const void *other)
{
	const struct stop_time *a = one, *b = other;

	return a->ns != b->ns ? (a->ns > b->ns) - (a->ns < b->ns)
			      : a->killed - b->killed;
}

/* False: not known, or a warm-up's. It had the grace, but for a SIGKILL that did not wait for that. */
static bool read_time(struct stop_time *time, const cJSON *round)
{
	int64_t grace_ns = json_int(round, "grace_ns", UNKNOWN);

	time->ns = json_int(round, "stop_ns", UNKNOWN);
	time->killed = was_killed(round);
	if (time->killed && time->ns != UNKNOWN && grace_ns != UNKNOWN &&
		time->ns > grace_ns)
		time->ns = grace_ns;
	return time->ns != UNKNOWN && !json_bool(round, "warm_up", false);
}

/* The known ones, in order; to free(). */
static struct stop_time *times_of(const struct table_row *row, unsigned *count)
{
	struct stop_time *times = mem_zeroed(sizeof *times * row->count);

	*count = 0;
	for (unsigned i = 0; i < row->count; i++)
		*count += read_time(&times[*count], row->rounds[i]);
	qsort(times, *count, sizeof *times, compare_times);
	return times;
}

static struct stop_time median(const struct stop_time *times, unsigned count)
{
	struct stop_time below = times[(count - 1) / 2], above = times[count / 2];

	return (struct stop_time){below.ns + (above.ns - below.ns) / 2, above.killed};
}

/* "12.3ms", "> 2.00s" */
static char *time_text(struct stop_time time)
{
	return mem_textf("%s%s", time.killed ? "> " : "", CLOCK_TEXT(time.ns));
}

/* "2.01..2.04s", "990ms..1.02s", "1.00s" where both read the same. */
static char *range_of(struct stop_time shortest, struct stop_time longest)
{
	SCOPED(mem_free) char *least = time_text(shortest);
	SCOPED(mem_free) char *most = time_text(longest);
	size_t number = strspn(least, "0123456789."),
	       other = strspn(most, "0123456789.");

	if (strcmp(least, most) == 0)
		return mem_text(least);
	if (number && strcmp(least + number, most + other) == 0)
		least[number] = '\0';
	return mem_textf("%s..%s", least, most);
}

/* The smallest; none is left where it was killed. */
static char *margin_of(const struct table_row *row)
{
	int64_t least_ns = UNKNOWN;

	for (unsigned i = 0; i < row->count; i++) {
		int64_t ns = json_int(row->rounds[i], "margin_ns", UNKNOWN);

		if (was_killed(row->rounds[i]))
			return mem_text("-");
		if (ns != UNKNOWN && (least_ns == UNKNOWN || ns < least_ns))
			least_ns = ns;
	}
	return mem_text(least_ns == UNKNOWN ? "-" : CLOCK_TEXT(least_ns));
}

static void fill_times(struct table_row *row)
{
	unsigned count;
	SCOPED(mem_free) struct stop_time *times = times_of(row, &count);

	row->cells[COLUMN_STOP] =
		count ? time_text(median(times, count)) : mem_text("-");
	row->cells[COLUMN_RANGE] =
		count > 1 ? range_of(times[0], times[count - 1]) : mem_text("");
	row->cells[COLUMN_MARGIN] = margin_of(row);
}

/* Each value once, in the order of the rounds: "0", "0,137". */
static char *exit_codes_of(const struct table_row *row)
{
	struct buf text = {0};

	for (unsigned i = 0; i < row->count; i++) {
		int64_t code = json_int(row->rounds[i], "exit_code", UNKNOWN);
		bool again = code == UNKNOWN;

		for (unsigned j = 0; j < i && !again; j++)
			again = json_int(row->rounds[j], "exit_code", UNKNOWN) == code;
		if (!again)
			buf_addf(&text, "%s%lld", text.len ? "," : "", (long long)code);
	}
	if (text.len == 0)
		buf_adds(&text, "-");
	return buf_take(&text);
}

/* Of the round with the fewest. A case without sessions has none to release. */
static char *released_of(const struct table_row *row)
{
	int64_t fewest = UNKNOWN, sessions = 0, open = 0;

	for (unsigned i = 0; i < row->count; i++) {
		int64_t released = json_int(row->rounds[i], "disconnected", UNKNOWN);

		if (released == UNKNOWN || (fewest != UNKNOWN && released >= fewest))
			continue;
		fewest = released;
		sessions = json_int(row->rounds[i], "sessions", 0);
		open = json_int(row->rounds[i], "left_open", 0);
	}
	if (sessions == 0)
		return mem_text("-");
	if (open == sessions)
		return mem_textf("%lld open", (long long)open);
	if (open > 0)
		return mem_textf("%lld of %lld, %lld open", (long long)fewest,
			(long long)(sessions - open), (long long)open);
	return mem_textf("%lld of %lld", (long long)fewest, (long long)sessions);
}

/* --- verdict --- */

static int gravity(const cJSON *round)
{
	enum verdict verdict;
	int gravity = (int)case_rounds_outcome(round) * VERDICTS;

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

static void fill_expectations(struct table_row *row)
{
	static const char *const words[OUTCOMES] = {
		[OUTCOME_MET] = "met",
		[OUTCOME_KNOWN] = "known failure",
		[OUTCOME_NOT_RUN] = "NOT RUN",
		[OUTCOME_UNMET] = "NOT MET",
	};
	enum outcome outcome = case_rounds_outcome(row->worst);
	unsigned count = 0;

	for (unsigned i = 0; i < row->count; i++)
		count += case_rounds_outcome(row->rounds[i]) == outcome;
	row->met = outcome == OUTCOME_MET || outcome == OUTCOME_KNOWN;
	row->not_run = outcome == OUTCOME_NOT_RUN;
	row->regressed = json_bool(row->worst, "met", false) &&
		json_get(row->worst, "regressions");
	if (outcome == OUTCOME_KNOWN)
		row->known = text_of(json_get(row->worst, "known_failure"), "why");
	row->cells[COLUMN_EXPECTATIONS] = row->count > 1
		? mem_textf("%s %u of %u", words[outcome], count, row->count)
		: mem_text(words[outcome]);
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
		row->why = mem_text("");
	else if (in_words)
		row->why = mem_text(text_of(round, "reason"));
	else
		row->why = mem_textf("%s %s", row->id, text_of(first, "text"));
}

static void fill_verdict(struct table_row *row)
{
	const cJSON *worst = row->worst;
	bool could_run = json_bool(worst, "could_run", true);

	row->cells[COLUMN_VERDICT] =
		mem_text(could_run ? text_of(worst, "verdict") : "-");
	fill_why(row, worst);
}

/* The unmet expectations of the gravest round: rounds mostly fail alike. */
static void fill_unmet(struct table_row *row)
{
	const cJSON *worst = row->worst;
	const cJSON *item;

	if (row->met || row->not_run)
		return;
	cJSON_ArrayForEach(item, json_get(worst, "expectations")) {
		if (!json_bool(item, "met", true))
			strlist_add(&row->unmet, "%s: wanted %s, seen %s",
				text_of(item, "what"), text_of(item, "wanted"),
				text_of(item, "seen"));
	}
	cJSON_ArrayForEach(item, json_get(worst, "regressions"))
		strlist_add(&row->unmet, "regression: %s",
			cJSON_IsString(item) ? item->valuestring : "");
	if (json_bool(json_get(worst, "known_failure"), "passes", false))
		strlist_add(&row->unmet,
			"it is met, and on the list of known failures (%s): take it off",
			text_of(json_get(worst, "known_failure"), "why"));
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

/* A twin behind its main half hangs below it. Takes label. */
static void add_case(
	struct table_rows *rows, unsigned index, unsigned depth, char *label)
{
	const struct table_row *row = &rows->list[index];
	const struct table_row *before = index > 0 ? row - 1 : NULL;
	bool follows = before && is_twin(row) && !is_twin(before) &&
		strcmp(id_of(before), id_of(row)) == 0 &&
		cJSON_Compare(axes_of(before), axes_of(row), true);

	if (follows) {
		rows->twins = true;
		free(label);
		add_line(rows, depth + 1, mem_text("twin"), row);
	} else if (is_twin(row)) {
		add_line(rows, depth, mem_textf("%s (twin)", label), row);
		free(label);
	} else {
		add_line(rows, depth, label, row);
	}
}

/* The rows from begin to end have the same values above the axis of this depth. The
 * last axis is a row's own line. */
static void add_axis(
	struct table_rows *rows, unsigned begin, unsigned end, unsigned depth)
{
	for (unsigned next; begin < end; begin = next) {
		const struct table_row *row = &rows->list[begin];
		char *label = axis_label(axes_of(row), axis_of(row, depth));

		next = begin + 1;
		if (!axis_of(row, depth)->next) {
			add_case(rows, begin, depth, label);
			continue;
		}
		while (next < end && same_value(row, &rows->list[next], depth))
			next++;
		add_line(rows, depth, label, NULL);
		add_axis(rows, begin, next, depth + 1);
	}
}

static void add_lines(struct table_rows *rows)
{
	for (unsigned i = 0, end; i < rows->count; i = end) {
		const struct table_row *row = &rows->list[i];
		char *label = mem_text(id_of(row));

		end = i + 1;
		if (!axis_of(row, 1)) {
			add_case(rows, i, 0, label);
			continue;
		}
		while (end < rows->count && axis_of(&rows->list[end], 1) &&
			strcmp(id_of(&rows->list[end]), id_of(row)) == 0)
			end++;
		add_line(rows, 0, label, NULL);
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

		row->worst = gravest(row);
		row->cells[COLUMN_RELEASED] = released_of(row);
		row->cells[COLUMN_EXIT] = exit_codes_of(row);
		fill_times(row);
		fill_expectations(row);
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
		free(row->why);
		strlist_done(&row->unmet);
		free(row->rounds);
	}
	for (unsigned i = 0; i < rows->line_count; i++)
		free(rows->lines[i].label);
	free(rows->list);
	free(rows->lines);
	*rows = (struct table_rows){0};
}
