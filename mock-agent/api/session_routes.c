#include "mock-agent/api/session_routes.h"

#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "mock-agent/api/query.h"
#include "mock-agent/api/resources.h"
#include "mock-agent/api/session_resources.h"
#include "mock-agent/session/api_session.h"
#include "mock-agent/session/api_sessions.h"
#include "mock-agent/session/api_turn.h"
#include "mock-agent/session/event.h"

#define SESSIONS_MOST      1000 /* on a page */
#define EVENTS_MOST        1000
#define INITIAL_EVENTS_MAX 50
#define EVENTS_AT_ONCE_MAX 100
#define METADATA_WRONG     "metadata: Input should be an object of strings"

/* The members of an agent that an agent_with_overrides may replace. */
static const char *const overrides[] = {
	"system", "tools", "mcp_servers", "skills", NULL};

/* The members that a client may store in a session. */
static const char *const stored_members[] = {"environment_id", "title", "metadata",
	"resources", "vault_ids", "budget", NULL};

/* Checks the agent members of the body. False: the request was refused. */
static bool check_agent(struct api_request *request, const cJSON *agent)
{
	for (const char *const *name = overrides; *name; name++) {
		const char *wrong =
			resources_agent_wrong(*name, json_get(agent, *name));

		if (wrong)
			return api_request_refuse(
				request, 400, "agent.%s: %s", *name, wrong);
	}
	return true;
}

/* The agent that the body asks for: the caller's. NULL: the request was refused. */
static cJSON *resolve_agent(struct api_request *request)
{
	const cJSON *asked = json_get(request->body, "agent");
	const char *id =
		cJSON_IsString(asked) ? asked->valuestring : json_text(asked, "id");
	const cJSON *known;
	cJSON *agent, *model;

	if (!id) {
		api_request_refuse(request, 400,
			asked ? "agent: an id, or an object with one, is needed"
			      : "agent: Field required");
		return NULL;
	}
	known = resources_find(
		request->mock->agents, id, json_int(asked, "version", 0));
	if (!known) {
		api_request_refuse(request, 404, "Agent %s not found", id);
		return NULL;
	}
	if (!api_format_is(asked, "type", "agent_with_overrides"))
		return resources_agent_of_session(known);
	if (!check_agent(request, asked))
		return NULL;
	agent = resources_agent_of_session(known);
	api_format_merge(agent, asked, overrides);
	resources_complete_agent(agent);
	model = resources_model(json_get(asked, "model"));
	if (model) {
		cJSON_DeleteItemFromObjectCaseSensitive(agent, "model");
		cJSON_AddItemToObject(agent, "model", model);
	}
	return agent;
}

static bool is_content(const cJSON *content)
{
	const cJSON *block;

	if (cJSON_IsString(content))
		return true;
	cJSON_ArrayForEach(block, content) {
		if (!json_text(block, "type"))
			return false;
	}
	return cJSON_IsArray(content) && content->child;
}

/* Of a tool use that has been asked. False: the request was refused. */
static bool check_use(
	struct api_request *request, const cJSON *event, const char *member)
{
	const char *use_id = json_text(event, member);

	return (use_id && request->session &&
		       api_turn_has_use(request->session->turn, use_id)) ||
		api_request_refuse(request, 400,
			"events: %s: no tool use \"%.100s\" waits for it", member,
			use_id ? use_id : "");
}

/* False: the request was refused. */
static bool check_event(
	struct api_request *request, const cJSON *event, const char *type)
{
	if (strcmp(type, "user.message") == 0)
		return is_content(json_get(event, "content")) ||
			api_request_refuse(request, 400,
				"events: content: a text, or a list of blocks, is "
				"needed");
	if (strcmp(type, "user.custom_tool_result") == 0)
		return check_use(request, event, "custom_tool_use_id");
	if (strcmp(type, "user.tool_confirmation") != 0)
		return true;
	return check_use(request, event, "tool_use_id") &&
		(api_format_is(event, "result", "allow") ||
			api_format_is(event, "result", "deny") ||
			api_request_refuse(request, 400,
				"events: result: Input should be 'allow' or 'deny'"));
}

