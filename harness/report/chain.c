#include "harness/report/chain.h"

#include <stdlib.h>
#include <string.h>

#include "harness/judge/awaited.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define DEPTH_MAX      16

const char *const chain_kind_names[CHAIN_KINDS + 1] = {
	[CHAIN_PROCESS] = "process",
	[CHAIN_SESSION] = "session",
	[CHAIN_TURN] = "turn",
	[CHAIN_REQUEST] = "request",
	[CHAIN_PHASE] = "phase",
	[CHAIN_KILL] = "kill",
};

/* Found backwards: each link reaches from its own beginning to the one found before. */
struct chain_search {
	struct chain *chain;
	const struct view *view;
	const struct stop_steps *steps;
	int64_t cursor_ns; /* everything from here on has its link */
	bool killed;       /* PID 1 was, while it waited */
};

/* --- links --- */

static void free_item(struct chain_item *item)
{
	mem_free(&item->name);
	mem_free(&item->what);
}

/* The row of things that were waited for one after the other is one link of a long
 * chain. */
static bool joins(const struct chain *chain, const struct chain_item *item)
{
	const struct chain_item *last = &chain->list[chain->count - 1];

	return chain->count >= CHAIN_MAX && last->kind == item->kind &&
		strcmp(last->what, item->what) == 0;
}

/* Takes name and what. A link without a length is none. */
static void add_link(struct chain_search *search, enum chain_kind kind, char *name,
	char *what, int64_t from_ns)
{
	struct chain *chain = search->chain;
	int64_t zero_ns = search->steps->zero_ns;
	struct chain_item item = {
		.kind = kind,
		.name = name,
		.what = what,
		.from_ns = (from_ns > zero_ns ? from_ns : zero_ns) - zero_ns,
		.to_ns = search->cursor_ns - zero_ns,
		.count = 1,
	};

	if (item.from_ns >= item.to_ns) {
		free_item(&item);
		return;
	}
	search->cursor_ns = item.from_ns + zero_ns;
	if (joins(chain, &item)) {
		chain->list[chain->count - 1].from_ns = item.from_ns;
		chain->list[chain->count - 1].count++;
		free_item(&item);
		return;
	}
	chain->list = mem_grown(chain->list, chain->count + 1, sizeof *chain->list);
	chain->list[chain->count++] = item;
}

static void add_process_link(struct chain_search *search, const struct process *process,
	const char *what, int64_t from_ns)
{
	add_link(search, CHAIN_PROCESS, stop_steps_name(search->view, process),
		mem_text(what), from_ns);
}

static void add_phase(struct chain_search *search, const char *what, int64_t from_ns)
{
	if (from_ns)
		add_link(search, CHAIN_PHASE, mem_text("the service"), mem_text(what),
			from_ns);
}

/* Is the time from there to the cursor so short that nothing else was waited for? */
static bool is_near(const struct chain_search *search, int64_t ns)
{
	int64_t near_ns = (search->steps->end_ns - search->steps->zero_ns) / 100;

	return search->cursor_ns - ns <= (near_ns > CLOCK_MS ? near_ns : CLOCK_MS);
}

/* What was not yet so at the cursor was no end of a wait. */
static int64_t by_now(const struct chain_search *search, int64_t ns)
{
	return ns <= search->cursor_ns ? ns : 0;
}

static bool is_between(int64_t ns, int64_t from_ns, int64_t to_ns)
{
	return ns > from_ns && ns <= to_ns;
}

static const struct process_steps *steps_of(
	const struct chain_search *search, const struct process *process)
{
	return &search->steps->of[process - search->view->processes.list];
}

/* --- requests --- */

static char *request_name(const struct load_request *request)
{
	return request->session ? mem_textf("session %u", request->session)
				: mem_textf("client %u", request->client);
}

/* A request that ended right before the cursor, the last one. */
static void follow_request(struct chain_search *search)
{
	const struct evidence *evidence = search->view->evidence;
	const struct load_request *last = NULL;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->kind != REQUEST_IDLE &&
			is_between(request->ended_ns, search->steps->zero_ns,
				search->cursor_ns) &&
			is_near(search, request->ended_ns) &&
			(!last || request->ended_ns > last->ended_ns))
			last = request;
	}
	if (last)
		add_link(search, CHAIN_REQUEST, request_name(last),
			mem_text("a request in flight"), last->sent_ns);
}

