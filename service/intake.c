#include "service/intake.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/web.h"
#include "service/cabinet.h"
#include "service/config.h"
#include "service/means.h"
#include "service/metrics.h"
#include "service/store.h"
#include "service/webhook.h"

#define RETRY_AFTER "1"
#define JSON_TYPE   "application/json"

struct intake {
	const struct means *means;
	struct cabinet *cabinet;
	struct web *web;
	int64_t began_ns;
	bool unready;
	bool draining;
	bool drained;
	intake_changed_fn *changed;
	void *changed_arg;
};

/* A webhook whose turn is under way. It is its exchange's data. */
struct request {
	struct intake *intake;
	struct web_exchange *exchange;
	struct turn *turn; /* NULL: it ended */
	struct webhook webhook;
	const char *bot; /* config's */
};

static void answer(struct intake *intake, struct web_exchange *exchange,
	unsigned status, const char *type, const char *body, size_t len)
{
	metrics_request(intake->means->metrics, status);
	if (status == 503 || status == 429)
		web_add_header(exchange, "Retry-After", RETRY_AFTER);
	web_reply(exchange, status, type, body, len);
}

static void answer_json(struct intake *intake, struct web_exchange *exchange,
	unsigned status, const cJSON *json)
{
	SCOPED(mem_free) char *text = json_print(json);

	answer(intake, exchange, status, JSON_TYPE, text, strlen(text));
}

static void answer_error(struct intake *intake, struct web_exchange *exchange,
	unsigned status, const char *why)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", why);
	answer_json(intake, exchange, status, json);
}

static void answer_status(struct intake *intake, struct web_exchange *exchange,
	unsigned status, const char *text)
{
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "status", text);
	answer_json(intake, exchange, status, json);
}

/* Takes as long for every wrong token of a length. */
static bool same_secret(const char *given, const char *secret)
{
	size_t len = strlen(secret), given_len = strlen(given);
	unsigned char differ = given_len != len;

	for (size_t i = 0; i < given_len; i++)
		differ |= (unsigned char)(given[i] ^ secret[i % (len + 1)]);
	return differ == 0;
}

static bool is_authorized(const struct intake *intake, struct web_exchange *exchange)
{
	const char *token = intake->means->config->webhook_token;
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

/* For whoever chats. What the agent API says, with its paths and ids and however much of
 * it, is for the log, which has it. */
static const char *words_for(enum turn_end end, const char *reply)
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
	struct request *request = arg;
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();

	request->turn = NULL;
	cJSON_AddStringToObject(
		json, end == TURN_ANSWERED ? "reply" : "error", words_for(end, text));
	if (request->webhook.room_is_number)
		cJSON_AddRawToObject(json, "room", request->webhook.room);
	else
		cJSON_AddStringToObject(json, "room", request->webhook.room);
	cJSON_AddStringToObject(json, "bot", request->bot);
	answer_json(request->intake, request->exchange, status_of(end), json);
}

static void free_request(struct request *request)
{
	if (!request)
		return;
	if (request->turn)
		turn_forget(request->turn);
	webhook_done(&request->webhook);
	free(request);
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct intake *intake = arg;

	(void)end;
	free_request(web_data(exchange));
	if (intake->draining)
		intake->changed(intake->changed_arg);
}

/* Takes webhook. */
static void take(struct intake *intake, struct web_exchange *exchange, const char *bot,
	struct webhook *webhook)
{
	struct request *request = mem_zeroed(sizeof *request);

	request->intake = intake;
	request->exchange = exchange;
	request->webhook = *webhook;
	request->bot = bot;
	web_set_data(exchange, request);
	switch (cabinet_say(intake->cabinet, webhook->room, bot, webhook->content,
		on_turn_done, request, &request->turn)) {
	case CABINET_TAKEN:
		return;
	case CABINET_FULL:
		answer_error(intake, exchange, 503,
			"the limit of sessions is reached: all are in use or still closing");
		return;
	case CABINET_BUSY:
		answer_error(intake, exchange, 429,
			"too many messages wait for this room and bot");
		return;
	case CABINET_CLOSING:
		answer_error(intake, exchange, 503, "the service is stopping");
		return;
	}
}

static void handle_webhook(struct intake *intake, struct web_exchange *exchange)
{
	const char *name = web_path(exchange) + strlen("/webhook/");
	const char *bot = config_bot(intake->means->config, name);
	struct webhook webhook;
	struct err err = {0};

	if (!is_authorized(intake, exchange)) {
		web_add_header(exchange, "WWW-Authenticate", "Bearer");
		answer_error(intake, exchange, 401, "the token is missing or wrong");
	} else if (intake->draining) {
		answer_error(intake, exchange, 503, "the service is stopping");
	} else if (!bot) {
		answer_error(intake, exchange, 404, "there is no such bot");
	} else if (!is_json(exchange)) {
		answer_error(intake, exchange, 415,
			"Content-Type: expected application/json");
	} else if (!webhook_read(&webhook, web_body(exchange), &err)) {
		answer_error(intake, exchange, 400, err.text);
	} else {
		take(intake, exchange, bot, &webhook);
	}
}

static void handle_health(struct intake *intake, struct web_exchange *exchange)
{
	answer_status(intake, exchange, 200, "alive");
}

