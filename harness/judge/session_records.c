#include "harness/judge/session_records.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* Finds a record while events are read: by the API's id, or a room's latest. */
struct record_key {
	const char *key;
	unsigned index;
	UT_hash_handle hh;
};

struct records_reader {
	struct session_records *sessions;
	const struct evidence *evidence;
	struct record_key *by_room;
	bool keeps;
};

static unsigned find(struct record_key *keys, const char *key)
{
	struct record_key *entry = NULL;

	if (key)
		HASH_FIND_STR(keys, key, entry);
	return entry ? entry->index : NO_RECORD;
}

static void put(struct record_key **keys, const char *key, unsigned index)
{
	struct record_key *entry;

	HASH_FIND_STR(*keys, key, entry);
	if (!entry) {
		entry = mem_zeroed(sizeof *entry);
		entry->key = key;
		HASH_ADD_KEYPTR(hh, *keys, entry->key, strlen(entry->key), entry);
	}
	entry->index = index;
}

static void free_keys(struct record_key *keys)
{
	struct record_key *entry, *next;

	HASH_ITER(hh, keys, entry, next) {
		HASH_DEL(keys, entry);
		free(entry);
	}
}

/* Without an id there is one session for each room. */
static const char *id_of(const struct event *event)
{
	const char *id = event_text(event, "id");

	return id ? id : event_text(event, "session");
}

/* Who named it; a mock that does not say so takes its labels from the client. */
static bool is_in_room(const struct event *event)
{
	static const char *const rooms[] = {"metadata", "path", "header"};
	const char *by = event_text(event, "by");

	for (size_t i = 0; by && i < COUNT(rooms); i++) {
		if (strcmp(by, rooms[i]) == 0)
			return true;
	}
	return !by;
}

static void open_record(struct records_reader *reader, const struct event *event)
{
	struct session_records *sessions = reader->sessions;
	const char *label = event_text(event, "session");
	const char *api = event_text(event, "api");
	bool in_room = is_in_room(event);
	unsigned index = sessions->count;

	if (!label || find(sessions->by_id, id_of(event)) != NO_RECORD ||
		evidence_is_replacements(reader->evidence, event))
		return;
	sessions->records =
		mem_grown(sessions->records, index + 1, sizeof *sessions->records);
	sessions->records[index] = (struct session_record){
		.id = id_of(event),
		.label = label,
		.api = api && strcmp(api, "sessions") != 0 ? api : NULL,
		.cli = event_bool(event, "cli", false),
		.in_room = in_room,
		.earlier = in_room ? find(reader->by_room, label) : NO_RECORD,
		.opened_ns = event->ns,
	};
	sessions->count++;
	put(&sessions->by_id, id_of(event), index);
	if (in_room)
		put(&reader->by_room, label, index);
}

static bool says(const struct event *event, const char *key, const char *value)
{
	const char *text = event_text(event, key);

	return text && strcmp(text, value) == 0;
}

static bool is_named(const struct event *event, const char *name)
{
	return strcmp(event->name, name) == 0;
}

/* The first reason is the one that is reported. */
static void fail(struct session_record *record, const struct event *event)
{
	if (record->failed)
		return;
	record->failed = event_text(event, "why");
	record->failed_ns = event->ns;
}

/* `end` of the service counts before that of the API: the turn is then over for it. */
static void read_turn(struct session_record *record, const struct event *event,
	const char *begin, const char *end)
{
	bool counts = event->source == EVENT_SERVICE || !record->turn_ended_ns;

	if (is_named(event, begin)) {
		if (!record->turn_begun_ns || record->turn_ended_ns)
			record->turn_begun_ns = event->ns;
		record->turn_ended_ns = 0;
	} else if (is_named(event, end) && counts) {
		record->turn_ended_ns = event->ns;
	}
}

