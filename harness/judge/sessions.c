#include "harness/judge/sessions.h"

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
	struct sessions *sessions;
	struct place *by_id, *by_room;
	const struct evidence *evidence;
	int agent; /* the mock agent's lifeline; -1: it has none */
};

static unsigned find(struct place *places, const char *key)
{
	struct place *place = NULL;

	if (key)
		HASH_FIND_STR(places, key, place);
	return place ? place->index : NO_STORY;
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
	struct sessions *sessions = telling->sessions;
	const char *label = json_text(event->json, "session");
	unsigned index = sessions->count;

	if (!label || find(telling->by_id, id_of(event)) != NO_STORY)
		return;
	sessions->stories =
		mem_grown(sessions->stories, index + 1, sizeof *sessions->stories);
	sessions->stories[index] = (struct session_story){
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
static void fail(struct session_story *story, const struct event *event)
{
	if (story->failed)
		return;
	story->failed = json_text(event->json, "why");
	story->failed_ns = event->ns;
}

static void close_stream(struct session_story *story, const struct event *event)
{
	story->streams -= story->streams > 0;
	if (says(event, "by", "client"))
		story->stream_closed_ns = event->ns;
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
	struct session_story *story;

	if (index == NO_STORY)
		return;
	story = &telling->sessions->stories[index];
	if (strcmp(event->name, "agent.disconnect.begin") == 0) {
		if (!story->asked_ns)
			story->asked_ns = event->ns;
	} else if (is_end(event)) {
		story->done = true;
		story->done_ns = event->ns;
	} else if (strcmp(event->name, "agent.disconnect.broken") == 0) {
		fail(story, event);
	} else if (strcmp(event->name, "agent.stream.opened") == 0) {
		story->streams++;
	} else if (strcmp(event->name, "agent.stream.closed") == 0) {
		close_stream(story, event);
	}
}

/* The room's session that was the latest at that time. */
static struct session_story *story_then(
	const struct telling *telling, const char *room, int64_t ns)
{
	unsigned index = find(telling->by_room, room);
	struct session_story *stories = telling->sessions->stories;

	while (index != NO_STORY && stories[index].opened_ns > ns &&
		stories[index].earlier != NO_STORY)
		index = stories[index].earlier;
	return index == NO_STORY ? NULL : &stories[index];
}

static void tell_service_event(struct telling *telling, const struct event *event)
{
	struct session_story *story =
		story_then(telling, json_text(event->json, "room"), event->ns);

	if (!story)
		return;
	if (strcmp(event->name, "session.disconnect.begin") == 0) {
		story->begun_ns = event->ns;
	} else if (strcmp(event->name, "session.disconnect.failed") == 0) {
		fail(story, event);
	} else if (strcmp(event->name, "session.disconnected") == 0 &&
		says(event, "how", "keep")) {
		story->kept_ns = event->ns;
	}
}

/* A kept session is not archived: what proves its end is that the API saw its streams
 * closed, and the service's word that it was meant so. Death closes streams as well. */
static void conclude(struct sessions *sessions, struct session_story *story,
	const struct stop_facts *facts)
{
	int64_t death_ns = facts->dying_ns ? facts->dying_ns
		: facts->kill_ns           ? facts->kill_ns
					   : facts->exit_ns;

	if (!story->done && story->kept_ns && story->stream_closed_ns &&
		story->streams == 0) {
		story->doubtful = death_ns && story->stream_closed_ns >= death_ns;
		story->done = !story->doubtful;
		story->done_ns = story->kept_ns;
	}
	sessions->done += story->done;
	sessions->doubtful += story->doubtful;
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

void sessions_tell(struct sessions *sessions, const struct evidence *evidence)
{
	struct telling telling = {
		.sessions = sessions,
		.evidence = evidence,
		.agent = agent_line(evidence),
	};

	*sessions = (struct sessions){0};
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
		conclude(sessions, &sessions->stories[i], &evidence->facts);
	forget(telling.by_id);
	forget(telling.by_room);
}

void sessions_done(struct sessions *sessions)
{
	free(sessions->stories);
	*sessions = (struct sessions){0};
}
