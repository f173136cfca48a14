#include "harness/picture/timeline.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/signals.h"
#include "lib/terminal.h"

#define SOURCE_WIDTH_MAX 40

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

struct timeline_entry {
	int64_t ns;
	size_t order; /* of those at the same time */
	char *source;
	char *what;
};

struct timeline {
	const struct evidence *evidence;
	struct timeline_entry *entries;
	size_t count, room;
};

/* Takes source and what. */
static void add(struct timeline *timeline, int64_t ns, char *source, char *what)
{
	size_t order = timeline->count++;

	if (order == timeline->room) {
		timeline->room = timeline->room ? timeline->room * 2 : 256;
		timeline->entries = mem_grown(
			timeline->entries, timeline->room, sizeof *timeline->entries);
	}
	timeline->entries[order] = (struct timeline_entry){ns, order, source, what};
}

/* ns 0: it did not happen, and is no entry. */
PRINTF(4, 5)
static void note(struct timeline *timeline, int64_t ns, const char *source,
	const char *format, ...)
{
	struct buf what = {0};
	va_list args;

	if (ns == 0)
		return;
	va_start(args, format);
	buf_addv(&what, format, args);
	va_end(args);
	add(timeline, ns, mem_text(source), buf_take(&what));
}

/* --- events --- */

/* "mock-mcp skills s2" */
static char *name_of(const struct lifeline *lifeline)
{
	return mem_textf("%s%s%s%s%s", lifeline->role ? lifeline->role : "?",
		lifeline->name ? " " : "", lifeline->name ? lifeline->name : "",
		lifeline->session ? " s" : "",
		lifeline->session ? lifeline->session : "");
}

/* Is the member in the beginning of the line already? */
static bool is_in_line(
	const struct lifeline *lifeline, const struct event_member *member)
{
	static const char *const keys[] = {
		"ns", "time", "pid", "event", "role", "ppid"};
	const char *text = NULL;

	for (size_t i = 0; i < COUNT(keys); i++) {
		if (strcmp(keys[i], member->key) == 0)
			return true;
	}
	if (lifeline && strcmp(member->key, "name") == 0)
		text = lifeline->name;
	else if (lifeline && strcmp(member->key, "session") == 0)
		text = lifeline->session;
	return text && member->kind == EVENT_TEXT && strcmp(member->value, text) == 0;
}

static bool is_null(const struct event_member *member)
{
	return member->kind == EVENT_JSON && strcmp(member->value, "null") == 0;
}

/* A text with a blank, or none, is in quotes, as in JSON. */
static char *value_of(const struct event_member *member)
{
	SCOPED(json_free) cJSON *text = NULL;

	if (member->kind != EVENT_TEXT ||
		(member->value[0] && !strpbrk(member->value, " \"=")))
		return mem_text(member->value);
	text = cJSON_CreateString(member->value);
	return json_print(text);
}

/* "shutdown.begin signal=15 sessions=3" */
static char *text_of(const struct lifeline *lifeline, const struct event *event)
{
	struct event_member member = {0};
	struct buf text = {0};

	buf_adds(&text, event->name);
	while (event_next(event, &member)) {
		SCOPED(mem_free) char *value = NULL;

		if (is_null(&member) || is_in_line(lifeline, &member))
			continue;
		value = value_of(&member);
		buf_addf(&text, " %s=%s", member.key, value);
	}
	return buf_take(&text);
}

static void add_events(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];
		const struct lifeline *lifeline = event->lifeline < 0
			? NULL
			: &evidence->lifelines[event->lifeline];

		add(timeline, event->ns,
			lifeline ? name_of(lifeline) : mem_text("service"),
			text_of(lifeline, event));
	}
}

/* A lifeline that ends without the process's own last event was cut. */
static void add_lifelines(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];

		if (lifeline->ended_ns && !lifeline->exit_ns)
			add(timeline, lifeline->ended_ns, name_of(lifeline),
				mem_textf("lifeline cut: pid %d was killed",
					(int)lifeline->own_pid));
	}
}

/* --- the service's log, without the lines that are events --- */

static void add_log(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->log_count; i++) {
		const struct log_line *line = &evidence->log[i];

		SCOPED(json_free) cJSON *json = line->text[0] == '{'
			? json_parse(line->text, strlen(line->text))
			: NULL;

		if (!json_text(json, "event"))
			add(timeline, line->ns, mem_text("service"),
				mem_textf("| %s", line->text));
	}
}

/* --- requests --- */

static char *request_name(const struct load_request *request)
{
	switch (request->kind) {
	case REQUEST_OPEN:
		return mem_textf("session %u (room %s, bot %s)", request->session,
			request->room, request->bot);
	case REQUEST_TURN:
		return mem_textf("turn of session %u", request->session);
	case REQUEST_IDLE:
		return mem_text("idle connection");
	case REQUEST_HTTP:
		return mem_textf("request of client %u", request->client);
	case REQUEST_KINDS:
		break;
	}
	return mem_text("request");
}

