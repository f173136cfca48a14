#include "mock-agent/session/api_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "lib/json.h"
#include "lib/json_write.h"
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
	if (session->subscribers)
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

/* A number of seconds with its milliseconds. */
static void write_seconds(struct buf *text, const char *name, int64_t ns)
{
	const int64_t ms = ns / CLOCK_MS;
	const char digits[] = {(char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10),
		(char)('0' + ms % 10), '\0'};

	json_write_text(text, name);
	buf_adds(text, ":");
	buf_addi(text, ms / 1000);
	buf_adds(text, ".");
	buf_adds(text, digits);
}

/* What a session and its thread have in common, behind their first members. */
static void write_common(
	struct buf *text, const struct api_session *session, const char *archived_at)
{
	int64_t now_ns = clock_now(), active_ns = session->active_ns;

	if (session->status == SESSION_RUNNING)
		active_ns += now_ns - session->running_since_ns;
	buf_adds(text, ",\"agent\":");
	buf_adds(text, session->agent);
	json_write(text,
		",'archived_at':%s,'status':%s,'created_at':%s,'updated_at':%s,"
		"'usage':{'input_tokens':%u,'output_tokens':%u,"
		"'cache_read_input_tokens':0},'stats':{",
		archived_at[0] ? archived_at : NULL, api_session_status_name(session),
		session->created_at, session->updated_at, session->model_requests,
		session->model_requests);
	write_seconds(text, "active_seconds", active_ns);
	buf_adds(text, ",");
	write_seconds(text, "duration_seconds", now_ns - session->created_ns);
	buf_adds(text, "}}");
}

void api_session_write(const struct api_session *session, struct buf *text)
{
	SCOPED(mem_free) char *stored = json_print(session->stored);

	json_write(text,
		"{'id':%s,'type':'session','outcome_evaluations':[],"
		"'deployment_id':null,",
		session->id);
	buf_add(text, stored + 1, strlen(stored) - 2); /* its members */
	write_common(text, session, session->archived_at);
}

void api_session_write_thread(const struct api_session *session, struct buf *text)
{
	json_write(text,
		"{'id':%s,'type':'session_thread','session_id':%s,"
		"'parent_thread_id':null,'workflow_run_id':null",
		session->thread_id, session->id);
	write_common(text, session,
		session->thread_archived_at[0] ? session->thread_archived_at
					       : session->archived_at);
}