/* --- processes --- */

/* Blocked in the wait for a child. */
static bool awaits_child(const struct proc *proc)
{
	const char *call = proc_syscall_name(proc);

	return strcmp(call, "wait4") == 0 || strcmp(call, "waitid") == 0 ||
		strcmp(proc->wchan, "do_wait") == 0 ||
		(proc_is_init(proc) && proc_awaits_child(proc));
}

static bool is_seen_to_wait(const struct chain_search *search,
	const struct process *process, int64_t until_ns)
{
	const struct evidence *evidence = search->view->evidence;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];

		if (!is_between(snapshot->ns, search->steps->zero_ns, until_ns))
			continue;
		for (unsigned k = 0; k < snapshot->count; k++) {
			if (snapshot->procs[k].pid == process->pid)
				return awaits_child(&snapshot->procs[k]);
		}
	}
	return false;
}

static bool called_wait(const struct chain_search *search,
	const struct process *process, int64_t from_ns, int64_t to_ns)
{
	const struct evidence *evidence = search->view->evidence;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what == PROC_SIGNAL_WAITS && signal->pid == process->pid &&
			is_between(signal->ns, from_ns, to_ns))
			return true;
	}
	return false;
}

/* It was blocked in wait(2), or it asked for the end of the child: before that came, or,
 * if it had told the child to end, afterwards. */
static bool waited_for(const struct chain_search *search, const struct process *parent,
	const struct process *child)
{
	int64_t ended_ns = steps_of(search, child)->ended_ns;
	bool told = child->told && child->told->sender == parent->pid;

	return is_seen_to_wait(search, parent, ended_ns) ||
		called_wait(search, parent, search->steps->zero_ns, ended_ns) ||
		(told && called_wait(search, parent, ended_ns, search->steps->end_ns));
}

/* Its child that ended last before the cursor, if it waited for that; NULL: none. */
static const struct process *last_child(
	const struct chain_search *search, const struct process *parent)
{
	const struct processes *processes = &search->view->processes;
	const struct process *last = NULL;
	int64_t last_ns = search->steps->zero_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *child = &processes->list[i];
		int64_t ended_ns = search->steps->of[i].ended_ns;

		if (child->parent == parent && child->ended &&
			!process_is_session(child) &&
			is_between(ended_ns, last_ns, search->cursor_ns)) {
			last = child;
			last_ns = ended_ns;
		}
	}
	return last && waited_for(search, parent, last) ? last : NULL;
}

/* What it did with the signal, with the call in which it was seen to wait since. */
static char *deed(const struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = steps_of(search, process);
	const struct view *view = search->view;
	const char *call =
		process->last && view->last && view->last->ns > search->steps->zero_ns
		? proc_syscall_name(process->last)
		: "";
	int number = process->told ? process->told->signal : view->facts->stop_signal;
	struct buf text = {0};

	if (steps->discarded)
		buf_addf(&text, "did not get %s: the kernel discarded it",
			SIGNAL(number));
	else if (steps->handler_ns)
		buf_addf(
			&text, "ran on after its handler for %s began", SIGNAL(number));
	else if (steps->signal_ns)
		buf_addf(&text, "was sent %s, and ran on", SIGNAL(number));
	else if (view->processes.signals_known)
		buf_adds(&text, "got no signal, and ran on");
	else
		buf_adds(&text, "ran on");
	if (call[0])
		buf_addf(&text, ", in %s", call);
	return buf_take(&text);
}

static void add_deed(struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = steps_of(search, process);
	int64_t from_ns = steps->handler_ns ? steps->handler_ns : steps->signal_ns;

	add_link(search, CHAIN_PROCESS, stop_steps_name(search->view, process),
		deed(search, process), from_ns);
	if (steps->handler_ns)
		add_process_link(
			search, process, "until its handler began", steps->signal_ns);
}

/* Why it was there until the cursor. */
static void explain(
	struct chain_search *search, const struct process *process, unsigned depth)
{
	const struct process *child = search->killed
		? awaited_child(&search->view->processes, process)
		: NULL;
	bool awaited = child != NULL;

