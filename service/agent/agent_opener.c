#include "service/agent/agent_opener.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/agent/backoff.h"

#define FIRST_PAUSE_NS (50 * CLOCK_MS) /* before the stored session is read again */
#define MAX_PAUSE_NS   (250 * CLOCK_MS)
/* The stored status does not tell whether an idle session waits for a tool's result. */
#define LAST_IDLE_EVENT "/events?order=desc&limit=1&types%5B%5D=session.status_idle"
#define CREATIONS_MAX   2 /* the second one after a check of agent and environment */

enum agent_opener_state {
	AGENT_OPENER_RESUMING, /* reads the stored session */
	AGENT_OPENER_SETTLING, /* its earlier turn was interrupted: until it is idle */
	AGENT_OPENER_PROVISIONING, /* waits for the agent and the environment */
	AGENT_OPENER_CREATING,
};

struct agent_opener {
	enum agent_opener_state state;
	struct agent_client *client;
	char *id; /* of the stored session, then of the new one; NULL: neither */
	const char *room, *bot;
	agent_opener_fn *done;
	void *arg;
	struct agent_waiter waiter;
	struct agent_http_call *call;
	struct loop_timer *timer; /* until the stored session is read again */
	struct backoff backoff;
	unsigned creations; /* requests to create a session */
	int64_t deadline_ns;
};

/* The only writer of `state`. */
static void enter(struct agent_opener *opener, enum agent_opener_state state)
{
	opener->state = state;
}

/* why NULL: opener->id is the session. The opener may be destroyed. */
static void finish(struct agent_opener *opener, const char *why)
{
	opener->done(opener->arg, why ? NULL : opener->id, why);
}

/* Takes body. A session that may have been created is not requested again: the first
 * one would never be ended. */
static void ask(struct agent_opener *opener, const char *method, const char *rest,
	cJSON *body, agent_http_done_fn *done)
{
	struct agent_http_request request = {
		.method = method,
		.id = opener->id,
		.rest = rest,
		.body = body,
		.deadline_ns = opener->deadline_ns,
		.retry = opener->state == AGENT_OPENER_CREATING
			? AGENT_HTTP_RETRY_FAILED
			: AGENT_HTTP_RETRY_ALWAYS,
		.done = done,
		.arg = opener,
	};

	opener->call = agent_http_start(opener->client->http, &request);
}

static void create_session(struct agent_opener *opener);

static void on_provisioned(void *arg, const char *why)
{
	struct agent_opener *opener = arg;

	if (why)
		finish(opener, why);
	else
		create_session(opener);
}

static void open_new(struct agent_opener *opener)
{
	free(opener->id);
	opener->id = NULL;
	enter(opener, AGENT_OPENER_PROVISIONING);
	if (agent_client_provision(opener->client, &opener->waiter))
		create_session(opener);
}

static void on_created(void *arg, const struct agent_response *response)
{
	struct agent_opener *opener = arg;
	const char *id = json_text(response->json, "id");
	const char *why = response->why;

	opener->call = NULL;
	if (!why && (!id || !*id))
		why = "POST /v1/sessions: the answer has no id";
	if (!why)
		opener->id = mem_text(id);
	if (agent_client_is_gone(response->status) &&
		opener->creations < CREATIONS_MAX &&
		agent_client_recheck(opener->client))
		open_new(opener);
	else
		finish(opener, why);
}

static void create_session(struct agent_opener *opener)
{
	const struct agent_client *client = opener->client;
	cJSON *body = json_fill(NULL,
		"{'metadata': {'room': %s, 'bot': %s}, 'agent': %s,"
		" 'environment_id': %s}",
		opener->room, opener->bot, client->agent.id, client->environment.id);

	enter(opener, AGENT_OPENER_CREATING);
	opener->creations++;
	opener->deadline_ns = agent_http_deadline(client->http);
	ask(opener, "POST", NULL, body, on_created);
}

/* The failure is the stored session's, not ours or the API's: a new one may do. */
static bool is_unusable(const struct agent_response *response)
{
	long status = response->status;

	return status == 400 || status == 403 || status == 404 || status == 410 ||
		status == 414 || status == 422;
}

