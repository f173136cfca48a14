#include "service/http_api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/web.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"
#include "service/webhook.h"

#define RETRY_AFTER "1"
#define JSON_TYPE   "application/json"
#define STOPPING    "the service is stopping"

/* A webhook whose turn is under way; the data of its exchange. */
struct webhook_request {
	struct http_api *api;
	struct web_exchange *exchange;
	struct turn *turn; /* NULL: ended */
	struct webhook webhook;
	const char *bot; /* from config_bot() */
};

static void answer(struct http_api *api, struct web_exchange *exchange, unsigned status,
	const char *type, const char *body, size_t len)
{
	metrics_request(&api->service->metrics, status);
	if (status == 503 || status == 429)
		web_add_header(exchange, "Retry-After", RETRY_AFTER);
	web_reply(exchange, status, type, body, len);
}

static void answer_json(struct http_api *api, struct web_exchange *exchange,
	unsigned status, const cJSON *json)
{
	SCOPED(mem_free) char *text = json_print(json);

	answer(api, exchange, status, JSON_TYPE, text, strlen(text));
}

/* {"KEY": "TEXT"} */
static void answer_text(struct http_api *api, struct web_exchange *exchange,
	unsigned status, const char *key, const char *text)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, key, text);
	answer_json(api, exchange, status, json);
}

