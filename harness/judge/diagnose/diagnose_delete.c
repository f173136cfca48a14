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
	bool over; /* it was answered or broken off, or the session
					  * ended by itself */
	UT_hash_handle hh;
};

static struct http_session_record *record_of(
	struct http_session_record **records, const cJSON *json)
{
	const char *id = json_text(json, "id");
	struct http_session_record *record = NULL;

	if (!id)
		return NULL;
	HASH_FIND_STR(*records, id, record);
	if (record)
		return record;
	record = mem_zeroed(sizeof *record);
	record->id = id;
	record->name = json_text(json, "name");
	record->session = json_text(json, "session");
	HASH_ADD_KEYPTR(hh, *records, record->id, strlen(record->id), record);
	return record;
}

static void note(struct http_session_record **records, const struct event *event)
{
	bool begun = strcmp(event->name, "mcp.session.begin") == 0;
	bool asked = strcmp(event->name, "mcp.delete.begin") == 0;
	bool over = strcmp(event->name, "mcp.delete.end") == 0 ||
		strcmp(event->name, "mcp.delete.broken") == 0 ||
		strcmp(event->name, "mcp.session.end") == 0;
	struct http_session_record *record;

	if (!begun && !asked && !over)
		return;
	record = record_of(records, event->json);
	if (record && asked)
		record->asked_ns = event->ns;
	if (record && over)
		record->over = true;
}

static struct http_session_record *read_records(const struct view *view)
{
	struct http_session_record *records = NULL;

	for (unsigned i = 0; i < view->evidence->event_count; i++) {
		const struct event *event = &view->evidence->events[i];

		if (event->source == EVENT_LEDGER && event->ns < view->death.ns)
			note(&records, event);
	}
	return records;
}

static void add_waiting(const struct view *view,
	const struct http_session_record *record, struct buf *names)
{
	buf_addf(names, "%.64s%s%.32s (%s)", record->name ? record->name : "a server",
		record->session ? " of session " : "",
		record->session ? record->session : "",
		CLOCK_TEXT(view->death.ns - record->asked_ns));
}

bool hang_delete(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf names = {0};
	struct http_session_record *records, *record, *next;
	unsigned waiting = 0, done = 0, never = 0;

	if (!view->killed || view->evidence->events_dropped)
		return false;
	records = read_records(view);
	HASH_ITER(hh, records, record, next) {
		done += record->over;
		never += !record->over && !record->asked_ns;
		if (!record->over && record->asked_ns && ++waiting <= NAMED_MAX) {
			buf_adds(&names, waiting > 1 ? ", " : "");
			add_waiting(view, record, &names);
		}
		HASH_DEL(records, record);
		free(record);
	}
	return waiting > 0 &&
		buf_addf(text,
			"waited for %u MCP server%s over HTTP to answer DELETE: %s%s; %u "
			"session%s had ended, of %u it was never asked",
			waiting, waiting == 1 ? "" : "s", buf_text(&names),
			waiting > NAMED_MAX ? ", ..." : "", done, done == 1 ? "" : "s",
			never);
}
