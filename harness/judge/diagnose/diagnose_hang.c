#include "harness/judge/diagnose/diagnose_hang.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"

#define NAMED_MAX 5 /* sessions or servers that a sentence names */

/* The sessions' states when PID 1 ended. */
struct standing {
	unsigned count; /* of those that have an end */
	unsigned clis;  /* of them, those of the CLI */
	unsigned done, waiting, never;
	int64_t longest_done_ns; /* of those released */
	int64_t sum_done_ns;
	int64_t longest_wait_ns; /* of those that were still waiting */
};

/* When the service logged its begin, or else its request reached the API. */
static int64_t began(const struct session_record *record)
{
	return record->begun_ns ? record->begun_ns : record->asked_ns;
}

/* From its beginning to its end, or to PID 1's. */
static int64_t took(const struct view *view, const struct session_record *record)
{
	int64_t end_ns = view->facts->exit_ns ? view->facts->exit_ns
					      : view->evidence->stopped_ns;
	int64_t ns = (record->done ? record->done_ns : end_ns) - began(record);

	return ns > 0 ? ns : 0;
}

static struct standing stand(const struct view *view)
{
	struct standing standing = {0};

	for (unsigned i = 0; i < view->sessions.count; i++) {
		const struct session_record *record = &view->sessions.records[i];
		int64_t took_ns = began(record) ? took(view, record) : 0;
		int64_t *longest_ns = record->done ? &standing.longest_done_ns
						   : &standing.longest_wait_ns;

		if (!record->has_end)
			continue;
		standing.count++;
		standing.clis += record->cli;
		standing.done += record->done;
		standing.waiting += !record->done && began(record);
		standing.never += !record->done && !began(record);
		standing.sum_done_ns += record->done ? took_ns : 0;
		if (took_ns > *longest_ns)
			*longest_ns = took_ns;
	}
	return standing;
}

bool hang_longer_grace(const struct view *view, struct buf *text)
{
	int64_t planned_ns =
		view->shutdown ? event_int(view->shutdown, "grace_ns", 0) : 0;

	/* Without an overall deadline what it planned with decides nothing. */
	if (view->disconnect && strcmp(view->disconnect, "parallel") != 0)
		return false;
	return view->killed && planned_ns > view->scenario->stop.grace_ns &&
		buf_addf(text,
			"the service planned with a grace of %s, the engine gave %s",
			CLOCK_TEXT(planned_ns),
			CLOCK_TEXT(view->scenario->stop.grace_ns));
}

/* By the ledger: no session's end was asked for before the one before it had its own. */
static bool follow_each_other(const struct view *view)
{
	const struct session_records *sessions = &view->sessions;

	for (unsigned i = 0; i < sessions->count; i++) {
		const struct session_record *record = &sessions->records[i];

		for (unsigned j = 0; j < sessions->count && record->asked_ns; j++) {
			const struct session_record *other = &sessions->records[j];

			if (j != i && other->asked_ns >= record->asked_ns &&
				(!record->done || other->asked_ns < record->done_ns))
				return false;
		}
	}
	return true;
}

bool hang_sequential(const struct view *view, struct buf *text)
{
	struct standing standing;
	int64_t each_ns, all_ns;

	if (!view->killed || !view_is_told(view))
		return false;
	standing = stand(view);
	/* One at a time, some done, and the current one at most twice as slow as the
	 * slowest of those: their number is the cause, no single session. */
	if (standing.waiting > 1 || standing.waiting + standing.never == 0 ||
		standing.done == 0 ||
		standing.longest_wait_ns > 2 * standing.longest_done_ns ||
		!follow_each_other(view))
		return false;
	each_ns = standing.sum_done_ns / standing.done;
	all_ns = each_ns * standing.count;
	if (all_ns <= view->scenario->stop.grace_ns)
		return false;
	buf_addf(text,
		"sequential teardown: %u of %u sessions were released at some %s each, ",
		standing.done, standing.count, CLOCK_TEXT(each_ns));
	if (standing.never > 0)
		buf_addf(text, "%u were never begun", standing.never);
	else
		buf_adds(text, "the last one came too late");
	return buf_addf(text, "; all need %s, more than the grace of %s",
		CLOCK_TEXT(all_ns), CLOCK_TEXT(view->scenario->stop.grace_ns));
}

static void add_interrupted(const struct inflight *turns, struct buf *text)
{
	unsigned count = turns->interrupted;

	buf_addf(text,
		"%u turn%s in flight %s interrupted: %s needed longer than the time that "
		"the service gave %s",
		count, count == 1 ? "" : "s", count == 1 ? "was" : "were",
		count == 1 ? "it" : "they", count == 1 ? "it" : "them");
	if (turns->answered > 0)
		buf_addf(text, "; %u webhook%s answered as if its turn had ended",
			turns->answered, turns->answered == 1 ? " was" : "s were each");
}

/* Turns that ended by themselves, after the service had answered their webhooks. */
static void add_early(const struct inflight *turns, struct buf *text)
{
	bool one = turns->early == 1;

	buf_addf(text,
		"%s%u webhook%s answered without what the model said: %sanswered +%s, its "
		"turn ended +%s",
		text->len ? "; " : "", turns->early, one ? " was" : "s were",
		one ? "" : "the first was ", CLOCK_TEXT(turns->first_answered_ns),
		CLOCK_TEXT(turns->first_ended_ns));
}

