#include "mock-agent/session/api_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-agent/session/event.h"

struct api_session *api_session_create(
	struct fault_schedule *schedule, cJSON *agent, cJSON *stored)
{
	struct api_session *session = mem_zeroed(sizeof *session);

	session->schedule = schedule;
	api_format_id(session->id, "sesn");
	api_format_id(session->thread_id, "sthr");
	session->agent = json_print(agent);
	session->agent_name = mem_text(json_text(agent, "name"));
	session->stored = stored;
	clock_wall(session->created_at);
	clock_wall(session->updated_at);
	session->created_ns = clock_now();
	session->holds = 1;
	cJSON_Delete(agent);
	return session;
}

void api_session_release(struct api_session *session)
{
	assert(session->holds > 0);
	if (--session->holds > 0)
		return;
	assert(!session->subscribers && !session->turn);
	event_log_done(&session->log);
	cJSON_Delete(session->stored);
	free(session->agent);
	free(session->agent_name);
	free(session);
}

cJSON *api_session_tools(const struct api_session *session)
{
	SCOPED(json_free) cJSON *agent =
		json_parse(session->agent, strlen(session->agent));

	return cJSON_DetachItemFromObjectCaseSensitive(agent, "tools");
}

void api_session_update_agent(struct api_session *session, const cJSON *update)
{
	static const char *const members[] = {"tools", "mcp_servers", NULL};
	SCOPED(json_free) cJSON *agent =
		json_parse(session->agent, strlen(session->agent));

	api_format_merge(agent, update, members);
	free(session->agent);
	session->agent = json_print(agent);
}

void api_session_emit(
	struct api_session *session, cJSON *event, const struct injection *injection)
{
	const char *type = json_text(event, "type");
	char *json = json_print(event);
	SCOPED(buf_done) struct buf frame = {0};
	struct session_subscriber *subscriber;

	event_log_add(&session->log, type, json);
	api_format_frame(&frame, type, json);
	DL_FOREACH(session->subscribers, subscriber)
		subscriber->ops->on_event(subscriber, type, json, &frame, injection);
	cJSON_Delete(event);
}

void api_session_set_status(struct api_session *session, enum api_session_status status)
{
	if (session->status == status)
		return;
	if (session->status == SESSION_RUNNING)
		session->active_ns += clock_now() - session->running_since_ns;
	if (status == SESSION_RUNNING)
		session->running_since_ns = clock_now();
	session->status = status;
	api_session_touch(session);
}

const char *api_session_status_name(const struct api_session *session)
{
	static const char *const names[] = {
		[SESSION_IDLE] = "idle",
		[SESSION_RUNNING] = "running",
		[SESSION_TERMINATED] = "terminated",
	};

	return names[session->status];
}

void api_session_touch(struct api_session *session)
{
	clock_wall(session->updated_at);
}

static void end_subscriptions(struct api_session *session)
{
	struct injection hold = fault_schedule_next(session->schedule, PHASE_HOLD);
	struct session_subscriber *subscriber;

	if (session->schedule->blackholed)
		return;
	DL_FOREACH(session->subscribers, subscriber)
		subscriber->ops->on_end(subscriber, hold.delay_ns);
}

void api_session_archive(struct api_session *session)
{
	api_session_set_status(session, SESSION_TERMINATED);
	clock_wall(session->archived_at);
	if (fault_schedule_behavior(session->schedule)->terminated_event)
		api_session_emit(
			session, event_create("session.status_terminated"), NULL);
	end_subscriptions(session);
}

void api_session_delete(struct api_session *session)
{
	api_session_set_status(session, SESSION_TERMINATED);
	session->deleted = true;
	api_session_emit(session, event_create("session.deleted"), NULL);
	end_subscriptions(session);
}

void api_session_forget(struct api_session *session)
{
	struct session_subscriber *subscriber, *next;

	session->status = SESSION_TERMINATED;
	session->deleted = true;
	DL_FOREACH_SAFE(session->subscribers, subscriber, next)
		subscriber->ops->on_reset(subscriber);
}

static double seconds(int64_t ns)
{
	return (double)(ns / CLOCK_MS) / 1e3;
}

/* Adds what a session and its thread have in common. */
static cJSON *add_common(
	cJSON *object, const struct api_session *session, const char *archived_at)
{
	int64_t now_ns = clock_now(), active_ns = session->active_ns;

	if (session->status == SESSION_RUNNING)
		active_ns += now_ns - session->running_since_ns;
	cJSON_AddRawToObject(object, "agent", session->agent);
	json_add_text(object, "archived_at", archived_at);
	return json_fill(object,
		"{'status': %s, 'created_at': %s, 'updated_at': %s, "
		"'stats': {'active_seconds': %g, 'duration_seconds': %g}, "
		"'usage': {'input_tokens': %u, 'output_tokens': %u, "
		"'cache_read_input_tokens': 0}}",
		api_session_status_name(session), session->created_at,
		session->updated_at, seconds(active_ns),
		seconds(now_ns - session->created_ns), session->model_requests,
		session->model_requests);
}

cJSON *api_session_json(const struct api_session *session)
{
	cJSON *object = json_fill(NULL,
		"{'id': %s, 'type': 'session', 'outcome_evaluations': [], "
		"'deployment_id': null}",
		session->id);
	const cJSON *member;

	cJSON_ArrayForEach(member, session->stored)
		api_format_set(object, member->string, member);
	return add_common(object, session, session->archived_at);
}

cJSON *api_session_thread_json(const struct api_session *session)
{
	const char *archived_at = session->thread_archived_at[0]
		? session->thread_archived_at
		: session->archived_at;

	return add_common(json_fill(NULL,
				  "{'id': %s, 'type': 'session_thread', "
				  "'session_id': %s, 'parent_thread_id': null, "
				  "'workflow_run_id': null}",
				  session->thread_id, session->id),
		session, archived_at);
}
