#include "service/test/fake_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

#define API_SESSIONS_MAX 100

static struct fake_session *session_at(struct fake_api *api, const char *path)
{
	for (unsigned i = 0; i < api->session_count; i++) {
		struct fake_session *session = &api->sessions[i];
		const char *at = strstr(path, session->id);
		size_t len = strlen(session->id);

		if (at && (at[len] == '\0' || at[len] == '/') && !session->deleted)
			return session;
	}
	return NULL;
}

static void reply_json(struct web_exchange *exchange, unsigned status, const char *body)
{
	web_reply(exchange, status, "application/json", body, strlen(body));
}

static void refuse(struct web_exchange *exchange, unsigned status, const char *message)
{
	SCOPED(mem_free) char *body =
		mem_textf("{\"type\":\"error\",\"error\":"
			  "{\"type\":\"some_error\",\"message\":\"%s\"}}",
			message);

	reply_json(exchange, status, body);
}

void api_add_event(struct fake_api *api, struct fake_session *session, const char *type,
	const char *more)
{
	SCOPED(mem_free) char *json =
		mem_textf("{\"id\":\"sevt_%u\",\"type\":\"%s\"%s}", ++api->last_event,
			type, more);
	SCOPED(mem_free) char *frame = mem_textf("event: %s\ndata: %s\n\n", type, json);

	cJSON_AddItemToArray(session->events, cJSON_CreateRaw(json));
	if (strcmp(type, "session.status_running") == 0)
		session->status = "running";
	if (strcmp(type, "session.status_idle") == 0)
		session->status = "idle";
	if (session->stream && !api->silent_streams)
		web_stream_add(session->stream, frame, strlen(frame));
}

void api_add_text(struct fake_api *api, struct fake_session *session, const char *text)
{
	SCOPED(mem_free) char *more =
		mem_textf(",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]", text);

	api_add_event(api, session, "agent.message", more);
}

void api_add_idle(
	struct fake_api *api, struct fake_session *session, const char *reason)
{
	SCOPED(mem_free) char *more =
		mem_textf(",\"stop_reason\":{\"type\":\"%s\"}", reason);

	api_add_event(api, session, "session.status_idle", more);
}

void api_turn(struct fake_api *api, struct fake_session *session, const cJSON *message)
{
	const char *text = json_text(json_at(message, "content.0"), "text");
	SCOPED(mem_free) char *reply = mem_textf("You said: %s", text);

	api_add_event(api, session, "session.status_running", "");
	api_add_text(api, session, reply);
	api_add_idle(api, session, "end_turn");
}

static void take_event(struct fake_api *api, struct web_exchange *exchange,
	struct fake_session *session, bool answer)
{
	const struct buf *text = &exchange->body;
	SCOPED(json_free) cJSON *body = json_parse(buf_text(text), text->len);
	const cJSON *event = json_at(body, "events.0");
	const char *type = json_text(event, "type");
	SCOPED(mem_free) char *reply = NULL;

	buf_addf(&api->journal, "%s;", type);
	reply = mem_textf("{\"data\":[{\"id\":\"sevt_%u\"}]}", api->last_event + 1);
	api_add_event(api, session, type, "");
	if (answer)
		reply_json(exchange, 200, reply);
	if (api->quiet)
		return;
	if (strcmp(type, "user.message") == 0)
		api_turn(api, session, event);
	else if (strcmp(type, "user.interrupt") == 0 &&
		strcmp(session->status, "running") == 0)
		api_add_idle(api, session, "end_turn");
}

/* A cursor may contain any character. */
#define CURSOR "a=b&c+%%#/%d"

