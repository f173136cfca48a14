#include "mock-agent/control.h"

#include <assert.h>

#include <utlist.h>

#include "lib/json_fill.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/openai/response_background.h"

/* `by` is the path that made the change, `change` its body, or NULL. */
static void log_change(const char *by, const cJSON *change)
{
	SCOPED(mem_free) char *text = change ? json_print(change) : NULL;

	log_event("agent.behavior.changed", "by", LOG_TEXT(by), "change",
		LOG_TEXT(text ? text : "{}"));
}

void control_health_route(struct api_request *request)
{
	api_request_answer(request,
		json_fill(NULL, "{'status': 'ok', 'sessions': %u}",
			api_sessions_count(&request->mock->sessions)));
}

void control_behavior_route(struct api_request *request)
{
	api_request_answer(
		request, cJSON_Duplicate(request->mock->behavior.json, true));
}

static void apply_change(struct mock *mock, const cJSON *change)
{
	struct api_session *session;
	struct session_subscriber *subscriber;

	fault_schedules_reset_counts(&mock->schedules, change);
	api_sessions_each(&mock->sessions, session)
	{
		DL_FOREACH(session->subscribers, subscriber)
			subscriber->ops->on_behavior(subscriber);
	}
	log_change("/control/behavior", change);
}

void control_change_route(struct api_request *request)
{
	const struct buf *text = &request->exchange->body;
	struct agent_behavior *behavior = &request->mock->behavior;
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct err err;

	if (json_doc_parse(&doc, "behavior", buf_text(text), text->len, &err) &&
		agent_behavior_read(behavior, &doc, doc.root, &err)) {
		apply_change(request->mock, doc.root);
		control_behavior_route(request);
	} else {
		api_request_refuse(request, 400, "%s", err.text);
	}
}

static void list_clients(cJSON *data, const struct client_sessions *clients)
{
	const struct client_session *session;

	for (session = clients->by_key; session; session = session->hh.next)
		cJSON_AddItemToArray(data,
			json_fill(NULL,
				"{'label': %s, 'id': %s, 'api': %s, 'by': %s, "
				"'status': %s, 'connections': %u}",
				session->label, session->id, session->api,
				client_named_by_name(session->by),
				client_turns_running(&session->turns) ? "running"
								      : "idle",
				session->connections));
}

void control_sessions_route(struct api_request *request)
{
	const struct api_sessions *sessions = &request->mock->sessions;
	const struct api_session *session;
	const struct session_subscriber *subscriber;
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	api_sessions_each(sessions, session)
	{
		unsigned streams;
		cJSON *item;

		DL_COUNT(session->subscribers, subscriber, streams);
		item = json_fill(NULL,
			"{'label': %s, 'id': %s, 'status': %s, 'streams': %u}",
			session->schedule->label, session->id,
			api_session_status_name(session), streams);
		cJSON_AddBoolToObject(item, "deleted", session->deleted);
		cJSON_AddItemToArray(data, item);
	}
	list_clients(data, &request->mock->clients);
	api_request_answer(request, body);
}

void control_listen_route(struct api_request *request)
{
	const cJSON *accept = json_get(request->body, "accept");
	struct listener *listener = request->mock->listener;
	cJSON *body;
	struct err err;

	if (!cJSON_IsBool(accept)) {
		api_request_refuse(request, 400, "accept: true or false is needed");
		return;
	}
	if (cJSON_IsFalse(accept)) {
		listener_shut(listener);
	} else if (!listener_open(listener, &err)) {
		api_request_refuse(request, 500, "%s", err.text);
		return;
	}
	log_change("/control/listen", request->body);
	body = cJSON_CreateObject();
	cJSON_AddBoolToObject(body, "accept", listener_is_open(listener));
	api_request_answer(request, body);
}

/* False: another process took the port while the listener was shut. */
static bool reset(struct mock *mock, uint64_t seed, struct err *err)
{
	UNUSED bool ok;

	api_sessions_clear(&mock->sessions);
	client_sessions_clear(&mock->clients);
	response_background_clear(mock);
	response_store_clear(&mock->responses);
	agent_behavior_done(&mock->behavior);
	agent_behavior_preset(&mock->behavior);
	ok = agent_behavior_read(
		&mock->behavior, &mock->initial, mock->initial.root, err);
	assert(ok);
	session_numbers_clear(&mock->numbers);
	mock->rate_limit = (struct rate_limit){0};
	fault_schedules_restart(&mock->schedules, seed);
	return listener_open(mock->listener, err);
}

void control_reset_route(struct api_request *request)
{
	const cJSON *member = json_get(request->body, "seed");
	int64_t seed = request->mock->seed;
	struct err err;

	if (member && (!json_whole(member, &seed) || seed < 0)) {
		api_request_refuse(request, 400, "seed: a whole number is needed");
		return;
	}
	log_change("/control/reset", request->body);
	if (reset(request->mock, (uint64_t)seed, &err))
		control_health_route(request);
	else
		api_request_refuse(request, 500, "%s", err.text);
}
