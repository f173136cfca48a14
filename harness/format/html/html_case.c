#include "harness/format/html/html_case.h"

#include <stdlib.h>
#include <string.h>

#include "harness/format/html/html_picture.h"
#include "harness/format/html/html_text.h"
#include "harness/scenario/diagnosis_id.h"
#include "harness/scenario/verdict.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* --- the sentence --- */

static bool is_verdict(const cJSON *round, enum verdict verdict)
{
	const char *text = json_text(round, "verdict");

	return text && strcmp(text, verdict_names[verdict]) == 0;
}

const char *html_case_tone(const cJSON *round)
{
	if (!json_bool(round, "could_run", true) ||
		is_verdict(round, VERDICT_INCONCLUSIVE))
		return "unclear";
	return is_verdict(round, VERDICT_CLEAN) ? "good" : "bad";
}

/* "sessions=3" for the axis "load.sessions". */
static void add_axis_value(struct buf *title, const cJSON *axis)
{
	const char *dot = strrchr(axis->string, '.');
	SCOPED(mem_free) char *value =
		cJSON_IsString(axis) ? mem_text(axis->valuestring) : json_print(axis);

	buf_addf(title, " %s=%s", dot ? dot + 1 : axis->string, value);
}

char *html_case_title(const cJSON *round)
{
	const char *half = json_text(round, "half");
	int64_t number = json_int(round, "round", 1);
	struct buf title = {0};
	const cJSON *axis;

	buf_adds(&title, json_text(round, "id") ? json_text(round, "id") : "");
	cJSON_ArrayForEach(axis, json_get(round, "axes"))
		add_axis_value(&title, axis);
	if (half && strcmp(half, "twin") == 0)
		buf_adds(&title, " (twin)");
	if (number > 1)
		buf_addf(&title, ", round %lld", (long long)number);
	return buf_take(&title);
}

/* "4 sessions, one after the other" */
static char *row_name(const char *kind, int64_t count)
{
	return mem_textf("%lld %s%s, one after the other", (long long)count, kind,
		strcmp(kind, "process") == 0 ? "es" : "s");
}

char *html_case_held_up(const cJSON *round)
{
	const cJSON *longest = json_get(round, "held_up_by");
	const char *kind = json_text(longest, "kind");
	int64_t count = json_int(longest, "count", 1);

	return kind && count > 1 ? row_name(kind, count)
				 : mem_text(json_text(longest, "name"));
}

char *html_case_sentence(const cJSON *round)
{
	const char *verdict = json_text(round, "verdict");
	const char *trouble = json_text(round, "trouble_text");
	int64_t stop_ns = json_int(round, "stop_ns", -1);
	int64_t grace_ns = json_int(round, "grace_ns", 0);
	int64_t margin_ns = json_int(round, "margin_ns", 0);
	SCOPED(mem_free) char *first = NULL;

	if (!json_bool(round, "could_run", true))
		return mem_textf("Could not run: %s", trouble ? trouble : "no reason");
	if (stop_ns < 0)
		return mem_textf("Verdict %s: %s", verdict ? verdict : "unknown",
			trouble ? trouble : "no time of the stop was measured");
	if (is_verdict(round, VERDICT_KILLED))
		return mem_textf("Killed after %s: its grace of %s was over",
			CLOCK_TEXT(stop_ns), CLOCK_TEXT(grace_ns));
	if (margin_ns < 0)
		return mem_textf("Not clean (%s): it took %s, %s more than its grace",
			verdict ? verdict : "?", CLOCK_TEXT(stop_ns),
			CLOCK_TEXT(-margin_ns));
	first = is_verdict(round, VERDICT_SLOW)    ? mem_text("Slow")
		: is_verdict(round, VERDICT_CLEAN) ? mem_text("Clean")
		: is_verdict(round, VERDICT_INCONCLUSIVE)
		? mem_text("Not proven clean")
		: mem_textf("Not clean (%s)", verdict ? verdict : "?");
	return mem_textf("%s: stopped in %s, %s of its grace left", first,
		CLOCK_TEXT(stop_ns), CLOCK_TEXT(margin_ns));
}

