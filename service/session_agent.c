#include "service/session_agent.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "service/agent/agent_session.h"
#include "service/cli/cli_session.h"
#include "service/config.h"
#include "service/mcp/tool_registry.h"
#include "service/service.h"

/* What both kinds can do. `peer` is an agent_session or a cli_session. */
struct kind {
	void *(*open)(struct session_agent *agent, const char *id, const char *room,
		const char *bot);
	bool (*exists)(const void *peer);
	bool (*send)(void *peer, const char *text, struct err *err);
	void (*tool_result)(
		void *peer, const char *use_id, const cJSON *content, bool is_error);
	void (*interrupt)(void *peer);
	void (*release)(void *peer, enum agent_session_end end, int64_t deadline_ns,
		agent_release_fn *done, void *arg);
	void (*give_up)(void *peer, const char *why);
	void (*destroy)(void *peer);
};

struct session_agent {
	const struct kind *kind;
	void *peer;
	struct service *service;
	const struct session_agent_events *events;
	void *arg;
};

static void on_opened(void *arg, const char *id, const char *why)
{
	const struct session_agent *agent = arg;

	agent->events->opened(agent->arg, id, why);
}

static void on_turned(void *arg, enum turn_end end, const char *text)
{
	const struct session_agent *agent = arg;

	agent->events->turned(agent->arg, end, text);
}

static void on_wants_tool(
	void *arg, const char *use_id, const char *name, const cJSON *input)
{
	const struct session_agent *agent = arg;

	agent->events->wants_tool(agent->arg, use_id, name, input);
}

static void on_broke(void *arg, const char *why)
{
	const struct session_agent *agent = arg;

	agent->events->broke(agent->arg, why);
}

/* --- AGENT=api --- */

static const struct agent_session_events api_events = {
	.opened = on_opened,
	.turned = on_turned,
	.wants_tool = on_wants_tool,
	.broke = on_broke,
};

static void *api_open(
	struct session_agent *agent, const char *id, const char *room, const char *bot)
{
	const struct service *service = agent->service;
	const cJSON *tools = tool_registry_declare(service->mcp.tools);

	if (tools)
		agent_client_set_tools(service->agent, tools);
	return agent_session_open(service->agent, id, room, bot, &api_events, agent);
}

static bool api_exists(const void *peer)
{
	return agent_session_exists(peer);
}

static bool api_send(void *peer, const char *text, struct err *err)
{
	return agent_session_send(peer, text, err);
}

static void api_tool_result(
	void *peer, const char *use_id, const cJSON *content, bool is_error)
{
	agent_session_tool_result(peer, use_id, content, is_error);
}

static void api_interrupt(void *peer)
{
	agent_session_interrupt(peer);
}

static void api_release(void *peer, enum agent_session_end end, int64_t deadline_ns,
	agent_release_fn *done, void *arg)
{
	agent_session_release(peer, end, deadline_ns, done, arg);
}

static void api_give_up(void *peer, const char *why)
{
	agent_session_give_up(peer, why);
}

static void api_destroy(void *peer)
{
	agent_session_destroy(peer);
}

/* --- AGENT=cli --- */

static const struct cli_session_events cli_events = {
	.opened = on_opened,
	.turned = on_turned,
	.broke = on_broke,
};

/* Of SESSION_END, "archive" leaves the transcript on the disk, and its id is
 * forgotten. */
static void *cli_open(
	struct session_agent *agent, const char *id, const char *room, const char *bot)
{
	const struct service *service = agent->service;
	bool forgets = service->config.session_end == AGENT_SESSION_DELETE;

	return cli_session_open(
		&service->cli, id, forgets, room, bot, &cli_events, agent);
}

static bool cli_exists(const void *peer)
{
	return cli_session_exists(peer);
}

static bool cli_send(void *peer, const char *text, struct err *err)
{
	return cli_session_send(peer, text, err);
}

static void cli_interrupt(void *peer)
{
	cli_session_interrupt(peer);
}

static void cli_release(void *peer, UNUSED enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg)
{
	cli_session_release(peer, deadline_ns, done, arg);
}

static void cli_give_up(void *peer, const char *why)
{
	cli_session_give_up(peer, why);
}

static void cli_destroy(void *peer)
{
	cli_session_destroy(peer);
}

static const struct kind kinds[] = {
	[CONFIG_AGENT_API] = {api_open, api_exists, api_send, api_tool_result,
		api_interrupt, api_release, api_give_up, api_destroy},
	[CONFIG_AGENT_CLI] = {cli_open, cli_exists, cli_send, NULL, cli_interrupt,
		cli_release, cli_give_up, cli_destroy},
};

struct session_agent *session_agent_open(struct service *service, const char *id,
	const char *room, const char *bot, const struct session_agent_events *events,
	void *arg)
{
	struct session_agent *agent = mem_zeroed(sizeof *agent);

	agent->kind = &kinds[service->config.agent];
	agent->service = service;
	agent->events = events;
	agent->arg = arg;
	agent->peer = agent->kind->open(agent, id, room, bot);
	return agent;
}

bool session_agent_exists(const struct session_agent *agent)
{
	return agent->kind->exists(agent->peer);
}

bool session_agent_send(struct session_agent *agent, const char *text, struct err *err)
{
	return agent->kind->send(agent->peer, text, err);
}

void session_agent_tool_result(struct session_agent *agent, const char *use_id,
	const cJSON *content, bool is_error)
{
	agent->kind->tool_result(agent->peer, use_id, content, is_error);
}

void session_agent_interrupt(struct session_agent *agent)
{
	agent->kind->interrupt(agent->peer);
}

void session_agent_release(struct session_agent *agent, enum agent_session_end end,
	int64_t deadline_ns, agent_release_fn *done, void *arg)
{
	agent->kind->release(agent->peer, end, deadline_ns, done, arg);
}

void session_agent_give_up(struct session_agent *agent, const char *why)
{
	agent->kind->give_up(agent->peer, why);
}

void session_agent_destroy(struct session_agent *agent)
{
	if (!agent)
		return;
	agent->kind->destroy(agent->peer);
	free(agent);
}
