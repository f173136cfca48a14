#include "harness/report/check_report.h"

#include <string.h>

#include "harness/report/process_rows.h"
#include "harness/report/stop_report.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/utf8.h"

#define INDENT 6

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

static const char not_known[] =
	"Whether a handler that is there ends the program, in time and with exit code 0: only "
	"`stopbench stop` shows that.";

/* --- words --- */

static const char *outlook(const struct check *check)
{
	enum check_level level = check_level(check);

	if (level == CHECK_NOTE)
		return check->known ? "no fault seen" : "not known";
	return check_level_names[level];
}

/* "SIGTERM, and SIGKILL after 10s (its grace)"; the caller's. */
static char *what_would_come(const struct check_report *report)
{
	const struct view *view = report->input->view;
	int64_t grace_ns = report->input->about->grace_ns;

	if (grace_ns == ATTACH_NO_GRACE_NS)
		return mem_textf(
			"%s, and never SIGKILL", SIGNAL(view->facts->stop_signal));
	return mem_textf("%s, and SIGKILL after %llds (%s)",
		SIGNAL(view->facts->stop_signal), (long long)(grace_ns / CLOCK_S),
		report->own_grace ? "its grace" : "the grace that was asked for");
}

/* What could not be seen, and how to see it; the caller's, NULL: all could. */
static char *missing(const struct check_report *report)
{
	const struct check_input *input = report->input;

	if (input->about->restarting)
		return NULL;
	if (!input->view->pid1)
		return mem_text(
			"its processes: this is not the machine on which they run, or its /proc "
			"shows none of them. `stopbench check` as root on that machine sees them");
	for (unsigned i = 0; i < input->taker_count; i++) {
		if (!input->takers[i].known && !input->takers[i].gone)
			return mem_text(
				"what its processes wait in, and who takes a signal that is "
				"blocked. As root it can be seen");
	}
	return NULL;
}

/* "30s, its default" */
static void add_timeout(const struct check_timeout *timeout, struct buf *text)
{
	if (timeout->count > 1)
		buf_addf(text, "%u times ", timeout->count);
	if (timeout->ns == STACK_UNBOUNDED)
		buf_adds(text, "no bound");
	else
		buf_adds(text, CLOCK_TEXT(timeout->ns));
	buf_addf(text, " %s (%s)", timeout->stack->name,
		timeout->by_option ? timeout->stack->option : "its default");
}

/* The caller's; NULL: none is known. */
static char *timeouts(const struct check *check)
{
	struct buf text = {0};

	for (unsigned i = 0; i < check->timeout_count; i++) {
		if (i > 0)
			buf_adds(&text, ", ");
		add_timeout(&check->timeouts[i], &text);
	}
	return text.len ? buf_take(&text) : NULL;
}

static const char *after_the_stop(const struct subject_about *about)
{
	return about->auto_remove
		? "none, but --rm: when it ends, the engine removes it, with its log"
		: stop_report_restart(about);
}

/* --- for people --- */

static void print_labelled(
	const struct terminal *terminal, FILE *out, const char *label, const char *text)
{
	if (text && text[0])
		terminal_item(terminal, out, INDENT, label, text);
}

static void print_heading(
	const struct check_report *report, const struct terminal *terminal, FILE *out)
{
	const char *words = outlook(report->check);
	enum check_level level = check_level(report->check);
	SCOPED(mem_free)
	char *name = terminal_fit(terminal, report->input->about->name, 0);
	SCOPED(mem_free) char *comes = what_would_come(report);
	size_t columns = terminal_columns(name) + strlen(words) + strlen(comes) + 4;
	const char *color = level == CHECK_WILL_FAIL               ? terminal->red
		: level == CHECK_MAY_FAIL || !report->check->known ? terminal->yellow
								   : terminal->green;

	fprintf(out, "%s  %s%s%s%s%s\n\n", name, color, words, terminal->plain,
		columns > terminal->width ? "\n      " : "  ", comes);
}

/* A cure that has been printed is not printed again. */
static bool is_new_cure(const struct check *check, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		if (strcmp(check->findings[i].cure, check->findings[index].cure) == 0)
			return false;
	}
	return check->findings[index].cure[0] != '\0';
}

static void print_findings(
	const struct check *check, const struct terminal *terminal, FILE *out)
{
	for (unsigned i = 0; i < check->count; i++) {
		const struct check_finding *finding = &check->findings[i];
		SCOPED(mem_free)
		char *text = mem_textf(
			"%s: %s", check_level_names[finding->level], finding->text);
		SCOPED(mem_free) char *cure = mem_textf("Cure: %s", finding->cure);

		terminal_item(terminal, out, INDENT,
			finding->id == DIAGNOSIS_ANY ? "-" : diagnosis_ids[finding->id],
			text);
		if (is_new_cure(check, i))
			terminal_paragraph(terminal, out, INDENT, cure);
	}
}

