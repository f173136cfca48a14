#include "harness/results/round.h"

#include <math.h>
#include <stdio.h>

#include "harness/judge/view.h"
#include "harness/picture/chain.h"
#include "harness/picture/lanes.h"
#include "harness/picture/stop_steps.h"
#include "harness/picture/timeline.h"
#include "harness/scenario/limit.h"
#include "harness/scenario/redact.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/utf8.h"

static void add_text(cJSON *json, const char *key, const char *text)
{
	SCOPED(mem_free) char *whole = text ? utf8_mend(text, NULL) : NULL;

	if (whole)
		cJSON_AddStringToObject(json, key, whole);
	else
		cJSON_AddNullToObject(json, key);
}

/* What may repeat words of the service. */
static void add_words(
	cJSON *json, const char *key, const struct scenario *scenario, const char *text)
{
	SCOPED(mem_free) char *redacted = text ? redact(scenario, text) : NULL;

	add_text(json, key, redacted);
}

static void add_known(cJSON *json, const char *key, bool known, int64_t value)
{
	if (known)
		json_add_int(json, key, value);
	else
		cJSON_AddNullToObject(json, key);
}

/* "Did not happen" is 0 in stamps; after `from` they count. */
static void add_after(cJSON *json, const char *key, int64_t from_ns, int64_t ns)
{
	add_known(json, key, from_ns && ns, ns - from_ns);
}

static void add_times(cJSON *json, const struct scenario *scenario,
	const struct stop_facts *facts, const struct judgement *judgement)
{
	bool stopped = judgement->stop_ns >= 0;
	bool late = facts->kill_ns && facts->signal_ns;

	add_known(json, "stop_ns", stopped, judgement->stop_ns);
	add_known(json, "stop_error_ns", stopped, judgement->stop_error_ns);
	cJSON_AddStringToObject(
		json, "signal_source", stamp_source_names[facts->signal_source]);
	cJSON_AddStringToObject(
		json, "exit_source", stamp_source_names[facts->exit_source]);
	json_add_int(json, "grace_ns", scenario->stop.grace_ns);
	add_known(json, "margin_ns", stopped, judgement->margin_ns);
	add_known(json, "engine_late_ns", late, judgement->engine_late_ns);
	add_known(json, "call_ns", judgement->call_ns >= 0, judgement->call_ns);
}

/* The stop as a multiple of what it cannot well be faster than. */
static void add_limit(
	cJSON *json, const struct scenario *scenario, const struct judgement *judgement)
{
	int64_t ns = limit_ns(scenario);

	add_known(json, "limit_ns", ns > 0, ns);
	if (ns > 0 && judgement->stop_ns >= 0)
		cJSON_AddNumberToObject(json, "stop_over_limit",
			round((double)judgement->stop_ns / (double)ns * 1000) / 1000);
	else
		cJSON_AddNullToObject(json, "stop_over_limit");
}

static void add_phases(cJSON *json, const struct evidence *evidence)
{
	cJSON *phases = cJSON_AddObjectToObject(json, "phases_ns");

	add_after(phases, "up", evidence->began_ns, evidence->up_ns);
	add_after(phases, "ready", evidence->began_ns, evidence->ready_ns);
	add_after(phases, "loaded", evidence->began_ns, evidence->loaded_ns);
	add_after(phases, "stopped", evidence->began_ns, evidence->stopped_ns);
	add_after(phases, "ended", evidence->began_ns, evidence->ended_ns);
}

static void add_counts(cJSON *json, const struct judgement *judgement)
{
	const struct {
		const char *key;
		int64_t count;
	} counts[] = {
		{"sessions", judgement->sessions},
		{"disconnected", judgement->disconnected},
		{"left_open", judgement->left_open},
		{"orphans", judgement->orphans},
		{"lost", judgement->lost},
		{"turned_away", judgement->turned_away},
	};

	for (size_t i = 0; i < COUNT(counts); i++)
		add_known(json, counts[i].key, counts[i].count >= 0, counts[i].count);
}