static void add_requests(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];
		SCOPED(mem_free) char *name = request_name(request);

		note(timeline, request->sent_ns, "load", "%s: sent", name);
		note(timeline, request->ended_ns, "load", "%s: %s%s%s", name,
			request_end_name(request->end), request->why ? ": " : "",
			request->why ? request->why : "");
	}
}

/* --- the stop --- */

static void add_facts(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;
	const struct stop_facts *facts = &evidence->facts;
	char status[WAIT_STATUS_TEXT_SIZE] = "";

	if (facts->wait_status_known)
		wait_status_name(facts->wait_status, status);
	note(timeline, evidence->began_ns, "harness", "the case begins");
	note(timeline, evidence->up_ns, "harness", "the service is up");
	note(timeline, evidence->ready_ns, "harness", "the service is ready");
	note(timeline, evidence->loaded_ns, "harness",
		evidence->trouble ? "the moment of the stop did not come"
				  : "the moment of the stop");
	note(timeline, facts->asked_ns, "harness", "the stop is asked for");
	note(timeline, facts->signal_ns, stamp_source_names[facts->signal_source],
		"%s to PID 1%s", SIGNAL(facts->stop_signal),
		evidence_delivery(evidence) == DELIVERY_IGNORED
			? ": the kernel discarded it"
			: "");
	for (unsigned i = 0; i < evidence->sent_signal_count; i++)
		note(timeline, evidence->sent_signals[i].ns, "harness",
			"%s to PID 1 (stop.signals)",
			SIGNAL(evidence->sent_signals[i].number));
	note(timeline, facts->kill_ns, stamp_source_names[facts->kill_source],
		"SIGKILL to PID 1, sent by %s%s%s",
		facts->kill_by_engine ? "the engine" : "another process",
		facts->kill_sender[0] ? ": " : "", facts->kill_sender);
	note(timeline, facts->exit_ns, stamp_source_names[facts->exit_source],
		"PID 1 ended%s%s, exit code %d", status[0] ? ": " : "", status,
		facts->exit_code);
	note(timeline, facts->returned_ns, "engine", "the stop has returned%s",
		facts->stuck ? ": it is stuck" : "");
	note(timeline, evidence->stopped_ns, "harness", "the stop is over");
	note(timeline, evidence->ended_ns, "harness", "the case is over");
}

/* --- the processes below PID 1 --- */

#define SIGNALS_MAX 1000 /* lines; a supervisor may send many */

/* "python3 (pid 7)"; the caller's. */
static char *process_name(const struct evidence *evidence, pid_t pid)
{
	for (unsigned i = evidence->descendant_count; i-- > 0;) {
		const struct proc_record *record = &evidence->descendants[i];

		if (record->pid == pid)
			return mem_textf("%s (pid %d)",
				record->name[0] ? record->name : "a process",
				(int)(record->ns_pid ? record->ns_pid : pid));
	}
	return mem_text("PID 1");
}

/* PID 1's stop signal and SIGKILL are among the facts. */
static bool is_among_facts(
	const struct evidence *evidence, const struct proc_signal *signal)
{
	return signal->ns == evidence->facts.signal_ns ||
		signal->ns == evidence->facts.kill_ns;
}

static void add_signals(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;
	unsigned count = 0;

	for (unsigned i = 0; i < evidence->signal_count && count < SIGNALS_MAX; i++) {
		const struct proc_signal *signal = &evidence->signals[i];
		SCOPED(mem_free) char *name = process_name(evidence, signal->pid);

		if (signal->what == PROC_SIGNAL_WAITS ||
			signal->ns < evidence->facts.asked_ns ||
			is_among_facts(evidence, signal))
			continue;
		if (signal->what == PROC_SIGNAL_SENT)
			note(timeline, signal->ns, "kernel", "%s to %s, sent by %s%s",
				SIGNAL(signal->signal), name,
				signal->sender != signal->pid ? signal->sender_name
					: signal->signal == SIGPIPE ? "the kernel"
								    : "itself",
				signal->ignored ? ": the kernel discarded it" : "");
		else
			note(timeline, signal->ns, "kernel",
				"%s begins its handler of %s", name,
				SIGNAL(signal->signal));
		count++;
	}
}

static void add_ends(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		const struct proc_record *record = &evidence->descendants[i];
		SCOPED(mem_free) char *name = NULL;

		if (!record->ended_ns || record->ended_ns < evidence->facts.asked_ns)
			continue;
		name = process_name(evidence, record->pid);
		note(timeline, record->ended_ns, "kernel", "%s ended: %s", name,
			wait_status_name(
				record->wait_status, (char[WAIT_STATUS_TEXT_SIZE]){0}));
	}
}

