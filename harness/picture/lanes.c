#include "harness/picture/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

struct lanes_search {
	struct lanes *lanes;
	const struct view *view;
	const struct stop_steps *steps;
	/* Lanes by the view's processes and by its sessions; NO_LANE: none. */
	unsigned *of_process, *of_session;
	size_t lane_room, flow_room;
};

#define NO_LANE UINT32_MAX

/* --- adding --- */

/* Takes name and group. Borrowed until the next one. */
static struct lane *add_lane(
	struct lanes_search *search, enum lane_kind kind, char *name, char *group)
{
	struct lanes *lanes = search->lanes;

	if (lanes->count == search->lane_room) {
		search->lane_room = search->lane_room ? search->lane_room * 2 : 64;
		lanes->list =
			mem_grown(lanes->list, search->lane_room, sizeof *lanes->list);
	}
	lanes->list[lanes->count] =
		(struct lane){.kind = kind, .name = name, .group = group};
	return &lanes->list[lanes->count++];
}

/* From one stamp to another; to_ns 0: its end was not seen. */
static void add_span(struct lanes_search *search, struct lane *lane,
	enum span_kind kind, int64_t from_ns, int64_t to_ns)
{
	const struct stop_steps *steps = search->steps;
	bool open = to_ns == 0;

	to_ns = open ? steps->end_ns : to_ns;
	if (from_ns == 0 || to_ns <= from_ns)
		return;
	lane->spans = mem_grown(lane->spans, lane->span_count + 1, sizeof *lane->spans);
	lane->spans[lane->span_count++] = (struct lane_span){
		kind, from_ns - steps->zero_ns, to_ns - steps->zero_ns, open};
}

/* ns 0: it did not happen. Takes what. */
static void add_mark(
	struct lanes_search *search, struct lane *lane, int64_t ns, char *what)
{
	if (ns == 0) {
		free(what);
		return;
	}
	lane->marks = mem_grown(lane->marks, lane->mark_count + 1, sizeof *lane->marks);
	lane->marks[lane->mark_count++] =
		(struct lane_mark){what, ns - search->steps->zero_ns};
}

static void add_flow(struct lanes_search *search, enum flow_kind kind, unsigned from,
	unsigned to, int64_t from_ns, int64_t to_ns)
{
	struct lanes *lanes = search->lanes;
	int64_t zero_ns = search->steps->zero_ns;

	if (from == NO_LANE || to == NO_LANE || !from_ns || to_ns < from_ns)
		return;
	if (lanes->flow_count == search->flow_room) {
		search->flow_room = search->flow_room ? search->flow_room * 2 : 64;
		lanes->flows = mem_grown(
			lanes->flows, search->flow_room, sizeof *lanes->flows);
	}
	lanes->flows[lanes->flow_count++] =
		(struct lane_flow){kind, from, to, from_ns - zero_ns, to_ns - zero_ns};
}

/* --- the engine --- */

static void add_engine(struct lanes_search *search)
{
	const struct stop_facts *facts = search->view->facts;
	struct lane *lane =
		add_lane(search, LANE_ENGINE, mem_text("the stop call"), NULL);

	add_span(search, lane, SPAN_CALL, facts->asked_ns, facts->returned_ns);
	add_mark(search, lane, facts->signal_ns,
		mem_textf("%s to PID 1", SIGNAL(facts->stop_signal)));
	if (facts->kill_by_engine)
		add_mark(search, lane, facts->kill_ns, mem_text("SIGKILL to PID 1"));
}

/* --- processes --- */

/* Its end, by whom it may be known; 0: not known. */
static int64_t process_end_ns(
	const struct lanes_search *search, const struct process *process)
{
	const struct process_steps *steps =
		&search->steps->of[process - search->view->processes.list];

	return steps->ended_ns      ? steps->ended_ns
		: steps->reaped_ns  ? steps->reaped_ns
		: process->lifeline ? process->lifeline->ended_ns
				    : 0;
}

/* The steps follow one another; one that was not taken is left out. Phases that the
 * service logs, and the ladder of an MCP server, say more than that a handler ran. */
