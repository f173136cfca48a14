#include "harness/report/service_report.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define INDENT 6

/* The line that brings it back; the caller's. NULL: it is there. */
static char *back_text(const struct service_stop *stop)
{
	const char *name = stop->service;
	const char *slash = strchr(name, '/');
	bool spaced = slash && strchr(slash + 1, '/');

	if (stop->rolling)
		return NULL;
	if (strcmp(stop->orchestrator, "swarm") == 0)
		return mem_textf(
			"docker service scale %s=%u", stop->service, stop->replicas);
	/* "NAMESPACE/KIND/NAME", "KIND/NAME" or "NAME" */
	return mem_textf("kubectl scale%s%.*s %s%s --replicas=%u", spaced ? " -n " : "",
		spaced ? (int)(slash - name) : 0, name, slash ? "" : "deployment/",
		spaced ? slash + 1 : name, stop->replicas);
}

/* "after 2.01s (grace: 10s) by the kernel's clock"; the caller's. */
static char *time_text(const struct service_stop *stop, const struct task_stop *task)
{
	int64_t ns = task->exit_ns - task->signal_ns;
	const char *clock = json_text(task->report, "signal_source");
	struct buf text = {0};

	if (task->source == TASK_STOP_API)
		return mem_text("by the API alone");
	if (!task->signal_ns || !task->exit_ns)
		return mem_text("without a stop signal");
	buf_addf(&text, "after %s", CLOCK_TEXT(ns));
	if (stop->grace_ns)
		buf_addf(&text, " (grace: %s)", CLOCK_TEXT(stop->grace_ns));
	buf_addf(&text, " by the %s's clock",
		clock && strcmp(clock, "kernel") == 0 ? "kernel" : "engine");
	return buf_take(&text);
}

/* --- for people --- */

static void print_label(
	const struct terminal *terminal, FILE *out, const char *label, const char *text)
{
	if (text && text[0])
		terminal_item(terminal, out, INDENT, label, text);
}

static void print_heading(const struct service_stop *stop,
	const struct service_task *task, const struct terminal *terminal, FILE *out)
{
	enum verdict verdict = task->stop.verdict;
	SCOPED(mem_free) char *name = mem_textf("%s%s%s", task->name,
		task->node ? " on " : "", task->node ? task->node : "");
	SCOPED(mem_free) char *shown = terminal_fit(terminal, name, 0);
	SCOPED(mem_free) char *code = task->stop.exit_code < 0
		? mem_text("")
		: mem_textf("  %d", task->stop.exit_code);
	SCOPED(mem_free) char *time = time_text(stop, &task->stop);
	size_t columns = terminal_columns(shown) + strlen(verdict_names[verdict]) +
		strlen(code) + strlen(time) + 4;
	const char *color = verdict == VERDICT_CLEAN ? terminal->green
		: verdict <= VERDICT_INCONCLUSIVE    ? terminal->yellow
						     : terminal->red;

	fprintf(out, "%s  %s%s%s%s%s%s\n\n", shown, color, verdict_names[verdict],
		terminal->plain, code, columns > terminal->width ? "\n      " : "  ",
		time);
}

/* The orchestrator's habits are none of the service's. */
static void print_before(const struct service_stop *stop,
	const struct service_task *task, const struct terminal *terminal, FILE *out)
{
	int64_t ns = service_stop_before_ns(stop, task);
	SCOPED(mem_free) char *text = NULL;

	if (ns < 0)
		return;
	text = mem_textf("%s from %s to the stop signal, of its own", CLOCK_TEXT(ns),
		stop->rolling ? "its turn" : "the order");
	print_label(terminal, out,
		strcmp(stop->orchestrator, "swarm") == 0 ? "Swarm:" : "Kubernetes:",
		text);
}

static void print_report(
	const struct task_stop *task, const struct terminal *terminal, FILE *out)
{
	const cJSON *diagnoses = json_get(task->report, "diagnoses");
	const cJSON *first = diagnoses ? diagnoses->child : NULL;
	const char *words = json_text(json_get(task->report, "last_words"), "text");
	SCOPED(mem_free) char *quoted = words ? mem_textf("\"%.300s\"", words) : NULL;
	const cJSON *diagnosis;

	if (!first || task->verdict == VERDICT_SLOW)
		print_label(terminal, out, "", task->reason);
	cJSON_ArrayForEach(diagnosis, diagnoses)
		print_label(terminal, out, json_text(diagnosis, "id"),
			json_text(diagnosis, "text"));
	if (task->verdict != VERDICT_CLEAN)
		print_label(terminal, out, "Cure:", json_text(first, "cure"));
	print_label(terminal, out, "Last words:", quoted);
	print_label(terminal, out, "Not seen:", json_text(task->report, "not_seen"));
}