/* Checks events that a client sends. False: the request was refused. */
static bool check_events(struct api_request *request, const cJSON *events, int most)
{
	static const char *const types[] = {"user.message", "user.interrupt",
		"user.custom_tool_result", "user.tool_confirmation", "user.tool_result",
		"user.define_outcome", "system.message"};
	const cJSON *event;

	if (!cJSON_IsArray(events) || cJSON_GetArraySize(events) > most ||
		cJSON_GetArraySize(events) == 0)
		return api_request_refuse(request, 400,
			"events: a list of 1 to %d events is needed", most);
	cJSON_ArrayForEach(event, events) {
		const char *type = json_text(event, "type");
		bool known = false;

		for (unsigned i = 0; i < COUNT(types); i++)
			known = known || (type && strcmp(type, types[i]) == 0);
		if (!known)
			return api_request_refuse(request, 400,
				"events: unknown type \"%.100s\"", type ? type : "");
		if (!check_event(request, event, type))
			return false;
	}
	return true;
}

static bool has_interrupt(const cJSON *events)
{
	const cJSON *event;

	cJSON_ArrayForEach(event, events) {
		if (api_format_is(event, "type", "user.interrupt"))
			return true;
	}
	return false;
}

/* Would more than TURN_WAITING_MAX messages wait? An interrupt empties the queue. */
static bool is_too_much(const struct api_turn *turn, const cJSON *events)
{
	unsigned waiting = api_turn_waiting(turn);
	const cJSON *event;

	cJSON_ArrayForEach(event, events) {
		if (api_format_is(event, "type", "user.interrupt"))
			waiting = 0;
		else if (api_format_is(event, "type", "user.message") &&
			++waiting > TURN_WAITING_MAX)
			return true;
	}
	return false;
}

/* Passes an event to the session. Gives the caller its echo. */
static cJSON *take_event(
	struct api_session *session, const cJSON *sent, int64_t interrupt_ns)
{
	const char *type = json_text(sent, "type");
	bool queued = strcmp(type, "user.message") == 0;
	cJSON *event = event_echo(sent, !queued);
	cJSON *echo = cJSON_Duplicate(event, true);

	if (queued)
		api_turn_send(session->turn, event);
	else if (strcmp(type, "user.interrupt") == 0)
		api_turn_interrupt(session->turn, event, interrupt_ns);
	else if (strcmp(type, "user.custom_tool_result") == 0)
		api_turn_answer(session->turn, event);
	else if (strcmp(type, "user.tool_confirmation") == 0)
		api_turn_confirm(session->turn, event);
	else
		api_session_emit(session, event, NULL);
	return echo;
}

/* What says which room's session it is: "metadata", "path", "header", "order". */
static const char *named_by(const struct api_request *request)
{
	if (json_get(json_get(request->body, "metadata"), "room"))
		return "metadata";
	if (request->room)
		return client_named_by_name(CLIENT_BY_PATH);
	return api_request_session_name(request)
		? client_named_by_name(CLIENT_BY_HEADER)
		: "order";
}

static struct fault_schedule *take_schedule(const struct api_request *request)
{
	struct mock *mock = request->mock;
	const cJSON *metadata = json_get(request->body, "metadata");
	const char *name =
		request->room ? request->room : api_request_session_name(request);

	return fault_schedules_get(&mock->schedules,
		json_get(metadata, "room")
			? session_numbers_take(&mock->numbers, metadata)
			: session_numbers_take_named(&mock->numbers, name));
}

static void open_session(struct api_request *request)
{
	struct mock *mock = request->mock;
	const cJSON *initial = json_get(request->body, "initial_events"), *event;
	struct api_session *session;
	cJSON *agent, *stored;

	if (api_request_is_faulted(request))
		return;
	agent = resolve_agent(request);
	if (!agent)
		return;
	stored = json_fill(NULL,
		"{'title': null, 'metadata': {}, 'resources': [], 'vault_ids': [], "
		"'budget': null}");
	api_format_merge(stored, request->body, stored_members);
	session_resources_take(stored);
	session = api_sessions_open(&mock->sessions, request->schedule, agent, stored);
	session_numbers_keep(&mock->numbers, request->schedule->number);
	request->over = NULL; /* the number is not given back */
	log_event("agent.session.opened", API_SESSION_LOG(session), "api",
		LOG_TEXT("sessions"), "by", LOG_TEXT(named_by(request)));
	api_request_answer_session(request, session);
	cJSON_ArrayForEach(event, initial)
		cJSON_Delete(take_event(session, event, 0));
}

static void on_failed_attempt(struct api_request *request, UNUSED enum web_end end)
{
	session_numbers_give_back(&request->mock->numbers, request->schedule->number);
}

static void open_in_rate(struct api_request *request)
{
	int64_t wait_ns = api_request_take_rate(request, RATE_LIMITED_CONNECTS);

	if (wait_ns > 0) {
		api_request_refuse_rate(request, RATE_LIMITED_CONNECTS, wait_ns);
		return;
	}
	request->over = on_failed_attempt;
	api_request_wait(request, take_schedule(request), PHASE_CONNECT, open_session);
}

