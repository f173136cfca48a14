#include "harness/campaign/what_if.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/compare/saving.h"
#include "harness/picture/chain.h"
#include "harness/picture/prediction.h"
#include "harness/scenario/redact.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define LEAST_NS CLOCK_MS /* a prediction of less is not tried */

struct change {
	char *what; /* the links, in words */
	char *knob; /* a path of the scenario */
	char *from, *to;
	cJSON *json;          /* the changed scenario */
	unsigned place;       /* in the order in which they were found */
	int64_t most_ns;      /* that it can save: predicted, or the links' time */
	int64_t predicted_ns; /* that it saves; known: */
	bool predicted;

	/* Stop times with and without it, of the pairs so far. */
	double with_ns[WHAT_IF_PAIRS_MAX], without_ns[WHAT_IF_PAIRS_MAX];
	unsigned pairs;
	int verdict; /* the worst with it; -1: none */
	char *trouble;
	bool settled;
};

struct what_if {
	const struct case_options *options;
	const struct rerun_of *of;
	struct view view;
	struct stop_steps steps;
	struct chain chain;
	struct change *changes; /* owned */
	unsigned count;
	bool interrupted;
};

static void change_done(struct change *change)
{
	free(change->what);
	free(change->knob);
	free(change->from);
	free(change->to);
	free(change->trouble);
	cJSON_Delete(change->json);
	*change = (struct change){0};
}

/* --- which links --- */

struct links {
	enum chain_kind kind;
	/* "session 2", "skills": the name of a link begins with it, and its next word is
	 * another matter. NULL: any. */
	const char *name;
};

static bool counts(const struct chain_item *item, const void *arg)
{
	const struct links *links = arg;
	size_t len = links->name ? strlen(links->name) : 0;

	return item->kind == links->kind &&
		(!len ||
			(strncmp(item->name, links->name, len) == 0 &&
				(!item->name[len] || item->name[len] == ' ')));
}

static char *words_of(const struct chain_row *row)
{
	const char *kind = chain_kind_names[row->first->kind];

	if (row->count == 1)
		return mem_textf("%s: %s", row->first->name, row->first->what);
	return mem_textf("%u %s%s, one after the other: %s", row->count, kind,
		row->first->kind == CHAIN_PROCESS ? "es" : "s", row->first->what);
}

/* "300ms", {"distribution": ...}; what is not given is as if it were `absent`. */
static char *value_text(const cJSON *value, const char *absent)
{
	if (!value)
		return mem_text(absent);
	return cJSON_IsString(value) ? mem_text(value->valuestring) : json_print(value);
}

/* --- which changes --- */

/* Takes value. Passed over: what saves nothing, and what the scenario contradicts. */
static void add_change(struct what_if *what_if, const struct chain_row *row,
	const char *knob, const char *absent, cJSON *value)
{
	const struct rerun_of *of = what_if->of;
	SCOPED(change_done)
	struct change change = {
		.knob = mem_text(knob),
		.from = value_text(json_at(of->json, knob), absent),
		.to = value_text(value, ""),
		.json = rerun_changed(of->json, knob, value),
		.place = what_if->count,
		.verdict = -1,
	};
	struct rerun *rerun =
		change.json && row->first ? rerun_create(of->path, change.json) : NULL;
	int64_t stop_ns;

	if (!rerun)
		return;
	stop_ns = prediction_stop_ns(&what_if->view, &what_if->steps, &rerun->scenario);
	rerun_destroy(rerun);
	change.predicted = stop_ns >= 0;
	change.predicted_ns = change.predicted ? what_if->view.stop_ns - stop_ns : 0;
	change.most_ns = change.predicted ? change.predicted_ns : row->ns;
	if (change.most_ns < LEAST_NS)
		return;
	change.what = words_of(row);
	what_if->changes = mem_grown(
		what_if->changes, what_if->count + 1, sizeof *what_if->changes);
	what_if->changes[what_if->count++] = change;
	change = (struct change){0};
}

/* `at`: "agent", "agent.rules.0". */
static void add_agent(struct what_if *what_if, const char *at, const char *session)
{
	static const struct {
		const char *key, *to;
	} knobs[] = {
		{"disconnect.fault", "none"},
		{"archive.fault", "none"},
		{"delete.fault", "none"},
		{"interrupt.fault", "none"},
		{"disconnect.latency", "0s"},
		{"archive.latency", "0s"},
		{"delete.latency", "0s"},
		{"interrupt.latency", "0s"},
		{"status_lag.latency", "0s"},
	};
	struct links links = {.kind = CHAIN_SESSION, .name = session};
	struct chain_row row = chain_longest(&what_if->chain, counts, &links);

	for (size_t i = 0; i < COUNT(knobs); i++) {
		SCOPED(mem_free) char *knob = mem_textf("%s.%s", at, knobs[i].key);

		if (json_at(what_if->of->json, knob))
			add_change(what_if, &row, knob, NULL,
				cJSON_CreateString(knobs[i].to));
	}
}