static void list_events(struct fake_session *session, struct web_exchange *exchange)
{
	const char *limit = web_query(exchange, "limit", 0);
	const char *page = web_query(exchange, "page", 0);
	const char *order = web_query(exchange, "order", 0);
	SCOPED(json_free) cJSON *body = cJSON_CreateObject();
	cJSON *data = cJSON_AddArrayToObject(body, "data");
	int count = cJSON_GetArraySize(session->events);
	int from = 0;
	int most = limit ? (int)strtol(limit, NULL, 10) : 1000;
	const char *type = web_query(exchange, "types[]", 0);
	SCOPED(mem_free) char *text = NULL;

	if (page && sscanf(page, CURSOR, &from) != 1)
		from = count;
	if (most > 4)
		most = 4; /* so that there are pages */
	for (int i = from; i < count && cJSON_GetArraySize(data) < most; i++) {
		bool newest_first = order && strcmp(order, "desc") == 0;
		const cJSON *event = cJSON_GetArrayItem(
			session->events, newest_first ? count - 1 - i : i);

		if (!type || strstr(event->valuestring, type))
			cJSON_AddItemToArray(data, cJSON_Duplicate(event, true));
	}
	if (from + most < count) {
		SCOPED(mem_free) char *next = mem_textf(CURSOR, from + most);

		cJSON_AddStringToObject(body, "next_page", next);
	}
	text = json_print(body);
	reply_json(exchange, 200, text);
}

static void open_session(
	struct fake_api *api, struct web_exchange *exchange, bool answer)
{
	struct fake_session *session = &api->sessions[api->session_count++];
	SCOPED(mem_free) char *reply = NULL;

	*session =
		(struct fake_session){.status = "idle", .events = cJSON_CreateArray()};
	snprintf(session->id, sizeof session->id, "sesn_%u", api->session_count);
	reply = mem_textf("{\"id\":\"%s\",\"status\":\"idle\"}", session->id);
	if (answer)
		reply_json(exchange, 200, reply);
}

static void end_session(struct fake_api *api, struct web_exchange *exchange,
	struct fake_session *session, bool archive, bool answer)
{
	bool runs = strcmp(session->status, "running") == 0 || api->always_running;

	if (!runs && session->lag > 0) {
		session->lag--;
		runs = true;
	}
	if (strcmp(session->status, "terminated") == 0 && archive) {
		refuse(exchange, 400, "while its status is \\\"terminated\\\"");
	} else if (runs) {
		refuse(exchange, 400, "while its status is \\\"running\\\"");
	} else {
		session->deleted = !archive;
		session->status = "terminated";
		if (answer)
			reply_json(exchange, 200, "{}");
	}
}

void api_open_stream(struct fake_session *session)
{
	web_stream_begin(session->held, 200, "text/event-stream");
	session->stream = session->held;
	session->held = NULL;
}

/* Is path the collection, or its member id? */
static bool is_about(const char *path, const char *collection, const char *id)
{
	SCOPED(mem_free) char *one = mem_textf("%s/%s", collection, id);

	return strcmp(path, collection) == 0 || strcmp(path, one) == 0;
}

static void reply_id(struct web_exchange *exchange, const char *id)
{
	SCOPED(mem_free) char *body = mem_textf("{\"id\":\"%s\"}", id);

	reply_json(exchange, 200, body);
}

static void serve(struct fake_api *api, struct web_exchange *exchange, bool answer)
{
	const char *method = exchange->method, *path = exchange->path;
	struct fake_session *session = session_at(api, path);
	const char *rest =
		session ? strstr(path, session->id) + strlen(session->id) : "";

	if (is_about(path, "/v1/agents", api->agent)) {
		reply_id(exchange, api->agent);
	} else if (is_about(path, "/v1/environments", api->environment)) {
		reply_id(exchange, api->environment);
	} else if (strcmp(path, "/v1/sessions") == 0) {
		open_session(api, exchange, answer);
	} else if (!session) {
		refuse(exchange, 404, "not found");
	} else if (strcmp(rest, "/events/stream") == 0) {
		session->held = exchange;
		exchange->data = session;
		if (!api->hold_streams)
			api_open_stream(session);
	} else if (strcmp(rest, "/events") == 0 && strcmp(method, "POST") == 0) {
		take_event(api, exchange, session, answer);
	} else if (strcmp(rest, "/events") == 0) {
		list_events(session, exchange);
	} else if (strcmp(rest, "/archive") == 0) {
		end_session(api, exchange, session, true, answer);
	} else if (strcmp(method, "DELETE") == 0) {
		end_session(api, exchange, session, false, answer);
	} else {
		SCOPED(mem_free) char *reply =
			mem_textf("{\"id\":\"%s\",\"status\":\"%s\"}", session->id,
				session->status);

		reply_json(exchange, 200, reply);
	}
}