void session_routes_create(struct api_request *request)
{
	struct mock *mock = request->mock;
	const cJSON *metadata = json_get(request->body, "metadata");
	const cJSON *initial = json_get(request->body, "initial_events");
	const char *environment = json_text(request->body, "environment_id");
	SCOPED(json_free) cJSON *agent = resolve_agent(request);

	if (!agent)
		return;
	if (!environment) {
		api_request_refuse(request, 400, "environment_id: Field required");
	} else if (!resources_find(mock->environments, environment, 0)) {
		api_request_refuse(
			request, 404, "Environment %s not found", environment);
	} else if (metadata && !api_format_is_metadata(metadata, false)) {
		api_request_refuse(request, 400, "%s", METADATA_WRONG);
	} else if (api_sessions_count(&mock->sessions) >= SESSIONS_MAX) {
		api_request_refuse(
			request, 429, "There are %d sessions already.", SESSIONS_MAX);
	} else if (session_resources_check(request) &&
		(!initial || check_events(request, initial, INITIAL_EVENTS_MAX))) {
		open_in_rate(request);
	}
}

static void render_session(const void *item, struct buf *text)
{
	api_session_write(item, text);
}

static const char *const statuses[] = {
	"idle", "running", "rescheduling", "terminated", NULL};

/* Which sessions a list shows. */
struct filter {
	struct query_span created;
	const char *agent_id;  /* NULL: any */
	int64_t agent_version; /* 0: any */
	const char *store_id;  /* a memory store among its resources; NULL: any */
	bool deployed;         /* by a deployment; the mock has none */
	bool archived;         /* archived ones too */
};

/* False: it was refused. */
static bool read_filter(struct filter *filter, struct api_request *request)
{
	*filter = (struct filter){
		.agent_id = web_query(request->exchange, "agent_id", 0),
		.store_id = web_query(request->exchange, "memory_store_id", 0),
		.deployed = web_query(request->exchange, "deployment_id", 0) != NULL,
		.archived = query_is_true(request, "include_archived") ||
			web_query(request->exchange, "statuses[]", 0),
	};
	return query_span_read(&filter->created, request) &&
		query_number(
			request, "agent_version", INT64_MAX, &filter->agent_version) &&
		query_check_values(request, "statuses[]", statuses);
}

static bool has_agent(const struct api_session *session, const struct filter *filter)
{
	SCOPED(json_free) cJSON *agent = NULL;

	if (!filter->agent_id && filter->agent_version == 0)
		return true;
	agent = json_parse(session->agent, strlen(session->agent));
	return (!filter->agent_id ||
		       strcmp(json_text(agent, "id"), filter->agent_id) == 0) &&
		(filter->agent_version == 0 ||
			json_int(agent, "version", 0) == filter->agent_version);
}

static bool has_store(const struct api_session *session, const char *id)
{
	const cJSON *resource;

	cJSON_ArrayForEach(resource, json_get(session->stored, "resources")) {
		if (id && api_format_is(resource, "memory_store_id", id))
			return true;
	}
	return !id;
}

static bool matches(const struct api_request *request, const struct filter *filter,
	const struct api_session *session)
{
	return !session->deleted && !filter->deployed &&
		(filter->archived || !session->archived_at[0]) &&
		query_allows(request, "statuses[]", api_session_status_name(session)) &&
		query_span_contains(&filter->created, session->created_at) &&
		has_agent(session, filter) && has_store(session, filter->store_id);
}

void session_routes_list(struct api_request *request)
{
	const struct api_sessions *sessions = &request->mock->sessions;
	SCOPED(mem_free) struct query_item *items =
		mem_zeroed((api_sessions_count(sessions) + 1) * sizeof *items);
	const struct api_session *session;
	struct query_page page;
	struct filter filter;
	size_t count = 0;

	if (!query_page_read(&page, request, SESSIONS_MOST, true) ||
		!read_filter(&filter, request))
		return;
	api_sessions_each(sessions, session)
	{
		if (matches(request, &filter, session))
			items[count++] = (struct query_item){session->number, session};
	}
	query_page_answer(&page, request, items, count, render_session, true);
}

void session_routes_get(struct api_request *request)
{
	api_request_answer_session(request, request->session);
}

