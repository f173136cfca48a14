#include <string.h>

#include "harness/picture/chain_search.h"
#include "lib/mem.h"

/* --- sessions --- */

static char *session_name(const struct session_record *record)
{
	return mem_textf("session %.64s", record->label);
}

static int64_t released_ns(
	const struct chain_search *search, const struct session_record *record)
{
	return chain_by_now(search, record->released_ns);
}

static int64_t session_end_ns(
	const struct chain_search *search, const struct session_record *record)
{
	int64_t closed_ns = chain_by_now(search, record->closed_ns);

	return closed_ns ? closed_ns : released_ns(search, record);
}

static void add_ladder(struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = chain_steps_of(search, process);

	if (steps->kill_ns)
		chain_add_process(
			search, process, "until SIGKILL had ended it", steps->kill_ns);
	if (steps->signal_ns)
		chain_add_process(
			search, process, "was there after SIGTERM", steps->signal_ns);
	if (steps->eof_ns)
		chain_add_process(search, process, "was there after its stdin ended",
			steps->eof_ns);
}

static bool is_of_session(const struct chain_search *search,
	const struct process *process, const struct session_record *record)
{
	const char *session = chain_steps_of(search, process)->session;

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
			chain_is_between(reaped_ns, last_ns, search->cursor_ns)) {
			last = &processes->list[i];
			last_ns = reaped_ns;
		}
	}
	return last;
}

static void add_turn(struct chain_search *search, const struct session_record *record)
{
	if (chain_is_between(
		    record->turn_ended_ns, search->steps->zero_ns, search->cursor_ns) &&
		chain_is_near(search, record->turn_ended_ns))
		chain_add_link(search, CHAIN_TURN, session_name(record),
			mem_text("a turn in flight"), record->turn_begun_ns);
}

/* Its servers end beside its disconnect: the later of both held it up. */
static void add_session(
	struct chain_search *search, const struct session_record *record)
{
	const struct process *server = last_server(search, record);

	if (server &&
		chain_steps_of(search, server)->reaped_ns > released_ns(search, record))
		add_ladder(search, server);
	if (released_ns(search, record) &&
		!chain_is_near(search, released_ns(search, record)))
		chain_add_link(search, CHAIN_SESSION, session_name(record),
			mem_text("released, not yet closed"),
			released_ns(search, record));
	if (record->begun_ns)
		chain_add_link(search, CHAIN_SESSION, session_name(record),
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

		if (chain_is_between(ended_ns, last_ns, search->cursor_ns)) {
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
		if (record && chain_is_near(search, session_end_ns(search, record)))
			add_session(search, record);
	} while (search->cursor_ns < before_ns);
}

static void add_sessions(struct chain_search *search)
{
	const struct session_record *record = last_session(search);

	if (!record)
		return;
	if (!chain_is_near(search, session_end_ns(search, record)))
		chain_add_phase(search, "disconnect", session_end_ns(search, record));
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
	return chain_by_now(search, record->begun_ns) &&
		!session_end_ns(search, record);
}

static bool is_never_begun(
	const struct chain_search *search, const struct session_record *record)
{
	return !chain_by_now(search, record->begun_ns) &&
		!chain_by_now(search, record->done_ns) &&
		!session_end_ns(search, record);
}

static bool is_in_turn(
	const struct chain_search *search, const struct session_record *record)
{
	return record->turn_begun_ns && !chain_by_now(search, record->turn_ended_ns);
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
			!chain_by_now(search, request->ended_ns) &&
			(!oldest || request->sent_ns < oldest->sent_ns))
			oldest = request;
	}
	if (oldest)
		chain_add_link(search, CHAIN_REQUEST, chain_request_name(oldest),
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
		chain_add_link(search, kind, sessions_name(first, count),
			mem_text(what),
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
	chain_explain_process(search, search->view->processes.list);
}

/* --- the phases --- */

void chain_explain_service(struct chain_search *search)
{
	const struct stop_steps *steps = search->steps;
	const struct process *pid1 = search->view->processes.list;

	if (search->killed) {
		explain_kill(search);
	} else {
		if (steps->complete_ns)
			chain_add_process(
				search, pid1, "until its end", steps->complete_ns);
		chain_add_phase(search, "flush", steps->flush_ns);
		add_sessions(search);
	}
	chain_add_phase(search, "disconnect", steps->disconnect_ns);
	chain_follow_request(search);
	chain_add_phase(search, "drain", steps->begin_ns);
	chain_add_process(search, pid1, "until it read the signal", steps->zero_ns);
}
