#include "service/http_api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/web.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"
#include "service/webhook.h"

#define RETRY_AFTER "1"
#define JSON_TYPE   "application/json"

struct http_api {
	struct service *service;
	struct web *web;
	int64_t began_ns;
	bool unready;
	bool draining;
	bool drained;
	http_api_changed_fn *changed;
	void *changed_arg;
};

/* A webhook whose turn is under way; the data of its exchange. */
struct webhook_request {
	struct http_api *http_api;
	struct web_exchange *exchange;
	struct turn *turn; /* NULL: ended */
	struct webhook webhook;
	const char *bot; /* from config_bot() */
};

static void answer(struct http_api *http_api, struct web_exchange *exchange,
	unsigned status, const char *type, const char *body, size_t len)
{
	metrics_request(&http_api->service->metrics, status);
	if (status == 503 || status == 429)
		web_add_header(exchange, "Retry-After", RETRY_AFTER);
	web_reply(exchange, status, type, body, len);
}

static void answer_json(struct http_api *http_api, struct web_exchange *exchange,
	unsigned status, const cJSON *json)
{
	SCOPED(mem_free) char *text = json_print(json);

	answer(http_api, exchange, status, JSON_TYPE, text, strlen(text));
}

/* {"KEY": "TEXT"} */
static void answer_text(struct http_api *http_api, struct web_exchange *exchange,
	unsigned status, const char *key, const char *text)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, key, text);
	answer_json(http_api, exchange, status, json);
}

static void answer_error(struct http_api *http_api, struct web_exchange *exchange,
	unsigned status, const char *why)
{
	answer_text(http_api, exchange, status, "error", why);
}

/* Takes the same time for every wrong token of one length. */
static bool same_secret(const char *given, const char *secret)
{
	size_t len = strlen(secret), given_len = strlen(given);
	unsigned char differ = given_len != len;

	for (size_t i = 0; i < given_len; i++)
		differ |= (unsigned char)(given[i] ^ secret[i % (len + 1)]);
	return differ == 0;
}

static bool is_authorized(
	const struct http_api *http_api, struct web_exchange *exchange)
{
	const char *token = http_api->service->config.webhook_token;
	const char *given = web_header(exchange, "Authorization");

	if (!token)
		return true;
	if (!given || strncasecmp(given, "Bearer ", 7) != 0)
		return false;
	return same_secret(given + 7 + strspn(given + 7, " "), token);
}

/* "application/json", perhaps with parameters. */
static bool is_json(struct web_exchange *exchange)
{
	const char *type = web_header(exchange, "Content-Type");
	size_t len = type ? strcspn(type, ";") : 0;

	while (len > 0 && isspace((unsigned char)type[len - 1]))
		len--;
	return len == strlen(JSON_TYPE) && strncasecmp(type, JSON_TYPE, len) == 0;
}

static unsigned status_of(enum turn_end end)
{
	switch (end) {
	case TURN_ANSWERED:
		return 200;
	case TURN_INTERRUPTED:
		return 503;
	case TURN_FAILED:
		return 502;
	case TURN_TIMED_OUT:
		return 504;
	}
	return 500;
}

/* For the chat. The agent API's own errors, with their paths and ids, are in the log. */
static const char *text_for(enum turn_end end, const char *reply)
{
	switch (end) {
	case TURN_ANSWERED:
		return reply;
	case TURN_INTERRUPTED:
		return "interrupted: the session is being closed";
	case TURN_FAILED:
		return "the agent did not answer: the service's log says why";
	case TURN_TIMED_OUT:
		return "the agent took too long to answer";
	}
	return "";
}

static void on_turn_done(void *arg, enum turn_end end, const char *text)
{
	struct webhook_request *request = arg;
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	request->turn = NULL;
	cJSON_AddStringToObject(
		json, end == TURN_ANSWERED ? "reply" : "error", text_for(end, text));
	if (request->webhook.room_is_number)
		cJSON_AddRawToObject(json, "room", request->webhook.room);
	else
		cJSON_AddStringToObject(json, "room", request->webhook.room);
	cJSON_AddStringToObject(json, "bot", request->bot);
	answer_json(request->http_api, request->exchange, status_of(end), json);
}

