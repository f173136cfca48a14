#include "harness/engine/docker/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/lines.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define LINE_CEILING ((size_t)256 << 10)
#define EVENTS_MAX   10000 /* a health check leaves three each time */

struct docker_events {
	struct fetch_call *call; /* NULL: the stream has ended */
	struct lines lines;
	struct docker_event *list;
	unsigned count;
	cJSON *json;
	docker_events_fn *changed;
	void *arg;
	char broken[256];
};

/* "timeNano":1795389282543210987 */
static int64_t time_of(const char *line)
{
	const char *at = strstr(line, "\"timeNano\":");

	return at ? strtoll(at + strlen("\"timeNano\":"), NULL, 10) : 0;
}

/* Takes json. */
static void add(struct docker_events *events, cJSON *json, int64_t wall_ns)
{
	const char *action = json_text(json, "Action");
	const cJSON *attributes = json_at(json, "Actor.Attributes");
	const char *number = json_text(attributes, "signal");
	const char *code = json_text(attributes, "exitCode");
	struct docker_event *event;

	events->list = mem_grown(events->list, events->count + 1, sizeof *events->list);
	event = &events->list[events->count++];
	*event = (struct docker_event){
		.signal = number ? signal_number(number) : 0,
		.exit_code = code ? (int)strtol(code, NULL, 10) : -1,
		.wall_ns = wall_ns,
		.seen_ns = clock_now(),
	};
	snprintf(event->action, sizeof event->action, "%s", action ? action : "");
	/* With all its digits. */
	if (json_get(json, "timeNano")) {
		cJSON_DeleteItemFromObjectCaseSensitive(json, "timeNano");
		json_add_int(json, "timeNano", wall_ns);
	}
	cJSON_AddItemToArray(events->json, json);
}

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct docker_events *events = arg;
	cJSON *json = cut ? NULL : json_parse(line, len);

	if (json && events->count < EVENTS_MAX)
		add(events, json, time_of(line));
	else
		cJSON_Delete(json);
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct docker_events *events = arg;

	lines_feed(&events->lines, data, len);
	events->changed(events->arg);
}

static void on_over(void *arg, const struct fetch_result *result)
{
	struct docker_events *events = arg;
	struct err err = {.text = "the Docker daemon ended its event stream"};

	events->call = NULL;
	docker_api_went_well(result, &err);
	snprintf(events->broken, sizeof events->broken, "%.250s", err.text);
	events->changed(events->arg);
}

struct docker_events *docker_events_open(struct docker_api *api, const char *container,
	int64_t since_ns, docker_events_fn *changed, void *arg, struct err *err)
{
	SCOPED(mem_free) char *filters =
		mem_textf("{\"container\":[\"%s\"]}", container);
	SCOPED(mem_free) char *query = docker_api_escape(filters);
	SCOPED(mem_free) char *since = docker_api_time(since_ns ? since_ns : CLOCK_S);
	/* With a since, first the events that the daemon remembers, then new ones,
	 * without a gap between the two. */
	SCOPED(mem_free)
	char *path = mem_textf("/events?since=%s&filters=%s", since, query);
	struct docker_events *events = mem_zeroed(sizeof *events);

	lines_init(&events->lines, LINE_CEILING, on_line, events);
	events->json = cJSON_CreateArray();
	events->changed = changed;
	events->arg = arg;
	events->call = docker_api_begin(api,
		&(struct fetch_request){
			.data = on_data, .done = on_over, .arg = events},
		path, err);
	if (events->call)
		return events;
	docker_events_close(events);
	return NULL;
}

void docker_events_close(struct docker_events *events)
{
	if (!events)
		return;
	if (events->call)
		fetch_cancel(events->call);
	lines_done(&events->lines);
	cJSON_Delete(events->json);
	free(events->list);
	free(events);
}

const struct docker_event *docker_events_find(const struct docker_events *events,
	const char *action, int signal_number, int64_t since_ns)
{
	for (unsigned i = 0; i < events->count; i++) {
		const struct docker_event *event = &events->list[i];

		if (event->seen_ns >= since_ns && strcmp(event->action, action) == 0 &&
			(signal_number == 0 || event->signal == signal_number))
			return event;
	}
	return NULL;
}

void docker_events_trim(struct docker_events *events, int64_t before_ns)
{
	unsigned past = 0;

	for (; past < events->count && events->list[past].seen_ns < before_ns; past++)
		cJSON_DeleteItemFromArray(events->json, 0);
	events->count -= past;
	if (past > 0)
		memmove(events->list, events->list + past,
			events->count * sizeof *events->list);
}

const char *docker_events_broken(const struct docker_events *events)
{
	return events->broken[0] ? events->broken : NULL;
}

cJSON *docker_events_json(const struct docker_events *events)
{
	return cJSON_Duplicate(events->json, true);
}
