#include "service/mcp/mcp_servers.h"

#include <stdlib.h>
#include <utlist.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"
#include "service/mcp/mcp_client.h"
#include "service/mcp/mcp_config.h"
#include "service/mcp/mcp_instance.h"
#include "service/mcp/mcp_result.h"
#include "service/mcp/tool_registry.h"

/* A timer of 0 may still run in this turn of the loop, one of 1 ms never does. By the
 * next turn all sessions have sent their last requests to the agent API: those take
 * longest, and servers that wake up to exit would compete for the processor. */
#define NEXT_TURN_NS CLOCK_MS

struct mcp_servers_call {
	struct mcp_servers *servers;
	char *use_id;
	char *failed; /* why it never reached a server */
	struct mcp_servers_call *prev, *next;
};

struct mcp_servers {
	const struct mcp_host *host;
	const struct mcp_servers_events *events;
	void *arg;
	struct mcp_instance *instances; /* one for each of the host's config */
	struct mcp_servers_call *calls;
	struct tool_registry_waiter waiter;
	bool opening;            /* `settled` is due */
	struct stop_order order; /* STOP_NONE: servers may be started */
	bool stop_due;           /* the order is not passed on yet */
	bool gone;
	struct loop_timer *soon; /* events come from its callback */
};

static void be_called_soon(void *arg)
{
	struct mcp_servers *servers = arg;

	loop_timer_set(servers->soon, 0);
}

/* Is a server in one of the states from `first` to `last`? */
static bool is_any(const struct mcp_servers *servers, enum mcp_instance_state first,
	enum mcp_instance_state last)
{
	for (unsigned i = 0; i < servers->host->config->count; i++)
		if (servers->instances[i].state >= first &&
			servers->instances[i].state <= last)
			return true;
	return false;
}

static void go_on_opening(struct mcp_servers *servers)
{
	struct tool_registry *tools = servers->host->tools;

	for (unsigned i = 0; i < servers->host->config->count; i++)
		mcp_instance_queue(&servers->instances[i], true);
	if (is_any(servers, MCP_INSTANCE_QUEUED, MCP_INSTANCE_STARTING))
		return;
	if (!tool_registry_settled(tools)) {
		tool_registry_wait(tools, &servers->waiter);
		return;
	}
	tool_registry_unwait(tools, &servers->waiter);
	servers->opening = false;
	servers->events->settled(servers->arg);
}

static void free_call(struct mcp_servers_call *call)
{
	DL_DELETE(call->servers->calls, call);
	free(call->use_id);
	free(call->failed);
	free(call);
}

static void answer_failed_calls(struct mcp_servers *servers)
{
	struct mcp_servers_call *call, *next;

	DL_FOREACH_SAFE(servers->calls, call, next) {
		SCOPED(json_free) cJSON *content = NULL;

		if (!call->failed)
			continue;
		content = mcp_result_text(call->failed);
		servers->events->answered(servers->arg, call->use_id, content, true);
		free_call(call);
	}
}

static void stop_all(struct mcp_servers *servers)
{
	int64_t eof_ns = servers->host->config->eof_ns;
	int64_t term_ns = servers->host->config->term_ns;

	servers->stop_due = false;
	stop_order_shorten(&servers->order, &eof_ns, &term_ns);
	for (unsigned i = 0; i < servers->host->config->count; i++)
		mcp_instance_stop(&servers->instances[i], eof_ns, term_ns);
}

static void on_soon(void *arg)
{
	struct mcp_servers *servers = arg;

	answer_failed_calls(servers);
	if (servers->opening)
		go_on_opening(servers);
	if (servers->stop_due)
		stop_all(servers);
	if (servers->order.mode != STOP_NONE && !servers->gone &&
		!is_any(servers, MCP_INSTANCE_STARTING, MCP_INSTANCE_ENDING)) {
		servers->gone = true;
		servers->events->gone(servers->arg);
	}
}

struct mcp_servers *mcp_servers_create(const struct mcp_host *host, const char *room,
	const char *bot, const struct mcp_servers_events *events, void *arg)
{
	unsigned count = host->config->count;
	struct mcp_servers *servers = mem_zeroed(sizeof *servers);

	servers->host = host;
	servers->events = events;
	servers->arg = arg;
	servers->instances = mem_zeroed((count + 1) * sizeof *servers->instances);
	for (unsigned i = 0; i < count; i++)
		servers->instances[i] = (struct mcp_instance){
			.host = host,
			.room = room,
			.bot = bot,
			.server = i,
			.changed = be_called_soon,
			.arg = servers,
		};
	servers->waiter = (struct tool_registry_waiter){
		.changed = be_called_soon, .arg = servers};
	servers->soon = loop_timer_create(host->loop, on_soon, servers);
	return servers;
}

void mcp_servers_open(struct mcp_servers *servers)
{
	const struct mcp_config *config = servers->host->config;

	servers->opening = true;
	tool_registry_try_again(servers->host->tools);
	for (unsigned i = 0; i < config->count; i++)
		mcp_instance_queue(
			&servers->instances[i], config->start != MCP_START_SESSION);
	be_called_soon(servers);
}

static void on_called(void *arg, const cJSON *content, bool is_error)
{
	struct mcp_servers_call *call = arg;

	call->servers->events->answered(
		call->servers->arg, call->use_id, content, is_error);
	free_call(call);
}

static struct mcp_client *find_client(struct mcp_servers *servers, const char *declared,
	const char **tool, struct err *err)
{
	unsigned server;

	if (!tool_registry_find(servers->host->tools, declared, &server, tool)) {
		err_set(err, "there is no tool \"%.200s\"", declared);
		return NULL;
	}
	if (servers->order.mode != STOP_NONE) {
		err_set(err, "the session is being closed");
		return NULL;
	}
	return mcp_instance_client(&servers->instances[server], err);
}

void mcp_servers_call(struct mcp_servers *servers, const char *use_id, const char *tool,
	const cJSON *input)
{
	struct mcp_servers_call *call = mem_zeroed(sizeof *call);
	const char *name;
	struct err err = {0};
	struct mcp_client *mcp = find_client(servers, tool, &name, &err);

	call->servers = servers;
	call->use_id = mem_text(use_id);
	DL_APPEND(servers->calls, call);
	if (mcp) {
		mcp_client_call(mcp, name, input, on_called, call);
		return;
	}
	call->failed = mem_text(err.text);
	be_called_soon(servers);
}

/* This session starts no servers any more, and reads no tools from them. */
static void stop_opening(struct mcp_servers *servers)
{
	servers->opening = false;
	tool_registry_unwait(servers->host->tools, &servers->waiter);
	for (unsigned i = 0; i < servers->host->config->count; i++)
		mcp_instance_cancel(&servers->instances[i]);
}

void mcp_servers_stop(struct mcp_servers *servers, const struct stop_order *order)
{
	if (!stop_order_merge(&servers->order, order))
		return;
	stop_opening(servers);
	servers->stop_due = servers->order.release || servers->order.mode == STOP_FORCE;
	loop_timer_set(servers->soon, NEXT_TURN_NS);
}

void mcp_servers_destroy(struct mcp_servers *servers)
{
	if (!servers)
		return;
	stop_opening(servers);
	for (unsigned i = 0; i < servers->host->config->count; i++)
		mcp_instance_done(&servers->instances[i]);
	while (servers->calls)
		free_call(servers->calls);
	loop_timer_destroy(servers->soon);
	free(servers->instances);
	free(servers);
}
