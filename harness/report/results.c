#include "harness/report/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"
#include "lib/version.h"

/* Of the rounds of one case, the gravest. */
enum outcome {
	OUTCOME_MET,
	OUTCOME_NOT_RUN,
	OUTCOME_UNMET,
	OUTCOMES,
};

struct results {
	cJSON *json;
	cJSON *cases; /* in json */
	int64_t began_ns;
	char *last; /* which case the last round was of */
	enum outcome outcome;
	unsigned counts[OUTCOMES]; /* the last case included */
	unsigned rounds;
	unsigned passed_over;
};

/* --- the run --- */

static cJSON *host_json(void)
{
	cJSON *json = cJSON_CreateObject();
	struct utsname host;
	struct sysinfo info;
	double load[3];
	int averages = getloadavg(load, COUNT(load));

	if (uname(&host) == 0) {
		cJSON_AddStringToObject(json, "kernel", host.release);
		cJSON_AddStringToObject(json, "machine", host.machine);
	}
	json_add_int(json, "cpus", get_nprocs());
	if (sysinfo(&info) == 0)
		json_add_int(json, "memory_bytes",
			(int64_t)info.totalram * (int64_t)info.mem_unit);
	cJSON_AddItemToObject(json, "load",
		cJSON_CreateDoubleArray(load, averages < 0 ? 0 : averages));
	return json;
}

static void summarise(struct results *results)
{
	const unsigned *counts = results->counts;
	cJSON *summary = cJSON_CreateObject();

	json_add_int(summary, "cases",
		counts[OUTCOME_MET] + counts[OUTCOME_UNMET] + counts[OUTCOME_NOT_RUN]);
	json_add_int(summary, "rounds", results->rounds);
	json_add_int(summary, "met", counts[OUTCOME_MET]);
	json_add_int(summary, "unmet", counts[OUTCOME_UNMET]);
	json_add_int(summary, "not_run", counts[OUTCOME_NOT_RUN]);
	json_add_int(summary, "passed_over", results->passed_over);
	cJSON_AddNumberToObject(summary, "seconds",
		(double)((clock_now() - results->began_ns) / CLOCK_MS) / 1000);
	cJSON_DeleteItemFromObjectCaseSensitive(results->json, "summary");
	cJSON_AddItemToObject(results->json, "summary", summary);
}

/* As text: a seed is a name, and needs more digits than a double has. */
static void add_seed(cJSON *json, uint64_t seed)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
	cJSON_AddStringToObject(json, "seed", text);
}

struct results *results_create(cJSON *fingerprint, uint64_t seed)
{
	struct results *results = mem_zeroed(sizeof *results);
	char now[CLOCK_WALL_SIZE];

	results->began_ns = clock_now();
	results->json = cJSON_CreateObject();
	clock_wall(now);
	cJSON_AddStringToObject(results->json, "stopbench", STOPBENCH_VERSION);
	cJSON_AddStringToObject(results->json, "started", now);
	cJSON_AddItemToObject(results->json, "host", host_json());
	cJSON_AddItemToObject(results->json, "engine", fingerprint);
	add_seed(results->json, seed);
	results->cases = cJSON_AddArrayToObject(results->json, "cases");
	summarise(results);
	return results;
}

void results_destroy(struct results *results)
{
	if (!results)
		return;
	cJSON_Delete(results->json);
	free(results->last);
	free(results);
}

/* --- one round --- */

static void add_text(cJSON *json, const char *key, const char *text)
{
	SCOPED(mem_free) char *whole = text ? utf8_repair(text) : NULL;

	if (whole)
		cJSON_AddStringToObject(json, key, whole);
	else
		cJSON_AddNullToObject(json, key);
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
		json, "signal_source", stamp_source_name(facts->signal_source));
	cJSON_AddStringToObject(
		json, "exit_source", stamp_source_name(facts->exit_source));
	json_add_int(json, "grace_ns", scenario->stop.grace_ns);
	add_known(json, "margin_ns", stopped, judgement->margin_ns);
	add_known(json, "engine_late_ns", late, judgement->engine_late_ns);
	add_known(json, "call_ns", judgement->call_ns >= 0, judgement->call_ns);
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
		{"orphans", judgement->orphans},
		{"lost", judgement->lost},
		{"turned_away", judgement->turned_away},
	};

	for (size_t i = 0; i < COUNT(counts); i++)
		add_known(json, counts[i].key, counts[i].count >= 0, counts[i].count);
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
	cJSON_AddStringToObject(
		json, "signal_delivery", signal_delivery_name(facts->signal_delivery));
	if (facts->kill_source == STAMP_NONE) {
		cJSON_AddNullToObject(json, "kill");
		return;
	}
	kill = cJSON_AddObjectToObject(json, "kill");
	add_after(kill, "after_signal_ns", facts->signal_ns, facts->kill_ns);
	cJSON_AddStringToObject(kill, "source", stamp_source_name(facts->kill_source));
	cJSON_AddBoolToObject(kill, "by_engine", facts->kill_by_engine);
	add_text(kill, "sender", facts->kill_sender[0] ? facts->kill_sender : NULL);
}

