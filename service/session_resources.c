#include "service/session_resources.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/mcp/mcp_servers.h"
#include "service/mcp/tool_registry.h"
#include "service/metrics.h"
#include "service/service.h"
#include "service/store.h"

/* The first fields of each log event. */
#define OF(resources)                                                                  \
	"room", LOG_TEXT((resources)->room), "bot", LOG_TEXT((resources)->bot)

static void changed(struct session_resources *resources)
{
	resources->events->changed(resources->arg);
}

void session_resources_break(struct session_resources *resources, const char *why)
{
	if (resources->broken)
		return;
	resources->broken = mem_text(why);
	log_event("session.broken", OF(resources), "why", LOG_TEXT(why));
	changed(resources);
}

void session_resources_save(struct session_resources *resources, bool interrupted)
{
	struct err err = {0};

	if (resources->id)
		store_log(store_save_session(resources->service->store, resources->room,
				  resources->bot, resources->id, interrupted, &err),
			&err);
}

static void on_opened(void *arg, const char *id, const char *why)
{
	struct session_resources *resources = arg;

	if (!id) {
		session_resources_break(resources, why);
		return;
	}
	resources->id = mem_text(id);
	resources->resumed = resources->stored && strcmp(resources->stored, id) == 0;
	session_resources_save(resources, false);
	log_event("session.opened", OF(resources), "path",
		LOG_TEXT(resources->resumed ? "warm" : "cold"), "took_ns",
		LOG_INT(clock_now() - resources->since_ns));
	changed(resources);
}

static void on_turn_ended(void *arg, enum turn_end end, const char *text)
{
	struct session_resources *resources = arg;

	if (resources->order.mode == STOP_NONE)
		resources->events->turn_ended(resources->arg, end, text);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	struct session_resources *resources = arg;

	if (resources->order.mode == STOP_NONE)
		mcp_servers_call(resources->servers, use_id, name, input);
}

static void on_broke(void *arg, const char *why)
{
	struct session_resources *resources = arg;

	if (resources->order.mode != STOP_NONE)
		resources->released = true; /* it ended by itself */
	else
		session_resources_break(resources, why);
	changed(resources);
}

static const struct session_agent_events session_agent_events = {
	.opened = on_opened,
	.turned = on_turn_ended,
	.wants_tool = on_wants_tool,
	.broke = on_broke,
};

static void open_agent_session(struct session_resources *resources)
{
	struct service *service = resources->service;
	struct err err = {0};

	store_log(store_find_session(service->store, resources->room, resources->bot,
			  &resources->stored, &err),
		&err);
	resources->agent = session_agent_open(service, resources->stored,
		resources->room, resources->bot, &session_agent_events, resources);
}

static void on_servers_settled(void *arg)
{
	struct session_resources *resources = arg;

	resources->settled = true;
	if (!resources->agent && !resources->broken)
		open_agent_session(resources);
	changed(resources);
}

static void on_servers_answered(
	void *arg, const char *use_id, const cJSON *content, bool is_error)
{
	struct session_resources *resources = arg;

	if (resources->order.mode == STOP_NONE)
		session_agent_tool_result(resources->agent, use_id, content, is_error);
}

static void on_servers_gone(void *arg)
{
	struct session_resources *resources = arg;

	resources->servers_gone = true;
	changed(resources);
}

static const struct mcp_servers_events mcp_servers_events = {
	.settled = on_servers_settled,
	.answered = on_servers_answered,
	.gone = on_servers_gone,
};

/* The agent session needs the tools' declaration. When it is known already, agent
 * session and servers open at the same time. */
struct session_resources *session_resources_open(struct service *service,
	const char *room, const char *bot,
	const struct session_resources_events *events, void *arg)
{
	struct session_resources *resources = mem_zeroed(sizeof *resources);

	resources->service = service;
	resources->events = events;
	resources->arg = arg;
	resources->room = room;
	resources->bot = bot;
	resources->since_ns = clock_now();
	resources->servers = mcp_servers_create(
		&service->mcp, room, bot, &mcp_servers_events, resources);
	mcp_servers_open(resources->servers);
	if (tool_registry_settled(service->mcp.tools))
		open_agent_session(resources);
	return resources;
}

