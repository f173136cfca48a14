#include "mock-agent/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/event.h"
#include "mock-agent/stream.h"
#include "mock-agent/turn.h"

struct session *session_create(
	struct mock *mock, struct mood *mood, cJSON *agent, cJSON *stored)
{
	struct session *session = mem_zeroed(sizeof *session);

	session->mock = mock;
	session->mood = mood;
	wire_id(session->id, "sesn");
	wire_id(session->thread_id, "sthr");
	session->agent = json_print(agent);
	session->agent_name = mem_text(json_text(agent, "name"));
	session->stored = stored;
	clock_wall(session->created_at);
	clock_wall(session->updated_at);
	session->created_ns = clock_now();
	session->turn = turn_create(session);
	session->holds = 1;
	cJSON_Delete(agent);
	return session;
}

void session_hold(struct session *session)
{
	session->holds++;
}

void session_release(struct session *session)
{
	assert(session->holds > 0);
	if (--session->holds > 0)
		return;
	assert(!session->streams);
	turn_destroy(session->turn);
	journal_done(&session->journal);
	cJSON_Delete(session->stored);
	free(session->agent);
	free(session->agent_name);
	free(session);
}

cJSON *session_tools(const struct session *session)
{
	SCOPED(json_free) cJSON *agent =
		json_parse(session->agent, strlen(session->agent));

	return cJSON_DetachItemFromObjectCaseSensitive(agent, "tools");
}

void session_set_agent(struct session *session, const char *member, const cJSON *value)
{
	SCOPED(json_free) cJSON *agent =
		json_parse(session->agent, strlen(session->agent));

	wire_set(agent, member, value);
	free(session->agent);
	session->agent = json_print(agent);
}

void session_tell(struct session *session, cJSON *event)
{
	session_tell_with(session, event, NULL);
}

void session_tell_with(struct session *session, cJSON *event, const struct act *act)
{
	const char *type = json_text(event, "type");
	char *json = json_print(event);

	journal_add(&session->journal, type, json);
	stream_tell(session, type, json, act);
	cJSON_Delete(event);
}

void session_set_status(struct session *session, enum session_status status)
{
	if (session->status == status)
		return;
	if (session->status == SESSION_RUNNING)
		session->active_ns += clock_now() - session->running_since_ns;
	if (status == SESSION_RUNNING)
		session->running_since_ns = clock_now();
	session->status = status;
	session_touch(session);
}

const char *session_status_name(const struct session *session)
{
	switch (session->status) {
	case SESSION_IDLE:
		return "idle";
	case SESSION_RUNNING:
		return "running";
	case SESSION_TERMINATED:
		break;
	}
	return "terminated";
}

void session_touch(struct session *session)
{
	clock_wall(session->updated_at);
}

static void end_streams(struct session *session)
{
	struct act act = mood_next(session->mood, MOMENT_HOLD);

	stream_end_all(session, act.delay_ns);
}

void session_archive(struct session *session)
{
	turn_stop(session->turn);
	session_set_status(session, SESSION_TERMINATED);
	clock_wall(session->archived_at);
	if (mood_manners(session->mood)->terminated_event)
		session_tell(session, event_create("session.status_terminated"));
	end_streams(session);
}

void session_delete(struct session *session)
{
	turn_stop(session->turn);
	session_set_status(session, SESSION_TERMINATED);
	session->deleted = true;
	session_tell(session, event_create("session.deleted"));
	end_streams(session);
}

void session_forget(struct session *session)
{
	turn_stop(session->turn);
	session->status = SESSION_TERMINATED;
	session->deleted = true;
	stream_reset_all(session);
}

static void add_seconds(cJSON *object, const char *member, int64_t ns)
{
	cJSON_AddNumberToObject(object, member, (double)(ns / CLOCK_MS) / 1e3);
}

static cJSON *stats_json(const struct session *session)
{
	cJSON *stats = cJSON_CreateObject();
	int64_t active_ns = session->active_ns;

	if (session->status == SESSION_RUNNING)
		active_ns += clock_now() - session->running_since_ns;
	add_seconds(stats, "active_seconds", active_ns);
	add_seconds(stats, "duration_seconds", clock_now() - session->created_ns);
	return stats;
}

static cJSON *usage_json(const struct session *session)
{
	cJSON *usage = cJSON_CreateObject();

	cJSON_AddNumberToObject(usage, "input_tokens", (double)session->model_requests);
	cJSON_AddNumberToObject(
		usage, "output_tokens", (double)session->model_requests);
	cJSON_AddNumberToObject(usage, "cache_read_input_tokens", 0);
	return usage;
}

static void add_times(cJSON *object, const struct session *session)
{
	cJSON_AddStringToObject(object, "created_at", session->created_at);
	cJSON_AddStringToObject(object, "updated_at", session->updated_at);
	if (session->archived_at[0])
		cJSON_AddStringToObject(object, "archived_at", session->archived_at);
	else
		cJSON_AddNullToObject(object, "archived_at");
}

cJSON *session_json(const struct session *session)
{
	cJSON *object = cJSON_CreateObject();
	const cJSON *member;

	cJSON_AddStringToObject(object, "id", session->id);
	cJSON_AddStringToObject(object, "type", "session");
	cJSON_AddStringToObject(object, "status", session_status_name(session));
	cJSON_ArrayForEach(member, session->stored)
		wire_set(object, member->string, member);
	cJSON_AddRawToObject(object, "agent", session->agent);
	cJSON_AddItemToObject(object, "outcome_evaluations", cJSON_CreateArray());
	cJSON_AddNullToObject(object, "deployment_id");
	cJSON_AddItemToObject(object, "stats", stats_json(session));
	cJSON_AddItemToObject(object, "usage", usage_json(session));
	add_times(object, session);
	return object;
}

cJSON *session_thread_json(const struct session *session)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "id", session->thread_id);
	cJSON_AddStringToObject(object, "type", "session_thread");
	cJSON_AddStringToObject(object, "session_id", session->id);
	cJSON_AddStringToObject(object, "status", session_status_name(session));
	cJSON_AddRawToObject(object, "agent", session->agent);
	cJSON_AddNullToObject(object, "parent_thread_id");
	cJSON_AddNullToObject(object, "workflow_run_id");
	cJSON_AddItemToObject(object, "stats", stats_json(session));
	cJSON_AddItemToObject(object, "usage", usage_json(session));
	add_times(object, session);
	return object;
}