static void add_herd(cJSON *json, const struct judgement *judgement)
{
	const struct herd *herd = &judgement->herd;
	const struct {
		const char *key;
		unsigned count;
	} counts[] = {
		{"closes", herd->closes},
		{"closes_per_second", herd->closes_per_second},
		{"refused", herd->refused},
		{"opens", herd->opens},
		{"opens_per_second", herd->opens_per_second},
	};
	cJSON *object;

	if (judgement->sessions < 0) {
		cJSON_AddNullToObject(json, "herd");
		return;
	}
	object = cJSON_AddObjectToObject(json, "herd");
	for (size_t i = 0; i < COUNT(counts); i++)
		json_add_int(object, counts[i].key, counts[i].count);
}

static void add_end(cJSON *json, const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	char text[WAIT_STATUS_TEXT_SIZE];
	cJSON *kill;

	/* Nobody asked the engine about a service that never came up. */
	add_known(json, "exit_code", evidence->up_ns && facts->exit_code >= 0,
		facts->exit_code);
	add_text(json, "wait_status",
		facts->wait_status_known ? wait_status_name(facts->wait_status, text)
					 : NULL);
	cJSON_AddStringToObject(json, "signal_delivery",
		signal_delivery_names[evidence_delivery(evidence)]);
	if (facts->kill_source == STAMP_NONE) {
		cJSON_AddNullToObject(json, "kill");
		return;
	}
	kill = cJSON_AddObjectToObject(json, "kill");
	add_after(kill, "after_signal_ns", facts->signal_ns, facts->kill_ns);
	cJSON_AddStringToObject(kill, "source", stamp_source_names[facts->kill_source]);
	cJSON_AddBoolToObject(kill, "by_engine", facts->kill_by_engine);
	add_text(kill, "sender", facts->kill_sender[0] ? facts->kill_sender : NULL);
}

static void add_reasons(
	cJSON *json, const struct scenario *scenario, const struct judgement *judgement)
{
	cJSON *diagnoses = cJSON_AddArrayToObject(json, "diagnoses");
	cJSON *expectations = cJSON_AddArrayToObject(json, "expectations");

	for (unsigned i = 0; i < judgement->diagnosis_count; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(
			item, "id", diagnosis_ids[judgement->diagnoses[i].id]);
		add_words(item, "text", scenario, judgement->diagnoses[i].text);
		cJSON_AddItemToArray(diagnoses, item);
	}
	for (unsigned i = 0; i < judgement->expectation_count; i++) {
		const struct expectation *expectation = &judgement->expectations[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "what", expectation->what);
		add_words(item, "wanted", scenario, expectation->wanted);
		add_words(item, "seen", scenario, expectation->seen);
		cJSON_AddBoolToObject(item, "met", expectation->met);
		cJSON_AddItemToArray(expectations, item);
	}
}

static void add_chain(
	cJSON *json, const struct scenario *scenario, const struct evidence *evidence)
{
	struct stop_steps steps;
	struct chain chain;
	struct view view;

	view_open(&view, scenario, evidence);
	stop_steps_find(&steps, &view);
	chain_find(&chain, &view, &steps);
	chain_add_json(&chain, json);
	redact_json(scenario, cJSON_GetObjectItem(json, "chain"));
	redact_json(scenario, cJSON_GetObjectItem(json, "held_up_by"));
	chain_done(&chain);
	stop_steps_done(&steps);
	view_close(&view);
}

#define LINES         300
#define LINE_BYTES    400 /* bytes */
#define SNAPSHOTS_MAX 300 /* processes, of all snapshots */

/* Only when they are redacted: half a secret would not be found. */
static void cut_lines(cJSON *lines)
{
	cJSON *line;

	cJSON_ArrayForEach(line, lines) {
		const char *text = json_text(line, "text");
		SCOPED(mem_free) char *cut = NULL;
		SCOPED(mem_free) char *whole = NULL;

		if (!text || strlen(text) <= LINE_BYTES)
			continue;
		cut = mem_textf("%.*s...", LINE_BYTES, text);
		whole = utf8_mend(cut, NULL);
		cJSON_ReplaceItemInObjectCaseSensitive(
			line, "text", cJSON_CreateString(whole));
	}
}

/* "in epoll_wait", for the processes of one snapshot. */
static char *wait_text(const struct proc *proc)
{
	const char *call = proc_syscall_name(proc);

	return proc->state == 'Z'    ? mem_text("a zombie")
		: proc->state == 'T' ? mem_text("stopped (SIGSTOP)")
		: proc->state == 'R' ? mem_text("running")
		: call[0]
		? mem_textf("in %s%s%s", call, proc->waits_on[0] ? " of " : "",
			  proc->waits_on)
		: mem_textf("waiting%s%s", proc->wchan[0] ? " in " : "", proc->wchan);
}

