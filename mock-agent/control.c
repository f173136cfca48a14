#include "mock-agent/control.h"

#include "lib/json.h"
#include "mock-agent/api/event_stream.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"

void control_health_route(struct api_request *request)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "status", "ok");
	cJSON_AddNumberToObject(
		body, "sessions", (double)api_sessions_count(request->mock->sessions));
	api_request_answer(request, body);
}

void control_behavior_route(struct api_request *request)
{
	api_request_answer(request, agent_behavior_json(&request->mock->behavior));
}

static void heed_behavior(struct mock *mock, const cJSON *said)
{
	struct api_session *session;

	injectors_forgive(mock->injectors, said);
	for (session = api_sessions_next(mock->sessions, NULL); session;
		session = api_sessions_next(mock->sessions, session))
		event_stream_heed_behavior(session);
}

void control_change_route(struct api_request *request)
{
	const struct buf *text = web_body(request->exchange);
	struct json_doc doc = {0};
	struct err err;

	if (!json_doc_parse(&doc, "behavior", buf_text(text), text->len, &err)) {
		api_request_refuse(request, 400, "%s", err.text);
		return;
	}
	if (agent_behavior_read(&request->mock->behavior, &doc, doc.root, &err)) {
		heed_behavior(request->mock, doc.root);
		control_behavior_route(request);
	} else {
		api_request_refuse(request, 400, "%s", err.text);
	}
	json_doc_done(&doc);
}

void control_sessions_route(struct api_request *request)
{
	const struct api_sessions *sessions = request->mock->sessions;
	const struct api_session *session;
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (session = api_sessions_next(sessions, NULL); session;
		session = api_sessions_next(sessions, session)) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(
			item, "label", injector_label(session->injector));
		cJSON_AddStringToObject(item, "id", session->id);
		cJSON_AddStringToObject(
			item, "status", api_session_status_name(session));
		cJSON_AddBoolToObject(item, "deleted", session->deleted);
		cJSON_AddNumberToObject(item, "streams", event_stream_count(session));
		cJSON_AddItemToArray(data, item);
	}
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
	body = cJSON_CreateObject();
	cJSON_AddBoolToObject(body, "accept", listener_is_open(listener));
	api_request_answer(request, body);
}

void control_reset_route(struct api_request *request)
{
	const cJSON *seed = json_get(request->body, "seed");
	uint64_t wanted = request->mock->options.seed;
	int64_t number;
	struct err err;

	if (seed && (!json_whole(seed, &number) || number < 0)) {
		api_request_refuse(request, 400, "seed: a whole number is needed");
		return;
	}
	if (seed)
		wanted = (uint64_t)number;
	if (mock_reset(request->mock, wanted, &err))
		control_health_route(request);
	else
		api_request_refuse(request, 500, "%s", err.text);
}