static void add_steps(struct lanes_search *search, struct lane *lane,
	const struct process_steps *own, bool phases, int64_t from_ns, int64_t end_ns)
{
	const struct stop_steps *steps = search->steps;
	const struct {
		enum span_kind kind;
		int64_t ns;
	} rungs[] = {
		{SPAN_RUNS, from_ns},
		{SPAN_EOF, own->eof_ns},
		{own->discarded ? SPAN_DISCARDED : SPAN_SIGNAL, own->signal_ns},
		{SPAN_HANDLER, phases || own->eof_ns ? 0 : own->handler_ns},
		{SPAN_DRAIN, phases ? steps->begin_ns : 0},
		{SPAN_DISCONNECT_PHASE, phases ? steps->disconnect_ns : 0},
		{SPAN_FLUSH, phases ? steps->flush_ns : 0},
		{SPAN_KILL, own->kill_ns},
	};

	for (size_t i = 0; i < COUNT(rungs); i++) {
		int64_t next_ns = end_ns;

		for (size_t k = 0; k < COUNT(rungs); k++) {
			if (rungs[k].ns > rungs[i].ns &&
				(!next_ns || rungs[k].ns < next_ns))
				next_ns = rungs[k].ns;
		}
		add_span(search, lane, rungs[i].kind, rungs[i].ns, next_ns);
	}
}

static void add_end_mark(struct lanes_search *search, struct lane *lane,
	const struct process *process, int64_t end_ns)
{
	const struct stop_facts *facts = search->view->facts;
	char text[WAIT_STATUS_TEXT_SIZE];

	if (process == search->view->processes.list && facts->wait_status_known)
		add_mark(search, lane, end_ns,
			mem_text(wait_status_name(facts->wait_status, text)));
	else if (process->record && process->record->ended_ns > PROC_ENDED_BEFORE)
		add_mark(search, lane, end_ns,
			mem_text(wait_status_name(process->record->wait_status, text)));
	else
		add_mark(search, lane, end_ns, mem_text("ended"));
}

/* The process whose phases were logged. */
static bool is_service(const struct lanes_search *search, const struct process *process)
{
	const struct view *view = search->view;

	return search->steps->begin_ns &&
		process == (view->program ? view->program : view->processes.list);
}

/* Where a process that was there before anybody watched begins. */
static int64_t first_ns(const struct lanes_search *search)
{
	const struct evidence *evidence = search->view->evidence;

	return evidence->began_ns ? evidence->began_ns : search->steps->zero_ns;
}

static void add_process(struct lanes_search *search, unsigned index)
{
	const struct view *view = search->view;
	const struct process *process = &view->processes.list[index];
	const struct process_steps *steps = &search->steps->of[index];
	int64_t end_ns = process_end_ns(search, process);
	int64_t born_ns = process->record ? process->record->born_ns : 0;
	int number = process->told ? process->told->signal : view->facts->stop_signal;
	struct lane *lane;

	search->of_process[index] = search->lanes->count;
	lane = add_lane(search, LANE_PROCESS, stop_steps_name(view, process),
		mem_text(index > 0 ? steps->session : NULL));
	add_steps(search, lane, steps, is_service(search, process),
		born_ns ? born_ns : first_ns(search), end_ns);
	add_mark(search, lane, steps->eof_ns, mem_text("stdin ended"));
	add_mark(search, lane, steps->signal_ns,
		mem_textf(
			"%s%s", SIGNAL(number), steps->discarded ? ", discarded" : ""));
	add_mark(search, lane, steps->handler_ns,
		mem_textf("handler of %s", SIGNAL(number)));
	add_mark(search, lane, steps->kill_ns, mem_text("SIGKILL"));
	add_end_mark(search, lane, process, end_ns);
}

static bool is_shown(const struct lanes_search *search, const struct process *process)
{
	int64_t end_ns = process_end_ns(search, process);

	if (process->record && process->record->ended_ns == PROC_ENDED_BEFORE)
		return false;
	return !end_ns || end_ns >= search->steps->zero_ns;
}

/* Those of one session, or, NULL, those of none. */
static void add_processes(struct lanes_search *search, const char *session)
{
	const struct processes *processes = &search->view->processes;

	for (unsigned i = 1; i < processes->count; i++) {
		const char *of = search->steps->of[i].session;

		if (search->of_process[i] == NO_LANE &&
			is_shown(search, &processes->list[i]) &&
			(!session || (of && strcmp(of, session) == 0)))
			add_process(search, i);
	}
}

/* --- requests --- */

static char *request_text(const struct load_request *request)
{
	switch (request->kind) {
	case REQUEST_OPEN:
		return mem_textf("webhook of session %u", request->session);
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

static void add_requests(struct lanes_search *search)
{
	const struct evidence *evidence = search->view->evidence;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];
		struct lane *lane;

		if (!request->sent_ns ||
			(request->ended_ns &&
				request->ended_ns < search->steps->zero_ns))
			continue;
		lane = add_lane(search, LANE_REQUEST, request_text(request),
			request->room && request->session ? mem_text(request->room)
							  : NULL);
		add_span(search, lane, SPAN_REQUEST, request->sent_ns,
			request->ended_ns);
		add_mark(search, lane, request->ended_ns,
			mem_text(request_end_name(request->end)));
	}
}