static void answer_error(struct http_api *api, struct web_exchange *exchange,
	unsigned status, const char *why)
{
	answer_text(api, exchange, status, "error", why);
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

static bool is_authorized(const struct http_api *api, struct web_exchange *exchange)
{
	const char *token = api->service->config.webhook_token;
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

/* The texts are for the chat. The agent API's own errors, with their paths and ids, are
 * in the log. */
static const struct refusal {
	unsigned status;
	const char *text; /* NULL: the agent's reply */
} ends[TURN_ENDS] = {
	[TURN_ANSWERED] = {200, NULL},
	[TURN_INTERRUPTED] = {503, "interrupted: the session is being closed"},
	[TURN_FAILED] = {502, "the agent did not answer: the service's log says why"},
	[TURN_TIMED_OUT] = {504, "the agent took too long to answer"},
};

static const struct refusal refusals[] = {
	[SESSIONS_FULL] = {503,
		"the limit of sessions is reached: all are in use or still closing"},
	[SESSIONS_BUSY] = {429, "too many messages wait for this room and bot"},
	[SESSIONS_CLOSING] = {503, STOPPING},
};

static void on_turn_done(void *arg, enum turn_end end, const char *text)
{
	struct webhook_request *request = arg;
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	request->turn = NULL;
	cJSON_AddStringToObject(json, ends[end].text ? "error" : "reply",
		ends[end].text ? ends[end].text : text);
	if (request->webhook.room_is_number)
		cJSON_AddRawToObject(json, "room", request->webhook.room);
	else
		cJSON_AddStringToObject(json, "room", request->webhook.room);
	cJSON_AddStringToObject(json, "bot", request->bot);
	answer_json(request->api, request->exchange, ends[end].status, json);
}

static void on_over(void *arg, struct web_exchange *exchange, UNUSED enum web_end end)
{
	struct webhook_request *request = exchange->data;
	struct http_api *api = arg;

	if (request && request->turn)
		turn_forget(request->turn);
	if (request)
		webhook_done(&request->webhook);
	free(request);
	if (api->draining)
		api->changed(api->changed_arg);
}

/* Takes webhook. */
static void take(struct http_api *api, struct web_exchange *exchange, const char *bot,
	struct webhook *webhook)
{
	struct webhook_request *request = mem_zeroed(sizeof *request);
	enum sessions_answer answer;

	*request = (struct webhook_request){api, exchange, NULL, *webhook, bot};
	exchange->data = request;
	answer = sessions_say(api->service->sessions, webhook->room, bot,
		webhook->content, on_turn_done, request, &request->turn);
	if (answer != SESSIONS_TAKEN)
		answer_error(
			api, exchange, refusals[answer].status, refusals[answer].text);
}

static void handle_webhook(struct http_api *api, struct web_exchange *exchange)
{
	const char *name = exchange->path + strlen("/webhook/");
	const char *bot = config_bot(&api->service->config, name);
	struct webhook webhook;
	struct err err = {0};

	if (!is_authorized(api, exchange)) {
		web_add_header(exchange, "WWW-Authenticate", "Bearer");
		answer_error(api, exchange, 401, "the token is missing or wrong");
	} else if (api->draining) {
		answer_error(api, exchange, 503, STOPPING);
	} else if (!bot) {
		answer_error(api, exchange, 404, "there is no such bot");
	} else if (!is_json(exchange)) {
		answer_error(
			api, exchange, 415, "Content-Type: expected application/json");
	} else if (!webhook_read(&webhook, &exchange->body, &err)) {
		answer_error(api, exchange, 400, err.text);
	} else {
		take(api, exchange, bot, &webhook);
	}
}

static void handle_health(struct http_api *api, struct web_exchange *exchange)
{
	answer_text(api, exchange, 200, "status", "alive");
}

static void handle_ready(struct http_api *api, struct web_exchange *exchange)
{
	bool unready = api->unready;

	answer_text(api, exchange, unready ? 503 : 200, "status",
		unready ? "stopping" : "ready");
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
	cJSON *entry = json_fill(NULL,
		"{'room': %s, 'bot': %s, 'state': %s, 'turns': %u, 'idle_ms': %g}",
		session->room, session->bot, session_state_names[session->state],
		turn_queue_count(&session->turns), (double)(idle_ns / CLOCK_MS));

	add_paths(entry, session->counts);
	cJSON_AddItemToArray(arg, entry);
}

static void handle_stats(struct http_api *api, struct web_exchange *exchange)
{
	const struct service *service = api->service;
	SCOPED(json_free) cJSON *json = json_fill(NULL, "{'active': %u, 'limit': %g}",
		sessions_count(service->sessions),
		(double)service->config.session_limit);
	struct store_census census;
	struct err err = {0};

	add_paths(json, service->metrics.sessions);
	if (store_log(store_count_sessions(service->store, &census, &err), &err))
		json_fill(json, "{'stored': {'sessions': %g, 'interrupted': %g}}",
			(double)census.sessions, (double)census.interrupted);
	sessions_each(service->sessions, add_session,
		cJSON_AddArrayToObject(json, "sessions"));
	answer_json(api, exchange, 200, json);
}

static void handle_metrics(struct http_api *api, struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf text = {0};

	metrics_write(&api->service->metrics,
		&(struct metrics_now){
			.sessions = sessions_count(api->service->sessions),
			.turns = sessions_turns(api->service->sessions),
			.requests = web_exchanges(api->web),
			.connections = web_connections(api->web),
			.up_ns = clock_now() - api->began_ns,
		},
		&text);
	answer(api, exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
		buf_text(&text), text.len);
}

static const struct route {
	const char *path; /* one that ends in '/' is followed by a name */
	const char *allow;
	void (*handle)(struct http_api *api, struct web_exchange *exchange);
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
	struct http_api *api = arg;
	const struct route *route = find_route(exchange->path);

	if (!route) {
		answer_error(api, exchange, 404, "there is nothing at this path");
	} else if (!is_allowed(route, exchange->method)) {
		web_add_header(exchange, "Allow", route->allow);
		answer_error(api, exchange, 405, "this method has no use here");
	} else {
		route->handle(api, exchange);
	}
}

static void on_refused(void *arg, unsigned status)
{
	struct http_api *api = arg;

	metrics_request(&api->service->metrics, status);
}

struct http_api *http_api_create(struct service *service, struct err *err)
{
	const struct config *config = &service->config;
	struct http_api *api = mem_zeroed(sizeof *api);
	struct web_options options = {
		.host = config->host,
		.port = (uint16_t)config->port,
		.body_ceiling = (size_t)config->body_limit,
		.patience_ns = config->budget_ns / 4,
		.handle = on_request,
		.over = on_over,
		.refused = on_refused,
		.arg = api,
	};

	api->service = service;
	api->began_ns = clock_now();
	api->web = web_create(&service->loop, &options, err);
	if (!api->web) {
		free(api);
		return NULL;
	}
	return api;
}

void http_api_unready(struct http_api *api)
{
	api->unready = true;
}

static void on_drained(void *arg)
{
	struct http_api *api = arg;

	api->drained = true;
	api->changed(api->changed_arg);
}

void http_api_drain(struct http_api *api, void (*changed)(void *arg), void *arg)
{
	api->unready = api->draining = true;
	api->changed = changed;
	api->changed_arg = arg;
	web_drain(api->web, api->service->config.linger_ns, on_drained, api);
}

void http_api_destroy(struct http_api *api)
{
	if (!api)
		return;
	web_destroy(api->web); /* calls `over` for open exchanges */
	free(api);
}