static void free_request(struct webhook_request *request)
{
	if (!request)
		return;
	if (request->turn)
		turn_forget(request->turn);
	webhook_done(&request->webhook);
	free(request);
}

static void on_over(void *arg, struct web_exchange *exchange, UNUSED enum web_end end)
{
	struct http_api *http_api = arg;

	free_request(exchange->data);
	if (http_api->draining)
		http_api->changed(http_api->changed_arg);
}

/* Takes webhook. */
static void take(struct http_api *http_api, struct web_exchange *exchange,
	const char *bot, struct webhook *webhook)
{
	struct webhook_request *request = mem_zeroed(sizeof *request);

	request->http_api = http_api;
	request->exchange = exchange;
	request->webhook = *webhook;
	request->bot = bot;
	exchange->data = request;
	switch (sessions_say(http_api->service->sessions, webhook->room, bot,
		webhook->content, on_turn_done, request, &request->turn)) {
	case SESSIONS_TAKEN:
		return;
	case SESSIONS_FULL:
		answer_error(http_api, exchange, 503,
			"the limit of sessions is reached: all are in use or still closing");
		return;
	case SESSIONS_BUSY:
		answer_error(http_api, exchange, 429,
			"too many messages wait for this room and bot");
		return;
	case SESSIONS_CLOSING:
		answer_error(http_api, exchange, 503, "the service is stopping");
		return;
	}
}

static void handle_webhook(struct http_api *http_api, struct web_exchange *exchange)
{
	const char *name = exchange->path + strlen("/webhook/");
	const char *bot = config_bot(&http_api->service->config, name);
	struct webhook webhook;
	struct err err = {0};

	if (!is_authorized(http_api, exchange)) {
		web_add_header(exchange, "WWW-Authenticate", "Bearer");
		answer_error(http_api, exchange, 401, "the token is missing or wrong");
	} else if (http_api->draining) {
		answer_error(http_api, exchange, 503, "the service is stopping");
	} else if (!bot) {
		answer_error(http_api, exchange, 404, "there is no such bot");
	} else if (!is_json(exchange)) {
		answer_error(http_api, exchange, 415,
			"Content-Type: expected application/json");
	} else if (!webhook_read(&webhook, &exchange->body, &err)) {
		answer_error(http_api, exchange, 400, err.text);
	} else {
		take(http_api, exchange, bot, &webhook);
	}
}

static void handle_health(struct http_api *http_api, struct web_exchange *exchange)
{
	answer_text(http_api, exchange, 200, "status", "alive");
}

static void handle_ready(struct http_api *http_api, struct web_exchange *exchange)
{
	answer_text(http_api, exchange, http_api->unready ? 503 : 200, "status",
		http_api->unready ? "stopping" : "ready");
}

static void add_paths(cJSON *object, const uint64_t *counts)
{
	cJSON *paths = cJSON_AddObjectToObject(object, "paths");

	for (enum session_path path = 0; path < SESSION_PATHS; path++)
		cJSON_AddNumberToObject(
			paths, session_path_names[path], (double)counts[path]);
}

static void add_session(void *arg, const struct session *session, int64_t idle_ns)
{
	struct session_info info = session_info(session);
	cJSON *sessions = arg, *entry = cJSON_CreateObject();

	cJSON_AddStringToObject(entry, "room", info.room);
	cJSON_AddStringToObject(entry, "bot", info.bot);
	cJSON_AddStringToObject(entry, "state", session_state_names[info.state]);
	cJSON_AddNumberToObject(entry, "turns", info.turns);
	cJSON_AddNumberToObject(entry, "idle_ms", (double)(idle_ns / CLOCK_MS));
	add_paths(entry, info.counts);
	cJSON_AddItemToArray(sessions, entry);
}

static void handle_stats(struct http_api *http_api, struct web_exchange *exchange)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();
	cJSON *sessions, *stored;
	struct store_census census;
	struct err err = {0};

	cJSON_AddNumberToObject(
		json, "active", sessions_count(http_api->service->sessions));
	cJSON_AddNumberToObject(
		json, "limit", (double)http_api->service->config.session_limit);
	add_paths(json, http_api->service->metrics.sessions);
	if (store_count_sessions(http_api->service->store, &census, &err)) {
		stored = cJSON_AddObjectToObject(json, "stored");
		cJSON_AddNumberToObject(stored, "sessions", (double)census.sessions);
		cJSON_AddNumberToObject(
			stored, "interrupted", (double)census.interrupted);
	} else {
		log_event("store.failed", "why", LOG_TEXT(err.text));
	}
	sessions = cJSON_AddArrayToObject(json, "sessions");
	sessions_each(http_api->service->sessions, add_session, sessions);
	answer_json(http_api, exchange, 200, json);
}

