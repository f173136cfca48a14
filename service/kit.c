#include "service/kit.h"

#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/mcp.h"
#include "service/mcp_result.h"
#include "service/means.h"
#include "service/seat.h"
#include "service/tools.h"

/* A timer of 0 may still run in this turn of the loop, one of 1 never does. By the next
 * turn every session has asked the agent API to let it go: that takes longest, and
 * servers that wake up to end would keep us from the processor meanwhile. */
#define NEXT_TURN_MS 1

struct kit_call {
	struct kit *kit;
	char *use_id;
	char *failed; /* it never reached a server: why */
	struct kit_call *prev, *next;
};

struct kit {
	const struct means *means;
	const struct kit_events *events;
	void *arg;
	char *room, *bot;
	struct seat *seats;
	unsigned count;
	struct kit_call *calls;
	struct tools_waiter waiter;
	bool opening; /* `settled` is owed */
	bool ending;  /* nothing is started any more, and `gone` is owed */
	bool stop_due;
	int64_t stop_by_ns; /* 0: as configured */
	bool gone;
	uv_timer_t soon; /* events come from here */
};

static void on_soon(uv_timer_t *timer);

static void be_called_soon(struct kit *kit)
{
	uv_timer_start(&kit->soon, on_soon, 0, 0);
}

static bool is_starting(const struct kit *kit)
{
	for (unsigned i = 0; i < kit->count; i++)
		if (seat_is_starting(&kit->seats[i]))
			return true;
	return false;
}

static bool is_anybody_running(const struct kit *kit)
{
	for (unsigned i = 0; i < kit->count; i++)
		if (seat_is_running(&kit->seats[i]))
			return true;
	return false;
}

static void on_changed(void *arg)
{
	be_called_soon(arg);
}

static void go_on_opening(struct kit *kit)
{
	for (unsigned i = 0; i < kit->count; i++)
		seat_queue_to_ask(&kit->seats[i]);
	if (is_starting(kit))
		return;
	if (!tools_settled(kit->means->tools)) {
		tools_wait(kit->means->tools, &kit->waiter);
		return;
	}
	tools_unwait(kit->means->tools, &kit->waiter);
	kit->opening = false;
	kit->events->settled(kit->arg);
}

static void free_call(struct kit_call *call)
{
	DL_DELETE(call->kit->calls, call);
	free(call->use_id);
	free(call->failed);
	free(call);
}

