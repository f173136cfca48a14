#include "harness/report/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/picture/timeline.h"
#include "harness/run/run_dir.h"
#include "harness/scenario/redact.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#define NAME_MAX_LEN 160 /* file systems take 255 bytes; a number may follow */
#define SAME_MAX     10000

/* A failed case. */
struct artifact {
	const struct plan_case *plan_case;
	const struct evidence *evidence;
	const struct judgement *judgement;
};

/* --- the folder --- */

/* "history-10-matrix_load.sessions=3_twin_round-2" */
static char *name_of(const struct plan_case *plan_case, unsigned round)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-+=.,_";
	struct buf name = {0};

	buf_addf(&name, "%s%s%s%s", plan_case->id, plan_case->axes[0] ? "_" : "",
		plan_case->axes, plan_case->half == HALF_TWIN ? "_twin" : "");
	if (round > 1)
		buf_addf(&name, "_round-%u", round);
	for (size_t i = 0; i < name.len; i++) {
		if (!strchr(plain, name.data[i]))
			name.data[i] = name.data[i] == ' ' ? '_' : '-';
	}
	if (name.len > NAME_MAX_LEN)
		name.data[NAME_MAX_LEN] = '\0';
	/* The name is neither hidden nor taken for an option. */
	if (name.len == 0 || name.data[0] == '.' || name.data[0] == '-')
		name.data[0] = '_';
	return buf_take(&name);
}

/* Names of different cases may be equal here: the next one gets a number. */
static char *make_folder(const char *run, const char *name, struct err *err)
{
	char *path = NULL;

	if (!fs_make_folders(run, err))
		return NULL;
	for (unsigned i = 1; i <= SAME_MAX; i++) {
		free(path);
		path = i == 1 ? mem_textf("%s/%s", run, name)
			      : mem_textf("%s/%s.%u", run, name, i);
		if (mkdir(path, 0777) == 0)
			return path;
		if (errno != EEXIST)
			break;
	}
	err_sys(err, "make %s", path);
	free(path);
	return NULL;
}

static int is_run(const struct dirent *entry)
{
	return fnmatch("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T"
		       "[0-9][0-9].[0-9][0-9].[0-9][0-9]",
		       entry->d_name, 0) == 0;
}

/* Leaves room for one more. Their names are in the order of their times. */
static void remove_old_runs(const char *failed)
{
	struct dirent **runs = NULL;
	int count = scandir(failed, &runs, is_run, alphasort);

	for (int i = 0; i < count; i++) {
		SCOPED(mem_free) char *path =
			mem_textf("%s/%s", failed, runs[i]->d_name);
		struct stat found;

		if (i <= count - ARTIFACTS_RUNS && lstat(path, &found) == 0 &&
			S_ISDIR(found.st_mode))
			fs_remove_tree(path);
		free(runs[i]);
	}
	free(runs);
}

char *artifacts_open(const char *report)
{
	SCOPED(mem_free) char *failed = mem_textf("%s/failed", report);
	char now[CLOCK_WALL_SIZE];

	remove_old_runs(failed);
	clock_wall(now);
	now[strcspn(now, ".")] = '\0';
	for (char *colon = now; (colon = strchr(colon, ':'));)
		*colon = '.';
	return mem_textf("%s/%s", failed, now);
}

/* --- its files --- */

static void add_json(const struct artifact *artifact, struct buf *text,
	const cJSON *json, bool lines)
{
	SCOPED(json_free) cJSON *exact = json_copy_exact(json);
	SCOPED(mem_free) char *printed = NULL;

	redact_json(&artifact->plan_case->scenario, exact);
	printed = json_print_inert(exact, lines);
	buf_addf(text, "%s\n", printed);
}

/* Text for people: inert, and without secrets. */
static char *prose_of(const struct artifact *artifact, const char *text)
{
	SCOPED(mem_free) char *redacted = redact(&artifact->plan_case->scenario, text);

	return utf8_mend(redacted, "\n\t");
}

static void add_limitations(struct buf *text, const struct evidence *evidence)
{
	if (evidence->capabilities.note[0])
		buf_addf(text, "\nNot seen here: %s\n", evidence->capabilities.note);
	if (evidence->log_dropped)
		buf_addf(text, "\n%llu lines of the service's log were not kept.\n",
			(unsigned long long)evidence->log_dropped);
	if (evidence->events_dropped || evidence->lifelines_dropped)
		buf_addf(text, "\n%llu events and %llu lifelines were not kept.\n",
			(unsigned long long)evidence->events_dropped,
			(unsigned long long)evidence->lifelines_dropped);
}

/* The last line that it logged after the stop signal, verbatim, and when. */
static void add_last_words(struct buf *text, const struct evidence *evidence)
{
	int64_t signal_ns = evidence->facts.signal_ns;
	const struct log_line *last = NULL;

	for (unsigned i = 0; i < evidence->log_count && signal_ns; i++) {
		if (evidence->log[i].ns >= signal_ns)
			last = &evidence->log[i];
	}
	if (last)
		buf_addf(text, "\nLast words, %s after the stop signal:\n  %s\n",
			CLOCK_TEXT(last->ns - signal_ns), last->text);
	else if (signal_ns)
		buf_adds(text,
			"\nLast words: it logged nothing after the stop signal.\n");
}

/* The deepest cause, what cures it, and what the service said last. */
static void add_cause(const struct artifact *artifact, struct buf *text)
{
	const struct judgement *judgement = artifact->judgement;
	const struct diagnosis *cause = &judgement->diagnoses[0];

	if (judgement->diagnosis_count > 0) {
		buf_addf(text, "%s %s\n", diagnosis_ids[cause->id], cause->text);
		if (diagnosis_cure(cause->id)[0])
			buf_addf(text, "\nCure: %s\n", diagnosis_cure(cause->id));
	} else {
		buf_addf(text, "%s\n", judgement->reason);
	}
	add_last_words(text, artifact->evidence);
	buf_addf(text, "\nVerdict: %s: %s\n", verdict_names[judgement->verdict],
		judgement->reason);
}

