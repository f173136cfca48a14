#include "mock-agent/ending.h"

#include "lib/log.h"
#include "mock-agent/session.h"
#include "mock-agent/sessions.h"
#include "mock-agent/strike.h"
#include "mock-agent/turnstile.h"

/* How far the request got, for the event that closes its story. */
enum ending_state {
	ENDING_WAITING,
	ENDING_DONE, /* the session ended, the answer is on its way */
	ENDING_TOLD, /* the story is closed */
};

static bool is_archive(const struct request *request)
{
	return request->ending == MOMENT_ARCHIVE;
}

static const char *how_of(const struct request *request)
{
	return is_archive(request) ? "archive" : "delete";
}

static void log_ending(const struct request *request, const char *event)
{
	log_event(event, "session", LOG_TEXT(mood_label(request->session->mood)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)));
}

static void log_refused(struct request *request, unsigned status)
{
	request->state = ENDING_TOLD;
	log_event("agent.disconnect.refused", "session",
		LOG_TEXT(mood_label(request->session->mood)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)),
		"status", LOG_INT(status));
}

/* The session may have ended all the same: then only the answer was lost. */
static void log_broken(struct request *request, const char *why)
{
	const struct session *session = request->session;

	request->state = ENDING_TOLD;
	log_event("agent.disconnect.broken", "session",
		LOG_TEXT(mood_label(request->session->mood)), "id",
		LOG_TEXT(request->session->id), "how", LOG_TEXT(how_of(request)), "why",
		LOG_TEXT(why), "took_effect",
		LOG_BOOL(session->deleted || session->archived_at[0]));
}

static void on_over(struct request *request, enum web_end end)
{
	turnstile_leave(request->mock->turnstile, request);
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
static bool turn_away(struct request *request)
{
	const struct session *session = request->session;
	bool archive = is_archive(request);

	if (session->deleted) {
		log_refused(request, 404);
		request_refuse(request, 404, "Session %s not found", session->id);
		return true;
	}
	if (session->status == SESSION_RUNNING && !archive) {
		log_refused(request, 400);
		request_refuse(request, 400,
			"Cannot delete session while it is running. Send an interrupt "
			"event or wait for the session to complete.");
		return true;
	}
	if (session->status != SESSION_IDLE && archive) {
		log_refused(request, 400);
		request_refuse(request, 400,
			"Session %s cannot be archived while its status is \"%s\". "
			"Only pending or idle sessions may be archived.",
			session->id, session_status_name(session));
		return true;
	}
	return false;
}

static void strike(struct request *request)
{
	if (request->act.fault == FAULT_ERROR)
		log_refused(request, request->act.status);
	else
		log_broken(request, fault_name(request->act.fault));
	(void)strike_answer(request);
}

static cJSON *deleted_json(const struct session *session)
{
	cJSON *body = cJSON_CreateObject();

	cJSON_AddStringToObject(body, "id", session->id);
	cJSON_AddStringToObject(body, "type", "session_deleted");
	return body;
}

static void take_effect(struct request *request)
{
	if (is_archive(request)) {
		session_archive(request->session);
		return;
	}
	session_delete(request->session);
	sessions_remove(request->mock->sessions, request->session);
}

static void end_session(struct request *request)
{
	struct session *session = request->session;

	/* Whatever happened while it waited has the first word. */
	if (mood_is_dark(session->mood)) {
		log_broken(request, fault_name(FAULT_BLACKHOLE));
		return;
	}
	if (turn_away(request))
		return;
	if (request->act.fault == FAULT_NONE || request->act.takes_effect)
		take_effect(request);
	if (request->act.fault != FAULT_NONE) {
		strike(request);
		return;
	}
	request->state = ENDING_DONE;
	request_answer(request,
		is_archive(request) ? session_json(session) : deleted_json(session));
}

static void wait_for_latency(struct request *request)
{
	request_wait(request, request->session->mood, request->ending, end_session);
}

static void let_through(struct request *request)
{
	struct turnstile *turnstile = request->mock->turnstile;

	switch ((enum endings)mood_manners(request->session->mood)->endings) {
	case ENDINGS_TOGETHER:
		wait_for_latency(request);
		return;
	case ENDINGS_REFUSE:
		if (turnstile_is_taken(turnstile)) {
			log_refused(request, 429);
			request_refuse(request, 429, "Another session is being ended.");
			return;
		}
		break;
	case ENDINGS_QUEUE:
		break;
	}
	turnstile_enter(turnstile, request, wait_for_latency);
}

static void begin(struct request *request, enum moment moment)
{
	request->ending = moment;
	request->state = ENDING_WAITING;
	request->over = on_over;
	log_ending(request, "agent.disconnect.begin");
	if (mood_is_dark(request->session->mood))
		log_broken(request, fault_name(FAULT_BLACKHOLE));
	else if (!turn_away(request))
		let_through(request);
}

void ending_archive_route(struct request *request)
{
	begin(request, MOMENT_ARCHIVE);
}

void ending_delete_route(struct request *request)
{
	begin(request, MOMENT_DELETE);
}
