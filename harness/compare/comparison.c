#include "harness/compare/comparison.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/case_comparison.h"
#include "harness/results/case_rounds.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

struct comparison {
	const cJSON *base, *new;
	struct case_list base_cases, new_cases;
	bool paired, same_host;
	struct case_comparison *list; /* NEW's cases, then those of BASE alone */
	unsigned count;
};

/* --- what can be compared --- */

static const char *text_at(const cJSON *json, const char *path)
{
	const cJSON *node = json_at(json, path);

	return cJSON_IsString(node) ? node->valuestring : "";
}

static bool have_common_case(const cJSON *base, const cJSON *new)
{
	SCOPED(case_list_done) struct case_list base_cases = {0}, new_cases = {0};
	bool found = false;

	case_list_fill(&base_cases, base);
	case_list_fill(&new_cases, new);
	for (unsigned i = 0; i < new_cases.count && !found; i++)
		found = case_list_find(&base_cases, &new_cases.item[i]);
	return found;
}

bool comparison_check_engine(const cJSON *base, const char *engine, struct err *err)
{
	const char *base_engine = text_at(base, "engine.engine");

	return strcmp(base_engine, engine) == 0 ||
		err_set(err,
			"BASE was run on engine %s and NEW on engine %s: their stops are not "
			"comparable",
			base_engine, engine);
}

bool comparison_check(const cJSON *base, const cJSON *new, struct err *err)
{
	if (!comparison_check_engine(base, text_at(new, "engine.engine"), err))
		return false;
	return have_common_case(base, new) ||
		err_set(err, "BASE and NEW have no case in common");
}

static bool is_same_at(const struct comparison *comparison, const char *path)
{
	const cJSON *one = json_at(comparison->base, path);
	const cJSON *other = json_at(comparison->new, path);

	return (!one && !other) || cJSON_Compare(one, other, true);
}

static bool is_same_host(const struct comparison *comparison)
{
	return is_same_at(comparison, "host.kernel") &&
		is_same_at(comparison, "host.machine") &&
		is_same_at(comparison, "host.cpus") &&
		is_same_at(comparison, "host.memory_bytes");
}

static cJSON *run_json(const cJSON *results)
{
	cJSON *json = json_fill(NULL, "{'stopbench': %s, 'started': %s}",
		json_text(results, "stopbench"), json_text(results, "started"));

	json_add_text(json, "title", json_text(results, "title"));
	return json;
}

PRINTF(2, 3)
static void add_caveat(cJSON *caveats, const char *format, ...)
{
	SCOPED(buf_done) struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	cJSON_AddItemToArray(caveats, cJSON_CreateString(buf_text(&text)));
}

static bool has_same_limits(const struct case_comparison *item, const char *key)
{
	return !item->base.rounds || !item->new.rounds ||
		json_int(item->base.rounds->rounds[0], key, -1) ==
		json_int(item->new.rounds->rounds[0], key, -1);
}

static cJSON *caveats_of(const struct comparison *comparison)
{
	cJSON *caveats = cJSON_CreateArray();
	unsigned other_grace = 0, other_limit = 0, untimed = 0;

	for (unsigned i = 0; i < comparison->count; i++) {
		const struct case_comparison *item = &comparison->list[i];

		other_grace += !has_same_limits(item, "grace_ns");
		other_limit += !has_same_limits(item, "limit_ns");
		untimed += item->base.rounds && item->new.rounds && !item->timed;
	}
	if (!is_same_at(comparison, "stopbench"))
		add_caveat(caveats, "stopbench %s wrote BASE, and %s wrote NEW",
			text_at(comparison->base, "stopbench"),
			text_at(comparison->new, "stopbench"));
	if (!comparison->same_host)
		add_caveat(caveats,
			"the runs are of different hosts: seconds are compared only where a planted "
			"latency decides how long a stop takes");
	if (untimed)
		add_caveat(caveats,
			"the times of %u case%s were not compared: where a service is killed, the "
			"time is the engine's",
			untimed, untimed == 1 ? "" : "s");
	if (!comparison->paired)
		add_caveat(caveats,
			"the runs were not made in turn: what else changed on the host between "
			"them counts as a difference (`run --against` measures in turn)");
	if (other_grace)
		add_caveat(caveats, "%u case%s another grace in NEW", other_grace,
			other_grace == 1 ? " has" : "s have");
	if (other_limit)
		add_caveat(caveats, "%u case%s other planted latencies in NEW",
			other_limit, other_limit == 1 ? " has" : "s have");
	return caveats;
}

