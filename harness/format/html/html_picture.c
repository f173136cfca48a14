#include "harness/format/html/html_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/format/html/html_text.h"
#include "harness/picture/lanes.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

struct html_picture {
	struct buf *page;
	const cJSON *round;
	const cJSON *lanes;
	struct html_axis axis;
	unsigned count; /* lanes */
};

/* --- the axis --- */

#define LABEL_ROWS 4

/* A moment of the whole stop, with a line through all lanes. */
struct moment {
	int64_t ns;
	const char *kind; /* its class */
	char text[64];
};

struct moments {
	struct moment list[8];
	unsigned count;
	double taken[LABEL_ROWS]; /* how far to the right a row of labels reaches */
};

static void add_moment(
	struct moments *moments, int64_t ns, const char *kind, const char *text)
{
	struct moment *moment = &moments->list[moments->count++];

	*moment = (struct moment){.ns = ns, .kind = kind};
	snprintf(moment->text, sizeof moment->text, "%s", text);
}

/* The time within which the scenario expects the end; 0: it does not say. */
static int64_t target_ns(const cJSON *round)
{
	const cJSON *expectation;
	struct err err;
	int64_t ns = 0;

	cJSON_ArrayForEach(expectation, json_get(round, "expectations")) {
		const char *what = json_text(expectation, "what");
		const char *wanted = json_text(expectation, "wanted");

		if (what && wanted && strcmp(what, "within") == 0 &&
			!clock_parse(&ns, wanted, &err))
			ns = 0;
	}
	return ns;
}

