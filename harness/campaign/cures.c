#include "harness/campaign/cures.h"

#include <signal.h>
#include <string.h>

#include "harness/judge/judge.h"
#include "harness/run/case.h"
#include "harness/target/exec_form.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define GRACE_FACTOR 3

struct cures {
	const struct case_options *options;
	const struct cures_of *of;
	cJSON *results;
	unsigned runs;
	bool cured; /* one of them made the stop clean */
};

/* One change of the scenario. */
struct cure {
	const char *name; /* "an init" */
	const char *how;  /* what a user writes */
	cJSON *json;      /* the changed scenario; freed with the cure */
	bool fits;        /* the diagnosis speaks for it */
};

/* --- what speaks for a cure --- */

static enum diagnosis_id diagnosis_of(const struct cures *cures)
{
	const struct judgement *judgement = cures->of->judgement;

	return judgement->diagnosis_count ? judgement->diagnoses[0].id : DIAGNOSIS_ANY;
}

static bool is_one_of(enum diagnosis_id id, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(diagnosis_ids[id], *names) == 0)
			return true;
	}
	return false;
}

/* Does a process that the engine would signal, or an init pass it on to, take it? True
 * also where none was seen. */
static bool is_taken(const struct cures *cures, int number)
{
	const struct snapshot *last = evidence_last_snapshot(cures->of->evidence);
	/* PID 1, and the child of an init. */
	unsigned count = cures->of->scenario->service.init ? 2 : 1;

	if (!last || last->count == 0)
		return true;
	for (unsigned i = 0; i < count && i < last->count; i++) {
		if (proc_receives(&last->procs[i], number) &&
			!proc_is_init(&last->procs[i]))
			return true;
	}
	return false;
}

/* --- one rerun --- */

static void judge_rerun(struct cures *cures, const struct cure *cure,
	const struct scenario *scenario, const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	struct judgement judgement;
	cJSON *result;

	judge(&judgement, scenario, evidence);
	result = json_fill(NULL,
		"{'cure': %s, 'how': %s, 'verdict': %s, 'trouble': %s}", cure->name,
		cure->how,
		judgement.could_run ? verdict_names[judgement.verdict] : NULL,
		evidence->trouble == TROUBLE_NONE ? NULL : evidence->trouble_text);
	if (judgement.could_run && facts->exit_code >= 0)
		json_add_int(result, "exit_code", facts->exit_code);
	else
		cJSON_AddNullToObject(result, "exit_code");
	if (judgement.could_run && judgement.stop_ns >= 0)
		json_add_int(result, "stop_ns", judgement.stop_ns);
	else
		cJSON_AddNullToObject(result, "stop_ns");
	json_add_int(result, "grace_ns", scenario->stop.grace_ns);
	cJSON_AddItemToArray(cures->results, result);
	cures->cured = cures->cured ||
		(judgement.could_run && judgement.verdict == VERDICT_CLEAN);
}

/* A step of a rerun, told with its cure: "with an init: stopping". */
struct told {
	const struct case_options *options;
	const char *name;
};

static void on_step(void *arg, const struct case_step *step)
{
	const struct told *told = arg;
	SCOPED(mem_free) char *what = mem_textf("with %s: %s", told->name, step->what);
	struct case_step whole = *step;

	whole.what = what;
	told->options->step(told->options->arg, &whole);
}

static void run(struct cures *cures, const struct cure *cure)
{
	struct told told = {cures->options, cure->name};
	struct case_options options = *cures->options;
	struct json_doc doc = {.name = (char *)(size_t)cures->of->path};
	SCOPED(evidence_done) struct evidence evidence = {0};
	struct scenario scenario;
	struct err err = {0};

	options.arg = &told;
	options.step = options.step ? on_step : NULL;
	/* A change that contradicts the scenario is no cure of it. */
	if (!scenario_read(&scenario, &doc, cure->json, fields_keep_first, &err))
		return;
	if (scenario_check(&scenario, &doc, cure->json, fields_keep_first, &err)) {
		cures->runs++;
		case_finish(case_run(&options, &scenario, &evidence), false);
		if (evidence.trouble != TROUBLE_INTERRUPTED)
			judge_rerun(cures, cure, &scenario, &evidence);
	}
	scenario_done(&scenario);
}

/* --- the cures --- */