static void add_agents(struct what_if *what_if)
{
	const cJSON *rules = json_at(what_if->of->json, "agent.rules"), *rule;
	unsigned i = 0;

	cJSON_ArrayForEach(rule, rules) {
		SCOPED(mem_free) char *at = mem_textf("agent.rules.%u", i++);
		SCOPED(mem_free)
		char *session = mem_textf(
			"session %lld", (long long)json_int(rule, "session", 0));

		add_agent(what_if, at, session);
	}
	add_agent(what_if, "agent", NULL);
}

static void add_servers(struct what_if *what_if)
{
	const struct mcp_list *mcp = &what_if->of->scenario->mcp;

	for (unsigned i = 0; i < mcp->count; i++) {
		struct links links = {
			.kind = CHAIN_PROCESS, .name = mcp->server[i].name};
		struct chain_row row = chain_longest(&what_if->chain, counts, &links);
		SCOPED(mem_free) char *manner = mem_textf("mcp.%u.on_eof", i);
		SCOPED(mem_free) char *after = mem_textf("%s.exit_after", manner);

		if (json_at(what_if->of->json, after))
			add_change(
				what_if, &row, after, NULL, cJSON_CreateString("0s"));
		else if (json_at(what_if->of->json, manner))
			add_change(what_if, &row, manner, NULL,
				cJSON_CreateString("exit"));
	}
}

static void add_service(struct what_if *what_if)
{
	const struct scenario *scenario = what_if->of->scenario;
	struct links sessions = {.kind = CHAIN_SESSION}, turns = {.kind = CHAIN_TURN};
	struct chain_row row = chain_longest(&what_if->chain, counts, &turns);

	if (scenario->load.turns > 0)
		add_change(what_if, &row, "load.turns", NULL, cJSON_CreateNumber(0));
	row = chain_longest(&what_if->chain, counts, &sessions);
	/* Its servers may be the longest links of a session. */
	if (!row.first)
		row = chain_longest(&what_if->chain, counts,
			&(struct links){.kind = CHAIN_PROCESS});
	if (scenario_is_ours(scenario) && what_if->view.disconnect &&
		strcmp(what_if->view.disconnect, "parallel") != 0)
		add_change(what_if, &row, "service.env.DISCONNECT",
			what_if->view.disconnect, cJSON_CreateString("parallel"));
}

static void add_stop(struct what_if *what_if)
{
	const struct scenario *scenario = what_if->of->scenario;
	const struct chain_item *longest = &what_if->chain.held_up_by;
	struct chain_row row = {
		longest, longest->to_ns - longest->from_ns, longest->count};
	int64_t grace_ns = scenario->stop.grace_ns;
	SCOPED(mem_free) char *before = mem_text(CLOCK_TEXT(grace_ns));
	SCOPED(mem_free)
	char *after = mem_textf(
		"%lldms", (long long)(grace_ns * RERUN_GRACE_FACTOR / CLOCK_MS));

	if (!longest->count || what_if->of->judgement->verdict != VERDICT_KILLED)
		return;
	if (!what_if->view.discarded)
		add_change(
			what_if, &row, "stop.grace", before, cJSON_CreateString(after));
	else if (!scenario->service.init)
		add_change(what_if, &row, "service.init", "false", cJSON_CreateTrue());
}

static int most_first(const void *one, const void *other)
{
	const struct change *a = one, *b = other;

	if (a->most_ns != b->most_ns)
		return a->most_ns > b->most_ns ? -1 : 1;
	return a->place > b->place ? 1 : -1;
}

static void find_changes(struct what_if *what_if)
{
	add_service(what_if);
	add_agents(what_if);
	add_servers(what_if);
	add_stop(what_if);
	if (what_if->count)
		qsort(what_if->changes, what_if->count, sizeof *what_if->changes,
			most_first);
	while (what_if->count > WHAT_IF_MAX)
		change_done(&what_if->changes[--what_if->count]);
}

/* --- the pairs --- */

/* Once more as it is (NULL) or with the change. -1: it has no stop time. */
static double time_ns(struct what_if *what_if, struct change *change)
{
	SCOPED(mem_free)
	char *how = change ? mem_textf("with %s=%s", change->knob, change->to)
			   : mem_text("as it is");
	struct rerun *rerun = rerun_create(
		what_if->of->path, change ? change->json : what_if->of->json);
	double ns = -1;

	if (!rerun)
		return -1;
	if (!rerun_run(rerun, what_if->options, how)) {
		what_if->interrupted = true;
	} else if (rerun_has_stopped(rerun) && rerun->judgement.stop_ns >= 0) {
		ns = (double)rerun->judgement.stop_ns;
		if (change && (int)rerun->judgement.verdict > change->verdict)
			change->verdict = (int)rerun->judgement.verdict;
	} else if (change && !change->trouble) {
		change->trouble = mem_text(rerun->evidence.trouble_text[0]
				? rerun->evidence.trouble_text
				: "its stop time was not seen");
	}
	rerun_destroy(rerun);
	return ns;
}

