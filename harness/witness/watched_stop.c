#include "harness/witness/watched_stop.h"

#include <stdlib.h>

#include "harness/judge/judge.h"
#include "harness/run/observe.h"
#include "harness/target/attached_scenario.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "lib/terminal.h"

/* Who stops it may allow another grace than the container's own. SIGKILL comes up to so
 * much after the grace: 25 to 65 ms were seen on machines with work. */
#define KILL_LATE_NS (500 * CLOCK_MS)

struct watched_stop {
	uv_loop_t *loop;
	struct subject *subject;
	struct scenario scenario;
	bool missed;
	struct snapshot before; /* the last one while it ran; empty: there is none */
	struct loop_timer *every;
	struct sampler *sampler;  /* while a stop is under way */
	struct evidence evidence; /* of it */
	struct judgement judgement;
	struct stop_report report;
};

/* --- while it runs --- */

static void begin_evidence(struct watched_stop *watched)
{
	const struct engine *engine = watched->subject->engine;

	sampler_end(watched->sampler);
	watched->sampler = NULL;
	evidence_done(&watched->evidence);
	watched->evidence.engine = engine->kind->name;
	watched->evidence.capabilities = engine->capabilities;
	watched->evidence.began_ns = clock_now();
	watched->evidence.up_ns = watched->evidence.ready_ns =
		watched->evidence.began_ns;
}

static void look(struct watched_stop *watched)
{
	struct snapshot now = {0};
	struct err ended;

	if (!watched->subject->pid ||
		!snapshot_take(&now, watched->subject->pid, true,
			watched->before.count ? &watched->before : NULL, &ended))
		return;
	snapshot_done(&watched->before);
	watched->before = now;
}

static void on_every(void *arg)
{
	struct watched_stop *watched = arg;

	loop_timer_set(watched->every, WATCHED_STOP_EVERY_NS);
	if (!watched_stop_is_idle(watched))
		return;
	if (watched->sampler)
		begin_evidence(watched); /* PID 1 has survived that stop signal */
	look(watched);
	subject_trim(watched->subject, clock_now() - CLOCK_S);
}

static void on_stopping(void *arg)
{
	struct watched_stop *watched = arg;
	const struct subject *subject = watched->subject;

	begin_evidence(watched);
	watched->sampler =
		sampler_begin_late(watched->loop, subject, subject->facts.asked_ns,
			subject->about->grace_ns, &watched->before, &watched->evidence);
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct watched_stop *watched = arg;

	evidence_add_log(&watched->evidence, ns, line, len);
}

struct watched_stop *watched_stop_create(
	uv_loop_t *loop, struct engine *engine, const char *id, struct err *err)
{
	struct watched_stop *watched = mem_zeroed(sizeof *watched);

	watched->loop = loop;
	watched->subject = engine_attach(engine,
		&(struct attach_spec){
			.name = id,
			.grace_ns = ATTACH_OWN_GRACE,
			.log = on_log,
			.stopping = on_stopping,
			.arg = watched,
		},
		err);
	if (!watched->subject ||
		!attached_scenario_read(&watched->scenario, watched->subject->about)) {
		watched_stop_destroy(watched);
		return NULL;
	}
	watched->missed = !watched->subject->running && !watched->sampler;
	watched->every = loop_timer_create(loop, on_every, watched);
	if (!watched->sampler)
		begin_evidence(watched);
	on_every(watched);
	return watched;
}

void watched_stop_destroy(struct watched_stop *watched)
{
	if (!watched)
		return;
	sampler_end(watched->sampler);
	loop_timer_destroy(watched->every);
	snapshot_done(&watched->before);
	subject_detach(watched->subject);
	evidence_done(&watched->evidence);
	scenario_done(&watched->scenario);
	free(watched);
}

const char *watched_stop_id(const struct watched_stop *watched)
{
	return watched->subject->id;
}

const struct subject_about *watched_stop_about(const struct watched_stop *watched)
{
	return watched->subject->about;
}

pid_t watched_stop_pid(const struct watched_stop *watched)
{
	return watched->subject->pid;
}