/* The part of the grace that was used, and what was left. */
static void add_bar(struct buf *page, const cJSON *round)
{
	int64_t stop_ns = json_int(round, "stop_ns", -1);
	int64_t grace_ns = json_int(round, "grace_ns", 0);
	struct html_axis axis = {0, stop_ns > grace_ns ? stop_ns : grace_ns};
	double used;

	if (stop_ns < 0 || grace_ns <= 0)
		return;
	used = html_percent(&axis, stop_ns);
	html_addf(page,
		"<svg class=\"used\" height=\"34\" role=\"img\"><title>%s of the grace of "
		"%s</title><rect class=\"whole\" width=\"100%%\" height=\"10\"/>"
		"<rect class=\"%s\" width=\"%f%%\" height=\"10\"/>",
		CLOCK_TEXT(stop_ns), CLOCK_TEXT(grace_ns), html_case_tone(round),
		used < 0.4 ? 0.4 : used);
	if (used < 75)
		html_addf(page,
			"<text x=\"%f%%\" y=\"28\" text-anchor=\"%s\">stop %s</text>",
			used, used < 12 ? "start" : "middle", CLOCK_TEXT(stop_ns));
	html_addf(page,
		"<text x=\"100%%\" y=\"28\" text-anchor=\"end\">%s%s%s%s</text></svg>",
		used < 75 ? "" : "stop ", used < 75 ? "" : CLOCK_TEXT(stop_ns),
		used < 75 ? "grace " : " of grace ", CLOCK_TEXT(grace_ns));
}

static void add_figure(
	struct buf *page, const char *name, const char *value, const char *more)
{
	html_addf(page, "<div><dt>%s</dt><dd>%s</dd><dd class=\"more\">%s</dd></div>",
		name, value, more);
}

static void add_held_up(struct buf *page, const cJSON *round)
{
	const cJSON *longest = json_get(round, "held_up_by");
	int64_t ns = json_int(longest, "ns", 0);
	int64_t stop_ns = json_int(round, "stop_ns", 0);
	SCOPED(mem_free) char *name = html_case_held_up(round);
	SCOPED(mem_free) char *more = NULL;

	if (!name || stop_ns <= 0)
		return;
	more = mem_textf("%s: %s of %s", json_text(longest, "what"), CLOCK_TEXT(ns),
		CLOCK_TEXT(stop_ns));
	add_figure(page, "Held up by", name, more);
}

static void add_figures(struct buf *page, const cJSON *round)
{
	int64_t sessions = json_int(round, "sessions", 0);
	int64_t code = json_int(round, "exit_code", -1);
	int64_t margin_ns = json_int(round, "margin_ns", 0);
	int64_t grace_ns = json_int(round, "grace_ns", 0);
	int64_t open = json_int(round, "left_open", 0);
	SCOPED(mem_free) char *more =
		open > 0 ? mem_textf(", %lld open", (long long)open) : mem_text("");
	SCOPED(mem_free) char *released = mem_textf("%lld of %lld%s",
		(long long)json_int(round, "disconnected", 0),
		(long long)(sessions - open), more);
	SCOPED(mem_free) char *exit = mem_textf("%lld", (long long)code);
	SCOPED(mem_free) char *left = margin_ns > 0 && grace_ns > 0
		? mem_textf("%.0f %% of %s", (double)margin_ns * 100 / (double)grace_ns,
			  CLOCK_TEXT(grace_ns))
		: mem_textf("of %s", CLOCK_TEXT(grace_ns));
	const char *status = json_text(round, "wait_status");

	buf_adds(page, "<dl class=\"figures\">");
	add_held_up(page, round);
	if (json_int(round, "stop_ns", -1) >= 0)
		add_figure(page, "Margin",
			margin_ns > 0 ? CLOCK_TEXT(margin_ns) : "none", left);
	if (sessions > 0)
		add_figure(page, "Sessions released", released, "");
	if (code >= 0)
		add_figure(page, "Exit code", exit, status ? status : "");
	buf_adds(page, "</dl>");
}

/* What stands between backticks is code. */
static void add_cure(struct buf *page, const char *id)
{
	enum diagnosis_id cause = id ? diagnosis_find(id) : DIAGNOSIS_ANY;
	SCOPED(mem_free)
	char *cure = mem_text(cause == DIAGNOSIS_ANY ? "" : diagnosis_cure(cause));
	char *rest = cure;
	bool is_code = false;

	if (!cure[0])
		return;
	buf_adds(page, "<p class=\"cure\"><b>Cure</b> ");
	for (const char *piece; (piece = strsep(&rest, "`")); is_code = !is_code)
		html_addf(page, is_code ? "<code>%s</code>" : "%s", piece);
	buf_adds(page, "</p>");
}

