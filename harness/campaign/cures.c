#include "harness/campaign/cures.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/judge/exec_form.h"
#include "harness/judge/launched_program.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/signals.h"

/* A rerun that was not clean, and came nearer: two cures begin with it. */
struct nearer {
	char *name, *how;
	struct rerun *rerun;
};

struct cures {
	const struct case_options *options;
	const struct rerun_of *of; /* with the first of two cures, where it is that */
	const struct rerun_of *alone;
	cJSON *results;
	unsigned runs, most; /* reruns so far, and their bound */
	bool cured;          /* one of them made the stop clean */

	struct nearer nearer[CURES_MAX]; /* owned */
	unsigned nearer_count;
	const struct nearer *first; /* of two cures; NULL: it is one alone */
	cJSON *tried;               /* the scenarios of all reruns */
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

static bool is_clean(const struct rerun *rerun)
{
	return rerun->judgement.could_run && rerun->judgement.verdict == VERDICT_CLEAN;
}

static void add_result(struct cures *cures, const char *name, const char *how,
	const struct rerun *rerun)
{
	const struct judgement *judgement = &rerun->judgement;
	const struct evidence *evidence = &rerun->evidence;
	const struct stop_facts *facts = &evidence->facts;
	cJSON *result = json_fill(NULL,
		"{'cure': %s, 'how': %s, 'verdict': %s, 'diagnosis': %s, 'trouble': "
		"%s}",
		name, how,
		judgement->could_run ? verdict_names[judgement->verdict] : NULL,
		judgement->diagnosis_count ? diagnosis_ids[judgement->diagnoses[0].id]
					   : NULL,
		evidence->trouble == TROUBLE_NONE ? NULL : evidence->trouble_text);

	cJSON_AddBoolToObject(result, "two", cures->first != NULL);
	if (judgement->could_run && facts->exit_code >= 0)
		json_add_int(result, "exit_code", facts->exit_code);
	else
		cJSON_AddNullToObject(result, "exit_code");
	if (judgement->could_run && judgement->stop_ns >= 0)
		json_add_int(result, "stop_ns", judgement->stop_ns);
	else
		cJSON_AddNullToObject(result, "stop_ns");
	json_add_int(result, "grace_ns", rerun->scenario.stop.grace_ns);
	cJSON_AddItemToArray(cures->results, result);
	cures->cured = cures->cured || is_clean(rerun);
}

static void nearer_done(struct nearer *nearer)
{
	rerun_destroy(nearer->rerun);
	free(nearer->name);
	free(nearer->how);
	*nearer = (struct nearer){0};
}

/* It ended otherwise than without the cure: better, or for another reason. */
static bool is_nearer(const struct cures *cures, const struct rerun *rerun)
{
	const struct judgement *before = cures->of->judgement;
	const struct judgement *after = &rerun->judgement;

	return rerun_has_stopped(rerun) && after->verdict != VERDICT_CLEAN &&
		(after->verdict < before->verdict || after->diagnosis_count == 0 ||
			before->diagnosis_count == 0 ||
			after->diagnoses[0].id != before->diagnoses[0].id);
}

static void run_one(struct cures *cures, struct nearer *own, const cJSON *json)
{
	SCOPED(mem_free) char *with = mem_textf("with %s", own->name);

	/* NULL: a change that contradicts the scenario is no cure of it. */
	own->rerun = rerun_create(cures->of->path, json);
	if (!own->rerun)
		return;
	cures->runs++;
	cJSON_AddItemToArray(cures->tried, json_copy_exact(json));
	if (rerun_run(own->rerun, cures->options, with))
		add_result(cures, own->name, own->how, own->rerun);
}

/* An init and the exec form are the same in either order. */
static bool was_tried(const struct cures *cures, const cJSON *json)
{
	const cJSON *tried;

	cJSON_ArrayForEach(tried, cures->tried) {
		if (cJSON_Compare(tried, json, true))
			return true;
	}
	return false;
}

/* Puts back what `first` changed in this part of the scenario. */
static void put_back(cJSON *json, const cJSON *before, const cJSON *first)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, first) {
		if (!json_get(before, value->string))
			cJSON_DeleteItemFromObjectCaseSensitive(json, value->string);
	}
	cJSON_ArrayForEach(value, before) {
		if (cJSON_Compare(value, json_get(first, value->string), true))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(json, value->string);
		cJSON_AddItemToObject(json, value->string, json_copy_exact(value));
	}
}

/* The second of two cures that made the stop clean was found behind the first: it may do
 * without it. */
