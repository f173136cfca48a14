#include "mock-agent/api/session_end_routes.h"

#include <utlist.h>

#include "lib/json_write.h"
#include "lib/log.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"

/* Every agent.disconnect.begin gets exactly one of .done, .refused and .broken. */
enum ending_state {
	ENDING_WAITING,
	ENDING_DONE,   /* the session ended, the response is not sent yet */
	ENDING_LOGGED, /* the last event is logged */
};

static bool is_archive(const struct api_request *request)
{
	return request->ending == PHASE_ARCHIVE;
}

/* The members of every event of an ending. */
#define ENDING_LOG(request)                                                            \
	API_SESSION_LOG((request)->session), "how",                                    \
		LOG_TEXT(is_archive(request) ? "archive" : "delete")

static void log_refused(struct api_request *request, unsigned status)
{
	request->state = ENDING_LOGGED;
	log_event("agent.disconnect.refused", ENDING_LOG(request), "status",
		LOG_INT(status));
}

/* took_effect: the session ended, and only the response was lost. */
static void log_broken(struct api_request *request, const char *why)
{
	const struct api_session *session = request->session;

	request->state = ENDING_LOGGED;
	log_event("agent.disconnect.broken", ENDING_LOG(request), "why", LOG_TEXT(why),
		"took_effect", LOG_BOOL(session->deleted || session->archived_at[0]));
}

static void end_session(struct api_request *request);

static void begin_latency(struct api_request *request)
{
	api_request_wait(
		request, request->session->schedule, request->ending, end_session);
}

/* Does nothing for a request that is not in the queue. */
static void leave_queue(struct api_request *request)
{
	struct api_request **queue = &request->mock->ending_queue;
	const bool was_first = *queue == request;

	if (!request->prev)
		return;
	DL_DELETE(*queue, request);
	if (was_first && *queue)
		begin_latency(*queue);
}

static void on_over(struct api_request *request, enum web_end end)
{
	leave_queue(request);
	switch ((enum ending_state)request->state) {
	case ENDING_WAITING:
		log_broken(request, end == WEB_LEFT ? "client left" : "shut down");
		return;
	case ENDING_DONE:
		if (end == WEB_ANSWERED)
			log_event("agent.disconnect.done", ENDING_LOG(request));
		else
			log_broken(request, "client left before the answer");
		return;
	case ENDING_LOGGED:
		return;
	}
}

/* False: the session's status does not allow it, and the request is refused. */
static bool check_status(struct api_request *request)
{
	const struct api_session *session = request->session;

	if (!session->deleted && session->status == SESSION_IDLE)
		return true;
	if (session->deleted) {
		log_refused(request, 404);
		return api_request_refuse(
			request, 404, "Session %s not found", session->id);
	}
	if (is_archive(request)) {
		log_refused(request, 400);
		return api_request_refuse(request, 400,
			"Session %s cannot be archived while its status is \"%s\". "
			"Only pending or idle sessions may be archived.",
			session->id, api_session_status_name(session));
	}
	if (session->status != SESSION_RUNNING)
		return true;
	log_refused(request, 400);
	return api_request_refuse(request, 400,
		"Cannot delete session while it is running. Send an interrupt "
		"event or wait for the session to complete.");
}

static void answer_deleted(struct api_request *request)
{
	SCOPED(buf_done) struct buf body = {0};

	json_write(&body, "{'id':%s,'type':'session_deleted'}", request->session->id);
	api_request_answer_text(request, &body);
}

static void end_session(struct api_request *request)
{
	struct api_session *session = request->session;

	/* The session may have changed during the latency. */
	if (session->schedule->blackholed) {
		log_broken(request, fault_name(FAULT_BLACKHOLE));
		return;
	}
	if (!check_status(request))
		return;
	if (request->injection.fault == FAULT_NONE || request->injection.takes_effect) {
		if (is_archive(request))
			api_sessions_archive(session);
		else
			api_sessions_delete(&request->mock->sessions, session);
	}
	if (request->injection.fault != FAULT_NONE) {
		if (request->injection.fault == FAULT_ERROR)
			log_refused(request, request->injection.status);
		else
			log_broken(request, fault_name(request->injection.fault));
		(void)api_request_is_faulted(request);
		return;
	}
	request->state = ENDING_DONE;
	if (is_archive(request))
		api_request_answer_session(request, session);
	else
		answer_deleted(request);
}

static void enter(struct api_request *request)
{
	struct api_request **queue = &request->mock->ending_queue;
	const int how = fault_schedule_behavior(request->session->schedule)
				->concurrent_disconnects;

	if (how == CONCURRENT_DISCONNECTS_REJECT && *queue) {
		log_refused(request, 429);
		api_request_refuse(request, 429, "Another session is being ended.");
		return;
	}
	if (how != CONCURRENT_DISCONNECTS_PARALLEL)
		DL_APPEND(*queue, request);
	if (how == CONCURRENT_DISCONNECTS_PARALLEL || *queue == request)
		begin_latency(request);
}

static void refuse_rate(struct api_request *request, int64_t wait_ns)
{
	log_refused(request, 429);
	api_request_refuse_rate(request, RATE_LIMITED_DISCONNECTS, wait_ns);
}

static void begin(struct api_request *request, enum phase phase)
{
	int64_t wait_ns = api_request_take_rate(request, RATE_LIMITED_DISCONNECTS);

	request->ending = phase;
	request->state = ENDING_WAITING;
	request->over = on_over;
	log_event("agent.disconnect.begin", ENDING_LOG(request));
	if (request->session->schedule->blackholed)
		log_broken(request, fault_name(FAULT_BLACKHOLE));
	else if (wait_ns > 0)
		refuse_rate(request, wait_ns);
	else if (check_status(request))
		enter(request);
}

void session_end_routes_archive(struct api_request *request)
{
	begin(request, PHASE_ARCHIVE);
}

void session_end_routes_delete(struct api_request *request)
{
	begin(request, PHASE_DELETE);
}
