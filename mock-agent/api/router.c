#include "mock-agent/api/router.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/api/api_request.h"
#include "mock-agent/api/event_stream.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/session_end_routes.h"
#include "mock-agent/api/session_resources.h"
#include "mock-agent/api/session_routes.h"
#include "mock-agent/control.h"
#include "mock-agent/messages/messages.h"
#include "mock-agent/messages/models.h"
#include "mock-agent/openai/openai_error.h"
#include "mock-agent/openai/openai_routes.h"
#include "mock-agent/openai/response_routes.h"

#define BETA          "managed-agents-"
#define FIRST_VERSION "2023-01-01"

/* What a request needs; each of the last three needs KEY too. */
enum auth {
	AUTH_NONE,
	AUTH_CONTROL, /* CONTROL_KEY in X-Control-Key; without one KEY */
	AUTH_KEY,     /* KEY as the credential */
	AUTH_OPENAI,  /* no more, and refusals have the shape of OpenAI's API */
	AUTH_VERSION, /* the header anthropic-version */
	AUTH_BETA,    /* the beta header of Managed Agents */
};

/* What the router looks up for the route. */
enum target {
	TARGET_NONE,
	TARGET_TEXT, /* nothing; the route reads the body */
	TARGET_AGENTS,
	TARGET_ENVIRONMENTS,
	TARGET_SESSION, /* of the first :name; a blackholed one gets no response */
	TARGET_THREAD,  /* the same, and the second :name is its thread */
	TARGET_ENDING,  /* the same, but the route treats a blackholed one */
};

struct route {
	const char *method;
	const char *path; /* :name stands for one segment */
	enum auth auth;
	enum target target;
	api_request_fn *run;
};

#define SESSION  "/v1/sessions/:id"
#define THREAD   SESSION "/threads/:thread"
#define MOUNTED  SESSION "/resources"
#define RESPONSE "/v1/responses/:id"