/* The kernel's word on the service's side of the connection. */
static bool was_closed_by_exit(
	const struct evidence *evidence, const struct event *event)
{
	int64_t port = event_int(event, "port", 0);

	for (unsigned i = 0; i < evidence->client_close_count; i++) {
		if (evidence->client_closes[i].port == port)
			return evidence->client_closes[i].close.by_exit;
	}
	return false;
}

static void read_agent_event(struct records_reader *reader, const struct event *event)
{
	unsigned index = find(reader->sessions->by_id, id_of(event));
	bool broken = is_named(event, "agent.disconnect.broken");
	struct session_record *record;

	if (index == NO_RECORD)
		return;
	record = &reader->sessions->records[index];
	read_turn(record, event, "agent.turn.begin", "agent.turn.end");
	if (is_named(event, "agent.disconnect.begin")) {
		if (!record->asked_ns)
			record->asked_ns = event->ns;
	} else if (is_named(event, "agent.disconnect.done") ||
		(broken && event_bool(event, "took_effect", false))) {
		record->done = true;
		record->done_ns = event->ns;
	} else if (broken) {
		fail(record, event);
	} else if (is_named(event, "agent.session.closed")) {
		record->gone_ns = event->ns;
		record->closed_by_exit = was_closed_by_exit(reader->evidence, event);
	} else if (is_named(event, "agent.session.resumed")) {
		record->gone_ns = 0;
	} else if (is_named(event, "agent.stream.opened")) {
		record->streams++;
	} else if (is_named(event, "agent.stream.closed")) {
		record->streams -= record->streams > 0;
		if (says(event, "by", "client"))
			record->stream_closed_ns = event->ns;
	}
}

/* The room's latest session at that time. */
static struct session_record *record_then(
	const struct records_reader *reader, const char *room, int64_t ns)
{
	unsigned index = find(reader->by_room, room);
	struct session_record *records = reader->sessions->records;

	while (index != NO_RECORD && records[index].opened_ns > ns &&
		records[index].earlier != NO_RECORD)
		index = records[index].earlier;
	return index == NO_RECORD ? NULL : &records[index];
}

static void release(
	struct session_record *record, const struct event *event, bool keeps)
{
	record->released_ns = event->ns;
	if (is_named(event, "session.disconnect.failed"))
		fail(record, event);
	else if (keeps && says(event, "how", "keep"))
		record->kept_ns = event->ns;
}

static void read_service_event(struct records_reader *reader, const struct event *event)
{
	struct session_record *record =
		record_then(reader, event_text(event, "room"), event->ns);

	if (!record)
		return;
	read_turn(record, event, "turn.begin", "turn.end");
	if (is_named(event, "cli.started"))
		record->reaped_ns = 0;
	else if (is_named(event, "cli.reaped"))
		record->reaped_ns = event->ns;
	else if (is_named(event, "session.disconnect.begin"))
		record->begun_ns = event->ns;
	else if (is_named(event, "session.closed"))
		record->closed_ns = event->ns;
	else if (is_named(event, "session.disconnect.failed") ||
		is_named(event, "session.disconnected"))
		release(record, event, reader->keeps);
}

/* The room's latest process of the stand-in. */
static const struct lifeline *process_of(
	const struct evidence *evidence, const struct session_record *record)
{
	const struct lifeline *latest = NULL;

	for (unsigned i = 0; record->in_room && i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];

		if (lifeline->role && strcmp(lifeline->role, "mock-cli") == 0 &&
			lifeline->session &&
			strcmp(lifeline->session, record->label) == 0 &&
			(!latest || lifeline->opened_ns >= latest->opened_ns))
			latest = lifeline;
	}
	return latest;
}

/* By its own word, by the kernel's, or when its lifeline was seen to be cut, which is
 * later. */
static int64_t end_of(const struct evidence *evidence, const struct lifeline *process)
{
	if (process->exit_ns)
		return process->exit_ns;
	for (unsigned i = 0; i < evidence->descendant_count; i++)
		if (lifeline_is_of(process, &evidence->descendants[i]))
			return evidence->descendants[i].ended_ns;
	return process->ended_ns;
}

