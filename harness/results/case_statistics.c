#include "harness/results/case_statistics.h"

#include <math.h>

#include "harness/results/round_sample.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

static void add_ns(cJSON *json, const char *key, double ns)
{
	if (isnan(ns))
		cJSON_AddNullToObject(json, key);
	else
		json_add_int(json, key, (int64_t)ns);
}

static void add_outliers(
	cJSON *json, const struct case_rounds *item, struct interval fences)
{
	cJSON *outliers = cJSON_AddArrayToObject(json, "outliers");

	for (unsigned i = 0; i < item->count; i++) {
		const cJSON *round = item->rounds[i];
		double ns = case_rounds_time_ns(round);
		cJSON *outlier;

		if (ns < 0 || (ns >= fences.low && ns <= fences.high))
			continue;
		outlier = cJSON_CreateObject();
		json_add_int(outlier, "round", json_int(round, "round", 0));
		add_ns(outlier, "stop_ns", ns);
		cJSON_AddItemToArray(outliers, outlier);
	}
}

static void add_over_limit(cJSON *json, const cJSON *first, double median_ns)
{
	int64_t limit_ns = json_int(first, "limit_ns", -1);

	if (limit_ns > 0)
		cJSON_AddNumberToObject(json, "median_over_limit",
			round(median_ns / (double)limit_ns * 1000) / 1000);
	else
		cJSON_AddNullToObject(json, "median_over_limit");
}

cJSON *case_statistics_json(const struct case_rounds *item)
{
	const cJSON *round = item->rounds[0];
	SCOPED(sample_done) struct sample sample = {0};
	struct interval median;
	cJSON *json;

	round_sample(&sample, item->rounds, item->count, "stop_ns");
	if (sample.count < 2)
		return NULL;
	median = sample_median_interval(&sample, 0.95);
	json = json_fill(NULL, "{'id': %s, 'half': %s}", json_text(round, "id"),
		json_text(round, "half"));
	cJSON_AddItemToObject(json, "axes", json_copy_exact(json_get(round, "axes")));
	json_add_int(json, "times", sample.count);
	add_ns(json, "median_ns", sample_median(&sample));
	add_ns(json, "low_ns", median.low);
	add_ns(json, "high_ns", median.high);
	add_ns(json, "p95_ns", sample_quantile(&sample, 0.95));
	add_ns(json, "spread_ns", sample_spread(&sample));
	add_over_limit(json, round, sample_median(&sample));
	add_outliers(json, item, sample_fences(&sample));
	return json;
}

static void add_outlier_text(struct buf *text, const cJSON *outliers)
{
	const cJSON *outlier;
	const char *before =
		cJSON_GetArraySize(outliers) == 1 ? "; outlier: " : "; outliers: ";

	cJSON_ArrayForEach(outlier, outliers) {
		buf_addf(text, "%sround %lld (%s)", before,
			(long long)json_int(outlier, "round", 0),
			CLOCK_TEXT(json_int(outlier, "stop_ns", 0)));
		before = ", ";
	}
}

char *case_statistics_text(const cJSON *json)
{
	const cJSON *over_limit = json_get(json, "median_over_limit");
	int64_t low_ns = json_int(json, "low_ns", -1);
	struct buf text = {0};

	buf_addf(&text, "median %s", CLOCK_TEXT(json_int(json, "median_ns", 0)));
	if (low_ns >= 0)
		buf_addf(&text, " (95 %%: %s to %s)", CLOCK_TEXT(low_ns),
			CLOCK_TEXT(json_int(json, "high_ns", 0)));
	buf_addf(&text, ", p95 %s, spread %s", CLOCK_TEXT(json_int(json, "p95_ns", 0)),
		CLOCK_TEXT(json_int(json, "spread_ns", 0)));
	if (cJSON_IsNumber(over_limit))
		buf_addf(&text, ", %.3g x its limit", over_limit->valuedouble);
	add_outlier_text(&text, json_get(json, "outliers"));
	return buf_take(&text);
}
