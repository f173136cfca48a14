#include "harness/results/results_members.h"

#include <stddef.h>

#include "harness/engine/facts.h"
#include "harness/picture/chain.h"
#include "harness/picture/lanes.h"
#include "harness/results/results.h"
#include "harness/rollout/task_stop.h"
#include "harness/run/evidence.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/verdict.h"
#include "lib/json_fill.h"

#define ITEMS(of_members)                                                              \
	&(const struct member)                                                         \
	{                                                                              \
		.kind = MEMBER_OBJECT, .members = (of_members)                         \
	}

#define ENGINE(name, whole_seconds, runs_images, rollouts, help) #name,
static const char *const engine_names[] = {
#include "harness/scenario/engines.def"
	NULL,
};
#undef ENGINE

static const struct member host_members[] = {
	{.name = "kernel", .kind = MEMBER_TEXT},
	{.name = "machine", .kind = MEMBER_TEXT},
	{.name = "cpus", .kind = MEMBER_COUNT},
	{.name = "memory_bytes", .kind = MEMBER_COUNT},
	{.name = "load",
		.kind = MEMBER_LIST,
		.item = &(const struct member){.kind = MEMBER_NUMBER}},
	{0},
};

/* An engine adds what it knows of itself. */
static const struct member engine_members[] = {
	{.name = "engine", .kind = MEMBER_WORD, .words = engine_names},
	{.name = "limitations", .kind = MEMBER_TEXT},
	{0},
};

static const struct member phase_members[] = {
	{.name = "up", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "ready", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "loaded", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "stopped", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "ended", .kind = MEMBER_COUNT, .nullable = true},
	{0},
};

