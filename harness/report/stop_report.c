#include "harness/report/stop_report.h"

#include <string.h>

#include "harness/judge/launcher_cure.h"
#include "harness/report/process_rows.h"
#include "harness/results/round.h"
#include "harness/scenario/diagnosis_id.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/utf8.h"

#define INDENT       6
#define LINE_MAX_LEN 300

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

/* --- sentences --- */

const char *stop_report_restart(const struct subject_about *about)
{
	static const struct {
		const char *policy, *text;
	} rows[] = {
		{"always",
			"always: it stays stopped until somebody starts it, or the daemon starts again"},
		{"unless-stopped",
			"unless-stopped: it stays stopped until it is started, also when the "
			"daemon starts again"},
		{"on-failure",
			"on-failure: it stays stopped until it is started; a stop that was asked "
			"for is no failure, whatever its exit code"},
	};

	if (about->auto_remove)
		return "none, but --rm: the engine removes it at its end, with its log";
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (strcmp(about->restart_policy, rows[i].policy) == 0)
			return rows[i].text;
	}
	return NULL;
}

/* "10s": a grace is whole seconds. The caller's. */
static char *grace_text(int64_t grace_ns)
{
	if (grace_ns == ATTACH_NO_GRACE_NS)
		return mem_text("none");
	if (grace_ns % CLOCK_S != 0)
		return mem_text(CLOCK_TEXT(grace_ns));
	return mem_textf("%llds", (long long)(grace_ns / CLOCK_S));
}

static const char *clock_words(const struct stop_facts *facts)
{
	if (facts->signal_source == STAMP_KERNEL && facts->exit_source == STAMP_KERNEL)
		return "by the kernel's clock";
	if (facts->signal_source == STAMP_ENGINE || facts->exit_source == STAMP_ENGINE)
		return "by the engine's clock";
	return "by this program's clock";
}

/* "after 10.0s (its grace: 10s) by the kernel's clock"; the caller's. */
static char *time_text(const struct stop_report *report)
{
	const struct stop_facts *facts = &report->evidence->facts;
	const struct judgement *judgement = report->judgement;
	SCOPED(mem_free) char *grace = grace_text(report->scenario->stop.grace_ns);
	const char *whose = report->own_grace ? "its grace" : "grace";

	if (facts->exited_before_stop)
		return mem_text(facts->no_stop ? "without a stop" : "before the stop");
	if (judgement->stop_ns < 0)
		return mem_textf("after an unknown time (%s: %s)", whose, grace);
	if (report->grace_unknown)
		return mem_textf("after %s %s", CLOCK_TEXT(judgement->stop_ns),
			clock_words(facts));
	if (judgement->stop_error_ns >= CLOCK_MS)
		return mem_textf("after %s +-%s (%s: %s) %s",
			CLOCK_TEXT(judgement->stop_ns),
			CLOCK_TEXT(judgement->stop_error_ns), whose, grace,
			clock_words(facts));
	return mem_textf("after %s (%s: %s) %s", CLOCK_TEXT(judgement->stop_ns), whose,
		grace, clock_words(facts));
}

/* What became of the signals; the caller's, NULL: nothing was seen. */
/* Queued, and not taken when the grace expired: blocked, or no code of PID 1 ran. */
static bool stayed_pending(const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	const struct snapshot *last = evidence_last_snapshot(evidence);

	return facts->kill_ns && last && last->count && last->ns > facts->signal_ns &&
		proc_mask_has(last->procs[0].shared_pending | last->procs[0].pending,
			facts->stop_signal);
}

static char *signals_text(const struct evidence *evidence)
{
	const struct stop_facts *facts = &evidence->facts;
	bool in_container = evidence->capabilities.pid1_rules;
	struct buf text = {0};

	if (facts->signal_ns && facts->stop_signal != SIGKILL)
		buf_addf(&text, "%s%s%s", SIGNAL(facts->stop_signal),
			in_container ? " to PID 1" : "",
			evidence_delivery(evidence) == DELIVERY_IGNORED
				? " was discarded by the kernel"
				: stayed_pending(evidence) ? " stayed pending"
				: evidence_delivery(evidence) == DELIVERY_DELIVERED
				? " was delivered"
				: " was sent");
	if (facts->kill_ns && facts->kill_source != STAMP_NONE) {
		buf_addf(&text, "%sSIGKILL", text.len ? "; " : "");
		if (facts->kill_by_engine || facts->kill_sender[0])
			buf_addf(&text, " from %s",
				!facts->kill_by_engine ? facts->kill_sender
					: in_container ? "the engine"
						       : "stopbench");
		if (facts->signal_ns && facts->stop_signal != SIGKILL)
			buf_addf(&text, " came %s later",
				CLOCK_TEXT(facts->kill_ns - facts->signal_ns));
	}
	return text.len ? buf_take(&text) : NULL;
}

/* NULL: it printed none. */
static const struct log_line *last_line(const struct evidence *evidence)
{
	return evidence->log_count ? &evidence->log[evidence->log_count - 1] : NULL;
}