/* clang-format off */
static const struct route routes[] = {
	{"GET", "/health", AUTH_NONE, TARGET_NONE, control_health_route},
	{"GET", "/control/behavior", AUTH_CONTROL, TARGET_NONE, control_behavior_route},
	{"PUT", "/control/behavior", AUTH_CONTROL, TARGET_TEXT, control_change_route},
	{"GET", "/control/sessions", AUTH_CONTROL, TARGET_NONE, control_sessions_route},
	{"POST", "/control/listen", AUTH_CONTROL, TARGET_NONE, control_listen_route},
	{"POST", "/control/reset", AUTH_CONTROL, TARGET_NONE, control_reset_route},

	{"POST", "/v1/messages", AUTH_VERSION, TARGET_NONE, messages_route},
	{"POST", "/v1/messages/count_tokens", AUTH_VERSION, TARGET_NONE,
		messages_count_route},
	{"GET", "/v1/models", AUTH_VERSION, TARGET_NONE, models_list_route},
	{"GET", "/v1/models/:id", AUTH_VERSION, TARGET_NONE, models_get_route},

	{"GET", "/v1/models", AUTH_OPENAI, TARGET_NONE, openai_models_route},
	{"GET", "/v1/models/:id", AUTH_OPENAI, TARGET_NONE, openai_model_route},
	{"POST", "/v1/responses", AUTH_OPENAI, TARGET_NONE, response_create_route},
	{"POST", "/v1/responses/input_tokens", AUTH_OPENAI, TARGET_NONE,
		response_count_route},
	{"GET", RESPONSE, AUTH_OPENAI, TARGET_NONE, response_get_route},
	{"DELETE", RESPONSE, AUTH_OPENAI, TARGET_NONE, response_delete_route},
	{"POST", RESPONSE "/cancel", AUTH_OPENAI, TARGET_NONE, response_cancel_route},
	{"GET", RESPONSE "/input_items", AUTH_OPENAI, TARGET_NONE, response_input_route},
	{"POST", "/v1/chat/completions", AUTH_OPENAI, TARGET_NONE,
		openai_chat_route},

	{"POST", "/v1/agents", AUTH_BETA, TARGET_AGENTS, resources_create_route},
	{"GET", "/v1/agents", AUTH_BETA, TARGET_AGENTS, resources_list_route},
	{"GET", "/v1/agents/:id", AUTH_BETA, TARGET_AGENTS, resources_get_route},
	{"POST", "/v1/agents/:id", AUTH_BETA, TARGET_AGENTS, resources_update_route},
	{"GET", "/v1/agents/:id/versions", AUTH_BETA, TARGET_AGENTS,
		resources_versions_route},
	{"POST", "/v1/agents/:id/archive", AUTH_BETA, TARGET_AGENTS,
		resources_archive_route},

	{"POST", "/v1/environments", AUTH_BETA, TARGET_ENVIRONMENTS,
		resources_create_route},
	{"GET", "/v1/environments", AUTH_BETA, TARGET_ENVIRONMENTS, resources_list_route},
	{"GET", "/v1/environments/:id", AUTH_BETA, TARGET_ENVIRONMENTS,
		resources_get_route},
	{"POST", "/v1/environments/:id", AUTH_BETA, TARGET_ENVIRONMENTS,
		resources_update_route},
	{"POST", "/v1/environments/:id/archive", AUTH_BETA, TARGET_ENVIRONMENTS,
		resources_archive_route},
	{"DELETE", "/v1/environments/:id", AUTH_BETA, TARGET_ENVIRONMENTS,
		resources_delete_route},

	{"POST", "/v1/sessions", AUTH_BETA, TARGET_NONE, session_routes_create},
	{"GET", "/v1/sessions", AUTH_BETA, TARGET_NONE, session_routes_list},
	{"GET", SESSION, AUTH_BETA, TARGET_SESSION, session_routes_get},
	{"POST", SESSION, AUTH_BETA, TARGET_SESSION, session_routes_update},
	{"DELETE", SESSION, AUTH_BETA, TARGET_ENDING, session_end_routes_delete},
	{"POST", SESSION "/archive", AUTH_BETA, TARGET_ENDING, session_end_routes_archive},
	{"POST", SESSION "/events", AUTH_BETA, TARGET_SESSION, session_routes_send},
	{"GET", SESSION "/events", AUTH_BETA, TARGET_SESSION, session_routes_events},
	{"GET", SESSION "/events/stream", AUTH_BETA, TARGET_SESSION, event_stream_route},
	{"GET", SESSION "/threads", AUTH_BETA, TARGET_SESSION, session_routes_threads},
	{"GET", THREAD, AUTH_BETA, TARGET_THREAD, session_routes_thread},
	{"GET", THREAD "/events", AUTH_BETA, TARGET_THREAD, session_routes_events},
	{"GET", THREAD "/stream", AUTH_BETA, TARGET_THREAD, event_stream_route},
	{"POST", THREAD "/archive", AUTH_BETA, TARGET_THREAD,
		session_routes_archive_thread},
	{"POST", MOUNTED, AUTH_BETA, TARGET_SESSION, session_resources_add_route},
	{"GET", MOUNTED, AUTH_BETA, TARGET_SESSION, session_resources_list_route},
	{"GET", MOUNTED "/:resource", AUTH_BETA, TARGET_SESSION,
		session_resources_get_route},
	{"POST", MOUNTED "/:resource", AUTH_BETA, TARGET_SESSION,
		session_resources_update_route},
	{"DELETE", MOUNTED "/:resource", AUTH_BETA, TARGET_SESSION,
		session_resources_delete_route},
};
/* clang-format on */

/* The length of the first segment of a path, "/v1"; 0 at the end. */
static size_t segment_len(const char *path)
{
	return *path == '/' ? 1 + strcspn(path + 1, "/") : strcspn(path, "/");
}