static void add_snapshots(struct timeline *timeline)
{
	const struct evidence *evidence = timeline->evidence;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];
		const struct proc *pid1 = snapshot->count ? &snapshot->procs[0] : NULL;

		note(timeline, snapshot->ns, "harness",
			"snapshot %u: %u process%s, PID 1 is %s, state %c%s%s", i + 1,
			snapshot->count, snapshot->count == 1 ? "" : "es",
			pid1 ? pid1->name : "gone", pid1 ? pid1->state : '-',
			pid1 && pid1->wchan[0] ? " in " : "", pid1 ? pid1->wchan : "");
	}
}

/* --- the whole --- */

static int in_time(const void *one, const void *other)
{
	const struct timeline_entry *a = one, *b = other;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* The stamp that the times count from, and its name. */
static int64_t zero_of(const struct evidence *evidence, const char **name)
{
	const struct stop_facts *facts = &evidence->facts;

	*name = facts->signal_ns  ? "the stop signal"
		: facts->asked_ns ? "the request to stop, for no signal was seen"
				  : "the beginning, for there was no stop";
	return facts->signal_ns   ? facts->signal_ns
		: facts->asked_ns ? facts->asked_ns
				  : evidence->began_ns;
}

static void write_entry(const struct timeline_entry *entry, int64_t zero_ns,
	int source_width, struct buf *text)
{
	const struct terminal file = {.width = 0};
	SCOPED(mem_free) char *what = terminal_fit(&file, entry->what, 0);
	int64_t ns = entry->ns - zero_ns;
	int64_t tenths = (ns < 0 ? -ns : ns) / (CLOCK_MS / 10);
	char time[32];

	snprintf(time, sizeof time, "%c%lld.%lld", ns < 0 ? '-' : '+',
		(long long)(tenths / 10), (long long)(tenths % 10));
	buf_addf(text, "%12s  %-*s  %s\n", time, source_width, entry->source, what);
}

/* The entries from the zero on, or those before it. */
static void write_entries(const struct timeline *timeline, bool before, int64_t zero_ns,
	int source_width, struct buf *text)
{
	for (size_t i = 0; i < timeline->count; i++) {
		if ((timeline->entries[i].ns < zero_ns) == before)
			write_entry(&timeline->entries[i], zero_ns, source_width, text);
	}
}

static void collect(struct timeline *timeline)
{
	add_facts(timeline);
	add_signals(timeline);
	add_ends(timeline);
	add_snapshots(timeline);
	add_requests(timeline);
	add_lifelines(timeline);
	add_events(timeline);
	add_log(timeline);
	qsort(timeline->entries, timeline->count, sizeof *timeline->entries, in_time);
}

static void timeline_done(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++) {
		free(timeline->entries[i].source);
		free(timeline->entries[i].what);
	}
	free(timeline->entries);
}

void timeline_write(const struct evidence *evidence, struct buf *text)
{
	SCOPED(timeline_done) struct timeline timeline = {.evidence = evidence};
	const char *zero_name;
	int64_t zero_ns = zero_of(evidence, &zero_name);
	int width = 0; /* of the sources */

	collect(&timeline);
	for (size_t i = 0; i < timeline.count; i++) {
		int len = (int)strlen(timeline.entries[i].source);

		width = len > width ? len : width;
	}
	width = width < SOURCE_WIDTH_MAX ? width : SOURCE_WIDTH_MAX;
	buf_addf(text,
		"Milliseconds from %s (CLOCK_MONOTONIC %lld ns). Lines of the service's log "
		"that are no events begin with \"|\".\n\n",
		zero_name, (long long)zero_ns);
	write_entries(&timeline, false, zero_ns, width, text);
	if (timeline.count > 0 && timeline.entries[0].ns < zero_ns)
		buf_adds(text, "\nBefore that:\n\n");
	write_entries(&timeline, true, zero_ns, width, text);
}

/* The stop begins a little before its signal. */
#define LEAD_NS (50 * CLOCK_MS)

void timeline_add_json(const struct evidence *evidence, cJSON *json, unsigned max)
{
	SCOPED(timeline_done) struct timeline timeline = {.evidence = evidence};
	const char *zero_name;
	int64_t zero_ns = zero_of(evidence, &zero_name);
	cJSON *lines = cJSON_AddArrayToObject(json, "lines");
	size_t first = 0, count;

	collect(&timeline);
	while (first < timeline.count && timeline.entries[first].ns < zero_ns - LEAD_NS)
		first++;
	count = timeline.count - first;
	for (size_t i = 0; i < count; i++) {
		const struct timeline_entry *entry = &timeline.entries[first + i];
		cJSON *line;

		if (count > max && i >= max / 2 && i < count - max / 2)
			continue;
		line = cJSON_CreateObject();
		json_add_int(line, "at_ns", entry->ns - zero_ns);
		json_add_text(line, "source", entry->source);
		json_add_text(line, "text", entry->what);
		cJSON_AddItemToArray(lines, line);
	}
	json_add_int(json, "lines_left_out",
		count > max ? (int64_t)(count - max / 2 * 2) : 0);
}