/* The last line that it printed, and when; the caller's, NULL: there is none. */
static char *last_words(const struct evidence *evidence)
{
	const struct log_line *line = last_line(evidence);
	int64_t signal_ns = evidence->facts.signal_ns;
	int len;

	if (!line)
		return NULL;
	len = (int)strnlen(line->text, LINE_MAX_LEN);
	if (!line->ns || !signal_ns)
		return mem_textf("\"%.*s\"", len, line->text);
	return mem_textf("\"%.*s\" %s %s the signal", len, line->text,
		CLOCK_TEXT(line->ns > signal_ns ? line->ns - signal_ns
						: signal_ns - line->ns),
		line->ns > signal_ns ? "after" : "before");
}

/* What was unusual before the stop; the caller's, NULL: nothing. */
static char *before_text(const struct subject_about *about)
{
	if (about->restarting)
		return mem_textf(
			"it was waiting to be started again, as %lld times before: the stop ended "
			"that",
			(long long)about->restarts);
	return about->paused
		? mem_text("it was paused, and the engine thawed it for the stop")
		: NULL;
}

/* Where one of its processes listens; NULL: at no unix socket. */
static const char *unix_path_of(const struct evidence *evidence)
{
	const struct snapshot *before =
		evidence->snapshot_count ? evidence->snapshots : NULL;

	for (unsigned i = 0; before && i < before->count; i++) {
		if (before->procs[i].unix_path[0])
			return before->procs[i].unix_path;
	}
	return NULL;
}

static bool had_clients(const struct evidence *evidence)
{
	const struct snapshot *before =
		evidence->snapshot_count ? evidence->snapshots : NULL;

	for (unsigned i = 0; before && i < before->count; i++) {
		if (before->procs[i].clients > 0)
			return true;
	}
	return false;
}

/* Of a clean stop: nobody reads what clients that are none of ours were answered. */
static void add_answers(const struct stop_report *report, struct buf *text)
{
	enum verdict verdict = report->judgement->verdict;

	if ((verdict == VERDICT_CLEAN || verdict == VERDICT_SLOW) &&
		had_clients(report->evidence))
		buf_addf(text,
			"%swhat its clients were answered, and whether a stream that had "
			"begun came to its end",
			text->len ? "; " : "");
}

/* What could not be observed, and how to get it; the caller's, NULL: all could. */
static char *missing_text(const struct stop_report *report)
{
	const char *note = report->evidence->capabilities.note;
	const char *unix_path = unix_path_of(report->evidence);
	struct buf text = {0};

	if (note[0])
		buf_addf(&text,
			"%s. As root on the engine's own machine all of it can be seen",
			note);
	if (unix_path)
		buf_addf(&text,
			"%swhether the clients of the unix socket %s got their answers: only TCP is "
			"followed",
			text.len ? "; " : "", unix_path);
	add_answers(report, &text);
	if (report->evidence->unsettled)
		buf_addf(&text,
			"%swhether it was ready: its processes had not settled 2s after their "
			"start. --ready-log and --ready-port say what to wait for",
			text.len ? "; " : "");
	if (report->about->no_log)
		buf_addf(&text, "%s%s", text.len ? "; " : "", report->about->no_log);
	return text.len ? buf_take(&text) : NULL;
}

/* Of this program where its command line is known; the caller's. */
static char *cure_text(const struct stop_report *report, enum diagnosis_id id)
{
	const struct evidence *evidence = report->evidence;
	char *cure = NULL;

	if (id == DIAGNOSIS_W3 && evidence->snapshot_count)
		cure = launcher_cure(evidence->snapshots, evidence->facts.stop_signal);
	return cure ? cure : mem_text(diagnosis_cure(id));
}

/* --- for people --- */

static void print_processes(
	const struct stop_report *report, const struct terminal *terminal, FILE *out)
{
	const struct snapshot *last = evidence_last_snapshot(report->evidence);
	int number = report->evidence->facts.stop_signal;
	int64_t signal_ns = report->evidence->facts.signal_ns;

	if (!last || last->count == 0)
		return;
	if (signal_ns && last->ns > signal_ns)
		fprintf(out, "  Processes %s after the signal, and %s:\n",
			CLOCK_TEXT(last->ns - signal_ns), SIGNAL(number));
	else
		fprintf(out, "  Processes before %s, and %s:\n",
			report->evidence->facts.no_stop ? "the end" : "the signal",
			SIGNAL(number));
	process_rows_print(last, number, terminal, out);
}

static void print_labelled(
	const struct terminal *terminal, FILE *out, const char *label, const char *text)
{
	if (text && text[0])
		terminal_item(terminal, out, INDENT, label, text);
}

static void print_reasons(
	const struct stop_report *report, const struct terminal *terminal, FILE *out)
{
	const struct judgement *judgement = report->judgement;

	if (judgement->diagnosis_count == 0)
		print_labelled(terminal, out, "", judgement->reason);
	for (unsigned i = 0; i < judgement->diagnosis_count; i++)
		print_labelled(terminal, out, diagnosis_ids[judgement->diagnoses[i].id],
			judgement->diagnoses[i].text);
}

