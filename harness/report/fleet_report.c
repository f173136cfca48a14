#include "harness/report/fleet_report.h"

#include <math.h>

#include "lib/clock.h"

#define SECONDS(s) CLOCK_TEXT((int64_t)((s) * (double)CLOCK_S))
#define LABEL      26 /* columns */

static void print_times(FILE *out, const char *label, const struct fleet_estimate *of)
{
	fprintf(out, "  %-*s%s (%s to %s)\n", LABEL, label, SECONDS(of->median),
		SECONDS(of->low), SECONDS(of->high));
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

static void print_head(const struct fleet_report *report, FILE *out)
{
	const struct fleet *fleet = report->fleet;
	const struct fleet_samples *samples = fleet->samples;

	fprintf(out, "A deploy of %u replica%s on %u host%s, %u side by side, %s\n",
		fleet->replicas, plural(fleet->replicas), fleet->hosts,
		plural(fleet->hosts), fleet->parallelism,
		fleet->start_first ? "start-first" : "stop-first");
	fprintf(out, "from %u stop%s (median %s) and %u start%s",
		samples->count[FLEET_STOP], plural(samples->count[FLEET_STOP]),
		SECONDS(report->median_stop), samples->count[FLEET_START],
		plural(samples->count[FLEET_START]));
	if (samples->update_count)
		fprintf(out, " in %u update%s", samples->update_count,
			plural(samples->update_count));
	fprintf(out, "; in brackets: 90 %% of %u simulations\n\n", fleet->simulations);
}

static void print_measured(const struct fleet_report *report, FILE *out)
{
	if (report->measured_update > 0)
		fprintf(out, "  %-*s%s, median: the prediction is %.2f of it\n", LABEL,
			"measured updates took", SECONDS(report->measured_update),
			report->prediction->update.median / report->measured_update);
}

static void print_risk(const struct fleet_report *report, FILE *out)
{
	const struct fleet_estimate *risk = &report->prediction->at_risk;

	if (report->fleet->lag <= 0)
		return;
	fprintf(out,
		"  %-*s%.3g %% (%.3g to %.3g) of all: they reach a task after its stop "
		"signal\n",
		LABEL, "requests at risk", 100 * risk->median, 100 * risk->low,
		100 * risk->high);
}

static void print_savings(const struct fleet_report *report, FILE *out)
{
	double whole = report->prediction->update.median;

	if (report->saving_count == 0)
		return;
	fprintf(out, "\n  %-*s%-12s%s\n", LABEL, "each stop shorter by", "the deploy",
		"saves");
	for (unsigned i = 0; i < report->saving_count; i++) {
		const struct fleet_saving *saving = &report->savings[i];
		double saved = whole - saving->update.median;

		fprintf(out, "  %-*s%-12s%s (%.1f %%)\n", LABEL,
			SECONDS(saving->shorter), SECONDS(saving->update.median),
			SECONDS(fmax(saved, 0)),
			whole > 0 ? 100 * fmax(saved, 0) / whole : 0);
	}
}

void fleet_report_print(const struct fleet_report *report, FILE *out)
{
	const struct fleet *fleet = report->fleet;
	const struct fleet_prediction *prediction = report->prediction;

	print_head(report, out);
	print_times(out, "the update takes", &prediction->update);
	print_measured(report, out);
	if (fleet->hosts > 1)
		print_times(out, "draining host by host", &prediction->drain);
	print_times(out, "the longest stop", &prediction->longest_stop);
	fprintf(out, "  %-*s%.0f (%.0f to %.0f) of %u, with a grace of %s\n", LABEL,
		"killed after the grace", prediction->over_grace.median,
		prediction->over_grace.low, prediction->over_grace.high,
		fleet->replicas, SECONDS(fleet->grace));
	fprintf(out, "  %-*s%.3g of %u on the average\n", LABEL, "replicas away",
		prediction->away.median, fleet->replicas);
	print_risk(report, out);
	print_savings(report, out);
}

static double rounded(double value)
{
	return round(value * 1e6) / 1e6;
}

static void add_estimate(cJSON *json, const char *key, const struct fleet_estimate *of)
{
	cJSON *object = cJSON_AddObjectToObject(json, key);

	cJSON_AddNumberToObject(object, "median", rounded(of->median));
	cJSON_AddNumberToObject(object, "low", rounded(of->low));
	cJSON_AddNumberToObject(object, "high", rounded(of->high));
}

cJSON *fleet_report_json(const struct fleet_report *report)
{
	const struct fleet *fleet = report->fleet;
	const struct fleet_prediction *prediction = report->prediction;
	cJSON *json = cJSON_CreateObject();
	cJSON *list, *samples;

	cJSON_AddNumberToObject(json, "replicas", fleet->replicas);
	cJSON_AddNumberToObject(json, "hosts", fleet->hosts);
	cJSON_AddNumberToObject(json, "parallelism", fleet->parallelism);
	cJSON_AddStringToObject(
		json, "order", fleet->start_first ? "start-first" : "stop-first");
	cJSON_AddNumberToObject(json, "simulations", fleet->simulations);
	samples = cJSON_AddObjectToObject(json, "samples");
	for (unsigned i = 0; i < FLEET_SPANS; i++)
		cJSON_AddNumberToObject(
			samples, fleet_span_names[i], fleet->samples->count[i]);
	cJSON_AddNumberToObject(samples, "updates", fleet->samples->update_count);
	add_estimate(json, "update_s", &prediction->update);
	if (report->measured_update > 0)
		cJSON_AddNumberToObject(
			json, "measured_update_s", report->measured_update);
	add_estimate(json, "drain_s", &prediction->drain);
	add_estimate(json, "longest_stop_s", &prediction->longest_stop);
	add_estimate(json, "killed", &prediction->over_grace);
	add_estimate(json, "away", &prediction->away);
	add_estimate(json, "at_risk", &prediction->at_risk);
	list = cJSON_AddArrayToObject(json, "savings");
	for (unsigned i = 0; i < report->saving_count; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddNumberToObject(item, "shorter_s", report->savings[i].shorter);
		add_estimate(item, "update_s", &report->savings[i].update);
		cJSON_AddItemToArray(list, item);
	}
	return json;
}