	if (!child)
		child = last_child(search, process);
	if (child && !awaited && !is_near(search, steps_of(search, child)->ended_ns))
		add_process_link(search, process, "ran on after its child had ended",
			steps_of(search, child)->ended_ns);
	if (child && depth < DEPTH_MAX) {
		explain(search, child, depth + 1);
		add_process_link(search, process, "until its child was signalled",
			steps_of(search, process)->handler_ns);
	} else if (process->last &&
		process_has_client(process, &search->view->processes)) {
		follow_request(search);
	}
	add_deed(search, process);
}

/* --- sessions of a service that logs them --- */

static char *session_name(const struct session_record *record)
{
	return mem_textf("session %.64s", record->label);
}

static int64_t released_ns(
	const struct chain_search *search, const struct session_record *record)
{
	return by_now(search, record->released_ns);
}

static int64_t session_end_ns(
	const struct chain_search *search, const struct session_record *record)
{
	int64_t closed_ns = by_now(search, record->closed_ns);

	return closed_ns ? closed_ns : released_ns(search, record);
}

static void add_ladder(struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = steps_of(search, process);

	if (steps->kill_ns)
		add_process_link(
			search, process, "until SIGKILL had ended it", steps->kill_ns);
	if (steps->signal_ns)
		add_process_link(
			search, process, "was there after SIGTERM", steps->signal_ns);
	if (steps->eof_ns)
		add_process_link(search, process, "was there after its stdin ended",
			steps->eof_ns);
}

static bool is_of_session(const struct chain_search *search,
	const struct process *process, const struct session_record *record)
{
	const char *session = steps_of(search, process)->session;

	return session && strcmp(session, record->label) == 0;
}

/* Its server that was reaped last before the cursor. */
static const struct process *last_server(
	const struct chain_search *search, const struct session_record *record)
{
	const struct processes *processes = &search->view->processes;
	const struct process *last = NULL;
	int64_t last_ns = search->steps->zero_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		int64_t reaped_ns = search->steps->of[i].reaped_ns;

		if (is_of_session(search, &processes->list[i], record) &&
			is_between(reaped_ns, last_ns, search->cursor_ns)) {
			last = &processes->list[i];
			last_ns = reaped_ns;
		}
	}
	return last;
}

static void add_turn(struct chain_search *search, const struct session_record *record)
{
	if (is_between(
		    record->turn_ended_ns, search->steps->zero_ns, search->cursor_ns) &&
		is_near(search, record->turn_ended_ns))
		add_link(search, CHAIN_TURN, session_name(record),
			mem_text("a turn in flight"), record->turn_begun_ns);
}

/* Its servers end beside its disconnect: the later of both held it up. */
static void add_session(
	struct chain_search *search, const struct session_record *record)
{
	const struct process *server = last_server(search, record);

	if (server && steps_of(search, server)->reaped_ns > released_ns(search, record))
		add_ladder(search, server);
	if (released_ns(search, record) &&
		!is_near(search, released_ns(search, record)))
		add_link(search, CHAIN_SESSION, session_name(record),
			mem_text("released, not yet closed"),
			released_ns(search, record));
	if (record->begun_ns)
		add_link(search, CHAIN_SESSION, session_name(record),
			mem_text("disconnect"), record->begun_ns);
	add_turn(search, record);
}

/* The session that ended last before the cursor, in the disconnect phase. */
static const struct session_record *last_session(const struct chain_search *search)
{
	const struct session_records *sessions = &search->view->sessions;
	const struct session_record *last = NULL;
	int64_t last_ns = search->steps->disconnect_ns;

	for (unsigned i = 0; last_ns && i < sessions->count; i++) {
		int64_t ended_ns = session_end_ns(search, &sessions->records[i]);

		if (is_between(ended_ns, last_ns, search->cursor_ns)) {
			last = &sessions->records[i];
			last_ns = ended_ns;
		}
	}
	return last;
}

/* Where the service says that it disconnects one after the other, each session waited
 * for the one before it. */
static void follow_sessions(struct chain_search *search)
{
	const struct view *view = search->view;
	bool sequential =
		view->disconnect && strcmp(view->disconnect, "sequential") == 0;
	const struct session_record *record;
	int64_t before_ns;

	do {
		before_ns = search->cursor_ns;
		record = sequential ? last_session(search) : NULL;
		if (record && is_near(search, session_end_ns(search, record)))
			add_session(search, record);
	} while (search->cursor_ns < before_ns);
}