bool session_resources_is_open(const struct session_resources *resources)
{
	return resources->settled && resources->id && !resources->broken;
}

bool session_resources_is_over(const struct session_resources *resources)
{
	return resources->order.mode != STOP_NONE && resources->released &&
		resources->servers_gone;
}

static void on_released(void *arg, const char *why)
{
	struct session_resources *resources = arg;
	struct metrics *metrics = &resources->service->metrics;
	struct err err = {0};

	resources->released = true;
	resources->failed = why != NULL;
	if (why) {
		metrics->disconnect_failures++;
		log_event("session.disconnect.failed", OF(resources), "why",
			LOG_TEXT(why));
	} else if (session_agent_exists(resources->agent)) {
		metrics->disconnects++;
		if (resources->how != AGENT_SESSION_KEEP && resources->id)
			store_log(store_forget_session(resources->service->store,
					  resources->room, resources->bot,
					  resources->id, &err),
				&err);
		log_event("session.disconnected", OF(resources), "how",
			LOG_TEXT(config_session_ends[resources->how]), "took_ns",
			LOG_INT(clock_now() - resources->since_ns), "message",
			LOG_TEXT("Disconnected agent client"));
	}
	changed(resources);
}

/* The agent session may have ended meanwhile, or been given up. */
static void begin_release(void *arg)
{
	struct session_resources *resources = arg;

	if (resources->released)
		return;
	resources->since_ns = clock_now();
	log_event("session.disconnect.begin", OF(resources));
	session_agent_release(resources->agent, resources->how,
		resources->order.deadline_ns, on_released, resources);
}

static void begin_release_at_random(struct session_resources *resources)
{
	struct service *service = resources->service;
	double part = rng_next(&service->rng);

	resources->jitter = loop_timer_create(&service->loop, begin_release, resources);
	loop_timer_set(resources->jitter,
		(int64_t)(part * (double)resources->order.jitter_ns));
}

static void release(struct session_resources *resources, bool for_good)
{
	enum agent_session_end end =
		(enum agent_session_end)resources->service->config.session_end;

	resources->since_ns = clock_now();
	/* Nothing is to be released when no agent session could be opened. */
	resources->released = !resources->agent ||
		(resources->broken && (!resources->id || !resources->order.release));
	if (resources->released || !resources->order.release)
		return;
	resources->how = resources->broken && !for_good ? AGENT_SESSION_KEEP : end;
	if (resources->order.jitter_ns > 0)
		begin_release_at_random(resources);
	else
		begin_release(resources);
}

/* What has not begun is over at once. */
static void give_up(struct session_resources *resources)
{
	bool waits = resources->jitter && loop_timer_is_set(resources->jitter);

	if (resources->released)
		return;
	if (waits)
		loop_timer_stop(resources->jitter);
	if (resources->order.release && !waits)
		session_agent_give_up(resources->agent, resources->order.why);
	else
		on_released(resources, resources->order.why);
}

void session_resources_stop(struct session_resources *resources,
	const struct stop_order *order, bool for_good)
{
	bool begins = resources->order.mode == STOP_NONE;

	if (!stop_order_merge(&resources->order, order))
		return;
	if (begins)
		release(resources, for_good);
	if (resources->order.mode == STOP_FORCE)
		give_up(resources);
	mcp_servers_stop(resources->servers, &resources->order);
}

void session_resources_destroy(struct session_resources *resources)
{
	if (!resources)
		return;
	session_agent_destroy(resources->agent);
	mcp_servers_destroy(resources->servers);
	loop_timer_destroy(resources->jitter);
	free(resources->stored);
	free(resources->id);
	free(resources->broken);
	free(resources);
}
