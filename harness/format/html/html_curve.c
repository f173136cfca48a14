#include "harness/format/html/html_curve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/format/html/html_case.h"
#include "harness/format/html/html_text.h"
#include "harness/scenario/verdict.h"
#include "harness/stats/line.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define POINTS_MAX LINE_MAX /* of one curve; later rounds are left out */
#define CONFIDENCE 0.95

struct curve {
	char *key;        /* what its cases share */
	char *title;      /* for people */
	const char *axis; /* borrowed, "load.sessions" */
	int64_t grace_ns;
	double *n, *ns; /* of the rounds that ended by themselves */
	unsigned count;
	double *killed_n; /* of those that were killed: their time is longer */
	unsigned killed;
	double most_n, most_ns; /* the ends of both scales */
};

struct curves {
	struct curve *list;
	unsigned count;
};

/* --- finding them --- */

/* "history/10 main DISCONNECT=none": without the axis itself. */
static char *key_of(const cJSON *round, const cJSON *without, bool for_people)
{
	const char *id = json_text(round, "id"), *half = json_text(round, "half");
	struct buf key = {0};
	const cJSON *axis;

	buf_addf(&key, "%s", id ? id : "");
	if (!for_people || (half && strcmp(half, "twin") == 0))
		buf_addf(&key, " (%s)", half ? half : "");
	cJSON_ArrayForEach(axis, json_get(round, "axes")) {
		SCOPED(mem_free) char *value = NULL;

		if (axis == without)
			continue;
		value = cJSON_IsString(axis) ? mem_text(axis->valuestring)
					     : json_print(axis);
		buf_addf(&key, " %s=%s", axis->string, value);
	}
	if (!for_people)
		buf_addf(&key, " by %s", without->string);
	return buf_take(&key);
}

static struct curve *curve_of(
	struct curves *curves, const cJSON *round, const cJSON *axis)
{
	char *key = key_of(round, axis, false);
	struct curve *curve;

	for (unsigned i = 0; i < curves->count; i++) {
		if (strcmp(curves->list[i].key, key) == 0) {
			free(key);
			return &curves->list[i];
		}
	}
	curves->list = mem_grown(curves->list, curves->count + 1, sizeof *curves->list);
	curve = &curves->list[curves->count++];
	*curve = (struct curve){
		.key = key,
		.title = key_of(round, axis, true),
		.axis = axis->string,
		.grace_ns = json_int(round, "grace_ns", 0),
	};
	return curve;
}

static void add_point(struct curve *curve, const cJSON *round, double n)
{
	const char *verdict = json_text(round, "verdict");
	double ns = (double)json_int(round, "stop_ns", -1);
	bool killed = verdict && strcmp(verdict, verdict_names[VERDICT_KILLED]) == 0;

	if (ns < 0 || curve->count + curve->killed >= POINTS_MAX)
		return;
	if (killed) {
		curve->killed_n = mem_grown(
			curve->killed_n, curve->killed + 1, sizeof *curve->killed_n);
		curve->killed_n[curve->killed++] = n;
	} else {
		curve->n = mem_grown(curve->n, curve->count + 1, sizeof *curve->n);
		curve->ns = mem_grown(curve->ns, curve->count + 1, sizeof *curve->ns);
		curve->n[curve->count] = n;
		curve->ns[curve->count++] = ns;
	}
	curve->most_n = n > curve->most_n ? n : curve->most_n;
	curve->most_ns = ns > curve->most_ns ? ns : curve->most_ns;
}

static void curves_find(struct curves *curves, const cJSON *results)
{
	const cJSON *round, *axis;

	cJSON_ArrayForEach(round, json_get(results, "cases")) {
		cJSON_ArrayForEach(axis, json_get(round, "axes")) {
			if (cJSON_IsNumber(axis))
				add_point(curve_of(curves, round, axis), round,
					axis->valuedouble);
		}
	}
}

static void curves_done(struct curves *curves)
{
	for (unsigned i = 0; i < curves->count; i++) {
		free(curves->list[i].key);
		free(curves->list[i].title);
		free(curves->list[i].n);
		free(curves->list[i].ns);
		free(curves->list[i].killed_n);
	}
	free(curves->list);
}