static void add_sessions(struct chain_search *search)
{
	const struct session_record *record = last_session(search);

	if (!record)
		return;
	if (!is_near(search, session_end_ns(search, record)))
		add_phase(search, "disconnect", session_end_ns(search, record));
	add_session(search, record);
	follow_sessions(search);
}

/* --- what it waited for when it was killed --- */

/* "session 3", or "session 3 and 4 others" */
static char *sessions_name(const struct session_record *first, unsigned count)
{
	return count > 2
		? mem_textf("session %.64s and %u others", first->label, count - 1)
		: count == 2 ? mem_textf("session %.64s and another", first->label)
			     : session_name(first);
}

static bool is_unanswered(
	const struct chain_search *search, const struct session_record *record)
{
	return by_now(search, record->begun_ns) && !session_end_ns(search, record);
}

static bool is_never_begun(
	const struct chain_search *search, const struct session_record *record)
{
	return !by_now(search, record->begun_ns) && !by_now(search, record->done_ns) &&
		!session_end_ns(search, record);
}

static bool is_in_turn(
	const struct chain_search *search, const struct session_record *record)
{
	return record->turn_begun_ns && !by_now(search, record->turn_ended_ns);
}

/* The phase in which it was when it was killed. */
static int64_t last_phase_ns(const struct chain_search *search)
{
	const struct stop_steps *steps = search->steps;

	return steps->disconnect_ns ? steps->disconnect_ns : steps->begin_ns;
}

/* A request in flight, the oldest, that the drain waited for. */
static bool add_open_request(struct chain_search *search)
{
	const struct evidence *evidence = search->view->evidence;
	const struct load_request *oldest = NULL;
	int64_t cursor_ns = search->cursor_ns;

	for (unsigned i = 0; i < evidence->request_count; i++) {
		const struct load_request *request = &evidence->requests[i];

		if (request->kind != REQUEST_IDLE && request->sent_ns &&
			request->sent_ns < cursor_ns &&
			!by_now(search, request->ended_ns) &&
			(!oldest || request->sent_ns < oldest->sent_ns))
			oldest = request;
	}
	if (oldest)
		add_link(search, CHAIN_REQUEST, request_name(oldest),
			mem_text("a request in flight"), oldest->sent_ns);
	return search->cursor_ns < cursor_ns;
}

/* The sessions of one kind, as one link from the first of them on. False: none. */
static bool add_open_sessions(struct chain_search *search,
	bool (*is)(
		const struct chain_search *search, const struct session_record *record),
	enum chain_kind kind, const char *what)
{
	const struct session_records *sessions = &search->view->sessions;
	const struct session_record *first = NULL;
	int64_t cursor_ns = search->cursor_ns;
	unsigned count = 0;

	for (unsigned i = 0; i < sessions->count; i++) {
		if (!is(search, &sessions->records[i]))
			continue;
		if (!first || sessions->records[i].begun_ns < first->begun_ns)
			first = &sessions->records[i];
		count++;
	}
	if (first)
		add_link(search, kind, sessions_name(first, count), mem_text(what),
			is == is_never_begun         ? last_phase_ns(search)
				: kind == CHAIN_TURN ? first->turn_begun_ns
						     : first->begun_ns);
	return search->cursor_ns < cursor_ns;
}

/* A server that was asked to end and was there at the kill. */
static bool add_open_server(struct chain_search *search)
{
	const struct processes *processes = &search->view->processes;
	int64_t cursor_ns = search->cursor_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process_steps *steps = &search->steps->of[i];

		if (!steps->session || !steps->eof_ns || steps->reaped_ns ||
			(steps->ended_ns && steps->ended_ns < cursor_ns))
			continue;
		add_ladder(search, &processes->list[i]);
		return search->cursor_ns < cursor_ns;
	}
	return false;
}

static void explain_kill(struct chain_search *search)
{
	if (add_open_sessions(search, is_unanswered, CHAIN_SESSION,
		    "disconnect, not acknowledged")) {
		follow_sessions(search);
		return;
	}
	if (add_open_server(search) ||
		add_open_sessions(search, is_in_turn, CHAIN_TURN, "a turn in flight"))
		return;
	if (!search->steps->disconnect_ns && add_open_request(search))
		return;
	if (add_open_sessions(search, is_never_begun, CHAIN_SESSION,
		    "open at the agent API, no disconnect was begun"))
		return;
	explain(search, search->view->processes.list, 0);
}

