#include "harness/judge/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* Finds stories by label while they are told. */
struct place {
	const char *label;
	unsigned index;
	UT_hash_handle hh;
};

struct telling {
	struct sessions *sessions;
	struct place *places;
	const struct evidence *evidence;
};

static struct session_story *story_of(struct telling *telling, const char *label)
{
	struct place *place;

	if (!label)
		return NULL;
	HASH_FIND_STR(telling->places, label, place);
	return place ? &telling->sessions->stories[place->index] : NULL;
}

static void open_story(struct telling *telling, const char *label, int64_t ns)
{
	struct sessions *sessions = telling->sessions;
	struct place *place;

	if (!label || story_of(telling, label))
		return;
	sessions->stories = mem_grown(
		sessions->stories, sessions->count + 1, sizeof *sessions->stories);
	sessions->stories[sessions->count] =
		(struct session_story){.label = label, .opened_ns = ns};
	place = mem_zeroed(sizeof *place);
	place->label = label;
	place->index = sessions->count++;
	HASH_ADD_KEYPTR(hh, telling->places, place->label, strlen(place->label), place);
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

static void tell_agent_event(struct telling *telling, const struct event *event)
{
	struct session_story *story =
		story_of(telling, json_text(event->json, "session"));

	if (!story)
		return;
	if (strcmp(event->name, "agent.disconnect.begin") == 0) {
		if (!story->asked_ns)
			story->asked_ns = event->ns;
	} else if (strcmp(event->name, "agent.disconnect.done") == 0) {
		story->done = true;
		story->done_ns = event->ns;
	} else if (strcmp(event->name, "agent.disconnect.broken") == 0) {
		fail(story, event);
	} else if (strcmp(event->name, "agent.stream.closed") == 0 &&
		says(event, "by", "client")) {
		story->stream_closed_ns = event->ns;
	}
}

static void tell_service_event(struct telling *telling, const struct event *event)
{
	struct session_story *story = story_of(telling, json_text(event->json, "room"));

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

/* A kept session is not archived: what proves its end is that the API saw the stream
 * closed, and the service's word that it was meant so. */
static bool conclude(struct session_story *story)
{
	if (!story->done && story->kept_ns && story->stream_closed_ns) {
		story->done = true;
		story->done_ns = story->kept_ns;
	}
	return story->done;
}

void sessions_tell(struct sessions *sessions, const struct evidence *evidence)
{
	struct telling telling = {.sessions = sessions, .evidence = evidence};
	struct place *place, *next;

	*sessions = (struct sessions){0};
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == EVENT_LEDGER &&
			strcmp(event->name, "agent.session.opened") == 0)
			open_story(
				&telling, json_text(event->json, "session"), event->ns);
	}
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == EVENT_LEDGER)
			tell_agent_event(&telling, event);
		else
			tell_service_event(&telling, event);
	}
	for (unsigned i = 0; i < sessions->count; i++)
		sessions->done += conclude(&sessions->stories[i]);
	HASH_ITER(hh, telling.places, place, next) {
		HASH_DEL(telling.places, place);
		free(place);
	}
}

void sessions_done(struct sessions *sessions)
{
	free(sessions->stories);
	*sessions = (struct sessions){0};
}