static void handle_ready(struct intake *intake, struct web_exchange *exchange)
{
	if (intake->unready)
		answer_status(intake, exchange, 503, "stopping");
	else
		answer_status(intake, exchange, 200, "ready");
}

static void add_session(void *arg, const struct session *session, int64_t idle_ns)
{
	cJSON *sessions = arg, *entry = cJSON_CreateObject(), *paths;

	cJSON_AddStringToObject(entry, "room", session_room(session));
	cJSON_AddStringToObject(entry, "bot", session_bot(session));
	cJSON_AddStringToObject(
		entry, "state", session_state_name(session_state(session)));
	cJSON_AddNumberToObject(entry, "turns", session_turns(session));
	cJSON_AddNumberToObject(entry, "idle_ms", (double)(idle_ns / CLOCK_MS));
	paths = cJSON_AddObjectToObject(entry, "paths");
	for (enum session_path path = 0; path < SESSION_PATHS; path++)
		cJSON_AddNumberToObject(paths, session_path_name(path),
			(double)session_count(session, path));
	cJSON_AddItemToArray(sessions, entry);
}

static void handle_stats(struct intake *intake, struct web_exchange *exchange)
{
	const struct metrics *metrics = intake->means->metrics;
	SCOPED(json_free) cJSON *json = cJSON_CreateObject();
	cJSON *paths, *sessions, *stored;
	struct store_census census;
	struct err err = {0};

	cJSON_AddNumberToObject(json, "active", cabinet_count(intake->cabinet));
	cJSON_AddNumberToObject(
		json, "limit", (double)intake->means->config->session_limit);
	paths = cJSON_AddObjectToObject(json, "paths");
	for (enum session_path path = 0; path < SESSION_PATHS; path++)
		cJSON_AddNumberToObject(paths, session_path_name(path),
			(double)metrics->sessions[path]);
	if (store_count_sessions(intake->means->store, &census, &err)) {
		stored = cJSON_AddObjectToObject(json, "stored");
		cJSON_AddNumberToObject(stored, "sessions", (double)census.sessions);
		cJSON_AddNumberToObject(
			stored, "interrupted", (double)census.interrupted);
	} else {
		log_event("store.failed", "why", LOG_TEXT(err.text));
	}
	sessions = cJSON_AddArrayToObject(json, "sessions");
	cabinet_each(intake->cabinet, add_session, sessions);
	answer_json(intake, exchange, 200, json);
}

static void handle_metrics(struct intake *intake, struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf text = {0};

	metrics_write(intake->means->metrics,
		&(struct metrics_now){
			.sessions = cabinet_count(intake->cabinet),
			.turns = cabinet_turns(intake->cabinet),
			.requests = web_exchanges(intake->web),
			.connections = web_connections(intake->web),
			.up_ns = clock_now() - intake->began_ns,
		},
		&text);
	answer(intake, exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
		buf_text(&text), text.len);
}

static const struct route {
	const char *path; /* one that ends in '/' has a name behind it */
	const char *allow;
	void (*handle)(struct intake *intake, struct web_exchange *exchange);
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
	struct intake *intake = arg;
	const struct route *route = find_route(web_path(exchange));

	if (!route) {
		answer_error(intake, exchange, 404, "there is nothing at this path");
	} else if (!is_allowed(route, web_method(exchange))) {
		web_add_header(exchange, "Allow", route->allow);
		answer_error(intake, exchange, 405, "this method has no use here");
	} else {
		route->handle(intake, exchange);
	}
}

static void on_refused(void *arg, unsigned status)
{
	struct intake *intake = arg;

	metrics_request(intake->means->metrics, status);
}

struct intake *intake_create(
	const struct means *means, struct cabinet *cabinet, struct err *err)
{
	struct intake *intake = mem_zeroed(sizeof *intake);

	intake->means = means;
	intake->cabinet = cabinet;
	intake->began_ns = clock_now();
	intake->web = web_create(means->loop,
		&(struct web_options){
			.host = means->config->host,
			.port = (uint16_t)means->config->port,
			.body_ceiling = (size_t)means->config->body_limit,
			.patience_ns = means->config->budget_ns / 4,
			.handle = on_request,
			.over = on_over,
			.refused = on_refused,
			.arg = intake,
		},
		err);
	if (!intake->web) {
		free(intake);
		return NULL;
	}
	return intake;
}

uint16_t intake_port(const struct intake *intake)
{
	return web_port(intake->web);
}

void intake_unready(struct intake *intake)
{
	intake->unready = true;
}

static void on_drained(void *arg)
{
	struct intake *intake = arg;

	intake->drained = true;
	intake->changed(intake->changed_arg);
}

void intake_drain(struct intake *intake, intake_changed_fn *changed, void *arg)
{
	intake->unready = intake->draining = true;
	intake->changed = changed;
	intake->changed_arg = arg;
	web_drain(intake->web, intake->means->config->linger_ns, on_drained, intake);
}

bool intake_is_answered(const struct intake *intake)
{
	return web_exchanges(intake->web) == 0;
}

bool intake_is_drained(const struct intake *intake)
{
	return intake->drained;
}

void intake_destroy(struct intake *intake)
{
	if (!intake)
		return;
	web_destroy(intake->web); /* `over` is called for what is open */
	free(intake);
}
