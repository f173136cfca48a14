#include "harness/format/html/html_comparison.h"

#include <stdlib.h>
#include <string.h>

#include "harness/format/html/html_case.h"
#include "harness/format/html/html_text.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* Of all cases, so that their intervals stand on one axis. */
static struct html_axis axis_of(const cJSON *cases)
{
	const cJSON *item;
	int64_t widest_ns = CLOCK_MS;

	cJSON_ArrayForEach(item, cases) {
		const int64_t ends[] = {json_int(item, "high_ns", 0),
			-json_int(item, "low_ns", 0), json_int(item, "tolerance_ns", 0),
			llabs(json_int(item, "shift_ns", 0))};

		for (size_t i = 0; i < COUNT(ends); i++)
			widest_ns = ends[i] > widest_ns ? ends[i] : widest_ns;
	}
	return (struct html_axis){-widest_ns, widest_ns};
}

/* The tolerance as a band around zero, the interval as a line, the shift as a point. */
static void add_shift(struct buf *page, const cJSON *item, const struct html_axis *axis)
{
	int64_t shift_ns = json_int(item, "shift_ns", 0);
	int64_t tolerance_ns = json_int(item, "tolerance_ns", 0);
	double left = html_percent(axis, -tolerance_ns);
	bool worse = json_bool(item, "regression", false);

	if (!cJSON_IsNumber(json_get(item, "shift_ns")) &&
		!cJSON_IsRaw(json_get(item, "shift_ns")))
		return;
	html_addf(page,
		"<svg class=\"shift%s\" height=\"14\" role=\"img\"><title>slower by %s%s</title>"
		"<rect x=\"%f%%\" width=\"%f%%\" height=\"14\"/>"
		"<line class=\"zero\" x1=\"50%%\" x2=\"50%%\" y1=\"0\" y2=\"14\"/>",
		worse ? " worse" : "", shift_ns < 0 ? "-" : "",
		CLOCK_TEXT(llabs(shift_ns)), left,
		html_percent(axis, tolerance_ns) - left);
	if (json_get(item, "low_ns") && !cJSON_IsNull(json_get(item, "low_ns")))
		html_addf(page, "<line x1=\"%f%%\" x2=\"%f%%\" y1=\"7\" y2=\"7\"/>",
			html_percent(axis, json_int(item, "low_ns", 0)),
			html_percent(axis, json_int(item, "high_ns", 0)));
	html_addf(page, "<circle cx=\"%f%%\" cy=\"7\" r=\"3.5\"/></svg>",
		html_percent(axis, shift_ns));
}

static void add_median(struct buf *page, const cJSON *item, const char *side)
{
	int64_t median_ns = json_int(json_get(item, side), "median_ns", -1);

	buf_adds(page, "<td class=\"n\">");
	if (median_ns >= 0)
		html_add_duration(page, median_ns);
	else
		buf_adds(page, "-");
}

static void add_case(struct buf *page, const cJSON *item, const struct html_axis *axis)
{
	SCOPED(mem_free) char *title = html_case_title(item);
	const cJSON *difference;

	html_addf(page, "<tr class=\"%s\"><td>%s",
		json_bool(item, "regression", false) ? "unmet" : "met", title);
	add_median(page, item, "base");
	add_median(page, item, "new");
	buf_adds(page, "<td class=\"bar\">");
	add_shift(page, item, axis);
	buf_adds(page, "<td>");
	cJSON_ArrayForEach(difference, json_get(item, "differences"))
		html_addf(page, "<p class=\"%s\">%s</p>",
			json_bool(difference, "regression", false) ? "worse" : "other",
			json_text(difference, "text"));
	buf_adds(page, "\n");
}

static void add_table(struct buf *page, const cJSON *cases)
{
	struct html_axis axis = axis_of(cases);
	const cJSON *item;
	unsigned same = 0;

	html_addf(page,
		"<div class=\"scroll\"><table class=\"compared\"><thead><tr><th>case<th "
		"class=\"n\">before<th class=\"n\">now<th class=\"bar\">faster | slower, "
		"to %s; the tolerance is grey<th>what differs</thead><tbody>\n",
		CLOCK_TEXT(axis.to_ns));
	for (int worse = 1; worse >= 0; worse--) {
		cJSON_ArrayForEach(item, cases) {
			bool differs =
				cJSON_GetArraySize(json_get(item, "differences")) > 0;

			if (json_bool(item, "regression", false) != (worse == 1))
				continue;
			same += !differs;
			if (differs)
				add_case(page, item, &axis);
		}
	}
	buf_adds(page, "</tbody></table></div>");
	if (same > 0)
		html_addf(page, "<p class=\"note\">%u case%s as before.</p>", same,
			same == 1 ? " is" : "s are");
}

void html_comparison_add(struct buf *page, const cJSON *results)
{
	const cJSON *comparison = json_get(results, "comparison"), *caveat;
	const cJSON *base = json_get(comparison, "base");
	int64_t worse = json_int(comparison, "regressions", 0);

	if (!cJSON_IsObject(comparison))
		return;
	html_addf(page, "<h2 class=\"part %s\">%s", worse ? "bad" : "good",
		worse ? "Worse than " : "Not worse than ");
	html_addf(page, "%s: %d regression%s</h2><p class=\"note\">%s, %s</p>",
		json_text(base, "title") ? json_text(base, "title") : "before",
		(int)worse, worse == 1 ? "" : "s", json_text(base, "started"),
		json_bool(comparison, "paired", false)
			? "run in turn with this one"
			: "not run in turn with this one");
	cJSON_ArrayForEach(caveat, json_get(comparison, "caveats"))
		html_addf(page, "<p class=\"note\">%s</p>",
			cJSON_IsString(caveat) ? caveat->valuestring : NULL);
	add_table(page, json_get(comparison, "cases"));
}