bool watched_stop_is_missed(const struct watched_stop *watched)
{
	return watched->missed;
}

bool watched_stop_has_ended(const struct watched_stop *watched)
{
	return !watched->subject->running;
}

bool watched_stop_is_idle(const struct watched_stop *watched)
{
	return watched->subject->running && !watched->subject->facts.asked_ns;
}

bool watched_stop_is_over(const struct watched_stop *watched)
{
	return watched->subject->stopped || watched->missed;
}

/* --- its report --- */

/* Orchestrators keep the grace to themselves. */
static bool has_orchestrator(const struct watched_stop *watched)
{
	const cJSON *labels = watched->subject->about->labels;

	return json_text(labels, "com.docker.swarm.task.id") ||
		json_text(labels, "io.kubernetes.pod.uid");
}

/* Where it ran out it is known. A stop that took longer than the container's own grace had
 * another one. */
static bool find_grace(const struct watched_stop *watched, int64_t *grace_ns)
{
	const struct stop_facts *facts = &watched->evidence.facts;
	int64_t past_ns = facts->kill_ns - facts->signal_ns;
	int64_t over_ns = past_ns % CLOCK_S;
	bool killed = facts->signal_ns && facts->kill_ns && facts->kill_by_engine;

	if (!killed)
		return !has_orchestrator(watched) &&
			(!facts->signal_ns ||
				facts->exit_ns - facts->signal_ns <= *grace_ns);
	if (past_ns < *grace_ns || past_ns > *grace_ns + 2 * KILL_LATE_NS)
		*grace_ns = over_ns <= KILL_LATE_NS ? past_ns - over_ns : past_ns;
	return true;
}

const struct stop_report *watched_stop_report(struct watched_stop *watched)
{
	struct evidence *evidence = &watched->evidence;
	bool grace_known;
	struct err err = {0};

	sampler_end(watched->sampler);
	watched->sampler = NULL;
	/* Of one that ended by itself, how it looked last. */
	if (evidence->snapshot_count == 0 && watched->before.count > 0)
		evidence_add_snapshot(evidence, &watched->before);
	evidence->stopped_ns = clock_now();
	if (!observe_facts(watched->subject, evidence, &err))
		terminal_print(stderr, "stopbench: %s\n", err.text);
	evidence->ended_ns = clock_now();
	grace_known = find_grace(watched, &watched->scenario.stop.grace_ns);
	if (!grace_known)
		watched->scenario.stop.grace_ns = ATTACH_NO_GRACE_NS;
	judge(&watched->judgement, &watched->scenario, evidence);
	watched->report = (struct stop_report){
		.about = watched->subject->about,
		.grace_unknown = !grace_known,
		.own_grace = watched->scenario.stop.grace_ns ==
			watched->subject->about->grace_ns,
		.scenario = &watched->scenario,
		.evidence = evidence,
		.judgement = &watched->judgement,
	};
	return &watched->report;
}

cJSON *watched_stop_json(const struct watched_stop *watched)
{
	const struct subject_about *about = watched->subject->about;
	cJSON *json = json_fill(NULL, "{'container': %s, 'name': %s, 'pid': %d}",
		watched->subject->id, about->name, (int)watched->subject->pid);

	cJSON_AddItemToObject(json, "labels",
		about->labels ? cJSON_Duplicate(about->labels, true)
			      : cJSON_CreateObject());
	return json;
}

static void add_stamp(cJSON *json, const char *key, int64_t ns)
{
	if (ns)
		json_add_int(json, key, ns);
	else
		cJSON_AddNullToObject(json, key);
}

cJSON *watched_stop_report_json(const struct watched_stop *watched)
{
	const struct stop_facts *facts = &watched->evidence.facts;
	cJSON *json = watched_stop_json(watched);

	add_stamp(json, "signal_ns", facts->signal_ns);
	add_stamp(json, "exit_ns", facts->exit_ns);
	json_add_int(json, "error_ns", facts->signal_error_ns + facts->exit_error_ns);
	cJSON_AddItemToObject(json, "report", stop_report_json(&watched->report));
	return json;
}