static bool matches(const char *pattern, const char *path)
{
	const char *param = strchr(pattern, ':');

	if (!param)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, (size_t)(param - pattern)) != 0)
		return false;
	while (*pattern && *path) {
		size_t wanted = segment_len(pattern), len = segment_len(path);

		if (pattern[1] == ':'
				? len < 2
				: len != wanted || strncmp(pattern, path, len) != 0)
			return false;
		pattern += wanted;
		path += len;
	}
	return !*pattern && !*path;
}

static void take_params(
	struct api_request *request, const char *pattern, const char *path)
{
	for (unsigned count = 0; *pattern; pattern += segment_len(pattern)) {
		size_t len = segment_len(path);

		if (pattern[1] == ':')
			request->param[count++] =
				mem_textf("%.*s", (int)len - 1, path + 1);
		path += len;
	}
}

#define ROOM "/room/"

/* The path behind /room/NAME, which any path may begin with. */
static const char *behind_room(const char *path)
{
	const char *name = path + strlen(ROOM);
	size_t len;

	if (strncmp(path, ROOM, strlen(ROOM)) != 0)
		return path;
	len = strcspn(name, "/");
	return len == 0 || name[len] == '\0' ? path : name + len;
}

/* The same, and the request has the room's name. */
static const char *take_room(struct api_request *request, const char *path)
{
	const char *rest = behind_room(path), *name = path + strlen(ROOM);

	if (rest != path)
		request->room = mem_textf("%.*s", (int)(rest - name), name);
	return rest;
}

/* NULL: there is none; known reports whether the path has one for other methods. Where
 * both APIs have one, it is that of the client's API. */
static const struct route *find_route(
	const char *method, const char *path, bool openai, bool *known)
{
	const struct route *found = NULL;

	*known = false;
	for (unsigned i = 0; i < COUNT(routes); i++) {
		if (!matches(routes[i].path, path))
			continue;
		*known = true;
		if (strcmp(routes[i].method, method) != 0)
			continue;
		if ((routes[i].auth == AUTH_OPENAI) == openai)
			return &routes[i];
		found = &routes[i];
	}
	return found;
}

/* Is it one of the paths that OpenAI's API alone has, or below it? */
static bool is_openai_path(const char *path)
{
	static const char *const tops[] = {"/v1/chat", "/v1/responses"};

	for (unsigned i = 0; i < COUNT(tops); i++) {
		const size_t len = strlen(tops[i]);

		if (strncmp(tops[i], path, len) == 0 &&
			(path[len] == '/' || path[len] == '\0'))
			return true;
	}
	return false;
}

/* What tells the clients of the two APIs apart where no route does. */
static bool is_openai_client(const struct web_exchange *exchange, const char *path)
{
	return (web_header(exchange, "authorization") || is_openai_path(path)) &&
		!web_header(exchange, "anthropic-version") &&
		!web_header(exchange, "anthropic-beta");
}

static bool has_credential(const struct api_request *request)
{
	const char *key = request->mock->key;
	const char *bearer = web_header(request->exchange, "authorization");
	const char *plain = web_header(request->exchange, "x-api-key");

	if (!key)
		return true;
	if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0 &&
		strcmp(bearer + 7, key) == 0)
		return true;
	return plain && strcmp(plain, key) == 0;
}

static bool has_control_key(const struct api_request *request)
{
	const char *key = request->mock->control_key;
	const char *given = web_header(request->exchange, "x-control-key");

	return key ? given && strcmp(given, key) == 0 : has_credential(request);
}

/* As in "2023-06-01". */
static bool is_date(const char *text)
{
	static const char form[] = "0000-00-00";
	size_t at = 0;

	while (form[at] &&
		(form[at] == '-' ? text[at] == '-' : isdigit((unsigned char)text[at])))
		at++;
	return !form[at] && !text[at];
}

/* A date since the first version; whichever, for the sake of newer clients. False: it
 * was refused. */