static bool is_clean(const struct judgement *judgement)
{
	return judgement->verdict == VERDICT_CLEAN;
}

static void print_heading(
	const struct stop_report *report, const struct terminal *terminal, FILE *out)
{
	enum verdict verdict = report->judgement->verdict;
	int exit_code = report->evidence->facts.exit_code;
	SCOPED(mem_free) char *name = terminal_fit(terminal, report->about->name, 0);
	SCOPED(mem_free)
	char *code = exit_code < 0 ? mem_text("") : mem_textf("  %d", exit_code);
	SCOPED(mem_free) char *time = time_text(report);
	size_t columns = terminal_columns(name) + strlen(verdict_names[verdict]) +
		strlen(code) + strlen(time) + 4;
	const char *color = verdict == VERDICT_CLEAN ? terminal->green
		: verdict <= VERDICT_INCONCLUSIVE    ? terminal->yellow
						     : terminal->red;

	fprintf(out, "%s  %s%s%s%s%s%s\n\n", name, color, verdict_names[verdict],
		terminal->plain, code, columns > terminal->width ? "\n      " : "  ",
		time);
}

void stop_report_print(
	const struct stop_report *report, const struct terminal *terminal, FILE *out)
{
	const struct judgement *judgement = report->judgement;
	bool clean = is_clean(judgement);
	SCOPED(mem_free)
	char *cure = clean || judgement->diagnosis_count == 0
		? NULL
		: cure_text(report, judgement->diagnoses[0].id);
	SCOPED(mem_free) char *signals = signals_text(report->evidence);
	SCOPED(mem_free) char *words = last_words(report->evidence);
	SCOPED(mem_free) char *missing = missing_text(report);
	SCOPED(mem_free) char *before = before_text(report->about);

	print_heading(report, terminal, out);
	print_reasons(report, terminal, out);
	if (!clean) {
		print_labelled(terminal, out, "Signals:", signals);
		print_processes(report, terminal, out);
		print_labelled(terminal, out, "Cure:", cure);
	}
	print_labelled(terminal, out, "Last words:", words);
	print_labelled(terminal, out, "Before:", before);
	print_labelled(
		terminal, out, "Restart policy:", stop_report_restart(report->about));
	print_labelled(terminal, out, "Not seen:", missing);
}

/* --- for programs --- */

static void add_diagnoses(cJSON *json, const struct stop_report *report)
{
	const struct judgement *judgement = report->judgement;
	cJSON *list = cJSON_AddArrayToObject(json, "diagnoses");

	for (unsigned i = 0; i < judgement->diagnosis_count; i++) {
		const struct diagnosis *diagnosis = &judgement->diagnoses[i];
		SCOPED(mem_free) char *cure = cure_text(report, diagnosis->id);
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "id", diagnosis_ids[diagnosis->id]);
		json_add_text(item, "text", diagnosis->text);
		json_add_text(item, "cure", cure);
		cJSON_AddItemToArray(list, item);
	}
}

/* Negative: before the signal. */
static void add_last_line(cJSON *json, const struct evidence *evidence)
{
	const struct log_line *line = last_line(evidence);
	int64_t signal_ns = evidence->facts.signal_ns;
	cJSON *object;

	if (!line) {
		cJSON_AddNullToObject(json, "last_words");
		return;
	}
	object = cJSON_AddObjectToObject(json, "last_words");
	json_add_text(object, "text", line->text);
	if (line->ns && signal_ns)
		json_add_int(object, "after_signal_ns", line->ns - signal_ns);
	else
		cJSON_AddNullToObject(object, "after_signal_ns");
}

cJSON *stop_report_json(const struct stop_report *report)
{
	static const char *const of_grace[] = {"grace_ns", "margin_ns"};
	const struct subject_about *about = report->about;
	const struct evidence *evidence = report->evidence;
	const struct snapshot *last = evidence_last_snapshot(evidence);
	SCOPED(mem_free) char *missing = missing_text(report);
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", about->name);
	json_add_text(json, "image", about->image);
	json_add_text(json, "verdict", verdict_names[report->judgement->verdict]);
	json_add_text(json, "reason", report->judgement->reason);
	add_diagnoses(json, report);
	round_add_stop(json, report->scenario, evidence, report->judgement);
	for (size_t i = 0; report->grace_unknown && i < COUNT(of_grace); i++)
		cJSON_ReplaceItemInObjectCaseSensitive(
			json, of_grace[i], cJSON_CreateNull());
	json_add_text(json, "stop_signal", SIGNAL(evidence->facts.stop_signal));
	add_last_line(json, evidence);
	json_add_text(json, "restart_policy", about->restart_policy);
	json_add_text(json, "after_the_stop", stop_report_restart(about));
	cJSON_AddBoolToObject(json, "was_paused", about->paused);
	json_add_int(json, "restarts", about->restarts);
	cJSON_AddBoolToObject(json, "was_restarting", about->restarting);
	json_add_text(json, "not_seen", missing);
	cJSON_AddItemToObject(
		json, "last_snapshot", last ? snapshot_json(last) : cJSON_CreateNull());
	return json;
}