/* The same case once without a change, and once with each that is not settled yet: every
 * second time in the opposite order. */
static void run_pair(struct what_if *what_if, unsigned number)
{
	double times_ns[WHAT_IF_MAX + 1];

	for (unsigned i = 0; i <= what_if->count && !what_if->interrupted; i++) {
		unsigned at = number % 2 ? i : what_if->count - i;
		struct change *change = at ? &what_if->changes[at - 1] : NULL;

		times_ns[at] =
			change && change->settled ? -1 : time_ns(what_if, change);
	}
	for (unsigned i = 0; i < what_if->count && !what_if->interrupted; i++) {
		struct change *change = &what_if->changes[i];

		if (times_ns[0] < 0 || times_ns[i + 1] < 0)
			continue;
		change->without_ns[change->pairs] = times_ns[0];
		change->with_ns[change->pairs++] = times_ns[i + 1];
	}
}

/* --- what they say --- */

static void find_saving(const struct change *change, struct saving *saving)
{
	saving_find(saving, change->with_ns, change->without_ns, change->pairs);
}

/* Looked at once before the last pair: each further look is a chance to be wrong. */
static bool settle(struct what_if *what_if)
{
	bool all = true;

	for (unsigned i = 0; i < what_if->count; i++) {
		struct change *change = &what_if->changes[i];
		struct saving saving;

		find_saving(change, &saving);
		change->settled = change->settled || change->trouble ||
			(change->pairs == SAVING_LEAST && saving.proven);
		all = all && change->settled;
	}
	return all;
}

static void measure(struct what_if *what_if)
{
	const bool *interrupted = what_if->options->interrupted;

	for (unsigned number = 1; number <= WHAT_IF_PAIRS_MAX; number++) {
		if (what_if->interrupted || (interrupted && *interrupted) ||
			(number > SAVING_LEAST && settle(what_if)))
			return;
		run_pair(what_if, number);
	}
}

static char *says(const struct change *change, const struct saving *saving)
{
	SCOPED(mem_free)
	char *predicted = change->predicted
		? mem_textf("predicted %s", CLOCK_TEXT(change->predicted_ns))
		: mem_text("not predicted");

	if (change->trouble)
		return mem_textf("could not run: %s", change->trouble);
	if (change->pairs < SAVING_LEAST)
		return mem_text("not measured");
	if (!saving->proven)
		return mem_textf("noise (%s)", predicted);
	return saving->ns >= 0
		? mem_textf("saves %s (%s)", CLOCK_TEXT((int64_t)saving->ns), predicted)
		: mem_textf("takes %s longer (%s)", CLOCK_TEXT((int64_t)-saving->ns),
			  predicted);
}

static void add_known(cJSON *json, const char *key, bool known, double value)
{
	if (known)
		json_add_int(json, key, llround(value));
	else
		cJSON_AddNullToObject(json, key);
}

static cJSON *change_json(const struct change *change)
{
	SCOPED(mem_free) char *text = NULL;
	bool measured = change->pairs > 0;
	struct saving saving;
	cJSON *json = json_fill(NULL, "{'what': %s, 'knob': %s, 'from': %s, 'to': %s}",
		change->what, change->knob, change->from, change->to);

	find_saving(change, &saving);
	text = says(change, &saving);
	add_known(
		json, "predicted_ns", change->predicted, (double)change->predicted_ns);
	add_known(json, "measured_ns", measured, saving.ns);
	add_known(json, "low_ns", measured, saving.range_ns.low);
	add_known(json, "high_ns", measured, saving.range_ns.high);
	json_add_int(json, "pairs", change->pairs);
	json_add_text(json, "verdict",
		change->verdict < 0 ? NULL : verdict_names[change->verdict]);
	json_add_text(json, "says", text);
	return json;
}

/* --- the whole --- */

static void begin(struct what_if *what_if)
{
	view_open(&what_if->view, what_if->of->scenario, what_if->of->evidence);
	stop_steps_find(&what_if->steps, &what_if->view);
	chain_find(&what_if->chain, &what_if->view, &what_if->steps);
}

static void end(struct what_if *what_if)
{
	for (unsigned i = 0; i < what_if->count; i++)
		change_done(&what_if->changes[i]);
	free(what_if->changes);
	chain_done(&what_if->chain);
	stop_steps_done(&what_if->steps);
	view_close(&what_if->view);
}

cJSON *what_if_try(const struct case_options *options, const struct rerun_of *of)
{
	SCOPED(end) struct what_if what_if = {.options = options, .of = of};
	cJSON *list = cJSON_CreateArray();

	begin(&what_if);
	find_changes(&what_if);
	if (what_if.count)
		measure(&what_if);
	for (unsigned i = 0; i < what_if.count; i++)
		cJSON_AddItemToArray(list, change_json(&what_if.changes[i]));
	redact_json(of->scenario, list);
	return list;
}
