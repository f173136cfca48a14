#include "service/mcp/mcp_servers.h"

#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/mcp/mcp_client.h"
#include "service/mcp/mcp_instance.h"
#include "service/mcp/mcp_result.h"
#include "service/mcp/tool_registry.h"
#include "service/service.h"

/* A timer of 0 may still run in this turn of the loop, one of 1 never does. By the next
 * turn every session has asked the agent API to let it go: that takes longest, and
 * servers that wake up to end would keep us from the processor meanwhile. */
#define NEXT_TURN_MS 1

struct mcp_servers_call {
	struct mcp_servers *servers;
	char *use_id;
	char *failed; /* it never reached a server: why */
	struct mcp_servers_call *prev, *next;
};

struct mcp_servers {
	const struct service *service;
	const struct mcp_servers_events *events;
	void *arg;
	char *room, *bot;
	struct mcp_instance *seats;
	unsigned count;
	struct mcp_servers_call *calls;
	struct tool_registry_waiter waiter;
	bool opening;            /* `settled` is owed */
	struct stop_order order; /* STOP_NONE: servers may be started */
	bool stop_due;           /* the order is still to be carried out */
	bool gone;
	uv_timer_t soon; /* events come from here */
};

static void on_soon(uv_timer_t *timer);

static void be_called_soon(struct mcp_servers *servers)
{
	uv_timer_start(&servers->soon, on_soon, 0, 0);
}

static bool is_starting(const struct mcp_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (mcp_instance_is_starting(&servers->seats[i]))
			return true;
	return false;
}

static bool is_anybody_running(const struct mcp_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		if (mcp_instance_is_running(&servers->seats[i]))
			return true;
	return false;
}

static void on_changed(void *arg)
{
	be_called_soon(arg);
}