static void add_reasons(cJSON *json, const struct judgement *judgement)
{
	cJSON *diagnoses = cJSON_AddArrayToObject(json, "diagnoses");
	cJSON *expectations = cJSON_AddArrayToObject(json, "expectations");

	for (unsigned i = 0; i < judgement->diagnosis_count; i++) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(
			item, "id", diagnosis_ids[judgement->diagnoses[i].id]);
		add_text(item, "text", judgement->diagnoses[i].text);
		cJSON_AddItemToArray(diagnoses, item);
	}
	for (unsigned i = 0; i < judgement->expectation_count; i++) {
		const struct expectation *expectation = &judgement->expectations[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "what", expectation->what);
		add_text(item, "wanted", expectation->wanted);
		add_text(item, "seen", expectation->seen);
		cJSON_AddBoolToObject(item, "met", expectation->met);
		cJSON_AddItemToArray(expectations, item);
	}
}

static cJSON *round_json(const struct plan_case *plan_case, unsigned round,
	const struct evidence *evidence, const struct judgement *judgement,
	const char *folder)
{
	SCOPED(mem_free) char *command =
		plan_command(plan_case, evidence->engine, evidence->seed);
	bool in_trouble = evidence->trouble != TROUBLE_NONE;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", plan_case->id);
	cJSON_AddStringToObject(json, "half", half_name(plan_case->half));
	cJSON_AddItemToObject(json, "axes", json_copy_exact(plan_case->values));
	json_add_int(json, "round", round);
	add_text(json, "name", plan_case->scenario.name);
	cJSON_AddStringToObject(json, "engine", evidence->engine);
	add_seed(json, evidence->seed);
	cJSON_AddStringToObject(json, "verdict", verdict_name(judgement->verdict));
	add_text(json, "reason", judgement->reason);
	cJSON_AddBoolToObject(json, "met", judgement->met);
	cJSON_AddBoolToObject(json, "could_run", judgement->could_run);
	add_text(json, "trouble", in_trouble ? trouble_name(evidence->trouble) : NULL);
	add_text(json, "trouble_text", in_trouble ? evidence->trouble_text : NULL);
	add_times(json, &plan_case->scenario, &evidence->facts, judgement);
	add_phases(json, evidence);
	add_counts(json, judgement);
	add_end(json, evidence);
	add_reasons(json, judgement);
	cJSON_AddStringToObject(json, "command", command);
	add_text(json, "folder", folder);
	return json;
}

static enum outcome outcome_of(const struct judgement *judgement)
{
	if (!judgement->could_run)
		return OUTCOME_NOT_RUN;
	return judgement->met ? OUTCOME_MET : OUTCOME_UNMET;
}

static void tally(struct results *results, const struct plan_case *plan_case,
	enum outcome outcome)
{
	char *name = mem_textf(
		"%s %s %s", plan_case->id, plan_case->axes, half_name(plan_case->half));
	bool again = results->last && strcmp(results->last, name) == 0;

	results->rounds++;
	if (again) {
		results->counts[results->outcome]--;
		outcome = outcome > results->outcome ? outcome : results->outcome;
	}
	results->outcome = outcome;
	results->counts[outcome]++;
	free(results->last);
	results->last = name;
}

void results_add(struct results *results, const struct plan_case *plan_case,
	unsigned round, const struct evidence *evidence,
	const struct judgement *judgement, const char *folder)
{
	cJSON_AddItemToArray(results->cases,
		round_json(plan_case, round, evidence, judgement, folder));
	tally(results, plan_case, outcome_of(judgement));
	summarise(results);
}

void results_pass_over(struct results *results)
{
	results->passed_over++;
	summarise(results);
}

unsigned results_met(const struct results *results)
{
	return results->counts[OUTCOME_MET];
}

unsigned results_unmet(const struct results *results)
{
	return results->counts[OUTCOME_UNMET];
}

unsigned results_not_run(const struct results *results)
{
	return results->counts[OUTCOME_NOT_RUN];
}

const cJSON *results_json(const struct results *results)
{
	return results->json;
}

void results_print(FILE *out, const cJSON *results)
{
	SCOPED(mem_free) char *text = cJSON_Print(results);

	fprintf(out, "%s\n", text);
}

bool results_write(const struct results *results, const char *path, struct err *err)
{
	SCOPED(mem_free) char *text = cJSON_Print(results->json);
	SCOPED(mem_free) char *young = mem_textf("%s.new", path);
	SCOPED(buf_done) struct buf bytes = {.ceiling = SIZE_MAX};

	buf_adds(&bytes, text);
	buf_adds(&bytes, "\n");
	if (!fs_write_file(young, bytes.data, bytes.len, err))
		return false;
	return rename(young, path) == 0 || err_sys(err, "%s", path);
}