/* --- the whole --- */

static void add_case(struct comparison *comparison, const struct case_rounds *base,
	const struct case_rounds *new)
{
	comparison->list = mem_grown(
		comparison->list, comparison->count + 1, sizeof *comparison->list);
	case_comparison_init(&comparison->list[comparison->count++], base, new,
		comparison->paired, comparison->same_host);
}

static void add_cases(struct comparison *comparison)
{
	const struct case_list *base = &comparison->base_cases;
	const struct case_list *new = &comparison->new_cases;

	for (unsigned i = 0; i < new->count; i++)
		add_case(
			comparison, case_list_find(base, &new->item[i]), &new->item[i]);
	for (unsigned i = 0; i < base->count; i++) {
		if (!case_list_find(new, &base->item[i]))
			add_case(comparison, &base->item[i], NULL);
	}
}

static void decide(struct comparison *comparison, enum gate_plan plan)
{
	unsigned count = comparison->count;
	SCOPED(mem_free) struct gate_case *cases =
		mem_zeroed(sizeof *cases * (count + 1));
	SCOPED(mem_free) struct gate_result *results =
		mem_zeroed(sizeof *results * (count + 1));

	for (unsigned i = 0; i < count; i++) {
		const struct case_comparison *item = &comparison->list[i];

		cases[i] = (struct gate_case){.paired = comparison->paired};
		if (!item->timed)
			continue;
		cases[i].base_ns = item->times.base_ns;
		cases[i].new_ns = item->times.new_ns;
		cases[i].base_count = item->times.base_count;
		cases[i].new_count = item->times.new_count;
	}
	gate_decide(results, cases, count, plan);
	for (unsigned i = 0; i < count; i++)
		comparison->list[i].gate = results[i];
}

static void comparison_done(struct comparison *comparison)
{
	for (unsigned i = 0; i < comparison->count; i++)
		case_comparison_done(&comparison->list[i]);
	free(comparison->list);
	case_list_done(&comparison->base_cases);
	case_list_done(&comparison->new_cases);
}

cJSON *comparison_json(const cJSON *base, const cJSON *new, enum gate_plan plan)
{
	const char *pairing = json_text(base, "pairing");
	SCOPED(comparison_done) struct comparison comparison = {
		.base = base,
		.new = new,
		.paired = pairing &&json_text(new, "pairing") &&
			strcmp(pairing, json_text(new, "pairing")) == 0,
	};
	cJSON *json = cJSON_CreateObject(), *cases;
	int64_t regressions = 0; /* cases with one */

	comparison.same_host = is_same_host(&comparison);
	case_list_fill(&comparison.base_cases, base);
	case_list_fill(&comparison.new_cases, new);
	add_cases(&comparison);
	decide(&comparison, plan);
	cJSON_AddItemToObject(json, "base", run_json(base));
	cJSON_AddItemToObject(json, "new", run_json(new));
	cJSON_AddBoolToObject(json, "paired", comparison.paired);
	cJSON_AddItemToObject(json, "caveats", caveats_of(&comparison));
	cases = cJSON_AddArrayToObject(json, "cases");
	for (unsigned i = 0; i < comparison.count; i++) {
		cJSON *item = case_comparison_json(&comparison.list[i]);

		regressions += json_bool(item, "regression", false);
		cJSON_AddItemToArray(cases, item);
	}
	json_add_int(json, "regressions", regressions);
	return json;
}