static bool check_version(struct api_request *request)
{
	const char *version = web_header(request->exchange, "anthropic-version");

	if (!version)
		return api_request_refuse(
			request, 400, "anthropic-version: header is required");
	return (is_date(version) && strcmp(version, FIRST_VERSION) >= 0) ||
		api_request_refuse(request, 400,
			"anthropic-version: \"%.40s\" is not a valid version", version);
}

/* False: it was refused. */
static bool authorize(struct api_request *request, enum auth auth)
{
	const char *beta = web_header(request->exchange, "anthropic-beta");

	if (auth == AUTH_CONTROL ? !has_control_key(request)
				 : auth >= AUTH_KEY && !has_credential(request))
		return api_request_refuse(request, 401, "Authentication failed");
	if (auth >= AUTH_BETA && (!beta || !strstr(beta, BETA)))
		return api_request_refuse(request, 404, "not found");
	return auth < AUTH_VERSION || check_version(request);
}

/* False: it was refused. */
static bool read_body(struct api_request *request)
{
	const struct buf *body = &request->exchange->body;

	if (body->len == 0)
		return true;
	request->body = json_parse(buf_text(body), body->len);
	return cJSON_IsObject(request->body) ||
		api_request_refuse(
			request, 400, "The request body is not a JSON object");
}

/* False: it was refused, or gets no response. */
static bool find_session(struct api_request *request, enum target target)
{
	struct api_session *session =
		api_sessions_find(&request->mock->sessions, request->param[0]);

	if (!session)
		return api_request_refuse(
			request, 404, "Session %s not found", request->param[0]);
	session->holds++;
	request->session = session;
	if (session->schedule->blackholed && target != TARGET_ENDING)
		return false;
	if (target == TARGET_THREAD &&
		strcmp(request->param[1], session->thread_id) != 0)
		return api_request_refuse(
			request, 404, "Thread %s not found", request->param[1]);
	return true;
}

/* False: it was refused, or gets no response. */
static bool prepare(struct api_request *request, enum target target)
{
	if (target == TARGET_TEXT)
		return true;
	if (target == TARGET_AGENTS)
		request->resources = request->mock->agents;
	else if (target == TARGET_ENVIRONMENTS)
		request->resources = request->mock->environments;
	return read_body(request) &&
		(target < TARGET_SESSION || find_session(request, target));
}

void router_handle(void *arg, struct web_exchange *exchange)
{
	struct api_request *request = api_request_create(arg, exchange);
	const char *path = take_room(request, exchange->path);
	bool known, openai = is_openai_client(exchange, path);
	const struct route *route = find_route(exchange->method, path, openai, &known);

	if (route ? route->auth == AUTH_OPENAI : openai)
		openai_begin(request);
	if (!route) {
		if (!known)
			api_request_refuse(request, 404, "Not found");
		else if (authorize(request, AUTH_KEY))
			api_request_refuse(request, 405, "Method Not Allowed");
		return;
	}
	if (!authorize(request, route->auth))
		return;
	take_params(request, route->path, path);
	if (prepare(request, route->target))
		route->run(request);
}

void router_refusal(UNUSED void *arg, const struct web_exchange *exchange,
	struct buf *head, struct buf *body)
{
	static const char message[] = "Request exceeds the maximum size";
	const char *path = behind_room(exchange->path);
	bool known, openai = is_openai_client(exchange, path);
	const struct route *route = find_route(exchange->method, path, openai, &known);
	char id[API_FORMAT_ID_SIZE];

	api_format_id(id, "req");
	buf_addf(head, "request-id: %s\r\n", id);
	if (route ? route->auth == AUTH_OPENAI : openai) {
		buf_addf(head, "x-request-id: %s\r\n", id);
		openai_form.error(body, 413, message, id);
	} else {
		api_format_write_error(body, 413, message, id);
	}
}

void router_over(UNUSED void *arg, struct web_exchange *exchange, enum web_end end)
{
	api_request_end(exchange->data, end);
}

void router_closed(UNUSED void *arg, struct web_connection *client)
{
	client_sessions_disconnect(client);
}