/* --- sessions --- */

/* What the service or the API said last of its way down. */
static int64_t session_end_ns(const struct session_record *record)
{
	return record->closed_ns      ? record->closed_ns
		: record->released_ns ? record->released_ns
				      : record->done_ns;
}

static void add_session(struct lanes_search *search, unsigned index)
{
	const struct session_record *record = &search->view->sessions.records[index];
	int64_t zero_ns = search->steps->zero_ns;
	/* (No request ends a session of a client: its connections are closed.) */
	int64_t begun_ns = record->api && record->done ? record->done_ns
		: record->begun_ns                     ? record->begun_ns
						       : record->asked_ns;
	int64_t released_ns =
		record->released_ns ? record->released_ns : record->done_ns;
	bool in_turn = record->turn_begun_ns &&
		(!record->turn_ended_ns || record->turn_ended_ns > zero_ns);
	struct lane *lane;

	search->of_session[index] = search->lanes->count;
	lane = add_lane(search, LANE_SESSION, mem_textf("session %.64s", record->label),
		mem_text(record->label));
	add_span(search, lane, SPAN_OPEN, record->opened_ns,
		in_turn ? record->turn_begun_ns : begun_ns);
	if (in_turn)
		add_span(search, lane, SPAN_TURN, record->turn_begun_ns,
			record->turn_ended_ns ? record->turn_ended_ns : begun_ns);
	add_span(search, lane, SPAN_DISCONNECT, begun_ns, released_ns);
	if (record->released_ns)
		add_span(search, lane, SPAN_CLOSING, record->released_ns,
			record->closed_ns ? record->closed_ns : record->released_ns);
	add_mark(search, lane, begun_ns, mem_text("disconnect"));
	add_mark(search, lane, record->done && !record->api ? record->done_ns : 0,
		mem_text("acknowledged"));
	add_mark(search, lane, record->failed_ns,
		mem_textf("failed: %.200s", record->failed ? record->failed : ""));
	add_mark(search, lane, record->closed_ns, mem_text("closed"));
}