static const struct member kill_members[] = {
	{.name = "after_signal_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "source", .kind = MEMBER_WORD, .words = stamp_source_names},
	{.name = "by_engine", .kind = MEMBER_BOOL},
	{.name = "sender", .kind = MEMBER_TEXT, .nullable = true},
	{0},
};

static const struct member herd_members[] = {
	{.name = "closes", .kind = MEMBER_COUNT},
	{.name = "closes_per_second", .kind = MEMBER_COUNT},
	{.name = "refused", .kind = MEMBER_COUNT},
	{.name = "opens", .kind = MEMBER_COUNT},
	{.name = "opens_per_second", .kind = MEMBER_COUNT},
	{0},
};

static const struct member diagnosis_members[] = {
	{.name = "id", .kind = MEMBER_TEXT},
	{.name = "text", .kind = MEMBER_TEXT},
	{0},
};

static const struct member expectation_members[] = {
	{.name = "what", .kind = MEMBER_TEXT},
	{.name = "wanted", .kind = MEMBER_TEXT},
	{.name = "seen", .kind = MEMBER_TEXT},
	{.name = "met", .kind = MEMBER_BOOL},
	{0},
};

static const struct member cure_members[] = {
	{.name = "cure", .kind = MEMBER_TEXT},
	{.name = "how", .kind = MEMBER_TEXT},
	{.name = "two", .kind = MEMBER_BOOL},
	{.name = "diagnosis", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "verdict",
		.kind = MEMBER_WORD,
		.words = verdict_names,
		.nullable = true},
	{.name = "trouble", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "exit_code", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "stop_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "grace_ns", .kind = MEMBER_COUNT},
	{0},
};

static const struct member what_if_members[] = {
	{.name = "what", .kind = MEMBER_TEXT},
	{.name = "knob", .kind = MEMBER_TEXT},
	{.name = "from", .kind = MEMBER_TEXT},
	{.name = "to", .kind = MEMBER_TEXT},
	{.name = "predicted_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "measured_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "low_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "high_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "pairs", .kind = MEMBER_COUNT},
	{.name = "verdict",
		.kind = MEMBER_WORD,
		.words = verdict_names,
		.nullable = true},
	{.name = "says", .kind = MEMBER_TEXT},
	{0},
};

#define LINK                                                                           \
	{.name = "kind", .kind = MEMBER_WORD, .words = chain_kind_names},              \
		{.name = "name", .kind = MEMBER_TEXT},                                 \
		{.name = "what", .kind = MEMBER_TEXT},                                 \
	{                                                                              \
		.name = "count", .kind = MEMBER_COUNT                                  \
	}

static const struct member link_members[] = {
	LINK,
	{.name = "from_ns", .kind = MEMBER_COUNT},
	{.name = "to_ns", .kind = MEMBER_COUNT},
	{0},
};

static const struct member longest_link_members[] = {
	LINK,
	{.name = "ns", .kind = MEMBER_COUNT},
	{0},
};

static const struct member span_members[] = {
	{.name = "kind", .kind = MEMBER_WORD, .words = span_kind_names},
	{.name = "from_ns", .kind = MEMBER_WHOLE},
	{.name = "to_ns", .kind = MEMBER_WHOLE},
	{.name = "open", .kind = MEMBER_BOOL, .optional = true},
	{0},
};

static const struct member mark_members[] = {
	{.name = "what", .kind = MEMBER_TEXT},
	{.name = "at_ns", .kind = MEMBER_WHOLE},
	{0},
};

static const struct member lane_members[] = {
	{.name = "kind", .kind = MEMBER_WORD, .words = lane_kind_names},
	{.name = "name", .kind = MEMBER_TEXT},
	{.name = "group", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "from_ns", .kind = MEMBER_WHOLE},
	{.name = "to_ns", .kind = MEMBER_WHOLE},
	{.name = "spans", .kind = MEMBER_LIST, .item = ITEMS(span_members)},
	{.name = "marks", .kind = MEMBER_LIST, .item = ITEMS(mark_members)},
	{0},
};

static const struct member flow_members[] = {
	{.name = "kind", .kind = MEMBER_WORD, .words = flow_kind_names},
	{.name = "from", .kind = MEMBER_COUNT},
	{.name = "to", .kind = MEMBER_COUNT},
	{.name = "from_ns", .kind = MEMBER_WHOLE},
	{.name = "to_ns", .kind = MEMBER_WHOLE},
	{0},
};

static const struct member line_members[] = {
	{.name = "at_ns", .kind = MEMBER_WHOLE},
	{.name = "source", .kind = MEMBER_TEXT},
	{.name = "text", .kind = MEMBER_TEXT, .nullable = true},
	{0},
};

static const struct member proc_members[] = {
	{.name = "pid", .kind = MEMBER_COUNT},
	{.name = "name", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "wait", .kind = MEMBER_TEXT},
	{0},
};

static const struct member snapshot_members[] = {
	{.name = "at_ns", .kind = MEMBER_WHOLE},
	{.name = "count", .kind = MEMBER_COUNT},
	{.name = "processes", .kind = MEMBER_LIST, .item = ITEMS(proc_members)},
	{0},
};

static const struct member picture_members[] = {
	{.name = "lanes", .kind = MEMBER_LIST, .item = ITEMS(lane_members)},
	{.name = "flows", .kind = MEMBER_LIST, .item = ITEMS(flow_members)},
	{.name = "left_out", .kind = MEMBER_COUNT},
	{.name = "lines", .kind = MEMBER_LIST, .item = ITEMS(line_members)},
	{.name = "lines_left_out", .kind = MEMBER_COUNT},
	{.name = "snapshots", .kind = MEMBER_LIST, .item = ITEMS(snapshot_members)},
	{0},
};

static const struct member step_members[] = {
	{.name = "what", .kind = MEMBER_TEXT},
	{.name = "asked_ns", .kind = MEMBER_COUNT},
	{.name = "took_ns", .kind = MEMBER_COUNT, .nullable = true},
	{0},
};

static const struct member task_members[] = {
	{.name = "name", .kind = MEMBER_TEXT},
	{.name = "node", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "seen_by",
		.kind = MEMBER_WORD,
		.words = task_stop_source_names,
		.nullable = true},
	{.name = "verdict",
		.kind = MEMBER_WORD,
		.words = verdict_names,
		.nullable = true},
	{.name = "reason", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "exit_code", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "stop_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "before_signal_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "created_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "unwanted_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "running_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "ended_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "died_with_node", .kind = MEMBER_BOOL},
	{.name = "diagnoses", .kind = MEMBER_LIST, .item = ITEMS(diagnosis_members)},
	{0},
};

static const struct member node_members[] = {
	{.name = "name", .kind = MEMBER_TEXT},
	{.name = "witnessed", .kind = MEMBER_BOOL},
	{.name = "trouble", .kind = MEMBER_TEXT, .nullable = true},
	{0},
};

static const struct member rollout_members[] = {
	{.name = "failed", .kind = MEMBER_COUNT},
	{.name = "nodes", .kind = MEMBER_LIST, .item = ITEMS(node_members)},
	{.name = "steps", .kind = MEMBER_LIST, .item = ITEMS(step_members)},
	{.name = "tasks", .kind = MEMBER_LIST, .item = ITEMS(task_members)},
	{.name = "traffic", .kind = MEMBER_OBJECT, .open = true},
	{0},
};

static const struct member known_members[] = {
	{.name = "why", .kind = MEMBER_TEXT},
	{.name = "passes", .kind = MEMBER_BOOL},
	{0},
};

static const struct member round_members[] = {
	{.name = "id", .kind = MEMBER_TEXT},
	{.name = "half", .kind = MEMBER_WORD, .words = half_names},
	{.name = "round", .kind = MEMBER_COUNT},
	{.name = "warm_up", .kind = MEMBER_BOOL, .optional = true},
	{.name = "engine", .kind = MEMBER_WORD, .words = engine_names},
	{.name = "seed", .kind = MEMBER_TEXT},
	{.name = "verdict", .kind = MEMBER_WORD, .words = verdict_names},
	{.name = "command", .kind = MEMBER_TEXT},
	{.name = "axes", .kind = MEMBER_OBJECT, .open = true},
	{.name = "file", .kind = MEMBER_TEXT},
	{.name = "line", .kind = MEMBER_COUNT},
	{.name = "name", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "why", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "reason", .kind = MEMBER_TEXT},
	{.name = "met", .kind = MEMBER_BOOL},
	{.name = "could_run", .kind = MEMBER_BOOL},
	{.name = "regressions",
		.kind = MEMBER_LIST,
		.item = &(const struct member){.kind = MEMBER_TEXT},
		.optional = true},
	{.name = "known_failure",
		.kind = MEMBER_OBJECT,
		.members = known_members,
		.optional = true},
	{.name = "trouble",
		.kind = MEMBER_WORD,
		.words = trouble_names + TROUBLE_NONE + 1,
		.nullable = true},
	{.name = "trouble_text", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "stop_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "stop_error_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "signal_source", .kind = MEMBER_WORD, .words = stamp_source_names},
	{.name = "exit_source", .kind = MEMBER_WORD, .words = stamp_source_names},
	{.name = "grace_ns", .kind = MEMBER_COUNT},
	{.name = "margin_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "engine_late_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "call_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "limit_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "stop_over_limit", .kind = MEMBER_NUMBER, .nullable = true},
	{.name = "phases_ns", .kind = MEMBER_OBJECT, .members = phase_members},
	{.name = "sessions", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "disconnected", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "left_open", .kind = MEMBER_COUNT, .nullable = true, .optional = true},
	{.name = "herd",
		.kind = MEMBER_OBJECT,
		.members = herd_members,
		.nullable = true,
		.optional = true},
	{.name = "orphans", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "lost", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "turned_away", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "exit_code", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "wait_status", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "signal_delivery",
		.kind = MEMBER_WORD,
		.words = signal_delivery_names},
	{.name = "kill",
		.kind = MEMBER_OBJECT,
		.members = kill_members,
		.nullable = true},
	{.name = "diagnoses", .kind = MEMBER_LIST, .item = ITEMS(diagnosis_members)},
	{.name = "expectations",
		.kind = MEMBER_LIST,
		.item = ITEMS(expectation_members)},
	{.name = "chain",
		.kind = MEMBER_LIST,
		.item = ITEMS(link_members),
		.optional = true},
	{.name = "held_up_by",
		.kind = MEMBER_OBJECT,
		.members = longest_link_members,
		.nullable = true,
		.optional = true},
	{.name = "picture",
		.kind = MEMBER_OBJECT,
		.members = picture_members,
		.optional = true},
	{.name = "folder", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "rollout",
		.kind = MEMBER_OBJECT,
		.members = rollout_members,
		.optional = true},
	{.name = "cures",
		.kind = MEMBER_LIST,
		.item = ITEMS(cure_members),
		.optional = true},
	{.name = "what_if",
		.kind = MEMBER_LIST,
		.item = ITEMS(what_if_members),
		.optional = true},
	{0},
};

static const struct member summary_members[] = {
	{.name = "cases", .kind = MEMBER_COUNT},
	{.name = "rounds", .kind = MEMBER_COUNT},
	{.name = "met", .kind = MEMBER_COUNT},
	{.name = "known_failures", .kind = MEMBER_COUNT},
	{.name = "unmet", .kind = MEMBER_COUNT},
	{.name = "not_run", .kind = MEMBER_COUNT},
	{.name = "passed_over", .kind = MEMBER_COUNT},
	{.name = "seconds", .kind = MEMBER_NUMBER},
	{0},
};

/* --- statistics --- */

static const struct member outlier_members[] = {
	{.name = "round", .kind = MEMBER_COUNT},
	{.name = "stop_ns", .kind = MEMBER_COUNT},
	{0},
};

static const struct member statistics_members[] = {
	{.name = "id", .kind = MEMBER_TEXT},
	{.name = "half", .kind = MEMBER_WORD, .words = half_names},
	{.name = "axes", .kind = MEMBER_OBJECT, .open = true},
	{.name = "times", .kind = MEMBER_COUNT},
	{.name = "median_ns", .kind = MEMBER_COUNT},
	{.name = "low_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "high_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "p95_ns", .kind = MEMBER_COUNT},
	{.name = "spread_ns", .kind = MEMBER_COUNT},
	{.name = "median_over_limit", .kind = MEMBER_NUMBER, .nullable = true},
	{.name = "outliers", .kind = MEMBER_LIST, .item = ITEMS(outlier_members)},
	{0},
};

/* --- a comparison --- */

static const struct member run_members[] = {
	{.name = "stopbench", .kind = MEMBER_TEXT},
	{.name = "started", .kind = MEMBER_TEXT},
	{.name = "title", .kind = MEMBER_TEXT, .nullable = true},
	{0},
};

static const struct member side_members[] = {
	{.name = "rounds", .kind = MEMBER_COUNT},
	{.name = "not_clean", .kind = MEMBER_COUNT},
	{.name = "not_run", .kind = MEMBER_COUNT},
	{.name = "times", .kind = MEMBER_COUNT},
	{.name = "worst",
		.kind = MEMBER_WORD,
		.words = verdict_names,
		.nullable = true},
	{.name = "median_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "low_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "high_ns", .kind = MEMBER_COUNT, .nullable = true},
	{0},
};

static const struct member difference_members[] = {
	{.name = "kind", .kind = MEMBER_TEXT},
	{.name = "regression", .kind = MEMBER_BOOL},
	{.name = "text", .kind = MEMBER_TEXT},
	{0},
};

static const struct member compared_members[] = {
	{.name = "id", .kind = MEMBER_TEXT},
	{.name = "half", .kind = MEMBER_WORD, .words = half_names},
	{.name = "axes", .kind = MEMBER_OBJECT, .open = true},
	{.name = "base",
		.kind = MEMBER_OBJECT,
		.members = side_members,
		.nullable = true},
	{.name = "new",
		.kind = MEMBER_OBJECT,
		.members = side_members,
		.nullable = true},
	{.name = "time", .kind = MEMBER_TEXT, .nullable = true},
	{.name = "shift_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "low_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "high_ns", .kind = MEMBER_WHOLE, .nullable = true},
	{.name = "tolerance_ns", .kind = MEMBER_COUNT, .nullable = true},
	{.name = "adjusted_p", .kind = MEMBER_NUMBER, .nullable = true},
	{.name = "rounds_needed", .kind = MEMBER_COUNT},
	{.name = "regression", .kind = MEMBER_BOOL},
	{.name = "differences", .kind = MEMBER_LIST, .item = ITEMS(difference_members)},
	{0},
};

static const struct member comparison_members[] = {
	{.name = "base", .kind = MEMBER_OBJECT, .members = run_members},
	{.name = "new", .kind = MEMBER_OBJECT, .members = run_members},
	{.name = "paired", .kind = MEMBER_BOOL},
	{.name = "caveats",
		.kind = MEMBER_LIST,
		.item = &(const struct member){.kind = MEMBER_TEXT}},
	{.name = "cases", .kind = MEMBER_LIST, .item = ITEMS(compared_members)},
	{.name = "regressions", .kind = MEMBER_COUNT},
	{0},
};

/* --- the run --- */

const struct member results_members[] = {
	{.name = "stopbench", .kind = MEMBER_TEXT},
	{.name = "schema", .kind = MEMBER_COUNT},
	{.name = "started", .kind = MEMBER_TEXT},
	{.name = "seed", .kind = MEMBER_TEXT},
	{.name = "host", .kind = MEMBER_OBJECT, .members = host_members},
	{.name = "engine",
		.kind = MEMBER_OBJECT,
		.members = engine_members,
		.open = true},
	{.name = "title", .kind = MEMBER_TEXT, .optional = true},
	{.name = "pairing", .kind = MEMBER_TEXT, .optional = true},
	{.name = "cases", .kind = MEMBER_LIST, .item = ITEMS(round_members)},
	{.name = "statistics", .kind = MEMBER_LIST, .item = ITEMS(statistics_members)},
	{.name = "comparison",
		.kind = MEMBER_OBJECT,
		.members = comparison_members,
		.optional = true},
	{.name = "summary", .kind = MEMBER_OBJECT, .members = summary_members},
	{0},
};

cJSON *results_schema(void)
{
	cJSON *schema = members_schema(results_members);

	json_fill(schema, "{'$schema': %s, 'title': %s}",
		"http://json-schema.org/draft-07/schema#",
		"results.json of stopbench; docs/results.md says what each member means");
	json_fill(cJSON_GetObjectItem(
			  cJSON_GetObjectItem(schema, "properties"), "schema"),
		"{'const': %u}", RESULTS_SCHEMA);
	return schema;
}