/* Opens the stored session, or a new one, unless the API failed. */
static void open_stored(
	struct agent_opener *opener, const struct agent_response *response)
{
	if (is_unusable(response))
		open_new(opener);
	else
		finish(opener, response->why);
}

static void on_stored_read(void *arg, const struct agent_response *response);

static void read_stored(void *arg)
{
	ask(arg, "GET", NULL, NULL, on_stored_read);
}

static void read_stored_later(struct agent_opener *opener)
{
	int64_t pause_ns = backoff_next(&opener->backoff);

	if (clock_now() + pause_ns >= opener->deadline_ns) {
		SCOPED(mem_free) char *why =
			mem_textf("session %s still runs an earlier turn", opener->id);

		finish(opener, why);
		return;
	}
	loop_timer_set(opener->timer, pause_ns);
}

static void on_running_interrupted(
	void *arg, const struct agent_response *response UNUSED)
{
	struct agent_opener *opener = arg;

	opener->call = NULL;
	read_stored_later(opener); /* the stored status tells whether it helped */
}

static void on_waiting_interrupted(void *arg, const struct agent_response *response)
{
	struct agent_opener *opener = arg;

	opener->call = NULL;
	open_stored(opener, response);
}

/* A killed service leaves its turn unfinished. That turn's reply would be taken for the
 * next one's, and no turn begins while it waits for a tool's result. */
static void interrupt_stored(struct agent_opener *opener, agent_http_done_fn *done)
{
	enter(opener, AGENT_OPENER_SETTLING);
	ask(opener, "POST", "/events", agent_http_interrupt(), done);
}

static void on_idle_event_read(void *arg, const struct agent_response *response)
{
	struct agent_opener *opener = arg;
	const char *reason =
		json_text(json_at(response->json, "data.0.stop_reason"), "type");

	opener->call = NULL;
	if (!response->why && reason && strcmp(reason, "requires_action") == 0)
		interrupt_stored(opener, on_waiting_interrupted);
	else
		open_stored(opener, response);
}

static void on_stored_read(void *arg, const struct agent_response *response)
{
	struct agent_opener *opener = arg;
	const char *status = json_text(response->json, "status");
	bool over = json_text(response->json, "archived_at") ||
		(status && strcmp(status, "terminated") == 0);

	opener->call = NULL;
	if (is_unusable(response) || (!response->why && over))
		open_new(opener);
	else if (response->why)
		finish(opener, response->why);
	else if (!agent_http_is_running(status))
		ask(opener, "GET", LAST_IDLE_EVENT, NULL, on_idle_event_read);
	else if (opener->state == AGENT_OPENER_SETTLING)
		read_stored_later(opener);
	else
		interrupt_stored(opener, on_running_interrupted);
}

struct agent_opener *agent_opener_start(struct agent_client *client, const char *id,
	const char *room, const char *bot, agent_opener_fn *done, void *arg)
{
	struct agent_opener *opener = mem_zeroed(sizeof *opener);

	*opener = (struct agent_opener){
		.client = client,
		.id = mem_text(id),
		.room = room,
		.bot = bot,
		.done = done,
		.arg = arg,
		.waiter = {.done = on_provisioned, .arg = opener},
		.timer = loop_timer_create(
			agent_http_loop(client->http), read_stored, opener),
		.backoff = {FIRST_PAUSE_NS, MAX_PAUSE_NS},
		.deadline_ns = agent_http_deadline(client->http),
	};
	if (id)
		read_stored(opener);
	else
		open_new(opener);
	return opener;
}

void agent_opener_destroy(struct agent_opener *opener)
{
	if (!opener)
		return;
	agent_client_leave(opener->client, &opener->waiter);
	agent_http_cancel(opener->call);
	loop_timer_destroy(opener->timer);
	free(opener->id);
	free(opener);
}

const char *agent_opener_stored_id(const struct agent_opener *opener)
{
	return opener->id;
}

bool agent_opener_finish(struct agent_opener *opener)
{
	opener->creations = CREATIONS_MAX;
	return opener->state == AGENT_OPENER_CREATING;
}
