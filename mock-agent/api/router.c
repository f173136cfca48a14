#include "mock-agent/api/router.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/api/api_request.h"
#include "mock-agent/api/event_stream.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/session_end_routes.h"
#include "mock-agent/api/session_routes.h"
#include "mock-agent/control.h"
#include "mock-agent/messages/messages.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"

#define BETA "managed-agents-"

enum gate {
	GATE_NONE,
	GATE_KEY,     /* the credential, when one is asked for */
	GATE_VERSION, /* and anthropic-version */
	GATE_BETA,    /* and the beta of Managed Agents */
};

/* What a route's path leads to. */
enum about {
	ABOUT_NOTHING,
	ABOUT_TEXT, /* its body is no business of ours */
	ABOUT_AGENTS,
	ABOUT_ENVIRONMENTS,
	ABOUT_SESSION, /* the first :name is a live one; nothing if it is blackholed */
	ABOUT_ENDING,  /* the same, but its route sees to a blackholed one */
};

struct route {
	const char *method;
	const char *path; /* :name stands for one piece */
	enum gate gate;
	enum about about;
	api_request_fn *run;
};

#define SESSION "/v1/sessions/:id"
#define THREAD  SESSION "/threads/:thread"

/* clang-format off */
static const struct route routes[] = {
	{"GET", "/health", GATE_NONE, ABOUT_NOTHING, control_health_route},
	{"GET", "/control/behavior", GATE_KEY, ABOUT_NOTHING, control_behavior_route},
	{"PUT", "/control/behavior", GATE_KEY, ABOUT_TEXT, control_change_route},
	{"GET", "/control/sessions", GATE_KEY, ABOUT_NOTHING, control_sessions_route},
	{"POST", "/control/listen", GATE_KEY, ABOUT_NOTHING, control_listen_route},
	{"POST", "/control/reset", GATE_KEY, ABOUT_NOTHING, control_reset_route},

	{"POST", "/v1/messages", GATE_VERSION, ABOUT_NOTHING, messages_route},
	{"POST", "/v1/messages/count_tokens", GATE_VERSION, ABOUT_NOTHING,
		messages_count_route},
	{"GET", "/v1/models", GATE_VERSION, ABOUT_NOTHING, messages_models_route},
	{"GET", "/v1/models/:id", GATE_VERSION, ABOUT_NOTHING, messages_model_route},

	{"POST", "/v1/agents", GATE_BETA, ABOUT_AGENTS, resources_create_route},
	{"GET", "/v1/agents", GATE_BETA, ABOUT_AGENTS, resources_list_route},
	{"GET", "/v1/agents/:id", GATE_BETA, ABOUT_AGENTS, resources_get_route},
	{"POST", "/v1/agents/:id", GATE_BETA, ABOUT_AGENTS, resources_update_route},
	{"GET", "/v1/agents/:id/versions", GATE_BETA, ABOUT_AGENTS,
		resources_versions_route},
	{"POST", "/v1/agents/:id/archive", GATE_BETA, ABOUT_AGENTS,
		resources_archive_route},

	{"POST", "/v1/environments", GATE_BETA, ABOUT_ENVIRONMENTS,
		resources_create_route},
	{"GET", "/v1/environments", GATE_BETA, ABOUT_ENVIRONMENTS, resources_list_route},
	{"GET", "/v1/environments/:id", GATE_BETA, ABOUT_ENVIRONMENTS,
		resources_get_route},
	{"POST", "/v1/environments/:id", GATE_BETA, ABOUT_ENVIRONMENTS,
		resources_update_route},
	{"POST", "/v1/environments/:id/archive", GATE_BETA, ABOUT_ENVIRONMENTS,
		resources_archive_route},
	{"DELETE", "/v1/environments/:id", GATE_BETA, ABOUT_ENVIRONMENTS,
		resources_delete_route},

	{"POST", "/v1/sessions", GATE_BETA, ABOUT_NOTHING, session_routes_create},
	{"GET", "/v1/sessions", GATE_BETA, ABOUT_NOTHING, session_routes_list},
	{"GET", SESSION, GATE_BETA, ABOUT_SESSION, session_routes_get},
	{"POST", SESSION, GATE_BETA, ABOUT_SESSION, session_routes_update},
	{"DELETE", SESSION, GATE_BETA, ABOUT_ENDING, session_end_routes_delete},
	{"POST", SESSION "/archive", GATE_BETA, ABOUT_ENDING, session_end_routes_archive},
	{"POST", SESSION "/events", GATE_BETA, ABOUT_SESSION, session_routes_say},
	{"GET", SESSION "/events", GATE_BETA, ABOUT_SESSION, session_routes_events},
	{"GET", SESSION "/events/stream", GATE_BETA, ABOUT_SESSION, event_stream_route},
	{"GET", SESSION "/threads", GATE_BETA, ABOUT_SESSION, session_routes_threads},
	{"GET", THREAD, GATE_BETA, ABOUT_SESSION, session_routes_thread},
	{"GET", THREAD "/events", GATE_BETA, ABOUT_SESSION, session_routes_events},
	{"GET", THREAD "/stream", GATE_BETA, ABOUT_SESSION, event_stream_route},
};
/* clang-format on */