static void print_counts(
	const struct service_stop *stop, const struct terminal *terminal, FILE *out)
{
	unsigned clean = 0, witnessed = 0;
	SCOPED(mem_free) char *text = NULL;

	for (unsigned i = 0; i < stop->count; i++) {
		clean += stop->tasks[i].stop.verdict == VERDICT_CLEAN;
		witnessed += stop->tasks[i].told;
	}
	text = mem_textf("%u of %u tasks of %s ended clean; %u seen by a witness%s",
		clean, stop->count, stop->service, witnessed,
		witnessed < stop->count
			? ". (With one on its node, --witness, the kernel tells of a task.)"
			: "");
	terminal_paragraph(terminal, out, 0, text);
}

static bool is_simulated(const struct service_stop *stop)
{
	const char *kubelet = json_text(stop->cluster, "kubelet");

	return kubelet && strcmp(kubelet, "simulated kubelet") == 0;
}

void service_report_print(
	const struct service_stop *stop, const struct terminal *terminal, FILE *out)
{
	SCOPED(mem_free) char *back = back_text(stop);

	for (unsigned i = 0; i < stop->count; i++) {
		const struct service_task *task = &stop->tasks[i];

		print_heading(stop, task, terminal, out);
		print_report(&task->stop, terminal, out);
		print_before(stop, task, terminal, out);
		fputs("\n", out);
	}
	print_counts(stop, terminal, out);
	if (is_simulated(stop))
		print_label(terminal, out, "Kubernetes:",
			"its kubelet is simulated: no process has ended");
	if (stop->trouble)
		print_label(terminal, out, "The order:", stop->trouble);
	if (back)
		fprintf(out, "It is brought back by: %s\n", back);
	fflush(out);
}

/* --- for programs --- */

static void add_stamp(cJSON *json, const char *key, int64_t ns, int64_t since_ns)
{
	if (ns)
		json_add_int(json, key, ns - since_ns);
	else
		cJSON_AddNullToObject(json, key);
}

static cJSON *task_json(
	const struct service_stop *stop, const struct service_task *task)
{
	const struct task_stop *ended = &task->stop;
	int64_t before_ns = service_stop_before_ns(stop, task);
	cJSON *json = cJSON_CreateObject();

	json_add_text(json, "name", task->name);
	json_add_text(json, "node", task->node);
	json_add_text(json, "task", ended->task);
	json_add_text(json, "container", ended->container);
	json_add_text(json, "source", task_stop_source_names[ended->source]);
	json_add_text(json, "verdict", verdict_names[ended->verdict]);
	json_add_text(json, "reason", ended->reason);
	if (ended->exit_code < 0)
		cJSON_AddNullToObject(json, "exit_code");
	else
		json_add_int(json, "exit_code", ended->exit_code);
	add_stamp(json, "signal_ns", ended->signal_ns, stop->ordered_ns);
	add_stamp(json, "exit_ns", ended->exit_ns, stop->ordered_ns);
	json_add_int(json, "error_ns", ended->error_ns);
	if (before_ns < 0)
		cJSON_AddNullToObject(json, "orchestrator_ns");
	else
		json_add_int(json, "orchestrator_ns", before_ns);
	cJSON_AddItemToObject(json, "report",
		ended->report ? cJSON_Duplicate(ended->report, true)
			      : cJSON_CreateNull());
	return json;
}

cJSON *service_report_json(const struct service_stop *stop)
{
	SCOPED(mem_free) char *back = back_text(stop);
	cJSON *json = json_fill(NULL,
		"{'orchestrator': %s, 'service': %s, 'order': %s}", stop->orchestrator,
		stop->service, stop->rolling ? "rolling" : "scale-0");
	cJSON *tasks;

	cJSON_AddItemToObject(json, "cluster", cJSON_Duplicate(stop->cluster, true));
	json_add_int(json, "replicas", stop->replicas);
	json_add_int(json, "grace_ns", stop->grace_ns);
	add_stamp(json, "settled_ns", stop->settled_ns, stop->ordered_ns);
	json_add_text(json, "trouble", stop->trouble);
	json_add_text(json, "brought_back_by", back);
	tasks = cJSON_AddArrayToObject(json, "tasks");
	for (unsigned i = 0; i < stop->count; i++)
		cJSON_AddItemToArray(tasks, task_json(stop, &stop->tasks[i]));
	return json;
}