static void go_on_opening(struct mcp_servers *servers)
{
	for (unsigned i = 0; i < servers->count; i++)
		mcp_instance_queue_to_ask(&servers->seats[i]);
	if (is_starting(servers))
		return;
	if (!tool_registry_settled(servers->service->tools)) {
		tool_registry_wait(servers->service->tools, &servers->waiter);
		return;
	}
	tool_registry_unwait(servers->service->tools, &servers->waiter);
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

/* As configured, or in the same proportion within nine tenths of what is left: the rest
 * is for SIGKILL to be carried out and reaped. */
static void shorten(int64_t *eof_ns, int64_t *term_ns, int64_t deadline_ns)
{
	int64_t left_ns = (deadline_ns - clock_now()) / 10 * 9;
	int64_t whole_ns = *eof_ns + *term_ns;

	if (left_ns < 0)
		left_ns = 0;
	if (deadline_ns == 0 || whole_ns <= left_ns)
		return;
	*eof_ns = (int64_t)((double)left_ns * ((double)*eof_ns / (double)whole_ns));
	*term_ns = left_ns - *eof_ns;
}

static void stop_all(struct mcp_servers *servers)
{
	int64_t eof_ns = servers->service->config->mcp_eof_ns;
	int64_t term_ns = servers->service->config->mcp_term_ns;

	servers->stop_due = false;
	shorten(&eof_ns, &term_ns, servers->order.deadline_ns);
	for (unsigned i = 0; i < servers->count; i++)
		mcp_instance_stop(&servers->seats[i], eof_ns, term_ns);
}

static void on_soon(uv_timer_t *timer)
{
	struct mcp_servers *servers = timer->data;

	answer_failed_calls(servers);
	if (servers->opening)
		go_on_opening(servers);
	if (servers->stop_due)
		stop_all(servers);
	if (servers->order.mode != STOP_NONE && !servers->gone &&
		!is_anybody_running(servers)) {
		servers->gone = true;
		servers->events->gone(servers->arg);
	}
}

struct mcp_servers *mcp_servers_create(const struct service *service, const char *room,
	const char *bot, const struct mcp_servers_events *events, void *arg)
{
	const struct mcp_config *config = &service->config->servers;
	struct mcp_servers *servers = mem_zeroed(sizeof *servers);

	servers->service = service;
	servers->events = events;
	servers->arg = arg;
	servers->room = mem_text(room);
	servers->bot = mem_text(bot);
	servers->count = config->count;
	servers->seats = mem_zeroed((servers->count + 1) * sizeof *servers->seats);
	for (unsigned i = 0; i < servers->count; i++)
		servers->seats[i] = (struct mcp_instance){
			.service = service,
			.room = servers->room,
			.bot = servers->bot,
			.server = i,
			.changed = on_changed,
			.arg = servers,
		};
	servers->waiter =
		(struct tool_registry_waiter){.changed = on_changed, .arg = servers};
	uv_timer_init(service->loop, &servers->soon);
	servers->soon.data = servers;
	return servers;
}

void mcp_servers_open(struct mcp_servers *servers)
{
	servers->opening = true;
	tool_registry_try_again(servers->service->tools);
	for (unsigned i = 0; i < servers->count; i++) {
		if (servers->service->config->mcp_client_start == MCP_START_SESSION)
			mcp_instance_queue(&servers->seats[i]);
		else
			mcp_instance_queue_to_ask(&servers->seats[i]);
	}
	be_called_soon(servers);
}

static void on_called(void *arg, const cJSON *content, bool is_error)
{
	struct mcp_servers_call *call = arg;

	call->servers->events->answered(
		call->servers->arg, call->use_id, content, is_error);
	free_call(call);
}

static struct mcp_client *find_server(struct mcp_servers *servers, const char *declared,
	const char **tool, struct err *err)
{
	unsigned server;

	if (!tool_registry_find(servers->service->tools, declared, &server, tool)) {
		err_set(err, "there is no tool \"%.200s\"", declared);
		return NULL;
	}
	if (servers->order.mode != STOP_NONE) {
		err_set(err, "the session is being closed");
		return NULL;
	}
	return mcp_instance_take(&servers->seats[server], err);
}

void mcp_servers_call(struct mcp_servers *servers, const char *use_id, const char *tool,
	const cJSON *input)
{
	struct mcp_servers_call *call = mem_zeroed(sizeof *call);
	const char *name;
	struct err err = {0};
	struct mcp_client *mcp = find_server(servers, tool, &name, &err);

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

/* Nobody hears of the tools from this kit any more. */
static void stop_asking(struct mcp_servers *servers)
{
	servers->opening = false;
	tool_registry_unwait(servers->service->tools, &servers->waiter);
	for (unsigned i = 0; i < servers->count; i++) {
		struct mcp_instance *instance = &servers->seats[i];

		mcp_instance_calm(instance);
		if (instance->claimed) {
			instance->claimed = false;
			tool_registry_release(servers->service->tools, i);
		}
	}
}

/* A moment later: where many sessions end at once, their requests to the agent API are
 * on their way before hundreds of servers wake up and want the processor. */
void mcp_servers_stop(struct mcp_servers *servers, const struct stop_order *order)
{
	if (!stop_order_merge(&servers->order, order))
		return;
	stop_asking(servers);
	servers->stop_due = servers->order.release || servers->order.mode == STOP_FORCE;
	uv_timer_start(&servers->soon, on_soon, NEXT_TURN_MS, 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct mcp_servers *servers = handle->data;

	free(servers->seats);
	free(servers->room);
	free(servers->bot);
	free(servers);
}

void mcp_servers_destroy(struct mcp_servers *servers)
{
	if (!servers)
		return;
	stop_asking(servers);
	for (unsigned i = 0; i < servers->count; i++)
		mcp_instance_done(&servers->seats[i]);
	while (servers->calls)
		free_call(servers->calls);
	uv_close((uv_handle_t *)&servers->soon, on_closed);
}