static void try_alone(struct cures *cures, const struct cure *cure)
{
	static const char *const parts[] = {"service", "stop"};
	const struct nearer *first = cures->first;
	SCOPED(json_free) cJSON *json = json_copy_exact(cure->json);
	SCOPED(nearer_done)
	struct nearer own = {
		.name = mem_textf("%s alone", cure->name),
		.how = mem_text(cure->how),
	};

	for (size_t i = 0; i < COUNT(parts); i++)
		put_back(cJSON_GetObjectItemCaseSensitive(json, parts[i]),
			json_get(cures->alone->json, parts[i]),
			json_get(first->rerun->json, parts[i]));
	cures->first = NULL;
	if (!was_tried(cures, json))
		run_one(cures, &own, json);
	cures->first = first;
}

static void run(struct cures *cures, const struct cure *cure)
{
	const struct nearer *first = cures->first;
	SCOPED(nearer_done)
	struct nearer own = {
		.name = first ? mem_textf("%s, %s", first->name, cure->name)
			      : mem_text(cure->name),
		.how = first ? mem_textf("%s; and %s", first->how, cure->how)
			     : mem_text(cure->how),
	};

	run_one(cures, &own, cure->json);
	if (first && own.rerun && is_clean(own.rerun))
		try_alone(cures, cure);
	if (first || !own.rerun || !is_nearer(cures, own.rerun))
		return;
	cures->nearer[cures->nearer_count++] = own;
	own = (struct nearer){0};
}

/* --- the cures --- */

/* Runs it when its turn has come: the fitting ones in the first pass, the others in the
 * second. Takes what cure holds. */
