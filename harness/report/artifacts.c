#include "harness/report/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/report/redact.h"
#include "harness/report/timeline.h"
#include "harness/run/run_dir.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"

#define NAME_MAX_LEN 160 /* file systems take 255 bytes; a number may follow */
#define SAME_MAX     10000
#define TEXT_CEILING SIZE_MAX

/* A failed case, and the folder that its files are written to. */
struct artifact {
	const char *folder;
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
static char *make_folder(const char *report, const char *name, struct err *err)
{
	SCOPED(mem_free) char *failed = mem_textf("%s/failed", report);
	char *path = NULL;

	if (!fs_make_folders(failed, err))
		return NULL;
	for (unsigned i = 1; i <= SAME_MAX; i++) {
		free(path);
		path = i == 1 ? mem_textf("%s/%s", failed, name)
			      : mem_textf("%s/%s.%u", failed, name, i);
		if (mkdir(path, 0777) == 0)
			return path;
		if (errno != EEXIST)
			break;
	}
	err_sys(err, "make %s", path);
	free(path);
	return NULL;
}

void artifacts_clear(const char *report)
{
	SCOPED(mem_free) char *failed = mem_textf("%s/failed", report);
	DIR *folder = opendir(failed);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		SCOPED(mem_free) char *path = mem_textf("%s/%s", failed, entry->d_name);
		SCOPED(mem_free) char *why = mem_textf("%s/why.txt", path);
		struct stat found;

		if (entry->d_name[0] != '.' && lstat(path, &found) == 0 &&
			S_ISDIR(found.st_mode) && lstat(why, &found) == 0)
			fs_remove_tree(path);
	}
	if (folder)
		closedir(folder);
}

/* --- its files --- */

static bool write_text(const struct artifact *artifact, const char *name,
	struct buf *text, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", artifact->folder, name);

	return fs_write_file(path, buf_text(text), text->len, err);
}

/* Text for people: inert, and without secrets. */
static bool write_prose(const struct artifact *artifact, const char *name,
	struct buf *text, struct err *err)
{
	SCOPED(mem_free) char *path = mem_textf("%s/%s", artifact->folder, name);
	SCOPED(mem_free) char *inert = utf8_mend(buf_text(text), "\n\t");
	SCOPED(mem_free) char *public = redact(&artifact->plan_case->scenario, inert);

	return fs_write_file(path, public, strlen(public), err);
}

static bool write_json(const struct artifact *artifact, const char *name,
	const cJSON *json, struct err *err)
{
	SCOPED(json_free) cJSON *exact = json_copy_exact(json);
	SCOPED(mem_free) char *printed = json_print_inert(exact, true);
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};

	buf_addf(&text, "%s\n", printed);
	return write_text(artifact, name, &text, err);
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

static bool write_why(const struct artifact *artifact, struct err *err)
{
	const struct judgement *judgement = artifact->judgement;
	const struct evidence *evidence = artifact->evidence;
	SCOPED(mem_free) char *command =
		plan_command(artifact->plan_case, evidence->engine, evidence->seed);
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};

	if (judgement->could_run)
		buf_addf(&text, "%s: %s\n", verdict_names[judgement->verdict],
			judgement->reason);
	else
		buf_addf(&text, "could not run: %s\n", evidence->trouble_text);
	buf_addf(&text, "\n%s%s%s (%s): %s\n", artifact->plan_case->id,
		artifact->plan_case->axes[0] ? " " : "", artifact->plan_case->axes,
		half_name(artifact->plan_case->half),
		artifact->plan_case->scenario.name);
	if (artifact->plan_case->scenario.why)
		buf_addf(&text, "%s\n", artifact->plan_case->scenario.why);
	buf_adds(&text, "\nDiagnoses, the deepest cause first:\n");
	for (unsigned i = 0; i < judgement->diagnosis_count; i++)
		buf_addf(&text, "  %-3s  %s\n",
			diagnosis_ids[judgement->diagnoses[i].id],
			judgement->diagnoses[i].text);
	buf_adds(&text, "\nExpectations:\n");
	for (unsigned i = 0; i < judgement->expectation_count; i++) {
		const struct expectation *expectation = &judgement->expectations[i];

		buf_addf(&text, "  %-7s  %s: wanted %s, seen %s\n",
			expectation->met ? "met" : "NOT MET", expectation->what,
			expectation->wanted, expectation->seen);
	}
	add_limitations(&text, evidence);
	buf_addf(&text, "\nThis case alone:\n  %s\n", command);
	return write_prose(artifact, "why.txt", &text, err);
}

static bool write_scenario(const struct artifact *artifact, struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};
	SCOPED(mem_free) char *redacted = scenario_json_redacted(
		&artifact->plan_case->scenario, artifact->plan_case->json);
	SCOPED(json_free) cJSON *json = json_parse(redacted, strlen(redacted));

	if (json)
		return write_json(artifact, "scenario.json", json, err);
	buf_addf(&text, "%s\n", redacted);
	return write_prose(artifact, "scenario.json", &text, err);
}

static bool write_timeline(const struct artifact *artifact, struct err *err)
{
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};

	timeline_write(artifact->evidence, &text);
	return write_prose(artifact, "timeline.txt", &text, err);
}

static bool write_ledger(const struct artifact *artifact, struct err *err)
{
	const struct evidence *evidence = artifact->evidence;
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};

	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];
		SCOPED(json_free) cJSON *exact = NULL;
		SCOPED(mem_free) char *line = NULL;

		if (event->source != EVENT_LEDGER)
			continue;
		exact = json_copy_exact(event->json);
		line = json_print_inert(exact, false);
		buf_addf(&text, "%s\n", line);
	}
	return write_text(artifact, "ledger.jsonl", &text, err);
}

static bool write_log(const struct artifact *artifact, struct err *err)
{
	const struct evidence *evidence = artifact->evidence;
	SCOPED(buf_done) struct buf text = {.ceiling = TEXT_CEILING};

	for (unsigned i = 0; i < evidence->log_count; i++)
		buf_addf(&text, "%s\n", evidence->log[i].text);
	return write_text(artifact, "service.log", &text, err);
}

static bool write_snapshots(const struct artifact *artifact, struct err *err)
{
	const struct evidence *evidence = artifact->evidence;
	SCOPED(json_free) cJSON *list = cJSON_CreateArray();

	for (unsigned i = 0; i < evidence->snapshot_count; i++)
		cJSON_AddItemToArray(list, snapshot_json(&evidence->snapshots[i]));
	return write_json(artifact, "snapshots.json", list, err);
}

static bool write_engine(const struct artifact *artifact, struct err *err)
{
	const cJSON *events = artifact->evidence->engine_events;

	return !events || write_json(artifact, "engine.json", events, err);
}

char *artifacts_write(const char *report, const struct plan_case *plan_case,
	unsigned round, const struct evidence *evidence,
	const struct judgement *judgement, struct err *err)
{
	SCOPED(mem_free) char *name = name_of(plan_case, round);
	char *folder = make_folder(report, name, err);
	const struct artifact artifact = {
		.folder = folder,
		.plan_case = plan_case,
		.evidence = evidence,
		.judgement = judgement,
	};

	if (!folder)
		return NULL;
	if (write_why(&artifact, err) && write_scenario(&artifact, err) &&
		write_timeline(&artifact, err) && write_ledger(&artifact, err) &&
		write_log(&artifact, err) && write_snapshots(&artifact, err) &&
		write_engine(&artifact, err))
		return folder;
	free(folder);
	return NULL;
}
