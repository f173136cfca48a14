#include "harness/compare/case_comparison.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "harness/stats/fisher.h"
#include "harness/stats/sample.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

/* --- a side of a case --- */

static enum verdict verdict_of(const cJSON *round)
{
	const char *name = json_text(round, "verdict");
	enum verdict verdict;

	return name && verdict_parse(&verdict, name) ? verdict : VERDICT_INCONCLUSIVE;
}

static struct case_side side_of(const struct case_rounds *rounds)
{
	struct case_side side = {.rounds = rounds};

	for (unsigned i = 0; rounds && i < rounds->count; i++) {
		const cJSON *round = rounds->rounds[i];
		enum verdict verdict = verdict_of(round);

		if (!json_bool(round, "could_run", false)) {
			side.not_run++;
			continue;
		}
		side.worst = verdict > side.worst ? verdict : side.worst;
		side.not_clean += verdict != VERDICT_CLEAN;
		if (!json_bool(round, "met", false)) {
			side.unmet++;
			side.unmet_example = round;
		}
	}
	return side;
}

static unsigned ran(const struct case_side *side)
{
	return side->rounds ? side->rounds->count - side->not_run : 0;
}

static const char *cause_of(const cJSON *round)
{
	const char *id = json_text(json_at(round, "diagnoses.0"), "id");

	return id ? id : "";
}

/* The kind of the longest link of its chain: "session"; of the service's own phases which
 * one: "drain". What a process did in it differs by the millisecond. */
static const char *holder_of(const cJSON *round)
{
	const cJSON *holder = json_get(round, "held_up_by");
	const char *kind = json_text(holder, "kind");

	if (kind && strcmp(kind, "phase") == 0)
		return json_text(holder, "what");
	return kind ? kind : "";
}

/* Has one of the side's rounds this? */
static bool has(const struct case_side *side, const char *value,
	const char *of(const cJSON *round))
{
	for (unsigned i = 0; i < side->rounds->count; i++) {
		if (strcmp(of(side->rounds->rounds[i]), value) == 0)
			return true;
	}
	return false;
}

/* --- differences --- */

PRINTF(4, 5)
static void tell(
	cJSON *differences, const char *kind, bool regression, const char *format, ...)
{
	cJSON *difference = cJSON_CreateObject();
	SCOPED(buf_done) struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	cJSON_AddStringToObject(difference, "kind", kind);
	cJSON_AddBoolToObject(difference, "regression", regression);
	json_add_text(difference, "text", buf_text(&text));
	cJSON_AddItemToArray(differences, difference);
}

/* "exit_code: wanted 0, seen 137" of the first expectation that is not met. */
static char *unmet_of(const cJSON *round)
{
	const cJSON *expectation;

	cJSON_ArrayForEach(expectation, json_get(round, "expectations")) {
		if (!json_bool(expectation, "met", true))
			return mem_textf("%s: wanted %s, seen %s",
				json_text(expectation, "what"),
				json_text(expectation, "wanted"),
				json_text(expectation, "seen"));
	}
	return mem_text("");
}

static void tell_cleanness(cJSON *differences, const struct case_comparison *item)
{
	const struct case_side *base = &item->base, *new = &item->new;
	unsigned base_ran = ran(base), new_ran = ran(new);
	double p = fisher_p_more(base->not_clean, base_ran, new->not_clean, new_ran);

	if (new->not_run > 0 && base_ran > 0 && new_ran == 0)
		tell(differences, "less clean", true, "it could not run in NEW");
	if (base_ran == 0 || new_ran == 0)
		return;
	if (new->worst > base->worst)
		tell(differences, "less clean", true,
			"%s in %u of %u rounds, and in BASE at worst %s",
			verdict_names[new->worst], new->not_clean, new_ran,
			verdict_names[base->worst]);
	else if (p <= GATE_CASE_LEVEL)
		tell(differences, "less clean", true,
			"not clean in %u of %u rounds, and in BASE in %u of %u",
			new->not_clean, new_ran, base->not_clean, base_ran);
	else if (new->worst < base->worst)
		tell(differences, "cleaner", false, "at worst %s, and in BASE %s",
			verdict_names[new->worst], verdict_names[base->worst]);
	if (new->unmet > 0 && base->unmet == 0) {
		SCOPED(mem_free) char *what = unmet_of(new->unmet_example);

		tell(differences, "unmet", true,
			"not as expected in %u of %u rounds: %s", new->unmet, new_ran,
			what);
	}
}

/* A value of NEW's rounds that BASE never had. */
static void tell_other(cJSON *differences, const struct case_comparison *item,
	const char *kind, const char *words, const char *of(const cJSON *round))
{
	const struct case_rounds *rounds = item->new.rounds;
	const char *was = of(item->base.rounds->rounds[0]);

	for (unsigned i = 0; i < rounds->count; i++) {
		const char *value = of(rounds->rounds[i]);

		if (!value[0] || has(&item->base, value, of))
			continue;
		tell(differences, kind, false, "%s %s in round %u, and in BASE %s",
			words, value, (unsigned)json_int(rounds->rounds[i], "round", 0),
			was[0] ? was : "none");
		return;
	}
}