/* Steps over one piece of a path, "/v1", and gives its length; 0 at the end. */
static size_t piece_len(const char *path)
{
	return *path == '/' ? 1 + strcspn(path + 1, "/") : strcspn(path, "/");
}

static bool matches(const char *pattern, const char *path)
{
	while (*pattern && *path) {
		size_t wanted = piece_len(pattern), len = piece_len(path);

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
	unsigned count = 0;

	while (*pattern) {
		size_t len = piece_len(path);

		if (pattern[1] == ':' && count < REQUEST_PARAMS)
			request->param[count++] =
				mem_textf("%.*s", (int)len - 1, path + 1);
		pattern += piece_len(pattern);
		path += len;
	}
}

/* NULL with known telling whether there is such a path at all. */
static const struct route *find_route(const char *method, const char *path, bool *known)
{
	*known = false;
	for (unsigned i = 0; i < COUNT(routes); i++) {
		if (!matches(routes[i].path, path))
			continue;
		*known = true;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
	}
	return NULL;
}

static bool has_credential(const struct api_request *request)
{
	const char *key = request->mock->options.key;
	const char *bearer = web_header(request->exchange, "authorization");
	const char *plain = web_header(request->exchange, "x-api-key");

	if (!key)
		return true;
	if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0 &&
		strcmp(bearer + 7, key) == 0)
		return true;
	return plain && strcmp(plain, key) == 0;
}

/* False: it was refused. */
static bool pass_gate(struct api_request *request, enum gate gate)
{
	const char *beta = web_header(request->exchange, "anthropic-beta");

	if (gate >= GATE_KEY && !has_credential(request))
		api_request_refuse(request, 401, "Authentication failed");
	else if (gate >= GATE_BETA && (!beta || !strstr(beta, BETA)))
		api_request_refuse(request, 404, "not found");
	else if (gate >= GATE_VERSION &&
		!web_header(request->exchange, "anthropic-version"))
		api_request_refuse(
			request, 400, "anthropic-version: header is required");
	else
		return true;
	return false;
}

/* False: it was refused. */
static bool read_body(struct api_request *request)
{
	const struct buf *body = web_body(request->exchange);

	if (body->len == 0)
		return true;
	request->body = json_parse(buf_text(body), body->len);
	if (cJSON_IsObject(request->body))
		return true;
	api_request_refuse(request, 400, "The request body is not a JSON object");
	return false;
}

/* False: it was refused, or will never be answered. */
static bool find_session(struct api_request *request, enum about about)
{
	struct api_session *session =
		api_sessions_find(request->mock->sessions, request->param[0]);

	if (!session) {
		api_request_refuse(
			request, 404, "Session %s not found", request->param[0]);
		return false;
	}
	api_request_hold(request, session);
	if (injector_is_dark(session->injector) && about == ABOUT_SESSION)
		return false;
	if (request->param[1] && strcmp(request->param[1], session->thread_id) != 0) {
		api_request_refuse(
			request, 404, "Thread %s not found", request->param[1]);
		return false;
	}
	return true;
}

/* False: it was refused, or will never be answered. */
static bool prepare(struct api_request *request, enum about about)
{
	switch (about) {
	case ABOUT_TEXT:
		return true;
	case ABOUT_NOTHING:
		return read_body(request);
	case ABOUT_AGENTS:
		request->resources = request->mock->agents;
		return read_body(request);
	case ABOUT_ENVIRONMENTS:
		request->resources = request->mock->environments;
		return read_body(request);
	case ABOUT_SESSION:
	case ABOUT_ENDING:
		return read_body(request) && find_session(request, about);
	}
	return false;
}

void router_handle(void *arg, struct web_exchange *exchange)
{
	struct api_request *request = api_request_create(arg, exchange);
	bool known;
	const struct route *route =
		find_route(web_method(exchange), web_path(exchange), &known);

	if (!known) {
		api_request_refuse(request, 404, "Not found");
		return;
	}
	if (!pass_gate(request, route ? route->gate : GATE_KEY))
		return;
	if (!route) {
		api_request_refuse(request, 405, "Method Not Allowed");
		return;
	}
	take_params(request, route->path, web_path(exchange));
	if (prepare(request, route->about))
		route->run(request);
}

void router_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	(void)arg;
	api_request_end(web_data(exchange), end);
}