/* What the process itself says: when it was told to end, and when it did. PID 1's end
 * closes its stdin, too. */
static void read_process(const struct evidence *evidence, struct session_record *record,
	int64_t death_ns)
{
	const struct lifeline *process = record->process;

	if (process->eof_ns && process->eof_ns < death_ns)
		record->asked_ns = process->eof_ns;
	if (process->signal_ns && process->signal_ns < death_ns &&
		(!record->asked_ns || process->signal_ns < record->asked_ns))
		record->asked_ns = process->signal_ns;
	record->gone_ns = end_of(evidence, process);
}

/* Without a lifeline the kernel's word on its connection counts, or our own service's,
 * that it reaped the process. (A connection may be closed for having been idle.) */
static void conclude_cli(const struct evidence *evidence, struct session_record *record,
	const struct death *death)
{
	int64_t death_ns = death_earliest_ns(death);

	record->process = process_of(evidence, record);
	record->has_end = record->process || evidence->own_service;
	if (record->process)
		read_process(evidence, record, death_ns);
	else if (evidence->own_service && record->reaped_ns)
		record->gone_ns = record->reaped_ns;
	else if (!record->closed_by_exit)
		record->gone_ns = 0;
	record->done = record->gone_ns && record->gone_ns < death_ns;
	record->left_open = !record->done && !record->has_end;
}

/* Where PID 1's end is not known, nothing is known to be before it. */
static void conclude_client(struct session_records *sessions,
	const struct evidence *evidence, struct session_record *record,
	const struct death *death)
{
	if (record->cli) {
		conclude_cli(evidence, record, death);
	} else {
		record->left_open = record->closed_by_exit || !record->gone_ns ||
			record->gone_ns >= death_earliest_ns(death);
		record->done = !record->left_open;
	}
	record->done_ns = record->done ? record->gone_ns : 0;
	sessions->clients++;
	sessions->left_open += record->left_open;
	sessions->done += record->done;
}

/* A kept session is not archived. The service's event and the API's, that its streams
 * were closed, prove its end; PID 1's end closes streams as well. */
static void conclude(struct session_records *sessions, struct session_record *record,
	int64_t death_ns)
{
	record->has_end = true;
	if (!record->done && record->kept_ns && record->stream_closed_ns &&
		record->streams == 0) {
		record->unproven = death_ns && record->stream_closed_ns >= death_ns;
		record->done = !record->unproven;
		record->done_ns = record->kept_ns;
	}
	sessions->done += record->done;
	sessions->unproven += record->unproven;
}

void session_records_find(
	struct session_records *sessions, const struct evidence *evidence, bool keeps)
{
	struct records_reader reader = {
		.sessions = sessions,
		.evidence = evidence,
		.keeps = keeps,
	};
	struct death death = evidence_death(evidence);

	*sessions = (struct session_records){0};
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (evidence_is_agents(evidence, event) &&
			strcmp(event->name, "agent.session.opened") == 0)
			open_record(&reader, event);
	}
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (evidence_is_agents(evidence, event))
			read_agent_event(&reader, event);
		else if (event->source == EVENT_SERVICE)
			read_service_event(&reader, event);
	}
	for (unsigned i = 0; i < sessions->count; i++) {
		struct session_record *record = &sessions->records[i];

		if (record->api)
			conclude_client(sessions, evidence, record, &death);
		else
			conclude(sessions, record, death.ns);
	}
	free_keys(reader.by_room);
}

const struct session_record *session_records_find_id(
	const struct session_records *sessions, const char *id)
{
	unsigned index = find(sessions->by_id, id);

	return index == NO_RECORD ? NULL : &sessions->records[index];
}

void session_records_done(struct session_records *sessions)
{
	free_keys(sessions->by_id);
	free(sessions->records);
	*sessions = (struct session_records){0};
}