/* "1.06s, +994ms (16 x)" */
static void tell_time(cJSON *differences, const struct case_comparison *item)
{
	const struct gate_result *gate = &item->gate;
	bool slower = gate->decision == GATE_SLOWER;
	int64_t shift_ns = (int64_t)fabs(gate->shift_ns);
	int64_t low_ns =
		(int64_t)fabs(slower ? gate->interval_ns.low : gate->interval_ns.high);
	int64_t high_ns =
		(int64_t)fabs(slower ? gate->interval_ns.high : gate->interval_ns.low);

	if (gate->decision == GATE_SLOWER || gate->decision == GATE_FASTER)
		tell(differences, gate_decision_name(gate->decision), slower,
			"%s by %s (95 %%: %s to %s)", slower ? "slower" : "faster",
			CLOCK_TEXT(shift_ns), CLOCK_TEXT(low_ns), CLOCK_TEXT(high_ns));
	else if (gate->decision == GATE_TOO_FEW)
		tell(differences, gate_decision_name(gate->decision), false,
			"too few rounds to say whether it is slower: it needs about %u of each",
			gate->rounds_needed);
}

static cJSON *differences_of(const struct case_comparison *item)
{
	cJSON *differences = cJSON_CreateArray();

	if (!item->base.rounds) {
		tell(differences, "new", false, "BASE has no such case");
		return differences;
	}
	if (!item->new.rounds) {
		tell(differences, "missing", false, "NEW has no such case");
		return differences;
	}
	tell_cleanness(differences, item);
	if (item->timed)
		tell_time(differences, item);
	tell_other(differences, item, "cause", "another cause", cause_of);
	tell_other(differences, item, "phase", "something else holds it up", holder_of);
	return differences;
}

/* --- as JSON --- */

static void add_ns(cJSON *json, const char *key, double ns)
{
	if (isnan(ns))
		cJSON_AddNullToObject(json, key);
	else
		json_add_int(json, key, (int64_t)ns);
}

static void add_side(cJSON *json, const char *key, const struct case_side *side,
	const double *times_ns, unsigned count)
{
	SCOPED(sample_done) struct sample sample = {0};
	struct interval interval;
	cJSON *added;

	if (!side->rounds) {
		cJSON_AddNullToObject(json, key);
		return;
	}
	sample_init(&sample, times_ns, count);
	interval = sample_median_interval(&sample, 0.95);
	added = cJSON_AddObjectToObject(json, key);
	json_fill(added,
		"{'rounds': %u, 'not_clean': %u, 'not_run': %u, 'times': %u, "
		"'worst': %s}",
		side->rounds->count, side->not_clean, side->not_run, count,
		ran(side) ? verdict_names[side->worst] : NULL);
	add_ns(added, "median_ns", sample_median(&sample));
	add_ns(added, "low_ns", interval.low);
	add_ns(added, "high_ns", interval.high);
}

static bool has_regression(const cJSON *differences)
{
	const cJSON *difference;

	cJSON_ArrayForEach(difference, differences) {
		if (json_bool(difference, "regression", false))
			return true;
	}
	return false;
}

cJSON *case_comparison_json(const struct case_comparison *item)
{
	const struct case_rounds *rounds =
		item->new.rounds ? item->new.rounds : item->base.rounds;
	const cJSON *round = rounds->rounds[0];
	const struct gate_result *gate = &item->gate;
	cJSON *differences = differences_of(item);
	cJSON *json = json_fill(NULL, "{'id': %s, 'half': %s}", json_text(round, "id"),
		json_text(round, "half"));

	cJSON_AddItemToObject(json, "axes", json_copy_exact(json_get(round, "axes")));
	add_side(
		json, "base", &item->base, item->times.base_ns, item->times.base_count);
	add_side(json, "new", &item->new, item->times.new_ns, item->times.new_count);
	if (item->timed)
		cJSON_AddStringToObject(
			json, "time", gate_decision_name(gate->decision));
	else
		cJSON_AddNullToObject(json, "time");
	add_ns(json, "shift_ns", item->timed ? gate->shift_ns : NAN);
	add_ns(json, "low_ns", item->timed ? gate->interval_ns.low : NAN);
	add_ns(json, "high_ns", item->timed ? gate->interval_ns.high : NAN);
	add_ns(json, "tolerance_ns", item->timed ? gate->tolerance_ns : NAN);
	if (item->timed)
		cJSON_AddNumberToObject(json, "adjusted_p", gate->adjusted_p);
	else
		cJSON_AddNullToObject(json, "adjusted_p");
	json_add_int(json, "rounds_needed", item->timed ? gate->rounds_needed : 0);
	cJSON_AddBoolToObject(json, "regression", has_regression(differences));
	cJSON_AddItemToObject(json, "differences", differences);
	return json;
}

void case_comparison_init(struct case_comparison *item, const struct case_rounds *base,
	const struct case_rounds *new, bool paired, bool same_host)
{
	const struct case_rounds *either = new ? new : base;
	bool has_limit = json_int(either->rounds[0], "limit_ns", -1) > 0;

	*item = (struct case_comparison){.base = side_of(base), .new = side_of(new)};
	case_times_fill(&item->times, base, new, paired);
	item->timed = base && new && item->times.base_count && item->times.new_count &&
		(same_host || has_limit);
}

void case_comparison_done(struct case_comparison *item)
{
	case_times_done(&item->times);
}