static void handle_metrics(struct http_api *http_api, struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf text = {0};

	metrics_write(&http_api->service->metrics,
		&(struct metrics_now){
			.sessions = sessions_count(http_api->service->sessions),
			.turns = sessions_turns(http_api->service->sessions),
			.requests = web_exchanges(http_api->web),
			.connections = web_connections(http_api->web),
			.up_ns = clock_now() - http_api->began_ns,
		},
		&text);
	answer(http_api, exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
		buf_text(&text), text.len);
}

static const struct route {
	const char *path; /* one that ends in '/' is followed by a name */
	const char *allow;
	void (*handle)(struct http_api *http_api, struct web_exchange *exchange);
} routes[] = {
	{"/webhook/", "POST", handle_webhook},
	{"/health", "GET, HEAD", handle_health},
	{"/ready", "GET, HEAD", handle_ready},
	{"/cache/stats", "GET, HEAD", handle_stats},
	{"/metrics", "GET, HEAD", handle_metrics},
};

static const struct route *find_route(const char *path)
{
	for (size_t i = 0; i < COUNT(routes); i++) {
		size_t len = strlen(routes[i].path);

		if (routes[i].path[len - 1] != '/'
				? strcmp(path, routes[i].path) == 0
				: strncmp(path, routes[i].path, len) == 0)
			return &routes[i];
	}
	return NULL;
}

static bool is_allowed(const struct route *route, const char *method)
{
	if (strncmp(route->allow, "GET", 3) == 0)
		return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	return strcmp(method, route->allow) == 0;
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct http_api *http_api = arg;
	const struct route *route = find_route(exchange->path);

	if (!route) {
		answer_error(http_api, exchange, 404, "there is nothing at this path");
	} else if (!is_allowed(route, exchange->method)) {
		web_add_header(exchange, "Allow", route->allow);
		answer_error(http_api, exchange, 405, "this method has no use here");
	} else {
		route->handle(http_api, exchange);
	}
}

static void on_refused(void *arg, unsigned status)
{
	struct http_api *http_api = arg;

	metrics_request(&http_api->service->metrics, status);
}

struct http_api *http_api_create(struct service *service, struct err *err)
{
	struct http_api *http_api = mem_zeroed(sizeof *http_api);

	http_api->service = service;
	http_api->began_ns = clock_now();
	http_api->web = web_create(&service->loop,
		&(struct web_options){
			.host = service->config.host,
			.port = (uint16_t)service->config.port,
			.body_ceiling = (size_t)service->config.body_limit,
			.patience_ns = service->config.budget_ns / 4,
			.handle = on_request,
			.over = on_over,
			.refused = on_refused,
			.arg = http_api,
		},
		err);
	if (!http_api->web) {
		free(http_api);
		return NULL;
	}
	return http_api;
}

uint16_t http_api_port(const struct http_api *http_api)
{
	return web_port(http_api->web);
}

void http_api_unready(struct http_api *http_api)
{
	http_api->unready = true;
}

static void on_drained(void *arg)
{
	struct http_api *http_api = arg;

	http_api->drained = true;
	http_api->changed(http_api->changed_arg);
}

void http_api_drain(struct http_api *http_api, http_api_changed_fn *changed, void *arg)
{
	http_api->unready = http_api->draining = true;
	http_api->changed = changed;
	http_api->changed_arg = arg;
	web_drain(http_api->web, http_api->service->config.linger_ns, on_drained,
		http_api);
}

bool http_api_is_answered(const struct http_api *http_api)
{
	return web_exchanges(http_api->web) == 0;
}

bool http_api_is_drained(const struct http_api *http_api)
{
	return http_api->drained;
}

void http_api_destroy(struct http_api *http_api)
{
	if (!http_api)
		return;
	web_destroy(http_api->web); /* calls `over` for open exchanges */
	free(http_api);
}
