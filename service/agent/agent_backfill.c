#include "service/agent/agent_backfill.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PAGES_MAX 100
#define QUERY     "?order=desc&limit=100"

struct agent_backfill {
	struct agent_http *wire;
	struct agent_backfill_query query;
	char *path;
	char *first_id;
	struct agent_http_call *call;
	unsigned pages;
	cJSON *events; /* newest last */
};

static void missed_free(struct agent_backfill *missed)
{
	cJSON_Delete(missed->events);
	free(missed->path);
	free(missed->first_id);
	free(missed);
}

/* True: what is known begins on this page. */
static bool collect(struct agent_backfill *missed, const cJSON *page)
{
	const struct agent_backfill_query *query = &missed->query;
	bool complete = false;
	const cJSON *event;

	cJSON_ArrayForEach(event, page) {
		const char *id = json_text(event, "id");

		if (complete && id)
			query->older(query->arg, id);
		if (complete)
			continue;
		if (id && query->known(query->arg, id))
			return true;
		cJSON_InsertItemInArray(
			missed->events, 0, cJSON_Duplicate(event, true));
		complete = id && query->first_id && strcmp(id, query->first_id) == 0;
	}
	return complete;
}

static void ask_page(struct agent_backfill *missed, const char *page);

static void on_page(void *arg, const struct agent_http_response *answer)
{
	struct agent_backfill *missed = arg;
	const char *next = json_text(answer->json, "next_page");
	bool complete = !answer->why && collect(missed, json_get(answer->json, "data"));
	cJSON *events = NULL;

	missed->call = NULL;
	if (!answer->why && !complete && next && ++missed->pages < PAGES_MAX) {
		ask_page(missed, next);
		return;
	}
	if (complete) {
		events = missed->events;
		missed->events = NULL;
	}
	missed->query.done(missed->query.arg, events, answer);
	missed_free(missed);
}

static void ask_page(struct agent_backfill *missed, const char *page)
{
	SCOPED(buf_done) struct buf path = {0};
	struct agent_http_request request = {
		.method = "GET",
		.deadline_ns = clock_now() + missed->query.request_ns,
		.done = on_page,
		.arg = missed,
	};

	buf_addf(&path, "%s" QUERY, missed->path);
	if (page) {
		buf_adds(&path, "&page=");
		agent_http_escape(&path, page);
	}
	request.path = path.data;
	missed->call = agent_http_start(missed->wire, &request);
}

struct agent_backfill *agent_backfill_ask(
	struct agent_http *wire, const struct agent_backfill_query *query)
{
	struct agent_backfill *missed = mem_zeroed(sizeof *missed);

	missed->wire = wire;
	missed->query = *query;
	missed->query.path = missed->path = mem_text(query->path);
	missed->query.first_id = missed->first_id = mem_text(query->first_id);
	missed->events = cJSON_CreateArray();
	ask_page(missed, NULL);
	return missed;
}

void agent_backfill_cancel(struct agent_backfill *missed)
{
	if (!missed)
		return;
	agent_http_cancel(missed->call);
	missed_free(missed);
}