static void add_why(const struct artifact *artifact, struct buf *text)
{
	const struct judgement *judgement = artifact->judgement;
	const struct evidence *evidence = artifact->evidence;
	SCOPED(mem_free) char *command =
		plan_command(artifact->plan_case, evidence->engine, evidence->seed);

	if (judgement->could_run)
		add_cause(artifact, text);
	else
		buf_addf(text, "could not run: %s\n", evidence->trouble_text);
	buf_addf(text, "\n%s%s%s (%s): %s\n", artifact->plan_case->id,
		artifact->plan_case->axes[0] ? " " : "", artifact->plan_case->axes,
		half_names[artifact->plan_case->half],
		artifact->plan_case->scenario.name);
	if (artifact->plan_case->scenario.why)
		buf_addf(text, "%s\n", artifact->plan_case->scenario.why);
	buf_adds(text, "\nDiagnoses, the deepest cause first:\n");
	for (unsigned i = 0; i < judgement->diagnosis_count; i++)
		buf_addf(text, "  %-3s  %s\n",
			diagnosis_ids[judgement->diagnoses[i].id],
			judgement->diagnoses[i].text);
	buf_adds(text, "\nExpectations:\n");
	for (unsigned i = 0; i < judgement->expectation_count; i++) {
		const struct expectation *expectation = &judgement->expectations[i];

		buf_addf(text, "  %-7s  %s: wanted %s, seen %s\n",
			expectation->met ? "met" : "NOT MET", expectation->what,
			expectation->wanted, expectation->seen);
	}
	add_limitations(text, evidence);
	buf_addf(text, "\nThis case alone:\n  %s\n", command);
}

static void add_scenario(const struct artifact *artifact, struct buf *text)
{
	SCOPED(mem_free) char *redacted = scenario_json_redacted(
		&artifact->plan_case->scenario, artifact->plan_case->json);
	SCOPED(json_free) cJSON *json = json_parse(redacted, strlen(redacted));
	SCOPED(mem_free) char *prose = prose_of(artifact, redacted);

	if (json)
		add_json(artifact, text, json, true);
	else
		buf_addf(text, "%s\n", prose);
}

static void add_timeline(const struct artifact *artifact, struct buf *text)
{
	timeline_write(artifact->evidence, text);
}

static void add_ledger(const struct artifact *artifact, struct buf *text)
{
	const struct evidence *evidence = artifact->evidence;

	for (unsigned i = 0; i < evidence->event_count; i++) {
		SCOPED(json_free) cJSON *json = NULL;

		if (evidence->events[i].source != EVENT_LEDGER)
			continue;
		json = event_json(&evidence->events[i]);
		add_json(artifact, text, json, false);
	}
}

static void add_log(const struct artifact *artifact, struct buf *text)
{
	const struct evidence *evidence = artifact->evidence;

	for (unsigned i = 0; i < evidence->log_count; i++) {
		SCOPED(mem_free) char *line =
			redact(&artifact->plan_case->scenario, evidence->log[i].text);

		buf_addf(text, "%s\n", line);
	}
}

static void add_snapshots(const struct artifact *artifact, struct buf *text)
{
	const struct evidence *evidence = artifact->evidence;
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	for (unsigned i = 0; i < evidence->snapshot_count; i++)
		cJSON_AddItemToArray(list, snapshot_json(&evidence->snapshots[i]));
	add_json(artifact, text, list, true);
}

static void add_engine(const struct artifact *artifact, struct buf *text)
{
	if (artifact->evidence->engine_events)
		add_json(artifact, text, artifact->evidence->engine_events, true);
}

static const struct artifact_file {
	const char *name;
	void (*add)(const struct artifact *artifact, struct buf *text);
	bool is_prose;
	bool is_optional; /* when empty, there is no file */
} files[] = {
	{.name = "why.txt", .add = add_why, .is_prose = true},
	{.name = "scenario.json", .add = add_scenario},
	{.name = "timeline.txt", .add = add_timeline, .is_prose = true},
	{.name = "ledger.jsonl", .add = add_ledger},
	{.name = "service.log", .add = add_log},
	{.name = "snapshots.json", .add = add_snapshots},
	{.name = "engine.json", .add = add_engine, .is_optional = true},
};

static bool write_file(const struct artifact *artifact, const char *folder,
	const struct artifact_file *file, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, file->name);
	SCOPED(buf_done) struct buf text = {.ceiling = SIZE_MAX};
	SCOPED(mem_free) char *prose = NULL;

	file->add(artifact, &text);
	if (file->is_optional && text.len == 0)
		return true;
	if (!file->is_prose)
		return fs_write_file(path, buf_text(&text), text.len, err);
	prose = prose_of(artifact, buf_text(&text));
	return fs_write_file(path, prose, strlen(prose), err);
}

char *artifacts_write(const char *run, const struct plan_case *plan_case,
	unsigned round, const struct evidence *evidence,
	const struct judgement *judgement, struct err *err)
{
	const struct artifact artifact = {plan_case, evidence, judgement};
	SCOPED(mem_free) char *name = name_of(plan_case, round);
	char *folder = make_folder(run, name, err);

	for (size_t i = 0; folder && i < COUNT(files); i++) {
		if (!write_file(&artifact, folder, &files[i], err))
			mem_free(&folder);
	}
	return folder;
}