static void consider(struct cures *cures, bool fitting, struct cure cure)
{
	const bool *interrupted = cures->options->interrupted;

	if (cure.json && cure.fits == fitting && cures->runs < cures->most &&
		!(interrupted && *interrupted) && !was_tried(cures, cure.json))
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
			.json = rerun_changed(
				cures->of->json, "service.init", cJSON_CreateTrue()),
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
				.json = rerun_changed(cures->of->json,
					"service.stop_signal",
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

/* What the image says of itself; NULL: there is none. The caller's. */
static cJSON *image_of(const struct cures *cures)
{
	const char *image = cures->of->scenario->service.image;
	struct engine *engine = cures->options->engine;
	struct err err;

	return image && engine->kind->runs_images
		? engine_describe(engine, ENGINE_IMAGE, image, &err)
		: NULL;
}

/* What runs as PID 1: the scenario's words, and those of the image that it leaves. */
static void read_command(const struct cures *cures, struct strlist *command)
{
	const struct service_part *service = &cures->of->scenario->service;
	SCOPED(json_free) cJSON *image = image_of(cures);

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

/* Does PID 1 start in this folder? (It may go elsewhere later, as a script does.) */
static bool is_start_folder(const struct cures *cures, const char *folder)
{
	const char *own =
		json_text(json_get(cures->of->json, "service"), "working_dir");
	SCOPED(json_free) cJSON *image = image_of(cures);
	const cJSON *of_image = json_at(image, "Config.WorkingDir");
	char ours[4096];

	if (!cures->options->engine->kind->runs_images)
		return getcwd(ours, sizeof ours) && strcmp(ours, folder) == 0;
	if (!own && cJSON_IsString(of_image) && of_image->valuestring[0])
		own = of_image->valuestring;
	return strcmp(own ? own : "/", folder) == 0;
}

/* NULL: there is none, or its words were not kept. */
static const struct proc *launched_by(const struct cures *cures)
{
	const struct evidence *evidence = cures->of->evidence;
	const struct proc *program = evidence->snapshot_count
		? launched_program(evidence->snapshots, evidence->facts.stop_signal)
		: NULL;

	return program && program->words && !cures->of->scenario->service.init ? program
									       : NULL;
}

/* The words are of this run alone where the scenario's have placeholders. */
static bool has_placeholders(const struct strlist *command)
{
	for (unsigned i = 0; i < command->count; i++) {
		if (strchr(command->item[i], '{'))
			return true;
	}
	return false;
}

static void add_words_of(struct strlist *form, const struct proc *program)
{
	const char *end = program->words + program->words_len;

	for (const char *word = program->words; word < end; word += strlen(word) + 1) {
		SCOPED(mem_free) char *escaped = placeholders_escape(word);

		strlist_add(form, "%s", escaped);
	}
}

/* A process has no working_dir: a shell goes there, and becomes the program. */
static cJSON *in_folder(const struct strlist *form, const char *folder)
{
	SCOPED(strlist_done) struct strlist words = {0};
	SCOPED(mem_free) char *escaped = placeholders_escape(folder);

	strlist_add(&words, "sh");
	strlist_add(&words, "-c");
	strlist_add(&words, "cd \"$0\" && exec \"$@\"");
	strlist_add(&words, "%s", escaped);
	add_list(&words, form);
	return cJSON_CreateStringArray(
		(const char *const *)words.item, (int)words.count);
}

static bool put_folder(const struct cures *cures, cJSON *json,
	const struct strlist *form, const char *folder)
{
	struct err err;

	if (!folder)
		return true;
	return cures->options->engine->kind->runs_images
		? json_put_at(
			  json, "service.working_dir", cJSON_CreateString(folder), &err)
		: json_put_at(
			  json, "service.entrypoint", in_folder(form, folder), &err);
}

/* A shell's script with `exec`, or the words behind a script, as a user would write them;
 * else, and behind several launchers (`npm start`), the words that the program had, and
 * its folder. False: no program is known. */
static bool find_exec_form(const struct cures *cures, bool fits, struct strlist *form,
	const char **folder, char **how)
{
	const struct evidence *evidence = cures->of->evidence;
	const char *child = child_of(evidence);
	const struct proc *launched = fits ? launched_by(cures) : NULL;
	SCOPED(strlist_done) struct strlist command = {0};
	bool deep = launched && launched->ppid != evidence->snapshots->procs[0].pid;

	read_command(cures, &command);
	if (has_placeholders(&command))
		launched = NULL;
	if ((!launched || !deep) && exec_form(form, &command, child)) {
		*how = mem_text("");
		return true;
	}
	if ((!launched || !deep) && fits && words_behind(form, &command, child)) {
		*how = mem_text(
			"`exec \"$@\"` as the last line of the script that is the "
			"entrypoint; it was left out here");
		return true;
	}
	if (!launched)
		return false;
	add_words_of(form, launched);
	if (launched->folder && !is_start_folder(cures, launched->folder))
		*folder = launched->folder;
	*how = *folder ? mem_textf("`WORKDIR %s` and ", *folder) : mem_text("");
	return true;
}

static void try_exec_form(struct cures *cures, bool fitting)
{
	static const char *const ids[] = {"W3", "W4", NULL};
	bool fits = is_one_of(diagnosis_of(cures), ids);
	SCOPED(strlist_done) struct strlist form = {0};
	SCOPED(mem_free) char *how = NULL;
	SCOPED(mem_free) char *what = NULL;
	const char *folder = NULL;
	cJSON *words, *json;

	if (scenario_is_ours(cures->of->scenario) ||
		!find_exec_form(cures, fits, &form, &folder, &how))
		return;
	words = cJSON_CreateStringArray(
		(const char *const *)form.item, (int)form.count);
	if (!how[0] || folder) {
		SCOPED(mem_free) char *text = json_print(words);

		what = mem_textf("%s`ENTRYPOINT %s` in the Dockerfile", how, text);
	} else {
		what = mem_text(how);
	}
	json = rerun_changed(cures->of->json, "service.entrypoint", words);
	cJSON_DeleteItemFromObjectCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(json, "service"), "command");
	if (!put_folder(cures, json, &form, folder)) {
		cJSON_Delete(json);
		return;
	}
	consider(cures, fitting,
		(struct cure){
			.name = "exec form",
			.how = what,
			.json = json,
			.fits = fits,
		});
}

/* A signal that was discarded is not heard later either. */
static void try_grace(struct cures *cures, bool fitting)
{
	const struct evidence *evidence = cures->of->evidence;
	enum diagnosis_id id = diagnosis_of(cures);
	int64_t grace_ns = cures->of->scenario->stop.grace_ns * RERUN_GRACE_FACTOR;
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
			.json = rerun_changed(
				cures->of->json, "stop.grace", cJSON_CreateString(ns)),
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

/* Each cure that fits what is left of the fault when `first` has been done. */
static void try_second(struct cures *cures, const struct nearer *first)
{
	const struct rerun_of with_first = {
		.path = cures->alone->path,
		.json = first->rerun->json,
		.scenario = &first->rerun->scenario,
		.evidence = &first->rerun->evidence,
		.judgement = &first->rerun->judgement,
	};

	cures->of = &with_first;
	cures->first = first;
	try_all(cures, true);
	cures->of = cures->alone;
	cures->first = NULL;
}

cJSON *cures_try(const struct case_options *options, const struct rerun_of *of)
{
	struct cures cures = {
		.options = options,
		.of = of,
		.alone = of,
		.results = cJSON_CreateArray(),
		.most = CURES_MAX,
		.tried = cJSON_CreateArray(),
	};
	/* What ended by itself was not stopped. */
	bool stopped = of->evidence->trouble == TROUBLE_NONE &&
		!of->evidence->facts.exited_before_stop;

	if (stopped)
		try_all(&cures, true);
	if (stopped && !cures.cured)
		try_all(&cures, false);
	cures.most = cures.runs + CURES_PAIRS_MAX;
	for (unsigned i = 0; i < cures.nearer_count && !cures.cured; i++)
		try_second(&cures, &cures.nearer[i]);
	for (unsigned i = 0; i < cures.nearer_count; i++)
		nearer_done(&cures.nearer[i]);
	cJSON_Delete(cures.tried);
	return cures.results;
}