/* --- the whole --- */

static void find_phases(struct chain_search *search)
{
	const struct stop_steps *steps = search->steps;
	const struct process *pid1 = search->view->processes.list;

	if (search->killed) {
		explain_kill(search);
	} else {
		if (steps->complete_ns)
			add_process_link(
				search, pid1, "until its end", steps->complete_ns);
		add_phase(search, "flush", steps->flush_ns);
		add_sessions(search);
	}
	add_phase(search, "disconnect", steps->disconnect_ns);
	follow_request(search);
	add_phase(search, "drain", steps->begin_ns);
	add_process_link(search, pid1, "until it read the signal", steps->zero_ns);
}

static void reverse(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count / 2; i++) {
		struct chain_item item = chain->list[i];

		chain->list[i] = chain->list[chain->count - 1 - i];
		chain->list[chain->count - 1 - i] = item;
	}
}

/* The time of all links like this one, and how many things they are. */
static int64_t time_of(
	const struct chain *chain, const struct chain_item *like, unsigned *count)
{
	int64_t ns = 0;

	*count = 0;
	for (unsigned i = 0; i < chain->count; i++) {
		const struct chain_item *item = &chain->list[i];

		if (item->kind != like->kind || strcmp(item->what, like->what) != 0)
			continue;
		ns += item->to_ns - item->from_ns;
		*count += item->count;
	}
	return ns;
}

static void find_longest(struct chain *chain)
{
	int64_t longest_ns = 0;

	for (unsigned i = 0; i < chain->count; i++) {
		const struct chain_item *item = &chain->list[i];
		unsigned count;
		int64_t ns = time_of(chain, item, &count);

		if (ns <= longest_ns)
			continue;
		longest_ns = ns;
		free_item(&chain->held_up_by);
		chain->held_up_by = *item;
		chain->held_up_by.name = mem_text(item->name);
		chain->held_up_by.what = mem_text(item->what);
		chain->held_up_by.to_ns = item->from_ns + ns;
		chain->held_up_by.count = count;
	}
}

void chain_find(
	struct chain *chain, const struct view *view, const struct stop_steps *steps)
{
	struct chain_search search = {
		.chain = chain,
		.view = view,
		.steps = steps,
		.cursor_ns = steps->end_ns,
		.killed = view->killed ||
			(view->facts->kill_ns && view->signalled &&
				view->facts->kill_ns < steps->end_ns),
	};

	*chain = (struct chain){0};
	if (view->stop_ns < 0)
		return;
	if (search.killed)
		add_link(&search, CHAIN_KILL,
			stop_steps_name(view, view->processes.list),
			mem_text("from SIGKILL to its end"), view->facts->kill_ns);
	if (view->shutdown)
		find_phases(&search);
	else
		explain(&search, view->processes.list, 0);
	reverse(chain);
	find_longest(chain);
}

void chain_done(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		free_item(&chain->list[i]);
	free(chain->list);
	free_item(&chain->held_up_by);
	*chain = (struct chain){0};
}

static cJSON *item_json(const struct chain_item *item)
{
	cJSON *json = json_fill(NULL, "{'kind': %s}", chain_kind_names[item->kind]);

	json_add_text(json, "name", item->name);
	json_add_text(json, "what", item->what);
	json_add_int(json, "from_ns", item->from_ns);
	json_add_int(json, "to_ns", item->to_ns);
	json_add_int(json, "count", item->count);
	return json;
}

void chain_add_json(const struct chain *chain, cJSON *round)
{
	cJSON *list = cJSON_AddArrayToObject(round, "chain");
	const struct chain_item *longest = &chain->held_up_by;
	cJSON *json;

	for (unsigned i = 0; i < chain->count; i++)
		cJSON_AddItemToArray(list, item_json(&chain->list[i]));
	if (longest->count == 0) {
		cJSON_AddNullToObject(round, "held_up_by");
		return;
	}
	json = item_json(longest);
	cJSON_DeleteItemFromObjectCaseSensitive(json, "from_ns");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "to_ns");
	json_add_int(json, "ns", longest->to_ns - longest->from_ns);
	cJSON_AddItemToObject(round, "held_up_by", json);
}