/* At least three different values: two are always on a line. */
static bool is_curve(const struct curve *curve)
{
	unsigned different = 0;

	for (unsigned i = 0; i < curve->count && different < 3; i++) {
		bool is_new = true;

		for (unsigned k = 0; k < i; k++)
			is_new = is_new && curve->n[k] != curve->n[i];
		different += is_new;
	}
	return different >= 3;
}

/* --- what it says --- */

static const char *axis_name(const struct curve *curve)
{
	const char *dot = strrchr(curve->axis, '.');

	return dot ? dot + 1 : curve->axis;
}

/* Serial: over the range that was run, what each adds is more than half of the longest
 * stop, and the slope is proven to be above zero where there are rounds enough. */
static bool is_serial(const struct curve *curve, const struct line *line, double low)
{
	double least_n = curve->n[0];

	for (unsigned i = 1; i < curve->count; i++)
		least_n = curve->n[i] < least_n ? curve->n[i] : least_n;
	return !(low <= 0) &&
		line->slope * (curve->most_n - least_n) > curve->most_ns / 2;
}

static const char *time_text(double ns, char text[CLOCK_TEXT_SIZE])
{
	char positive[CLOCK_TEXT_SIZE];

	if (ns >= 0)
		return clock_format((int64_t)ns, text);
	snprintf(text, CLOCK_TEXT_SIZE, "-%.30s", clock_format((int64_t)-ns, positive));
	return text;
}

#define TIME(ns) time_text((ns), (char[CLOCK_TEXT_SIZE]){0})

static void add_words(struct buf *page, const struct curve *curve,
	const struct line *line, const struct interval *interval)
{
	bool serial = is_serial(curve, line, interval->low);
	double largest = ((double)curve->grace_ns - line->intercept) / line->slope;

	html_addf(page, "<p><b>%s.</b> One more of <code>%s</code> adds %s",
		serial ? "Serial" : "Parallel", axis_name(curve), TIME(line->slope));
	if (isnan(interval->low))
		buf_adds(page, " (too few rounds for an interval)");
	else
		html_addf(page, " (95%% interval: %s to %s)", TIME(interval->low),
			TIME(interval->high));
	if (serial && largest < 1e9)
		html_addf(page,
			". <b>The largest number that survives a grace of %s is about "
			"%d</b>%s.</p>",
			CLOCK_TEXT(curve->grace_ns), (int)largest,
			largest > curve->most_n * 2 ? ", far beyond what was run" : "");
	else
		html_addf(page,
			": up to the %d that were run, their number does not decide "
			"whether a stop fits the grace of %s.</p>",
			(int)curve->most_n, CLOCK_TEXT(curve->grace_ns));
}

/* --- the drawing --- */

#define HEIGHT     200
#define PLOT_WIDTH 82 /* percent; the labels of the levels are to the right */

static double x_of(const struct curve *curve, double n)
{
	return curve->most_n > 0 ? n * PLOT_WIDTH / curve->most_n : 0;
}

static double y_of(const struct curve *curve, double ns)
{
	return HEIGHT - 4 - ns * (HEIGHT - 24) / curve->most_ns;
}

static void add_level(
	struct buf *page, const struct curve *curve, const char *name, int64_t ns)
{
	double y = y_of(curve, (double)ns);

	html_addf(page,
		"<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%f\" y2=\"%f\"/>"
		"<text class=\"%s\" x=\"100%%\" y=\"%f\" text-anchor=\"end\">%s%s%s</text>",
		name, y, y, name, y - 4, strcmp(name, "grid") == 0 ? "" : name,
		strcmp(name, "grid") == 0 ? "" : " ", ns ? CLOCK_TEXT(ns) : "0");
}

static void add_points(struct buf *page, const struct curve *curve)
{
	for (unsigned i = 0; i < curve->count; i++)
		html_addf(page,
			"<circle cx=\"%f%%\" cy=\"%f\" r=\"3.5\"><title>%s = %d: %s"
			"</title></circle>",
			x_of(curve, curve->n[i]), y_of(curve, curve->ns[i]),
			axis_name(curve), (int)curve->n[i], TIME(curve->ns[i]));
	for (unsigned i = 0; i < curve->killed; i++)
		html_addf(page,
			"<circle class=\"killed\" cx=\"%f%%\" cy=\"%f\" r=\"3.5\"><title>"
			"%s = %d: killed</title></circle>",
			x_of(curve, curve->killed_n[i]),
			y_of(curve, (double)curve->grace_ns), axis_name(curve),
			(int)curve->killed_n[i]);
}