static void add_causes(struct buf *page, const cJSON *round)
{
	const cJSON *diagnoses = json_get(round, "diagnoses"), *item;
	const char *reason = json_text(round, "reason");

	/* Of a clean stop the sentence has said all. */
	if (is_verdict(round, VERDICT_CLEAN))
		return;
	if (cJSON_GetArraySize(diagnoses) == 0)
		html_addf(page, "<p class=\"why\">%s</p>", reason);
	cJSON_ArrayForEach(item, diagnoses)
		html_addf(page, "<p class=\"%s\"><b>%s</b> %s</p>",
			item == diagnoses->child ? "why" : "also",
			json_text(item, "id"), json_text(item, "text"));
	add_cure(page, json_text(cJSON_GetArrayItem(diagnoses, 0), "id"));
}

static void add_sentence(struct buf *page, const cJSON *round)
{
	SCOPED(mem_free) char *sentence = html_case_sentence(round);

	html_addf(
		page, "<p class=\"sentence %s\">%s.", html_case_tone(round), sentence);
	if (json_bool(round, "could_run", true))
		html_addf(page, " <span class=\"%s\">%s</span>",
			json_bool(round, "met", false) ? "met" : "unmet",
			json_bool(round, "met", false) ? "as expected"
						       : "not as expected");
	buf_adds(page, "</p>");
	add_causes(page, round);
	add_bar(page, round);
	add_figures(page, round);
}

/* --- who took how long --- */

struct taker {
	const char *name, *kind;
	int64_t from_ns; /* -1: it was never asked to end */
	int64_t took_ns;
	const char *last; /* its last mark: how it ended; NULL: it was still there */
};

#define TAKERS_MAX 12

static int longest_first(const void *one, const void *other)
{
	const struct taker *a = one, *b = other;

	return a->took_ns > b->took_ns ? -1 : a->took_ns < b->took_ns;
}

/* From what it was asked to do first to its end. */
static struct taker taker_of(const cJSON *lane)
{
	const cJSON *span, *mark;
	struct taker taker = {
		.name = json_text(lane, "name"),
		.kind = json_text(lane, "kind"),
		.from_ns = -1,
	};

	cJSON_ArrayForEach(span, json_get(lane, "spans")) {
		const char *kind = json_text(span, "kind");
		int64_t from_ns = json_int(span, "from_ns", 0);

		if (taker.from_ns < 0 && kind && strcmp(kind, "runs") != 0 &&
			strcmp(kind, "open") != 0)
			taker.from_ns = from_ns > 0 ? from_ns : 0;
	}
	cJSON_ArrayForEach(mark, json_get(lane, "marks"))
		taker.last = json_text(mark, "what");
	taker.took_ns = json_int(lane, "to_ns", 0);
	if (taker.from_ns >= 0)
		taker.took_ns -= taker.from_ns;
	return taker;
}

static void add_takers(struct buf *page, const cJSON *round)
{
	const cJSON *lanes = json_at(round, "picture.lanes"), *lane;
	int count = cJSON_GetArraySize(lanes), taken = 0;
	struct taker *takers;
	struct html_axis axis;

	if (count < 2)
		return;
	takers = mem_zeroed((size_t)count * sizeof *takers);
	cJSON_ArrayForEach(lane, lanes) {
		const char *kind = json_text(lane, "kind");

		if (kind && strcmp(kind, "engine") != 0)
			takers[taken++] = taker_of(lane);
	}
	qsort(takers, (size_t)taken, sizeof *takers, longest_first);
	axis = (struct html_axis){0, taken ? takers[0].took_ns : 1};
	buf_adds(page,
		"<h3>Who took how long</h3><table class=\"takers\"><thead><tr><th>"
		"<th class=\"n\">asked at<th class=\"n\">took<th class=\"bar\"><th>ended"
		"</thead><tbody>");
	for (int i = 0; i < taken && i < TAKERS_MAX; i++) {
		html_addf(page, "<tr><td>%s<td class=\"n\">", takers[i].name);
		if (takers[i].from_ns < 0)
			buf_adds(page, "never");
		else
			html_add_moment(page, takers[i].from_ns);
		buf_adds(page, "<td class=\"n\">");
		html_add_duration(page, takers[i].took_ns > 0 ? takers[i].took_ns : 0);
		html_addf(page,
			"<td class=\"bar\"><svg height=\"10\"><rect class=\"%s\" "
			"width=\"%f%%\" height=\"10\"/></svg><td>%s\n",
			takers[i].kind, html_percent(&axis, takers[i].took_ns),
			takers[i].last ? takers[i].last : "still there at the end");
	}
	buf_adds(page, "</tbody></table>");
	if (taken > TAKERS_MAX)
		buf_addf(page, "<p class=\"note\">%d others took less.</p>",
			taken - TAKERS_MAX);
	free(takers);
}