/* A copy of the scenario with a value at path. Takes value. */
static cJSON *changed(const struct cures *cures, const char *path, cJSON *value)
{
	cJSON *json = json_copy_exact(cures->of->json);
	struct err err;

	if (json_put_at(json, path, value, &err))
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* Runs it when its turn has come: the fitting ones in the first pass, the others in the
 * second. Takes what cure holds. */
static void consider(struct cures *cures, bool fitting, struct cure cure)
{
	const bool *interrupted = cures->options->interrupted;

	if (cure.json && cure.fits == fitting && cures->runs < CURES_MAX &&
		!(interrupted && *interrupted))
		run(cures, &cure);
	cJSON_Delete(cure.json);
}

static void try_init(struct cures *cures, bool fitting)
{
	static const char *const ids[] = {"W1", "W11", NULL};

	if (cures->of->scenario->service.init)
		return;
	consider(cures, fitting,
		(struct cure){
			.name = "an init",
			.how = "`docker run --init`, in compose `init: true`",
			.json = changed(cures, "service.init", cJSON_CreateTrue()),
			.fits = is_one_of(diagnosis_of(cures), ids),
		});
}

static void try_signals(struct cures *cures, bool fitting)
{
	static const char *const ids[] = {"W1", "W2", "W5", "W11", NULL};
	static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		char text[SIGNAL_TEXT_SIZE];
		const char *name = signal_name(numbers[i], text);
		SCOPED(mem_free)
		char *how = mem_textf(
			"`STOPSIGNAL %s` in the Dockerfile, `docker run --stop-signal %s`, "
			"in compose `stop_signal: %s`",
			name, name, name);

		if (numbers[i] == cures->of->evidence->facts.stop_signal ||
			!is_taken(cures, numbers[i]))
			continue;
		consider(cures, fitting,
			(struct cure){
				.name = name,
				.how = how,
				.json = changed(cures, "service.stop_signal",
					cJSON_CreateString(name)),
				.fits = is_one_of(diagnosis_of(cures), ids),
			});
	}
}

static void add_words(struct strlist *list, const cJSON *words)
{
	const cJSON *word;

	cJSON_ArrayForEach(word, words) {
		SCOPED(mem_free)
		char *escaped = placeholders_escape(
			cJSON_IsString(word) ? word->valuestring : "");

		strlist_add(list, "%s", escaped);
	}
}

static void add_list(struct strlist *list, const struct strlist *other)
{
	for (unsigned i = 0; i < other->count; i++)
		strlist_add(list, "%s", other->item[i]);
}

/* What runs as PID 1: the scenario's words, and those of the image that it leaves. */
static void read_command(const struct cures *cures, struct strlist *command)
{
	const struct service_part *service = &cures->of->scenario->service;
	struct engine *engine = cures->options->engine;
	struct err err;
	SCOPED(json_free)
	cJSON *image = service->image && engine->kind->runs_images
		? engine_describe(engine, ENGINE_IMAGE, service->image, &err)
		: NULL;

	if (service->entrypoint.count)
		add_list(command, &service->entrypoint);
	else
		add_words(command, json_at(image, "Config.Entrypoint"));
	if (service->command.count)
		add_list(command, &service->command);
	else if (!service->entrypoint.count)
		add_words(command, json_at(image, "Config.Cmd"));
}

/* The command line of PID 1's child when the stop came; NULL: it had none. */
static const char *child_of(const struct evidence *evidence)
{
	const struct snapshot *last = evidence_last_snapshot(evidence);

	for (unsigned i = 1; last && i < last->count; i++) {
		if (last->procs[i].ppid == last->procs[0].pid &&
			last->procs[i].state != 'Z')
			return last->procs[i].command;
	}
	return NULL;
}

/* Of a script that runs the words behind it, "entrypoint.sh node server.js": those words,
 * when they are what its child runs. */
static bool words_behind(
	struct strlist *form, const struct strlist *command, const char *child)
{
	for (unsigned from = 1; child && from < command->count; from++) {
		SCOPED(buf_done) struct buf text = {0};

		for (unsigned i = from; i < command->count; i++)
			buf_addf(&text, "%s%s", i > from ? " " : "", command->item[i]);
		if (strcmp(buf_text(&text), child) != 0)
			continue;
		for (unsigned i = from; i < command->count; i++)
			strlist_add(form, "%s", command->item[i]);
		return true;
	}
	return false;
}