bool hang_turns(const struct view *view, struct buf *text)
{
	const struct inflight *turns = &view->turns;
	unsigned count = view->killed ? turns->killed : turns->interrupted;

	if (view->killed ? count == 0 || !view_is_told(view)
			 : count + turns->early == 0)
		return false;
	if (view->killed)
		return buf_addf(text,
			"%u turn%s in flight needed longer than the grace", count,
			count == 1 ? "" : "s");
	if (count > 0)
		add_interrupted(turns, text);
	if (turns->early > 0)
		add_early(turns, text);
	return true;
}

/* "session 2 (4.00s), session 3 (1.20s), ..." */
static void name_waiting(const struct view *view, struct buf *names)
{
	unsigned named = 0;

	for (unsigned i = 0; i < view->sessions.count; i++) {
		const struct session_record *record = &view->sessions.records[i];
		bool failed = record->failed && record->failed_ns < view->death.ns;

		if (!record->has_end || record->done || !began(record))
			continue;
		if (named == NAMED_MAX) {
			buf_adds(names, ", ...");
			return;
		}
		buf_addf(names, "%s%s (%s%s%.80s)", named ? ", " : "", record->label,
			CLOCK_TEXT(took(view, record)), failed ? ", " : "",
			failed ? record->failed : "");
		named++;
	}
}

static bool is_cli(const struct standing *standing)
{
	return standing->count > 0 && standing->clis == standing->count;
}

bool hang_agent(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf names = {0};
	struct standing standing = stand(view);

	/* Events past the bounds may have said that they were released. */
	if (view->evidence->events_dropped)
		return false;
	/* The service did not ask the API: a cause only where its settings say so. */
	if (standing.waiting == 0)
		return standing.never > 0 && view->disconnect &&
			strcmp(view->disconnect, "none") == 0 &&
			buf_addf(text,
				"no disconnect was begun for %u of %u sessions, "
				"DISCONNECT=none: their agent clients were dropped, and it "
				"waits for their %s to end by themselves",
				standing.never, standing.count,
				is_cli(&standing) ? "CLI processes"
						  : "streams and MCP servers");
	name_waiting(view, &names);
	return buf_addf(text,
		"%s %u of %u sessions%s: session %s; %u were released, %u "
		"never begun",
		is_cli(&standing) ? view->killed ? "waited for the CLI processes of"
						 : "ended before the CLI processes of"
			: view->killed ? "waited for the agent API to release"
				       : "ended before the agent API had released",
		standing.waiting, standing.count,
		is_cli(&standing) && view->killed ? " to end"
			: is_cli(&standing)       ? " had ended"
						  : "",
		buf_text(&names), standing.done, standing.never);
}

/* A bad end of another kind has its own cause. */
static bool ended_without_asking(const struct view *view)
{
	return !view->killed && !view->signalled && view->facts->exit_code == 0 &&
		view->verdict == VERDICT_DIRTY && view->ends.count == 0;
}

bool hang_never_asked(const struct view *view, struct buf *text)
{
	struct standing standing = stand(view);

	if (standing.never == 0 || standing.waiting > 0 ||
		view->evidence->events_dropped || !view_is_told(view))
		return false;
	if (view->killed)
		return buf_addf(text,
			is_cli(&standing)
				? "the CLI was never told to end %u of %u sessions: its "
				  "processes got neither EOF nor a signal before SIGKILL"
				: "the agent API was never asked to end %u of %u sessions: "
				  "no archive and no delete came before SIGKILL",
			standing.never, standing.count);
	return ended_without_asking(view) &&
		buf_addf(text, "it ended without %s to end %u of %u sessions",
			is_cli(&standing) ? "telling the CLI" : "asking the agent API",
			standing.never, standing.count);
}

/* What it ignored; NULL: it got neither EOF nor a signal, so nothing waited for it. */
static const char *what_it_ignored(const struct lifeline *lifeline, int64_t until_ns)
{
	bool eof = lifeline->eof_ns && lifeline->eof_ns < until_ns;
	bool signalled = lifeline->signal_ns && lifeline->signal_ns < until_ns;

	if (eof)
		return signalled ? "ignored EOF and its signal"
				 : "ignored EOF, got no signal";
	return signalled ? "ignored its signal" : NULL;
}

bool hang_mcp(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf names = {0};
	unsigned count = 0;

	if (!view->killed || !view_is_told(view))
		return false;
	for (unsigned i = 0; i < view->leaks.count; i++) {
		const struct lifeline *lifeline = view->leaks.list[i].lifeline;
		bool server = lifeline && lifeline->role &&
			strncmp(lifeline->role, "mock-mcp", 8) == 0;
		const char *how =
			server ? what_it_ignored(lifeline, view->death.ns) : NULL;

		if (how && count++ < NAMED_MAX)
			buf_addf(&names, "%s%s %s", count > 1 ? ", " : "",
				view->leaks.list[i].text, how);
	}
	return count > 0 &&
		buf_addf(text, "waited for %u MCP server%s to exit: %s%s", count,
			count == 1 ? "" : "s", buf_text(&names),
			count > NAMED_MAX ? ", ..." : "");
}