/* --- the critical chain --- */

#define ROW_MAX 6 /* links of one kind in a row; more of them are one line */

static bool is_alike(const cJSON *one, const cJSON *other)
{
	return cJSON_Compare(json_get(one, "kind"), json_get(other, "kind"), true) &&
		cJSON_Compare(json_get(one, "what"), json_get(other, "what"), true);
}

/* The last link of the row that begins here, and how many things it stands for. */
static const cJSON *row_end(const cJSON *link, int64_t *count)
{
	const cJSON *last = link;
	unsigned links = 1;

	*count = json_int(link, "count", 1);
	for (; last->next && is_alike(link, last->next); last = last->next, links++)
		*count += json_int(last->next, "count", 1);
	if (links > ROW_MAX)
		return last;
	*count = json_int(link, "count", 1);
	return link;
}

static void add_link(struct buf *page, const struct html_axis *axis, const char *class,
	const char *name, const char *what, int64_t from_ns, int64_t ns)
{
	double x = html_percent(axis, from_ns);
	double width = html_percent(axis, from_ns + ns) - x;

	html_addf(page, "<tr class=\"%s%s\"><td class=\"n\">", class,
		width < 1 ? " short" : "");
	html_add_moment(page, from_ns);
	buf_adds(page, "<td class=\"n\">");
	html_add_duration(page, ns);
	html_addf(page,
		"<td class=\"bar\"><svg height=\"10\"><rect x=\"%f%%\" width=\"%f%%\" "
		"height=\"10\"/></svg><td><b>%s</b> %s\n",
		x, width < 0.5 ? 0.5 : width, name, what);
}

static void add_chain(struct buf *page, const cJSON *round)
{
	const cJSON *chain = json_get(round, "chain"), *link;
	const cJSON *longest = json_get(round, "held_up_by");
	struct html_axis axis = {0, json_int(round, "stop_ns", 0)};

	if (cJSON_GetArraySize(chain) == 0)
		return;
	buf_adds(page,
		"<h3>What the stop waited for</h3><table class=\"chain\"><thead><tr>"
		"<th class=\"n\">at<th class=\"n\">for<th class=\"bar\"><th>"
		"</thead><tbody>");
	for (link = chain->child; link; link = link->next) {
		int64_t from_ns = json_int(link, "from_ns", 0), count;
		const cJSON *last = row_end(link, &count);
		SCOPED(mem_free) char *name = count > 1
			? row_name(json_text(link, "kind"), count)
			: mem_text(json_text(link, "name"));

		add_link(page, &axis, is_alike(link, longest) ? "longest" : "", name,
			json_text(link, "what"), from_ns,
			json_int(last, "to_ns", 0) - from_ns);
		link = last;
	}
	buf_adds(page, "</tbody></table>");
}

/* --- what if --- */

static void add_what_if(struct buf *page, const cJSON *round)
{
	const cJSON *changes = json_get(round, "what_if"), *change;

	if (cJSON_GetArraySize(changes) == 0)
		return;
	buf_adds(page,
		"<h3>What if</h3><p class=\"note\">Run again with one change each, in "
		"turn with the case as it is.</p><table class=\"what-if\"><thead><tr>"
		"<th>change<th>result<th>takes from</thead><tbody>");
	cJSON_ArrayForEach(change, changes)
		html_addf(page, "<tr><td><code>%s</code> %s &rarr; %s<td>%s<td>%s\n",
			json_text(change, "knob"), json_text(change, "from"),
			json_text(change, "to"), json_text(change, "says"),
			json_text(change, "what"));
	buf_adds(page, "</tbody></table>");
}

/* --- lines and processes --- */

static void add_lines(struct buf *page, const cJSON *round)
{
	const cJSON *lines = json_at(round, "picture.lines"), *line;
	int64_t left_out = json_int(json_get(round, "picture"), "lines_left_out", 0);

	if (cJSON_GetArraySize(lines) == 0)
		return;
	buf_addf(page,
		"<details class=\"lines\"><summary>Log, ledger and kernel: %d lines"
		"</summary><table><tbody>\n",
		cJSON_GetArraySize(lines));
	cJSON_ArrayForEach(line, lines) {
		int64_t at_ns = json_int(line, "at_ns", 0);

		html_addf(page, "<tr data-t=\"%f\"><td class=\"n\">",
			(double)at_ns / 1e6);
		html_add_moment(page, at_ns);
		html_addf(page, "<td>%s<td class=\"text\">%s\n",
			json_text(line, "source"), json_text(line, "text"));
	}
	buf_adds(page, "</tbody></table>");
	if (left_out > 0)
		buf_addf(page,
			"<p class=\"note\">%lld lines in the middle are left out.</p>",
			(long long)left_out);
	buf_adds(page, "</details>\n");
}

