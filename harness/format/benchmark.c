#include "harness/format/benchmark.h"

#include <math.h>

#include "harness/results/case_rounds.h"
#include "harness/results/round_sample.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* Three decimals are enough of either unit. */
static double rounded(double value)
{
	return round(value * 1000) / 1000;
}

static void add(cJSON *list, const struct case_rounds *rounds, const char *member,
	const char *words, const char *unit, double scale)
{
	SCOPED(mem_free) char *title = case_rounds_title(rounds->rounds[0]);
	SCOPED(mem_free) char *name = mem_textf("%s%s", title, words);
	SCOPED(sample_done) struct sample sample;
	cJSON *item;

	round_sample(&sample, rounds->rounds, rounds->count, member);
	if (sample.count == 0)
		return;
	item = json_fill(NULL, "{'name': %s, 'unit': %s, 'value': %g}", name, unit,
		rounded(sample_median(&sample) / scale));
	if (sample.count > 1) {
		SCOPED(mem_free)
		char *range =
			mem_textf("± %g", rounded(sample_spread(&sample) / scale));

		cJSON_AddStringToObject(item, "range", range);
	}
	json_add_text(item, "extra", json_text(rounds->rounds[0], "command"));
	cJSON_AddItemToArray(list, item);
}

void benchmark_print(FILE *out, const cJSON *results)
{
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();
	SCOPED(case_list_done) struct case_list cases = {0};
	SCOPED(mem_free) char *text = NULL;

	case_list_fill(&cases, results);
	for (unsigned i = 0; i < cases.count; i++) {
		add(list, &cases.item[i], "stop_ns", ": stop", "ms", (double)CLOCK_MS);
		add(list, &cases.item[i], "stop_over_limit", ": stop over limit", "x",
			1);
	}
	text = json_print_inert(list, true);
	fprintf(out, "%s\n", text);
}
