#include "harness/judge/diagnose/diagnose_delete.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define NAMED_MAX 5 /* servers that the sentence names */

/* A session with a server over HTTP, as it was when PID 1 ended. */
struct http_session_record {
	const char *id, *name, *session; /* the events' */
	int64_t asked_ns;                /* DELETE came; 0: never */
	/* It was answered or broken off, or the session ended by itself; 0: neither. */
	int64_t over_ns;
	UT_hash_handle hh;
};

/* As the ledger tells them. */
struct deletes {
	struct http_session_record *records;
	unsigned open; /* asked for, and not over */
	bool at_once;  /* one was asked for while another one was open */
};

static struct http_session_record *record_of(
	struct http_session_record **records, const struct event *event)
{
	const char *id = event_text(event, "id");
	struct http_session_record *record = NULL;

	if (!id)
		return NULL;
	HASH_FIND_STR(*records, id, record);
	if (record)
		return record;
	record = mem_zeroed(sizeof *record);
	record->id = id;
	record->name = event_text(event, "name");
	record->session = event_text(event, "session");
	HASH_ADD_KEYPTR(hh, *records, record->id, strlen(record->id), record);
	return record;
}

static void note_asked(
	struct deletes *deletes, struct http_session_record *record, int64_t ns)
{
	if (!record->asked_ns && !record->over_ns) {
		deletes->at_once |= deletes->open > 0;
		deletes->open++;
	}
	record->asked_ns = ns;
}

static void note_over(
	struct deletes *deletes, struct http_session_record *record, int64_t ns)
{
	if (record->asked_ns && !record->over_ns)
		deletes->open--;
	record->over_ns = ns;
}

static void note(struct deletes *deletes, const struct event *event)
{
	bool begun = strcmp(event->name, "mcp.session.begin") == 0;
	bool asked = strcmp(event->name, "mcp.delete.begin") == 0;
	bool over = strcmp(event->name, "mcp.delete.end") == 0 ||
		strcmp(event->name, "mcp.delete.broken") == 0 ||
		strcmp(event->name, "mcp.session.end") == 0;
	struct http_session_record *record;

	if (!begun && !asked && !over)
		return;
	record = record_of(&deletes->records, event);
	if (record && asked)
		note_asked(deletes, record, event->ns);
	if (record && over)
		note_over(deletes, record, event->ns);
}

static void read_deletes(struct deletes *deletes, const struct view *view)
{
	for (unsigned i = 0; i < view->evidence->event_count; i++) {
		const struct event *event = &view->evidence->events[i];

		if (event->source == EVENT_LEDGER && event->ns < view->death.ns)
			note(deletes, event);
	}
}

static void add_waiting(const struct view *view,
	const struct http_session_record *record, struct buf *names)
{
	buf_addf(names, "%.64s%s%.32s (%s)", record->name ? record->name : "a server",
		record->session ? " of session " : "",
		record->session ? record->session : "",
		CLOCK_TEXT(view->death.ns - record->asked_ns));
}

/* What became of all of them. */
struct tally {
	unsigned waiting, done, never;
	unsigned answered; /* of those done: those that were asked to end */
	int64_t sum_ns;    /* that these took */
};

static void add_to(struct tally *tally, const struct http_session_record *record)
{
	bool answered = record->over_ns && record->asked_ns;

	tally->waiting += !record->over_ns && record->asked_ns;
	tally->never += !record->over_ns && !record->asked_ns;
	tally->done += record->over_ns != 0;
	tally->answered += answered;
	tally->sum_ns += answered ? record->over_ns - record->asked_ns : 0;
}

static void add_tally(const struct tally *tally, bool at_once, struct buf *text)
{
	buf_addf(text, "; %u session%s had ended", tally->done,
		tally->done == 1 ? "" : "s");
	if (!at_once && tally->answered > 0)
		buf_addf(text, ", asked one after the other: some %s each",
			CLOCK_TEXT(tally->sum_ns / tally->answered));
	if (tally->never > 0)
		buf_addf(text, "; %u %s never asked", tally->never,
			tally->never == 1 ? "was" : "were");
}

bool hang_delete(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf names = {0};
	struct deletes deletes = {0};
	struct http_session_record *record, *next;
	struct tally tally = {0};

	if (!view->killed || view->evidence->events_dropped)
		return false;
	read_deletes(&deletes, view);
	HASH_ITER(hh, deletes.records, record, next) {
		add_to(&tally, record);
		if (!record->over_ns && record->asked_ns &&
			tally.waiting <= NAMED_MAX) {
			buf_adds(&names, tally.waiting > 1 ? ", " : "");
			add_waiting(view, record, &names);
		}
		HASH_DEL(deletes.records, record);
		free(record);
	}
	if (tally.waiting == 0)
		return false;
	buf_addf(text, "waited for %u MCP server%s over HTTP to answer DELETE: %s%s",
		tally.waiting, tally.waiting == 1 ? "" : "s", buf_text(&names),
		tally.waiting > NAMED_MAX ? ", ..." : "");
	add_tally(&tally, deletes.at_once, text);
	return true;
}
