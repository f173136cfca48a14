#include "mock-agent/control.h"

#include "lib/json.h"
#include "mock-agent/session.h"
#include "mock-agent/sessions.h"
#include "mock-agent/stream.h"

void control_health_route(struct request *request)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "status", "ok");
	cJSON_AddNumberToObject(
		body, "sessions", (double)sessions_count(request->mock->sessions));
	request_answer(request, body);
}

void control_manners_route(struct request *request)
{
	request_answer(request, manners_book_json(&request->mock->book));
}

static void heed_manners(struct mock *mock, const cJSON *said)
{
	struct session *session;

	moods_forgive(mock->moods, said);
	for (session = sessions_next(mock->sessions, NULL); session;
		session = sessions_next(mock->sessions, session))
		stream_heed_manners(session);
}

void control_change_route(struct request *request)
{
	const struct buf *text = web_body(request->exchange);
	struct json_doc doc = {0};
	struct err err;

	if (!json_doc_parse(&doc, "manners", buf_text(text), text->len, &err)) {
		request_refuse(request, 400, "%s", err.text);
		return;
	}
	if (manners_book_read(&request->mock->book, &doc, doc.root, &err)) {
		heed_manners(request->mock, doc.root);
		control_manners_route(request);
	} else {
		request_refuse(request, 400, "%s", err.text);
	}
	json_doc_done(&doc);
}

void control_sessions_route(struct request *request)
{
	const struct sessions *sessions = request->mock->sessions;
	const struct session *session;
	cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");

	for (session = sessions_next(sessions, NULL); session;
		session = sessions_next(sessions, session)) {
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "label", mood_label(session->mood));
		cJSON_AddStringToObject(item, "id", session->id);
		cJSON_AddStringToObject(item, "status", session_status_name(session));
		cJSON_AddBoolToObject(item, "deleted", session->deleted);
		cJSON_AddNumberToObject(item, "streams", stream_count(session));
		cJSON_AddItemToArray(data, item);
	}
	request_answer(request, body);
}

void control_listen_route(struct request *request)
{
	const cJSON *accept = json_get(request->body, "accept");
	struct door *door = request->mock->door;
	cJSON *body;
	struct err err;

	if (!cJSON_IsBool(accept)) {
		request_refuse(request, 400, "accept: true or false is needed");
		return;
	}
	if (cJSON_IsFalse(accept)) {
		door_shut(door);
	} else if (!door_open(door, &err)) {
		request_refuse(request, 500, "%s", err.text);
		return;
	}
	body = cJSON_CreateObject();
	cJSON_AddBoolToObject(body, "accept", door_is_open(door));
	request_answer(request, body);
}

void control_reset_route(struct request *request)
{
	const cJSON *seed = json_get(request->body, "seed");
	uint64_t wanted = request->mock->options.seed;
	int64_t number;
	struct err err;

	if (seed && (!json_whole(seed, &number) || number < 0)) {
		request_refuse(request, 400, "seed: a whole number is needed");
		return;
	}
	if (seed)
		wanted = (uint64_t)number;
	if (mock_reset(request->mock, wanted, &err))
		control_health_route(request);
	else
		request_refuse(request, 500, "%s", err.text);
}