static int in_time(const void *one, const void *other)
{
	const struct moment *a = one, *b = other;

	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

static void find_moments(const struct html_picture *picture, struct moments *moments)
{
	const cJSON *round = picture->round;
	int64_t stop_ns = json_int(round, "stop_ns", -1);
	int64_t kill_ns = json_int(json_get(round, "kill"), "after_signal_ns", -1);
	int64_t grace_ns = json_int(round, "grace_ns", 0), target = target_ns(round);
	char text[64];

	*moments = (struct moments){0};
	add_moment(moments, 0, "sent", "stop signal");
	if (grace_ns > 0 && grace_ns <= picture->axis.to_ns) {
		snprintf(text, sizeof text, "grace %s", CLOCK_TEXT(grace_ns));
		add_moment(moments, grace_ns, "grace", text);
	}
	if (target > 0 && target <= picture->axis.to_ns) {
		snprintf(text, sizeof text, "target %s", CLOCK_TEXT(target));
		add_moment(moments, target, "target", text);
	}
	if (kill_ns >= 0)
		add_moment(moments, kill_ns, "killed", "SIGKILL");
	if (stop_ns >= 0) {
		snprintf(text, sizeof text, "end %s", CLOCK_TEXT(stop_ns));
		add_moment(moments, stop_ns, "end", text);
	}
	qsort(moments->list, moments->count, sizeof *moments->list, in_time);
}

/* The first row of labels with room for one more. Half a letter is about 0.8 % of the
 * width of a telephone. */
static unsigned label_row(
	struct moments *moments, const struct moment *moment, double x)
{
	double width = 1.7 * (double)strlen(moment->text) + 3;
	double left = x > 85 ? x - width : x;
	unsigned row = 0;

	while (row < LABEL_ROWS - 1 && moments->taken[row] > left)
		row++;
	moments->taken[row] = left + width;
	return row;
}

static const char *anchor(double x)
{
	return x > 85 ? "end" : "start";
}

/* 1, 2 or 5 times a power of ten ns: about four of them fit the axis. */
static int64_t tick_ns(const struct html_axis *axis)
{
	int64_t length = axis->to_ns - axis->from_ns, step = 1000;

	while (step * 10 < length)
		step *= 10;
	return step * 5 < length ? step * 2 : step * 2 < length ? step : step / 2;
}

#define LABEL_HEIGHT 15

static void add_axis(struct html_picture *picture, struct moments *moments)
{
	struct buf *page = picture->page;
	int64_t step = tick_ns(&picture->axis);
	unsigned row[COUNT(moments->list)], rows = 0;
	int height;

	for (unsigned i = 0; i < moments->count; i++) {
		row[i] = label_row(moments, &moments->list[i],
			html_percent(&picture->axis, moments->list[i].ns));
		rows = row[i] + 1 > rows ? row[i] + 1 : rows;
	}
	height = LABEL_HEIGHT * (int)rows + 22;
	html_addf(page, "<svg class=\"axis\" role=\"presentation\" height=\"%d\">",
		height);
	for (unsigned i = 0; i < moments->count; i++) {
		const struct moment *moment = &moments->list[i];
		double x = html_percent(&picture->axis, moment->ns);
		int y = 12 + LABEL_HEIGHT * (int)row[i];

		html_addf(page,
			"<line class=\"%s\" x1=\"%f%%\" x2=\"%f%%\" y1=\"%d\" y2=\"%d\"/>"
			"<text class=\"%s\" x=\"%f%%\" dx=\"%d\" y=\"%d\" "
			"text-anchor=\"%s\">%s</text>",
			moment->kind, x, x, y - 9, height, moment->kind, x,
			x > 85 ? -4 : 4, y, anchor(x), moment->text);
	}
	for (int64_t ns = 0; ns <= picture->axis.to_ns; ns += step) {
		double x = html_percent(&picture->axis, ns);

		html_addf(page,
			"<text class=\"tick\" x=\"%f%%\" dx=\"%d\" y=\"%d\" "
			"text-anchor=\"%s\">%s</text>",
			x, x > 85 ? -4 : 4, height - 5, anchor(x),
			ns ? CLOCK_TEXT(ns) : "0");
	}
	buf_adds(page, "</svg>");
}

/* --- lanes --- */

static const char *span_text(const char *kind)
{
	for (unsigned i = 0; kind && i < SPAN_KINDS; i++) {
		if (strcmp(span_kind_names[i], kind) == 0)
			return span_kind_texts[i];
	}
	return "";
}

static bool is_of_kind(const cJSON *span, enum span_kind kind)
{
	const char *text = json_text(span, "kind");

	return text && strcmp(text, span_kind_names[kind]) == 0;
}

/* There, and nothing asked of it. */
static bool is_quiet(const cJSON *span)
{
	return is_of_kind(span, SPAN_RUNS) || is_of_kind(span, SPAN_OPEN);
}

#define LABEL_WIDTH 14.0 /* percent: narrower bars have no label */

static void add_span(struct html_picture *picture, const cJSON *span)
{
	struct buf *page = picture->page;
	int64_t from_ns = json_int(span, "from_ns", 0);
	int64_t to_ns = json_int(span, "to_ns", 0);
	double x = html_percent(&picture->axis, from_ns);
	double width = html_percent(&picture->axis, to_ns) - x;
	const char *kind = json_text(span, "kind");

	if (width <= 0)
		return;
	html_addf(page, "<rect class=\"%s%s\" x=\"%f%%\" width=\"%f%%\"", kind,
		json_bool(span, "open", false) ? " cut" : "", x, width);
	if (is_quiet(span)) {
		buf_adds(page, "/>");
		return;
	}
	html_addf(page, "><title>%s, ", span_text(kind));
	html_add_moment(page, from_ns);
	buf_addf(page, " for %s%s</title></rect>", CLOCK_TEXT(to_ns - from_ns),
		json_bool(span, "open", false) ? ", its end was not seen" : "");
	if (width >= LABEL_WIDTH)
		html_addf(page, "<text x=\"%f%%\" y=\"13\" dx=\"4\">%s</text>", x,
			span_text(kind));
}

static void add_mark(struct html_picture *picture, const cJSON *mark)
{
	struct buf *page = picture->page;
	int64_t at_ns = json_int(mark, "at_ns", 0);

	if (at_ns > picture->axis.to_ns)
		return;
	html_addf(page, "<rect class=\"mark\" x=\"%f%%\"><title>%s, ",
		html_percent(&picture->axis, at_ns), json_text(mark, "what"));
	html_add_moment(page, at_ns);
	buf_adds(page, "</title></rect>");
}

/* When it was asked to end, or, before anybody did, the signal; and how long it took. */
static int64_t asked_ns(const cJSON *lane)
{
	const cJSON *span;

	cJSON_ArrayForEach(span, json_get(lane, "spans")) {
		int64_t from_ns = json_int(span, "from_ns", 0);

		if (!is_quiet(span) && from_ns >= 0)
			return from_ns;
	}
	return 0;
}

static void add_lane(struct html_picture *picture, const cJSON *lane, unsigned number)
{
	struct buf *page = picture->page;
	const char *kind = json_text(lane, "kind"), *name = json_text(lane, "name");
	int64_t from_ns = asked_ns(lane), to_ns = json_int(lane, "to_ns", 0);
	const cJSON *item;

	html_addf(page,
		"<li class=\"lane %s\" data-n=\"%u\" data-from=\"%f\" data-to=\"%f\"><span "
		"class=\"name\" title=\"%s\">%s</span><span class=\"took\">",
		kind, number, (double)from_ns / 1e6, (double)to_ns / 1e6, name, name);
	buf_adds(page, to_ns > from_ns ? CLOCK_TEXT(to_ns - from_ns) : "");
	buf_adds(page, "</span><svg height=\"18\" role=\"presentation\">");
	cJSON_ArrayForEach(item, json_get(lane, "spans"))
		add_span(picture, item);
	cJSON_ArrayForEach(item, json_get(lane, "marks"))
		add_mark(picture, item);
	buf_adds(page, "</svg></li>\n");
}

/* --- what goes through all lanes --- */

static bool is_lane_of(const cJSON *lane, const cJSON *link)
{
	const char *name = json_text(lane, "name"), *wanted = json_text(link, "name");
	const char *kind = json_text(link, "kind");

	if (!name || !wanted || !kind)
		return false;
	if (strcmp(kind, "phase") == 0)
		return strncmp(name, "PID 1", 5) == 0;
	/* "session 3 and 4 others" */
	return strncmp(name, wanted, strlen(name)) == 0 &&
		(!wanted[strlen(name)] || wanted[strlen(name)] == ' ');
}

/* The number of the link's lane; the lanes' number: it has none here. */
static unsigned lane_of(const struct html_picture *picture, const cJSON *link)
{
	const cJSON *lane;
	unsigned number = 0;

	cJSON_ArrayForEach(lane, picture->lanes) {
		if (is_lane_of(lane, link))
			return number;
		number++;
	}
	return picture->count;
}

static double height_of(const struct html_picture *picture, double lane)
{
	return lane * 100 / picture->count;
}

/* Below the bars that the stop waited for, and from each to the next. */
static void add_chain(struct html_picture *picture)
{
	struct buf *page = picture->page;
	unsigned before = picture->count;
	const cJSON *link;

	cJSON_ArrayForEach(link, json_get(picture->round, "chain")) {
		unsigned lane = lane_of(picture, link);
		double from =
			html_percent(&picture->axis, json_int(link, "from_ns", 0));
		double to = html_percent(&picture->axis, json_int(link, "to_ns", 0));
		double y = height_of(picture, lane + 0.92);

		if (lane == picture->count)
			continue;
		if (before != picture->count && before != lane)
			html_addf(page,
				"<line class=\"held\" data-a=\"%u\" data-b=\"%u\" x1=\"%f%%\" "
				"x2=\"%f%%\" y1=\"%f%%\" y2=\"%f%%\"/>",
				before, lane, from, from,
				height_of(picture, before + 0.92), y);
		html_addf(page,
			"<line class=\"held\" data-a=\"%u\" data-b=\"%u\" x1=\"%f%%\" "
			"x2=\"%f%%\" y1=\"%f%%\" y2=\"%f%%\"/>",
			lane, lane, from, to, y, y);
		before = lane;
	}
}

#define FLOWS_MAX 60 /* more are no picture */

/* From one lane to another, and not too many. */
static bool has_flows(const struct html_picture *picture)
{
	const cJSON *flows = json_at(picture->round, "picture.flows"), *flow;
	bool found = false;

	cJSON_ArrayForEach(flow, flows)
		found = found || json_int(flow, "from", 0) != json_int(flow, "to", 0);
	return found && cJSON_GetArraySize(flows) <= FLOWS_MAX;
}

static void add_flows(struct html_picture *picture)
{
	const cJSON *flow;

	if (!has_flows(picture))
		return;
	cJSON_ArrayForEach(flow, json_at(picture->round, "picture.flows")) {
		unsigned from = (unsigned)json_int(flow, "from", 0);
		unsigned to = (unsigned)json_int(flow, "to", 0);

		if (from == to)
			continue;
		html_addf(picture->page,
			"<line class=\"flow\" data-a=\"%u\" data-b=\"%u\" x1=\"%f%%\" "
			"x2=\"%f%%\" y1=\"%f%%\" y2=\"%f%%\"/>",
			from, to,
			html_percent(&picture->axis, json_int(flow, "from_ns", 0)),
			html_percent(&picture->axis, json_int(flow, "to_ns", 0)),
			height_of(picture, from + 0.5), height_of(picture, to + 0.5));
	}
}

static void add_overlay(struct html_picture *picture, const struct moments *moments)
{
	struct buf *page = picture->page;

	buf_adds(page, "<svg class=\"over\" role=\"presentation\">");
	for (unsigned i = 0; i < moments->count; i++) {
		double x = html_percent(&picture->axis, moments->list[i].ns);

		html_addf(page,
			"<line class=\"%s\" x1=\"%f%%\" x2=\"%f%%\" y1=\"0\" "
			"y2=\"100%%\"/>",
			moments->list[i].kind, x, x);
	}
	add_flows(picture);
	add_chain(picture);
	buf_adds(page, "</svg>");
}

/* --- the whole --- */

static struct html_axis axis_of(const cJSON *round, const cJSON *lanes)
{
	int64_t grace_ns = json_int(round, "grace_ns", 0);
	int64_t stop_ns = json_int(round, "stop_ns", 0), end_ns = stop_ns;
	const cJSON *lane;

	cJSON_ArrayForEach(lane, lanes) {
		int64_t to_ns = json_int(lane, "to_ns", 0);

		/* What is long after the end does not squeeze the stop. */
		if (to_ns > end_ns && (to_ns <= stop_ns + stop_ns / 4 || !stop_ns))
			end_ns = to_ns;
	}
	if (grace_ns > end_ns && grace_ns <= end_ns * 2)
		end_ns = grace_ns;
	end_ns = end_ns > 0 ? end_ns : CLOCK_MS;
	return (struct html_axis){-end_ns / 25, end_ns + end_ns / 50};
}

static void add_legend(struct html_picture *picture)
{
	struct buf *page = picture->page;
	bool seen[SPAN_KINDS] = {false};
	const cJSON *lane, *span;

	cJSON_ArrayForEach(lane, picture->lanes) {
		cJSON_ArrayForEach(span, json_get(lane, "spans")) {
			for (unsigned i = 0; i < SPAN_KINDS; i++)
				seen[i] =
					seen[i] || is_of_kind(span, (enum span_kind)i);
		}
	}
	buf_adds(page, "<ul class=\"legend\">");
	for (unsigned i = 0; i < SPAN_KINDS; i++) {
		if (seen[i])
			html_addf(page,
				"<li><svg width=\"18\" height=\"18\"><rect class=\"%s\" "
				"width=\"18\"/></svg>%s</li>",
				span_kind_names[i], span_kind_texts[i]);
	}
	buf_adds(page,
		"<li><svg width=\"18\" height=\"18\"><line class=\"held\" x1=\"0\" "
		"x2=\"18\" y1=\"15\" y2=\"15\"/></svg>what the stop waited for</li>");
	if (has_flows(picture))
		buf_adds(page,
			"<li><svg width=\"18\" height=\"18\"><line class=\"flow\" x1=\"0\" "
			"x2=\"18\" y1=\"9\" y2=\"9\"/></svg>a signal to its handler, a "
			"disconnect to its acknowledgement</li>");
	buf_adds(page, "</ul>");
}

static void add_grace_note(struct html_picture *picture)
{
	int64_t grace_ns = json_int(picture->round, "grace_ns", 0);

	if (grace_ns > picture->axis.to_ns)
		buf_addf(picture->page,
			"<p class=\"note\">The grace of %s ends %.0f times as far to the "
			"right.</p>",
			CLOCK_TEXT(grace_ns),
			(double)grace_ns / (double)picture->axis.to_ns);
}

void html_picture_add(struct buf *page, const cJSON *round)
{
	struct html_picture picture = {
		.page = page,
		.round = round,
		.lanes = json_at(round, "picture.lanes"),
	};
	int64_t left_out = json_int(json_get(round, "picture"), "left_out", 0);
	struct moments moments;
	const cJSON *lane;
	unsigned number = 0;

	picture.count = (unsigned)cJSON_GetArraySize(picture.lanes);
	if (picture.count == 0)
		return;
	picture.axis = axis_of(round, picture.lanes);
	find_moments(&picture, &moments);
	add_legend(&picture);
	html_addf(page, "<div class=\"picture\" data-from=\"%f\" data-to=\"%f\">",
		(double)picture.axis.from_ns / 1e6, (double)picture.axis.to_ns / 1e6);
	add_axis(&picture, &moments);
	buf_adds(page, "<div class=\"rows\"><ol class=\"lanes\">\n");
	cJSON_ArrayForEach(lane, picture.lanes)
		add_lane(&picture, lane, number++);
	buf_adds(page, "</ol>");
	add_overlay(&picture, &moments);
	buf_adds(page, "</div></div>");
	add_grace_note(&picture);
	if (left_out > 0)
		buf_addf(page,
			"<p class=\"note\">%lld more lanes ended earlier and are not "
			"drawn.</p>",
			(long long)left_out);
}
