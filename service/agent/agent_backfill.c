#include "service/agent/agent_backfill.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PAGES_MAX 100
#define PAGE_NS   (15 * CLOCK_S) /* deadline of one page */
#define QUERY     "/events?order=desc&limit=100"

struct agent_backfill {
	struct agent_http *http;
	const struct agent_backfill_events *calls;
	void *arg;
	const char *session_id;
	char *first_id;
	struct agent_http_call *call;
	unsigned pages;
	cJSON *events; /* newest last */
};

static void backfill_free(struct agent_backfill *backfill)
{
	cJSON_Delete(backfill->events);
	free(backfill->first_id);
	free(backfill);
}

/* True: the walk ends on this page. */
static bool collect(struct agent_backfill *backfill, const cJSON *page)
{
	bool complete = false;
	const cJSON *event;

	cJSON_ArrayForEach(event, page) {
		const char *id = json_text(event, "id");

		if (complete && id)
			backfill->calls->older(backfill->arg, id);
		if (complete)
			continue;
		if (id && backfill->calls->known(backfill->arg, id))
			return true;
		cJSON_InsertItemInArray(
			backfill->events, 0, cJSON_Duplicate(event, true));
		complete =
			id && backfill->first_id && strcmp(id, backfill->first_id) == 0;
	}
	return complete;
}

static void ask_page(struct agent_backfill *backfill, const char *page);

static void on_page(void *arg, const struct agent_response *response)
{
	struct agent_backfill *backfill = arg;
	const char *next = json_text(response->json, "next_page");
	bool complete =
		!response->why && collect(backfill, json_get(response->json, "data"));
	cJSON *events = NULL;

	backfill->call = NULL;
	if (!response->why && !complete && next && ++backfill->pages < PAGES_MAX) {
		ask_page(backfill, next);
		return;
	}
	if (complete) {
		events = backfill->events;
		backfill->events = NULL;
	}
	backfill->calls->done(backfill->arg, events, response);
	backfill_free(backfill);
}

static void ask_page(struct agent_backfill *backfill, const char *page)
{
	SCOPED(buf_done) struct buf rest = {0};
	struct agent_http_request request = {
		.method = "GET",
		.id = backfill->session_id,
		.deadline_ns = clock_now() + PAGE_NS,
		.done = on_page,
		.arg = backfill,
	};

	buf_adds(&rest, QUERY);
	if (page) {
		buf_adds(&rest, "&page=");
		agent_http_escape(&rest, page);
	}
	request.rest = buf_text(&rest);
	backfill->call = agent_http_start(backfill->http, &request);
}

struct agent_backfill *agent_backfill_start(struct agent_http *http,
	const char *session_id, const char *first_id,
	const struct agent_backfill_events *events, void *arg)
{
	struct agent_backfill *backfill = mem_zeroed(sizeof *backfill);

	*backfill = (struct agent_backfill){
		.http = http,
		.calls = events,
		.arg = arg,
		.session_id = session_id,
		.first_id = mem_text(first_id),
		.events = cJSON_CreateArray(),
	};
	ask_page(backfill, NULL);
	return backfill;
}

void agent_backfill_cancel(struct agent_backfill *backfill)
{
	if (!backfill)
		return;
	agent_http_cancel(backfill->call);
	backfill_free(backfill);
}