static void answer_failed_calls(struct kit *kit)
{
	struct kit_call *call, *next;

	DL_FOREACH_SAFE(kit->calls, call, next) {
		SCOPED(json_free) cJSON *content = NULL;

		if (!call->failed)
			continue;
		content = mcp_result_text(call->failed);
		kit->events->answered(kit->arg, call->use_id, content, true);
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

static void stop_all(struct kit *kit)
{
	int64_t eof_ns = kit->means->config->mcp_eof_ns;
	int64_t term_ns = kit->means->config->mcp_term_ns;

	kit->stop_due = false;
	shorten(&eof_ns, &term_ns, kit->stop_by_ns);
	for (unsigned i = 0; i < kit->count; i++)
		seat_stop(&kit->seats[i], eof_ns, term_ns);
}

static void on_soon(uv_timer_t *timer)
{
	struct kit *kit = timer->data;

	answer_failed_calls(kit);
	if (kit->opening)
		go_on_opening(kit);
	if (kit->stop_due)
		stop_all(kit);
	if (kit->ending && !kit->gone && !is_anybody_running(kit)) {
		kit->gone = true;
		kit->events->gone(kit->arg);
	}
}

struct kit *kit_create(const struct means *means, const char *room, const char *bot,
	const struct kit_events *events, void *arg)
{
	const struct servers *servers = &means->config->servers;
	struct kit *kit = mem_zeroed(sizeof *kit);

	kit->means = means;
	kit->events = events;
	kit->arg = arg;
	kit->room = mem_text(room);
	kit->bot = mem_text(bot);
	kit->count = servers->count;
	kit->seats = mem_zeroed((kit->count + 1) * sizeof *kit->seats);
	for (unsigned i = 0; i < kit->count; i++)
		kit->seats[i] = (struct seat){
			.means = means,
			.room = kit->room,
			.bot = kit->bot,
			.server = i,
			.changed = on_changed,
			.arg = kit,
		};
	kit->waiter = (struct tools_waiter){.changed = on_changed, .arg = kit};
	uv_timer_init(means->loop, &kit->soon);
	kit->soon.data = kit;
	return kit;
}

void kit_open(struct kit *kit)
{
	kit->opening = true;
	tools_try_again(kit->means->tools);
	for (unsigned i = 0; i < kit->count; i++) {
		if (kit->means->config->mcp_start == MCP_START_SESSION)
			seat_queue(&kit->seats[i]);
		else
			seat_queue_to_ask(&kit->seats[i]);
	}
	be_called_soon(kit);
}

static void on_called(void *arg, const cJSON *content, bool is_error)
{
	struct kit_call *call = arg;

	call->kit->events->answered(call->kit->arg, call->use_id, content, is_error);
	free_call(call);
}

static struct mcp *find_server(
	struct kit *kit, const char *declared, const char **tool, struct err *err)
{
	unsigned server;

	if (!tools_find(kit->means->tools, declared, &server, tool)) {
		err_set(err, "there is no tool \"%.200s\"", declared);
		return NULL;
	}
	if (kit->ending) {
		err_set(err, "the session is being closed");
		return NULL;
	}
	return seat_take(&kit->seats[server], err);
}

void kit_call(struct kit *kit, const char *use_id, const char *tool, const cJSON *input)
{
	struct kit_call *call = mem_zeroed(sizeof *call);
	const char *name;
	struct err err = {0};
	struct mcp *mcp = find_server(kit, tool, &name, &err);

	call->kit = kit;
	call->use_id = mem_text(use_id);
	DL_APPEND(kit->calls, call);
	if (mcp) {
		mcp_call(mcp, name, input, on_called, call);
		return;
	}
	call->failed = mem_text(err.text);
	be_called_soon(kit);
}

/* Nobody hears of the tools from this kit any more. */
static void stop_asking(struct kit *kit)
{
	kit->opening = false;
	tools_unwait(kit->means->tools, &kit->waiter);
	for (unsigned i = 0; i < kit->count; i++) {
		struct seat *seat = &kit->seats[i];

		seat_calm(seat);
		if (seat->claimed) {
			seat->claimed = false;
			tools_release(kit->means->tools, i);
		}
	}
}

/* A moment later: where many sessions end at once, their requests to the agent API are
 * on their way before hundreds of servers wake up and want the processor. */
void kit_stop(struct kit *kit, int64_t deadline_ns)
{
	stop_asking(kit);
	kit->ending = kit->stop_due = true;
	kit->stop_by_ns = deadline_ns;
	uv_timer_start(&kit->soon, on_soon, NEXT_TURN_MS, 0);
}

void kit_kill(struct kit *kit)
{
	kit_stop(kit, 1); /* long ago */
}

void kit_abandon(struct kit *kit)
{
	stop_asking(kit);
	kit->ending = true;
	be_called_soon(kit);
}

static void on_closed(uv_handle_t *handle)
{
	struct kit *kit = handle->data;

	free(kit->seats);
	free(kit->room);
	free(kit->bot);
	free(kit);
}

void kit_destroy(struct kit *kit)
{
	if (!kit)
		return;
	stop_asking(kit);
	for (unsigned i = 0; i < kit->count; i++)
		seat_done(&kit->seats[i]);
	while (kit->calls)
		free_call(kit->calls);
	uv_close((uv_handle_t *)&kit->soon, on_closed);
}