static void add_snapshots(struct buf *page, const cJSON *round)
{
	const cJSON *snapshots = json_at(round, "picture.snapshots"), *snapshot, *proc;

	if (cJSON_GetArraySize(snapshots) == 0)
		return;
	buf_addf(page,
		"<details class=\"lines\"><summary>Processes as they were seen: %d times"
		"</summary><table><tbody>\n",
		cJSON_GetArraySize(snapshots));
	cJSON_ArrayForEach(snapshot, snapshots) {
		int64_t at_ns = json_int(snapshot, "at_ns", 0);

		cJSON_ArrayForEach(proc, json_get(snapshot, "processes")) {
			html_addf(page, "<tr data-t=\"%f\"><td class=\"n\">",
				(double)at_ns / 1e6);
			html_add_moment(page, at_ns);
			html_addf(page, "<td>pid %d %s<td class=\"text\">%s\n",
				(int)json_int(proc, "pid", 0), json_text(proc, "name"),
				json_text(proc, "wait"));
		}
	}
	buf_adds(page, "</tbody></table></details>\n");
}

/* --- what was expected --- */

static void add_expectations(struct buf *page, const cJSON *round)
{
	const cJSON *item;
	const char *command = json_text(round, "command");

	buf_adds(page,
		"<details><summary>Expected and seen, and how to run it again</summary>"
		"<table class=\"expected\"><thead><tr><th><th>expected<th>seen</thead>"
		"<tbody>");
	cJSON_ArrayForEach(item, json_get(round, "expectations"))
		html_addf(page, "<tr class=\"%s\"><td>%s %s<td>%s<td>%s\n",
			json_bool(item, "met", false) ? "met" : "unmet",
			json_bool(item, "met", false) ? "met" : "not met",
			json_text(item, "what"), json_text(item, "wanted"),
			json_text(item, "seen"));
	buf_adds(page, "</tbody></table>");
	html_addf(page, "<p>%s</p><pre>%s</pre>", json_text(round, "why"), command);
	if (json_text(round, "folder"))
		html_addf(page, "<p>Its files: <code>%s</code></p>",
			json_text(round, "folder"));
	buf_adds(page, "</details>\n");
}

/* --- the whole --- */

/* Of script alone; without script it stays hidden. */
static void add_tools(struct buf *page)
{
	buf_adds(page,
		"<form class=\"tools\" hidden><label>Lanes by <select name=\"by\">"
		"<option value=\"n\">group<option value=\"from\">start<option "
		"value=\"took\">duration<option value=\"kind\">kind</select></label>"
		"<label>hide shorter than <input name=\"min\" type=\"range\" min=\"0\" "
		"max=\"100\" value=\"0\"><output name=\"least\">0</output></label>"
		"<span class=\"range\"></span></form>\n");
}

static void add_picture(struct buf *page, const cJSON *round)
{
	if (cJSON_GetArraySize(json_at(round, "picture.lanes")) > 0) {
		buf_adds(page, "<h3>The picture</h3>");
		add_tools(page);
		html_picture_add(page, round);
	} else if (!json_get(round, "picture")) {
		buf_adds(page,
			"<p class=\"note\">These results have no picture: <code>stopbench run "
			"--format html=FILE</code> draws it.</p>");
	}
	add_lines(page, round);
	add_snapshots(page, round);
}

void html_case_add(struct buf *page, const cJSON *round, unsigned number, bool open)
{
	SCOPED(mem_free) char *title = html_case_title(round);
	const char *name = json_text(round, "name");

	html_addf(page,
		"<details class=\"case\" id=\"case-%u\"%s><summary><h2><span "
		"class=\"dot %s\"></span>%s</h2> <span class=\"id\">%s</span></summary>\n",
		number, open ? " open" : "", html_case_tone(round), name ? name : title,
		title);
	add_sentence(page, round);
	add_takers(page, round);
	add_chain(page, round);
	add_what_if(page, round);
	add_picture(page, round);
	add_expectations(page, round);
	buf_adds(page, "</details>\n");
}