/* False: it was refused. */
static bool check_update(struct api_request *request, const cJSON *agent)
{
	const struct api_session *session = request->session;
	const cJSON *metadata = json_get(request->body, "metadata");

	if (session->status == SESSION_TERMINATED)
		return api_request_refuse(request, 400,
			"Cannot update archived session: %s", session->id);
	if (agent && session->status != SESSION_IDLE)
		return api_request_refuse(request, 400,
			"The agent of a session can be updated only while it is idle.");
	if (!check_agent(request, agent))
		return false;
	return !metadata || cJSON_IsNull(metadata) ||
		api_format_is_metadata(metadata, true) ||
		api_request_refuse(request, 400, "%s", METADATA_WRONG);
}

void session_routes_update(struct api_request *request)
{
	static const char *const members[] = {"title", "budget", "vault_ids", NULL};
	struct api_session *session = request->session;
	cJSON *agent = cJSON_GetObjectItemCaseSensitive(request->body, "agent");

	if (!check_update(request, agent))
		return;
	resources_complete_agent(agent);
	api_format_merge(session->stored, request->body, members);
	api_format_patch_metadata(
		cJSON_GetObjectItemCaseSensitive(session->stored, "metadata"),
		json_get(request->body, "metadata"));
	api_session_update_agent(session, agent);
	api_session_touch(session);
	api_request_answer_session(request, session);
}

static void fail_interrupt(struct api_request *request)
{
	(void)api_request_is_faulted(request);
}

void session_routes_send(struct api_request *request)
{
	struct api_session *session = request->session;
	const cJSON *events = json_get(request->body, "events"), *event;
	cJSON *body, *data;

	if (session->status == SESSION_TERMINATED) {
		api_request_refuse(request, 400,
			"Cannot send events to archived session: %s", session->id);
		return;
	}
	if (!check_events(request, events, EVENTS_AT_ONCE_MAX))
		return;
	if (is_too_much(session->turn, events)) {
		api_request_refuse(request, 429, "More than %d messages would wait.",
			TURN_WAITING_MAX);
		return;
	}
	if (has_interrupt(events)) {
		api_request_draw(request, session->schedule, PHASE_INTERRUPT);
		if (request->injection.fault != FAULT_NONE) {
			api_request_delay(request, fail_interrupt);
			return;
		}
	}
	body = cJSON_CreateObject();
	data = cJSON_AddArrayToObject(body, "data");
	cJSON_ArrayForEach(event, events)
		cJSON_AddItemToArray(
			data, take_event(session, event, request->injection.delay_ns));
	api_request_answer(request, body);
}

static void render_event(const void *item, struct buf *text)
{
	const struct event_log_entry *entry = item;

	buf_adds(text, entry->json);
}

void session_routes_events(struct api_request *request)
{
	const struct event_log *log = &request->session->log;
	SCOPED(mem_free) struct query_item *items =
		mem_zeroed((log->count + 1) * sizeof *items);
	struct query_page page;
	struct query_span span;
	size_t count = 0;

	if (!query_page_read(&page, request, EVENTS_MOST, false) ||
		!query_span_read(&span, request))
		return;
	for (size_t i = 0; i < log->count; i++) {
		const struct event_log_entry *entry = &log->entries[i];

		if (query_allows(request, "types[]", entry->type) &&
			query_span_has(&span, entry->created_ns))
			items[count++] = (struct query_item){entry->number, entry};
	}
	query_page_answer(&page, request, items, count, render_event, false);
}

static void render_thread(const void *item, struct buf *text)
{
	api_session_write_thread(item, text);
}

void session_routes_threads(struct api_request *request)
{
	const struct api_session *session = request->session;
	const struct query_item only = {1, session};
	const bool shown =
		query_allows(request, "statuses[]", api_session_status_name(session));
	struct query_page page;

	if (query_page_read(&page, request, SESSIONS_MOST, false) &&
		query_check_values(request, "statuses[]", statuses))
		query_page_answer(&page, request, &only, shown, render_thread, false);
}

void session_routes_thread(struct api_request *request)
{
	SCOPED(buf_done) struct buf body = {0};

	buf_init(&body, API_FORMAT_CEILING);
	api_session_write_thread(request->session, &body);
	api_request_answer_text(request, &body);
}

/* The session goes on: its one thread is only marked. */
void session_routes_archive_thread(struct api_request *request)
{
	struct api_session *session = request->session;

	if (session->status == SESSION_RUNNING) {
		api_request_refuse(request, 400,
			"Session thread %s cannot be archived while its status is "
			"\"running\".",
			session->thread_id);
		return;
	}
	if (!session->thread_archived_at[0])
		clock_wall(session->thread_archived_at);
	session_routes_thread(request);
}