/* Of a program that has no handler either, as PID 1. */
static void try_exec_form_with_init(
	struct cures *cures, bool fitting, const cJSON *exec_form_json, const char *how)
{
	cJSON *json = json_copy_exact(exec_form_json);
	SCOPED(mem_free) char *both = mem_textf("%s; and `docker run --init`", how);
	struct err err;

	if (json_put_at(json, "service.init", cJSON_CreateTrue(), &err))
		consider(cures, fitting,
			(struct cure){
				.name = "exec form, init",
				.how = both,
				.json = json,
				.fits = true,
			});
	else
		cJSON_Delete(json);
}

static void try_exec_form(struct cures *cures, bool fitting)
{
	static const char *const ids[] = {"W3", "W4", NULL};
	const char *child = child_of(cures->of->evidence);
	bool fits = is_one_of(diagnosis_of(cures), ids);
	SCOPED(strlist_done) struct strlist command = {0};
	SCOPED(strlist_done) struct strlist form = {0};
	SCOPED(json_free) cJSON *words = NULL;
	SCOPED(mem_free) char *text = NULL;
	SCOPED(mem_free) char *how = NULL;
	SCOPED(json_free) cJSON *json = NULL;

	if (scenario_is_ours(cures->of->scenario))
		return;
	read_command(cures, &command);
	if (exec_form(&form, &command, child)) {
		words = cJSON_CreateStringArray(
			(const char *const *)form.item, (int)form.count);
		text = json_print(words);
		how = mem_textf("`ENTRYPOINT %s` in the Dockerfile", text);
	} else if (fits && words_behind(&form, &command, child)) {
		words = cJSON_CreateStringArray(
			(const char *const *)form.item, (int)form.count);
		how = mem_text(
			"`exec \"$@\"` as the last line of the script that is the "
			"entrypoint; it was left out here");
	} else {
		return;
	}
	json = changed(cures, "service.entrypoint", cJSON_Duplicate(words, true));
	cJSON_DeleteItemFromObjectCaseSensitive(
		(cJSON *)(size_t)json_get(json, "service"), "command");
	consider(cures, fitting,
		(struct cure){
			.name = "exec form",
			.how = how,
			.json = cJSON_Duplicate(json, true),
			.fits = fits,
		});
	if (fits && !cures->cured && !cures->of->scenario->service.init)
		try_exec_form_with_init(cures, fitting, json, how);
}

/* A signal that was discarded is not heard later either. */
static void try_grace(struct cures *cures, bool fitting)
{
	const struct evidence *evidence = cures->of->evidence;
	enum diagnosis_id id = diagnosis_of(cures);
	int64_t grace_ns = cures->of->scenario->stop.grace_ns * GRACE_FACTOR;
	SCOPED(mem_free)
	char *ns = mem_textf("%lldns", (long long)grace_ns);
	SCOPED(mem_free) char *name = mem_textf("grace %s", CLOCK_TEXT(grace_ns));
	SCOPED(mem_free)
	char *how = mem_textf("`docker run --stop-timeout %lld`, in compose "
			      "`stop_grace_period: %llds`",
		(long long)(grace_ns / CLOCK_S), (long long)(grace_ns / CLOCK_S));

	if (cures->of->judgement->verdict != VERDICT_KILLED ||
		evidence->facts.signal_delivery == DELIVERY_IGNORED)
		return;
	consider(cures, fitting,
		(struct cure){
			.name = name,
			.how = how,
			.json = changed(cures, "stop.grace", cJSON_CreateString(ns)),
			.fits = id == DIAGNOSIS_X1 || diagnosis_ids[id][0] == 'H',
		});
}

static void try_all(struct cures *cures, bool fitting)
{
	try_exec_form(cures, fitting);
	try_init(cures, fitting);
	try_signals(cures, fitting);
	try_grace(cures, fitting);
}

cJSON *cures_try(const struct case_options *options, const struct cures_of *of)
{
	struct cures cures = {
		.options = options, .of = of, .results = cJSON_CreateArray()};

	/* What ended by itself was not stopped. */
	if (of->evidence->trouble != TROUBLE_NONE ||
		of->evidence->facts.exited_before_stop)
		return cures.results;
	try_all(&cures, true);
	if (!cures.cured)
		try_all(&cures, false);
	return cures.results;
}