void check_report_print(
	const struct check_report *report, const struct terminal *terminal, FILE *out)
{
	const struct view *view = report->input->view;
	SCOPED(mem_free) char *budget = timeouts(report->check);
	SCOPED(mem_free) char *unseen = missing(report);

	print_heading(report, terminal, out);
	print_findings(report->check, terminal, out);
	if (view->last) {
		fprintf(out, "  Processes now, and %s:\n",
			SIGNAL(view->facts->stop_signal));
		process_rows_print(view->last, view->facts->stop_signal, terminal, out);
	}
	print_labelled(terminal, out, "Time for a graceful stop:", budget);
	print_labelled(terminal, out,
		"Restart policy:", stop_report_restart(report->input->about));
	if (check_level(report->check) != CHECK_WILL_FAIL && view->last)
		print_labelled(terminal, out, "Not known:", not_known);
	print_labelled(terminal, out, "Not seen:", unseen);
}

/* --- for programs --- */

static void add_findings(cJSON *json, const struct check *check)
{
	cJSON *list = cJSON_AddArrayToObject(json, "findings");

	for (unsigned i = 0; i < check->count; i++) {
		const struct check_finding *finding = &check->findings[i];
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "level", check_level_names[finding->level]);
		json_add_text(item, "id",
			finding->id == DIAGNOSIS_ANY ? NULL
						     : diagnosis_ids[finding->id]);
		json_add_text(item, "text", finding->text);
		json_add_text(item, "cure", finding->cure);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_timeouts(cJSON *json, const struct check *check)
{
	cJSON *list = cJSON_AddArrayToObject(json, "timeouts");

	for (unsigned i = 0; i < check->timeout_count; i++) {
		const struct check_timeout *timeout = &check->timeouts[i];
		cJSON *item = cJSON_CreateObject();

		json_add_text(item, "stack", timeout->stack->name);
		json_add_int(item, "pid", timeout->process->ns_pid);
		json_add_int(item, "count", timeout->count);
		if (timeout->ns == STACK_UNBOUNDED)
			cJSON_AddNullToObject(item, "timeout_ns");
		else
			json_add_int(item, "timeout_ns", timeout->ns);
		json_add_text(item, "option", timeout->stack->option);
		cJSON_AddBoolToObject(item, "by_option", timeout->by_option);
		json_add_text(item, "source", timeout->stack->source);
		cJSON_AddItemToArray(list, item);
	}
}

/* Without a grace: null. */
static void add_grace(cJSON *json, int64_t grace_ns)
{
	if (grace_ns == ATTACH_NO_GRACE_NS)
		cJSON_AddNullToObject(json, "grace_ns");
	else
		json_add_int(json, "grace_ns", grace_ns);
}

cJSON *check_report_json(const struct check_report *report)
{
	const struct subject_about *about = report->input->about;
	const struct view *view = report->input->view;
	SCOPED(mem_free) char *unseen = missing(report);
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", about->name);
	json_add_text(json, "image", about->image);
	json_add_text(json, "outlook", outlook(report->check));
	json_add_text(json, "stop_signal", SIGNAL(view->facts->stop_signal));
	add_grace(json, about->grace_ns);
	add_findings(json, report->check);
	add_timeouts(json, report->check);
	json_add_text(json, "program", view->main ? view->main->name : NULL);
	json_add_text(json, "restart_policy", about->restart_policy);
	json_add_text(json, "after_the_stop", after_the_stop(about));
	cJSON_AddBoolToObject(json, "is_paused", about->paused);
	json_add_int(json, "restarts", about->restarts);
	cJSON_AddBoolToObject(json, "is_restarting", about->restarting);
	json_add_text(json, "not_known", not_known);
	json_add_text(json, "not_seen", unseen);
	cJSON_AddItemToObject(json, "snapshot",
		view->last ? snapshot_json(view->last) : cJSON_CreateNull());
	return json;
}

/* --- a service --- */

void check_report_print_service(const struct check_service_report *report,
	const struct terminal *terminal, FILE *out)
{
	enum check_level level = check_level(report->check);
	SCOPED(mem_free) char *name = terminal_fit(terminal, report->service, 0);
	SCOPED(mem_free)
	char *unseen = mem_textf(
		"%s: `stopbench check` on a task's own node looks at it; a witness there tells "
		"its stop: `stopbench stop --service %s --witness https://NODE:PORT`",
		report->unseen, report->service);

	fprintf(out,
		"%s  %s%s%s  service of %s, %u task%s, %u looked at, SIGKILL after %s\n\n",
		name, level == CHECK_NOTE ? terminal->green : terminal->yellow,
		level == CHECK_NOTE ? "no fault seen" : check_level_names[level],
		terminal->plain, report->orchestrator, report->tasks,
		report->tasks == 1 ? "" : "s", report->seen,
		CLOCK_TEXT(report->grace_ns));
	print_findings(report->check, terminal, out);
	if (report->unseen[0])
		print_labelled(terminal, out, "Not seen:", unseen);
}

cJSON *check_report_service_json(const struct check_service_report *report)
{
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "service", report->service);
	json_add_text(json, "orchestrator", report->orchestrator);
	json_add_int(json, "grace_ns", report->grace_ns);
	json_add_int(json, "tasks", report->tasks);
	json_add_int(json, "looked_at", report->seen);
	json_add_text(json, "not_seen", report->unseen);
	add_findings(json, report->check);
	return json;
}