static cJSON *proc_row(const struct proc *proc)
{
	SCOPED(mem_free) char *wait = wait_text(proc);
	cJSON *row = json_fill(
		NULL, "{'pid': %d}", (int)(proc->ns_pid ? proc->ns_pid : proc->pid));

	json_add_text(row, "name", proc->name);
	json_add_text(row, "wait", wait);
	return row;
}

static void add_snapshots(cJSON *picture, const struct view *view)
{
	const struct evidence *evidence = view->evidence;
	int64_t zero_ns = evidence->facts.signal_ns ? evidence->facts.signal_ns
						    : evidence->facts.asked_ns;
	cJSON *list = cJSON_AddArrayToObject(picture, "snapshots");
	unsigned left = SNAPSHOTS_MAX;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];
		cJSON *item = cJSON_CreateObject();
		cJSON *rows;

		json_add_int(item, "at_ns", snapshot->ns - zero_ns);
		json_add_int(item, "count", snapshot->count);
		rows = cJSON_AddArrayToObject(item, "processes");
		for (unsigned k = 0; k < snapshot->count && left > 0; k++, left--)
			cJSON_AddItemToArray(rows, proc_row(&snapshot->procs[k]));
		cJSON_AddItemToArray(list, item);
	}
}

void round_add_picture(
	cJSON *json, const struct scenario *scenario, const struct evidence *evidence)
{
	struct stop_steps steps;
	struct lanes lanes;
	struct view view;
	cJSON *picture;

	view_open(&view, scenario, evidence);
	stop_steps_find(&steps, &view);
	lanes_find(&lanes, &view, &steps);
	picture = lanes_json(&lanes);
	timeline_add_json(evidence, picture, LINES);
	add_snapshots(picture, &view);
	redact_json(scenario, picture);
	cut_lines(cJSON_GetObjectItem(picture, "lines"));
	cJSON_AddItemToObject(json, "picture", picture);
	lanes_done(&lanes);
	stop_steps_done(&steps);
	view_close(&view);
}

void round_add_stop(cJSON *json, const struct scenario *scenario,
	const struct evidence *evidence, const struct judgement *judgement)
{
	add_times(json, scenario, &evidence->facts, judgement);
	add_end(json, evidence);
}

cJSON *round_json(const struct plan_case *plan_case, unsigned round,
	const struct evidence *evidence, const struct judgement *judgement,
	const char *folder)
{
	SCOPED(mem_free) char *whole =
		plan_command(plan_case, evidence->engine, evidence->seed);
	const struct scenario *scenario = &plan_case->scenario;
	SCOPED(mem_free) char *command = redact(scenario, whole);
	char seed[24]; /* text: a double has too few digits */
	bool in_trouble = evidence->trouble != TROUBLE_NONE;
	cJSON *json;

	snprintf(seed, sizeof seed, "%llu", (unsigned long long)evidence->seed);
	json = json_fill(NULL,
		"{'id': %s, 'half': %s, 'round': %u, 'engine': %s, 'seed': %s, "
		"'verdict': %s, 'command': %s}",
		plan_case->id, half_names[plan_case->half], round, evidence->engine,
		seed, verdict_names[judgement->verdict], command);
	cJSON_AddItemToObject(json, "axes", json_copy_exact(plan_case->values));
	add_text(json, "file", plan_case->path);
	json_add_int(json, "line", plan_case->line);
	add_words(json, "name", scenario, scenario->name);
	add_words(json, "why", scenario, scenario->why);
	add_words(json, "reason", scenario, judgement->reason);
	cJSON_AddBoolToObject(json, "met", judgement->met);
	cJSON_AddBoolToObject(json, "could_run", judgement->could_run);
	add_text(json, "trouble", in_trouble ? trouble_names[evidence->trouble] : NULL);
	add_words(json, "trouble_text", scenario,
		in_trouble ? evidence->trouble_text : NULL);
	add_times(json, scenario, &evidence->facts, judgement);
	add_limit(json, scenario, judgement);
	add_phases(json, evidence);
	add_counts(json, judgement);
	add_herd(json, judgement);
	add_end(json, evidence);
	add_reasons(json, scenario, judgement);
	add_chain(json, scenario, evidence);
	add_text(json, "folder", folder);
	return json;
}