static bool takes_fault(struct fake_api *api, const char *request)
{
	if (!api->fault_path || api->fault_times == 0 ||
		!strstr(request, api->fault_path))
		return false;
	api->fault_times--;
	return true;
}

static void ask_to_wait(struct web_exchange *exchange, unsigned ms)
{
	SCOPED(mem_free) char *text = mem_textf("%u", ms);

	if (ms > 0)
		web_add_header(exchange, "retry-after-ms", text);
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct fake_api *api = arg;
	SCOPED(mem_free) char *request =
		mem_textf("%s %s", exchange->method, exchange->path);
	const char *key = web_header(exchange, "authorization");
	const char *version = web_header(exchange, "anthropic-version");
	const char *beta = web_header(exchange, "anthropic-beta");

	if (strcmp(exchange->path, API_BARRIER) == 0) {
		reply_json(exchange, 200, "{}");
		return;
	}
	buf_addf(&api->journal, "%s;", request);
	if (exchange->body.len > 0) {
		buf_clear(&api->last_body);
		buf_adds(&api->last_body, buf_text(&exchange->body));
	}
	api->authorized &= key && strcmp(key, "Bearer " API_KEY) == 0 && version &&
		strcmp(version, "2026-10-21") == 0 && beta &&
		strcmp(beta, "managed-agents-2026-04-01") == 0;
	if (!takes_fault(api, request)) {
		serve(api, exchange, true);
		return;
	}
	switch (api->fault) {
	case API_FAULT_STATUS:
		ask_to_wait(exchange, api->fault_retry_ms);
		refuse(exchange, api->fault_status, "as you like, " API_KEY);
		return;
	case API_FAULT_BODY:
		reply_json(exchange, 200, api->fault_body);
		return;
	case API_FAULT_EFFECTIVE_RESET:
		serve(api, exchange, false);
		web_reset(exchange);
		return;
	case API_FAULT_RESET:
		web_reset(exchange);
		return;
	case API_FAULT_HANG:
		return;
	}
}

static void on_over(
	void *arg UNUSED, struct web_exchange *exchange, enum web_end end UNUSED)
{
	struct fake_session *session = exchange->data;

	if (session && session->stream == exchange)
		session->stream = NULL;
	if (session && session->held == exchange)
		session->held = NULL;
}

unsigned api_count(const struct fake_api *api, const char *what)
{
	unsigned count = 0;

	for (const char *at = buf_text(&api->journal); (at = strstr(at, what)); at++)
		count++;
	return count;
}

static bool listen_at(struct fake_api *api, uint16_t port, struct err *err)
{
	struct web_options options = {
		.host = "127.0.0.1",
		.port = port,
		.handle = on_request,
		.over = on_over,
		.arg = api,
	};

	api->web = web_create(api->loop, &options, err);
	return api->web != NULL;
}

bool api_init(struct fake_api *api, uv_loop_t *loop, struct err *err)
{
	*api = (struct fake_api){
		.loop = loop,
		.agent = "agent_1",
		.environment = "env_1",
		.authorized = true,
	};
	api->sessions = mem_zeroed(API_SESSIONS_MAX * sizeof *api->sessions);
	return listen_at(api, 0, err);
}

void api_done(struct fake_api *api)
{
	web_destroy(api->web);
	for (unsigned i = 0; i < api->session_count; i++)
		cJSON_Delete(api->sessions[i].events);
	free(api->sessions);
	buf_done(&api->journal);
	buf_done(&api->last_body);
}
