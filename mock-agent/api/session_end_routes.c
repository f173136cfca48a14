#include "mock-agent/api/session_end_routes.h"

#include "lib/log.h"
#include "mock-agent/faults/fault.h"
#include "mock-agent/faults/serial_queue.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"

/* How far the request got, for the event that closes its story. */
enum ending_state {
	ENDING_WAITING,
	ENDING_DONE, /* the session ended, the answer is on its way */
	ENDING_TOLD, /* the story is closed */
};

static bool is_archive(const struct api_request *request)
{
	return request->ending == PHASE_ARCHIVE;
}

static const char *how_of(const struct api_request *request)
{
	return is_archive(request) ? "archive" : "delete";
}

static void log_ending(const struct api_request *request, const char *event)
{
	log_event(event, "session",
		LOG_TEXT(injector_label(request->session->injector)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)));
}

static void log_refused(struct api_request *request, unsigned status)
{
	request->state = ENDING_TOLD;
	log_event("agent.disconnect.refused", "session",
		LOG_TEXT(injector_label(request->session->injector)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)),
		"status", LOG_INT(status));
}

/* The session may have ended all the same: then only the answer was lost. */
static void log_broken(struct api_request *request, const char *why)
{
	const struct api_session *session = request->session;

	request->state = ENDING_TOLD;
	log_event("agent.disconnect.broken", "session",
		LOG_TEXT(injector_label(request->session->injector)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)), "why",
		LOG_TEXT(why), "took_effect",
		LOG_BOOL(session->deleted || session->archived_at[0]));
}

static void on_over(struct api_request *request, enum web_end end)
{
	serial_queue_leave(request->mock->end_queue, request);
	switch ((enum ending_state)request->state) {
	case ENDING_WAITING:
		log_broken(request, end == WEB_LEFT ? "client left" : "shut down");
		return;
	case ENDING_DONE:
		if (end == WEB_ANSWERED)
			log_ending(request, "agent.disconnect.done");
		else
			log_broken(request, "client left before the answer");
		return;
	case ENDING_TOLD:
		return;
	}
}

/* True when its status does not allow it, and the client was told. */
static bool turn_away(struct api_request *request)
{
	const struct api_session *session = request->session;
	bool archive = is_archive(request);

	if (session->deleted) {
		log_refused(request, 404);
		api_request_refuse(request, 404, "Session %s not found", session->id);
		return true;
	}
	if (session->status == SESSION_RUNNING && !archive) {
		log_refused(request, 400);
		api_request_refuse(request, 400,
			"Cannot delete session while it is running. Send an interrupt "
			"event or wait for the session to complete.");
		return true;
	}
	if (session->status != SESSION_IDLE && archive) {
		log_refused(request, 400);
		api_request_refuse(request, 400,
			"Session %s cannot be archived while its status is \"%s\". "
			"Only pending or idle sessions may be archived.",
			session->id, api_session_status_name(session));
		return true;
	}
	return false;
}

static void strike(struct api_request *request)
{
	if (request->injection.fault == FAULT_ERROR)
		log_refused(request, request->injection.status);
	else
		log_broken(request, fault_name(request->injection.fault));
	(void)fault_apply(request);
}

static cJSON *deleted_json(const struct api_session *session)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "id", session->id);
	cJSON_AddStringToObject(body, "type", "session_deleted");
	return body;
}

static void take_effect(struct api_request *request)
{
	if (is_archive(request)) {
		api_session_archive(request->session);
		return;
	}
	api_session_delete(request->session);
	api_sessions_remove(request->mock->sessions, request->session);
}

static void end_session(struct api_request *request)
{
	struct api_session *session = request->session;

	/* Whatever happened while it waited has the first word. */
	if (injector_is_dark(session->injector)) {
		log_broken(request, fault_name(FAULT_BLACKHOLE));
		return;
	}
	if (turn_away(request))
		return;
	if (request->injection.fault == FAULT_NONE || request->injection.takes_effect)
		take_effect(request);
	if (request->injection.fault != FAULT_NONE) {
		strike(request);
		return;
	}
	request->state = ENDING_DONE;
	api_request_answer(request,
		is_archive(request) ? api_session_json(session)
				    : deleted_json(session));
}

static void wait_for_latency(struct api_request *request)
{
	api_request_wait(
		request, request->session->injector, request->ending, end_session);
}

static void let_through(struct api_request *request)
{
	struct serial_queue *end_queue = request->mock->end_queue;

	switch ((enum concurrent_disconnects)injector_behavior(
		request->session->injector)
			->concurrent_disconnects) {
	case CONCURRENT_DISCONNECTS_PARALLEL:
		wait_for_latency(request);
		return;
	case CONCURRENT_DISCONNECTS_REJECT:
		if (serial_queue_is_taken(end_queue)) {
			log_refused(request, 429);
			api_request_refuse(
				request, 429, "Another session is being ended.");
			return;
		}
		break;
	case CONCURRENT_DISCONNECTS_SERIAL:
		break;
	}
	serial_queue_enter(end_queue, request, wait_for_latency);
}

static void begin(struct api_request *request, enum phase phase)
{
	request->ending = phase;
	request->state = ENDING_WAITING;
	request->over = on_over;
	log_ending(request, "agent.disconnect.begin");
	if (injector_is_dark(request->session->injector))
		log_broken(request, fault_name(FAULT_BLACKHOLE));
	else if (!turn_away(request))
		let_through(request);
}

void session_end_routes_archive(struct api_request *request)
{
	begin(request, PHASE_ARCHIVE);
}

void session_end_routes_delete(struct api_request *request)
{
	begin(request, PHASE_DELETE);
}
