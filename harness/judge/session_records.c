#include "harness/judge/session_records.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* Finds stories while they are told: by the API's id, or a room's latest. */
struct place {
	const char *key;
	unsigned index;
	UT_hash_handle hh;
};

struct telling {
	struct session_records *sessions;
	struct place *by_id, *by_room;
	const struct evidence *evidence;
	int agent; /* the mock agent's lifeline; -1: it has none */
};

static unsigned find(struct place *places, const char *key)
{
	struct place *place = NULL;

	if (key)
		HASH_FIND_STR(places, key, place);
	return place ? place->index : NO_RECORD;
}

static void put(struct place **places, const char *key, unsigned index)
{
	struct place *place;

	HASH_FIND_STR(*places, key, place);
	if (!place) {
		place = mem_zeroed(sizeof *place);
		place->key = key;
		HASH_ADD_KEYPTR(hh, *places, place->key, strlen(place->key), place);
	}
	place->index = index;
}

static void forget(struct place *places)
{
	struct place *place, *next;

	HASH_ITER(hh, places, place, next) {
		HASH_DEL(places, place);
		free(place);
	}
}

/* Of one without an id there is one a room. */
static const char *id_of(const struct event *event)
{
	const char *id = json_text(event->json, "id");

	return id ? id : json_text(event->json, "session");
}

static void open_story(struct telling *telling, const struct event *event)
{
	struct session_records *sessions = telling->sessions;
	const char *label = json_text(event->json, "session");
	unsigned index = sessions->count;

	if (!label || find(telling->by_id, id_of(event)) != NO_RECORD)
		return;
	sessions->records =
		mem_grown(sessions->records, index + 1, sizeof *sessions->records);
	sessions->records[index] = (struct session_record){
		.label = label,
		.earlier = find(telling->by_room, label),
		.opened_ns = event->ns,
	};
	sessions->count++;
	put(&telling->by_id, id_of(event), index);
	put(&telling->by_room, label, index);
}

static bool says(const struct event *event, const char *key, const char *value)
{
	const char *text = json_text(event->json, key);

	return text && strcmp(text, value) == 0;
}

/* The first reason is the one to tell. */
static void fail(struct session_record *record, const struct event *event)
{
	if (record->failed)
		return;
	record->failed = json_text(event->json, "why");
	record->failed_ns = event->ns;
}

static void close_stream(struct session_record *record, const struct event *event)
{
	record->streams -= record->streams > 0;
	if (says(event, "by", "client"))
		record->stream_closed_ns = event->ns;
}

/* One whose answer was lost on its way has ended as well. */
static bool is_end(const struct event *event)
{
	return strcmp(event->name, "agent.disconnect.done") == 0 ||
		(strcmp(event->name, "agent.disconnect.broken") == 0 &&
			json_bool(event->json, "took_effect", false));
}

static void tell_agent_event(struct telling *telling, const struct event *event)
{
	unsigned index = find(telling->by_id, id_of(event));
	struct session_record *record;

	if (index == NO_RECORD)
		return;
	record = &telling->sessions->records[index];
	if (strcmp(event->name, "agent.disconnect.begin") == 0) {
		if (!record->asked_ns)
			record->asked_ns = event->ns;
	} else if (is_end(event)) {
		record->done = true;
		record->done_ns = event->ns;
	} else if (strcmp(event->name, "agent.disconnect.broken") == 0) {
		fail(record, event);
	} else if (strcmp(event->name, "agent.stream.opened") == 0) {
		record->streams++;
	} else if (strcmp(event->name, "agent.stream.closed") == 0) {
		close_stream(record, event);
	}
}

/* The room's session that was the latest at that time. */
static struct session_record *story_then(
	const struct telling *telling, const char *room, int64_t ns)
{
	unsigned index = find(telling->by_room, room);
	struct session_record *records = telling->sessions->records;

	while (index != NO_RECORD && records[index].opened_ns > ns &&
		records[index].earlier != NO_RECORD)
		index = records[index].earlier;
	return index == NO_RECORD ? NULL : &records[index];
}

static void tell_service_event(struct telling *telling, const struct event *event)
{
	struct session_record *record =
		story_then(telling, json_text(event->json, "room"), event->ns);

	if (!record)
		return;
	if (strcmp(event->name, "session.disconnect.begin") == 0) {
		record->begun_ns = event->ns;
	} else if (strcmp(event->name, "session.disconnect.failed") == 0) {
		fail(record, event);
	} else if (strcmp(event->name, "session.disconnected") == 0 &&
		says(event, "how", "keep")) {
		record->kept_ns = event->ns;
	}
}

/* A kept session is not archived: what proves its end is that the API saw its streams
 * closed, and the service's word that it was meant so. Death closes streams as well. */
static void conclude(struct session_records *sessions, struct session_record *record,
	const struct stop_facts *facts)
{
	int64_t death_ns = facts->dying_ns ? facts->dying_ns
		: facts->kill_ns           ? facts->kill_ns
					   : facts->exit_ns;

	if (!record->done && record->kept_ns && record->stream_closed_ns &&
		record->streams == 0) {
		record->doubtful = death_ns && record->stream_closed_ns >= death_ns;
		record->done = !record->doubtful;
		record->done_ns = record->kept_ns;
	}
	sessions->done += record->done;
	sessions->doubtful += record->doubtful;
}

/* It is up before the service is: whoever calls itself that later is another one. */
static int agent_line(const struct evidence *evidence)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const char *role = evidence->lifelines[i].role;

		if (role && strcmp(role, "mock-agent") == 0)
			return (int)i;
	}
	return -1;
}

static bool is_agents(const struct telling *telling, const struct event *event)
{
	return event->source == EVENT_LEDGER && event->lifeline == telling->agent;
}

void session_records_tell(
	struct session_records *sessions, const struct evidence *evidence)
{
	struct telling telling = {
		.sessions = sessions,
		.evidence = evidence,
		.agent = agent_line(evidence),
	};

	*sessions = (struct session_records){0};
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (is_agents(&telling, event) &&
			strcmp(event->name, "agent.session.opened") == 0)
			open_story(&telling, event);
	}
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (is_agents(&telling, event))
			tell_agent_event(&telling, event);
		else if (event->source == EVENT_SERVICE)
			tell_service_event(&telling, event);
	}
	for (unsigned i = 0; i < sessions->count; i++)
		conclude(sessions, &sessions->records[i], &evidence->facts);
	forget(telling.by_id);
	forget(telling.by_room);
}

void session_records_done(struct session_records *sessions)
{
	free(sessions->records);
	*sessions = (struct session_records){0};
}
