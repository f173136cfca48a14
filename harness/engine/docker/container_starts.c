#include "harness/engine/docker/container_starts.h"

#include <stdlib.h>

#include "harness/engine/docker/container_follow.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/lines.h"
#include "lib/mem.h"

#define LINE_CEILING ((size_t)256 << 10)

struct container_starts {
	struct fetch_call *call; /* NULL: the stream has ended */
	struct lines lines;
	engine_started_fn *started;
	void *arg;
};

static void on_line(void *arg, char *line, size_t len, bool cut)
{
	struct container_starts *starts = arg;
	SCOPED(json_free) cJSON *json = cut ? NULL : json_parse(line, len);
	const char *id = json_text(json_get(json, "Actor"), "ID");

	if (id)
		starts->started(starts->arg, id);
}

static void on_data(void *arg, const char *data, size_t len)
{
	lines_feed(&((struct container_starts *)arg)->lines, data, len);
}

static void on_over(void *arg, const struct fetch_result *result UNUSED)
{
	struct container_starts *starts = arg;

	starts->call = NULL;
	starts->started(starts->arg, NULL);
}

static char *query_of(const char *label)
{
	SCOPED(json_free)
	cJSON *filters = json_fill(NULL, "{'type': ['container'], 'event': ['start']}");
	SCOPED(mem_free) char *text = NULL;

	if (label)
		cJSON_AddItemToObject(
			filters, "label", cJSON_CreateStringArray(&label, 1));
	text = json_print(filters);
	return docker_api_escape(text);
}

struct container_starts *container_starts_open(struct docker_engine *docker,
	const char *label, engine_started_fn *started, void *arg, struct err *err)
{
	SCOPED(mem_free) char *query = query_of(label);
	SCOPED(mem_free) char *since =
		docker_api_time(container_follow_wall_ns(docker));
	SCOPED(mem_free) char *path =
		mem_textf("/events?since=%s&filters=%s", since, query);
	struct container_starts *starts = mem_zeroed(sizeof *starts);

	lines_init(&starts->lines, LINE_CEILING, on_line, starts);
	starts->started = started;
	starts->arg = arg;
	starts->call = docker_api_begin(docker->api,
		&(struct fetch_request){
			.data = on_data, .done = on_over, .arg = starts},
		path, err);
	if (starts->call)
		return starts;
	container_starts_close(starts);
	return NULL;
}

void container_starts_close(struct container_starts *starts)
{
	if (!starts)
		return;
	if (starts->call)
		fetch_cancel(starts->call);
	lines_done(&starts->lines);
	free(starts);
}