/* The values that were run, below the points, where there is room. */
static void add_values(struct buf *page, const struct curve *curve)
{
	double last = -100;

	for (double n = 0; n <= curve->most_n; n++) {
		double x = x_of(curve, n);
		bool is_run = false;

		for (unsigned i = 0; i < curve->count; i++)
			is_run = is_run || curve->n[i] == n;
		for (unsigned i = 0; i < curve->killed; i++)
			is_run = is_run || curve->killed_n[i] == n;
		if (!is_run || x < last + 6)
			continue;
		html_addf(page,
			"<text x=\"%f%%\" y=\"%d\" text-anchor=\"middle\">%d</text>", x,
			HEIGHT + 14, (int)n);
		last = x;
	}
	html_addf(page, "<text x=\"100%%\" y=\"%d\" text-anchor=\"end\">%s</text>",
		HEIGHT + 14, axis_name(curve));
}

/* As far as the drawing reaches. */
static void add_fit(
	struct buf *page, const struct curve *curve, const struct line *line)
{
	double from_ns = line->intercept > 0 ? line->intercept : 0;
	double to_ns = line->intercept + line->slope * curve->most_n;

	to_ns = to_ns > curve->most_ns ? curve->most_ns : to_ns > 0 ? to_ns : 0;
	if (line->slope == 0)
		from_ns = to_ns = line->intercept;
	html_addf(page,
		"<line class=\"fit\" x1=\"%f%%\" x2=\"%f%%\" y1=\"%f\" y2=\"%f\"/>",
		line->slope != 0
			? x_of(curve, (from_ns - line->intercept) / line->slope)
			: 0,
		line->slope != 0 ? x_of(curve, (to_ns - line->intercept) / line->slope)
				 : PLOT_WIDTH,
		y_of(curve, from_ns), y_of(curve, to_ns));
}

static void add_curve(struct buf *page, struct curve *curve)
{
	struct line line = line_theil_sen(curve->n, curve->ns, curve->count);
	struct rank_estimate slope;
	struct interval interval;
	bool shows_grace = (double)curve->grace_ns < curve->most_ns * 4;

	line_slope_init(&slope, curve->n, curve->ns, curve->count);
	interval = rank_estimate_interval(&slope, CONFIDENCE);
	rank_estimate_done(&slope);
	html_addf(page, "<section class=\"curve\"><h3>%s</h3>", curve->title);
	add_words(page, curve, &line, &interval);
	if (shows_grace || curve->killed)
		curve->most_ns = curve->most_ns > (double)curve->grace_ns
			? curve->most_ns
			: (double)curve->grace_ns;
	html_addf(page, "<svg class=\"plot\" height=\"%d\" role=\"img\">", HEIGHT + 20);
	add_level(page, curve, "grid", 0);
	add_level(page, curve, "grid", (int64_t)(curve->most_ns / 2));
	if (shows_grace || curve->killed)
		add_level(page, curve, "grace", curve->grace_ns);
	else
		add_level(page, curve, "grid", (int64_t)curve->most_ns);
	add_fit(page, curve, &line);
	add_points(page, curve);
	add_values(page, curve);
	buf_adds(page, "</svg></section>\n");
}

void html_curves_add(struct buf *page, const cJSON *results)
{
	SCOPED(curves_done) struct curves curves = {0};
	bool first = true;

	curves_find(&curves, results);
	for (unsigned i = 0; i < curves.count; i++) {
		if (!is_curve(&curves.list[i]))
			continue;
		if (first)
			buf_adds(page,
				"<h2 class=\"part\">How the stop grows with N"
				"</h2><div class=\"curves\">\n");
		first = false;
		add_curve(page, &curves.list[i]);
	}
	if (!first)
		buf_adds(page, "</div>");
}