/* Labels that are numbers, as those of rooms, in their order. */
static int by_label(const void *one, const void *other)
{
	const struct session_record *a = *(const struct session_record *const *)one;
	const struct session_record *b = *(const struct session_record *const *)other;
	long first = strtol(a->label, NULL, 10), second = strtol(b->label, NULL, 10);

	if (first != second)
		return first < second ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void add_sessions(struct lanes_search *search)
{
	const struct session_records *sessions = &search->view->sessions;
	const struct session_record **order =
		mem_zeroed((sessions->count + 1) * sizeof *order);

	for (unsigned i = 0; i < sessions->count; i++)
		order[i] = &sessions->records[i];
	qsort(order, sessions->count, sizeof *order, by_label);
	for (unsigned i = 0; i < sessions->count; i++) {
		int64_t end_ns = session_end_ns(order[i]);

		if (!end_ns || end_ns >= search->steps->zero_ns) {
			add_session(search, (unsigned)(order[i] - sessions->records));
			add_processes(search, order[i]->label);
		}
	}
	free(order);
}

/* --- flows --- */

/* From whoever sent it: another lane, or, for all others, the engine's. */
static unsigned sender_lane(
	const struct lanes_search *search, const struct proc_signal *sent)
{
	const struct processes *processes = &search->view->processes;
	const struct process *sender =
		sent->sender ? processes_by_pid(processes, sent->sender) : NULL;

	if (sender)
		return search->of_process[sender - processes->list];
	return sent->pid == processes->list[0].pid ? 0 : NO_LANE;
}

static void add_flows(struct lanes_search *search)
{
	const struct processes *processes = &search->view->processes;
	const struct session_records *sessions = &search->view->sessions;

	for (unsigned i = 0; i < processes->count; i++) {
		const struct process *process = &processes->list[i];
		const struct process_steps *steps = &search->steps->of[i];
		unsigned lane = search->of_process[i];

		if (process->told && process->handled)
			add_flow(search, FLOW_SIGNAL,
				sender_lane(search, process->told), lane,
				process->told->ns, process->handled->ns);
		if (i > 0 && steps->eof_ns && !steps->signal_ns && !steps->kill_ns)
			add_flow(search, FLOW_EOF, lane, lane, steps->eof_ns,
				process_end_ns(search, process));
	}
	for (unsigned i = 0; i < sessions->count; i++) {
		const struct session_record *record = &sessions->records[i];

		if (record->done && record->begun_ns)
			add_flow(search, FLOW_DISCONNECT, search->of_process[0],
				search->of_session[i], record->begun_ns,
				record->done_ns);
	}
}

/* --- the whole --- */

/* From its first span or mark to its last. */
static void measure(struct lane *lane)
{
	bool first = true;

	for (unsigned i = 0; i < lane->span_count; i++) {
		const struct lane_span *span = &lane->spans[i];

		if (first || span->from_ns < lane->from_ns)
			lane->from_ns = span->from_ns;
		if (first || span->to_ns > lane->to_ns)
			lane->to_ns = span->to_ns;
		first = false;
	}
	for (unsigned i = 0; i < lane->mark_count; i++) {
		int64_t at_ns = lane->marks[i].at_ns;

		if (first || at_ns < lane->from_ns)
			lane->from_ns = at_ns;
		if (first || at_ns > lane->to_ns)
			lane->to_ns = at_ns;
		first = false;
	}
}

static void free_lane(struct lane *lane)
{
	for (unsigned i = 0; i < lane->mark_count; i++)
		free(lane->marks[i].what);
	free(lane->marks);
	free(lane->spans);
	free(lane->name);
	free(lane->group);
}

static int latest_first(const void *one, const void *other)
{
	const struct lane *a = *(const struct lane *const *)one;
	const struct lane *b = *(const struct lane *const *)other;

	if (a->to_ns != b->to_ns)
		return a->to_ns > b->to_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The engine's lane and PID 1's stay, and of the others those that ended last. */
static void choose(struct lanes *lanes, bool *kept)
{
	struct lane **order = mem_zeroed(lanes->count * sizeof(struct lane *));

	for (unsigned i = 2; i < lanes->count; i++)
		order[i - 2] = &lanes->list[i];
	qsort(order, lanes->count - 2, sizeof *order, latest_first);
	kept[0] = kept[1] = true;
	for (unsigned i = 0; i < LANES_MAX - 2; i++)
		kept[order[i] - lanes->list] = true;
	free(order);
}

static void leave_out(struct lanes *lanes)
{
	bool *kept;
	unsigned *moved, count = 0, flow_count = 0;

	if (lanes->count <= LANES_MAX)
		return;
	kept = mem_zeroed(lanes->count * sizeof *kept);
	moved = mem_zeroed(lanes->count * sizeof *moved);
	choose(lanes, kept);
	for (unsigned i = 0; i < lanes->count; i++) {
		moved[i] = count;
		if (kept[i])
			lanes->list[count++] = lanes->list[i];
		else
			free_lane(&lanes->list[i]);
	}
	for (unsigned i = 0; i < lanes->flow_count; i++) {
		struct lane_flow flow = lanes->flows[i];

		if (!kept[flow.from] || !kept[flow.to])
			continue;
		flow.from = moved[flow.from];
		flow.to = moved[flow.to];
		lanes->flows[flow_count++] = flow;
	}
	lanes->left_out = lanes->count - count;
	lanes->count = count;
	lanes->flow_count = flow_count;
	free(kept);
	free(moved);
}

static unsigned *no_lanes(unsigned count)
{
	unsigned *lanes = mem_zeroed((count + 1) * sizeof *lanes);

	for (unsigned i = 0; i < count; i++)
		lanes[i] = NO_LANE;
	return lanes;
}

void lanes_find(
	struct lanes *lanes, const struct view *view, const struct stop_steps *steps)
{
	struct lanes_search search = {
		.lanes = lanes,
		.view = view,
		.steps = steps,
		.of_process = no_lanes(view->processes.count),
		.of_session = no_lanes(view->sessions.count),
	};

	*lanes = (struct lanes){0};
	if (steps->zero_ns) {
		add_engine(&search);
		add_process(&search, 0);
		add_sessions(&search);
		add_processes(&search, NULL);
		add_requests(&search);
		add_flows(&search);
	}
	for (unsigned i = 0; i < lanes->count; i++)
		measure(&lanes->list[i]);
	leave_out(lanes);
	free(search.of_process);
	free(search.of_session);
}

void lanes_done(struct lanes *lanes)
{
	for (unsigned i = 0; i < lanes->count; i++)
		free_lane(&lanes->list[i]);
	free(lanes->list);
	free(lanes->flows);
	*lanes = (struct lanes){0};
}
