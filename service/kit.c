#include "service/kit.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <utlist.h>
#include <uv.h>

#include "lib/child.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/config.h"
#include "service/mcp.h"
#include "service/means.h"
#include "service/metrics.h"
#include "service/tools.h"

/* What one process may print until it is no longer listened to. */
#define NOISE_MAX 50

enum seat_state {
	SEAT_EMPTY,    /* not started, or gone: its mcp, if any, is a dead one's */
	SEAT_STARTING, /* shaking hands */
	SEAT_READY,
	SEAT_ENDING, /* it failed to start, or is on its way down */
};

/* Where one of the servers sits. */
struct seat {
	struct kit *kit;
	const struct server *server;
	unsigned index;
	enum seat_state state;
	struct mcp *mcp;
	enum child_step step;
	bool claimed; /* we owe tools.h an answer */
	unsigned noise;
};

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
	bool gone;
	uv_timer_t soon; /* events come from here */
};

static void on_soon(uv_timer_t *timer);

static void be_called_soon(struct kit *kit)
{
	uv_timer_start(&kit->soon, on_soon, 0, 0);
}

static bool is_running(const struct seat *seat)
{
	return seat->state != SEAT_EMPTY;
}

static void fail_to_start(struct seat *seat, const char *why)
{
	struct kit *kit = seat->kit;

	log_event("mcp.failed", "room", LOG_TEXT(kit->room), "bot", LOG_TEXT(kit->bot),
		"server", LOG_TEXT(seat->server->name), "why", LOG_TEXT(why));
	kit->means->metrics->mcp_failures++;
	seat->claimed = false;
	tools_failed(kit->means->tools, seat->index);
	be_called_soon(kit);
}

static void on_ready(void *arg, const cJSON *list, const char *why)
{
	struct seat *seat = arg;
	struct kit *kit = seat->kit;

	if (!list) {
		seat->state = SEAT_ENDING;
		mcp_stop(seat->mcp, kit->means->config->mcp_eof_ns,
			kit->means->config->mcp_term_ns);
		fail_to_start(seat, why);
		return;
	}
	seat->state = SEAT_READY;
	log_event("mcp.started", "room", LOG_TEXT(kit->room), "bot", LOG_TEXT(kit->bot),
		"server", LOG_TEXT(seat->server->name), "child",
		LOG_INT(mcp_pid(seat->mcp)));
	kit->means->metrics->mcp_starts++;
	seat->claimed = false;
	tools_learn(kit->means->tools, seat->index, list);
	be_called_soon(kit);
}

static void on_step(void *arg, enum child_step step)
{
	static const char *const names[] = {
		[CHILD_RUNNING] = "running",
		[CHILD_EOF] = "eof",
		[CHILD_TERM] = "term",
		[CHILD_KILL] = "kill",
	};
	struct seat *seat = arg;
	struct kit *kit = seat->kit;

	log_event("mcp.step", "room", LOG_TEXT(kit->room), "bot", LOG_TEXT(kit->bot),
		"server", LOG_TEXT(seat->server->name), "child",
		LOG_INT(mcp_pid(seat->mcp)), "step", LOG_TEXT(names[step]));
	kit->means->metrics->mcp_steps[step]++;
	seat->step = step;
}

static void on_gone(void *arg, int status)
{
	struct seat *seat = arg;
	struct kit *kit = seat->kit;
	bool signalled = WIFSIGNALED(status);

	log_event("mcp.reaped", "room", LOG_TEXT(kit->room), "bot", LOG_TEXT(kit->bot),
		"server", LOG_TEXT(seat->server->name), "child",
		LOG_INT(mcp_pid(seat->mcp)), signalled ? "signal" : "exit_code",
		LOG_INT(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
	if (seat->step == CHILD_KILL && signalled && WTERMSIG(status) == SIGKILL)
		kit->means->metrics->mcp_kills++;
	if (seat->state == SEAT_STARTING)
		fail_to_start(seat, "it ended before it was ready");
	seat->state = SEAT_EMPTY;
	be_called_soon(kit);
}

static void on_noise(void *arg, const char *line)
{
	struct seat *seat = arg;

	if (seat->noise++ >= NOISE_MAX)
		return;
	log_event("mcp.noise", "room", LOG_TEXT(seat->kit->room), "bot",
		LOG_TEXT(seat->kit->bot), "server", LOG_TEXT(seat->server->name),
		"line", LOG_TEXT(line), "last", LOG_BOOL(seat->noise == NOISE_MAX));
}

static const struct mcp_events mcp_events = {
	.ready = on_ready,
	.step = on_step,
	.gone = on_gone,
	.noise = on_noise,
};

static bool start(struct seat *seat, struct err *err)
{
	const struct kit *kit = seat->kit;
	const struct config *config = kit->means->config;
	char **env = servers_env(seat->server, kit->room, kit->bot);

	assert(!is_running(seat));
	mcp_destroy(seat->mcp);
	seat->noise = 0;
	seat->step = CHILD_RUNNING;
	seat->mcp = mcp_start(kit->means->loop, kit->means->family,
		&(struct mcp_spec){
			.name = seat->server->name,
			.argv = (const char *const *)seat->server->argv,
			.env = (const char *const *)env,
			.start_ns = config->mcp_start_ns,
			.call_ns = config->mcp_call_ns,
		},
		&mcp_events, seat, err);
	servers_env_free(env);
	if (!seat->mcp) {
		fail_to_start(seat, err->text);
		return false;
	}
	seat->state = SEAT_STARTING;
	return true;
}

static bool is_starting(const struct kit *kit)
{
	for (unsigned i = 0; i < kit->count; i++)
		if (kit->seats[i].state == SEAT_STARTING)
			return true;
	return false;
}

static bool is_anybody_running(const struct kit *kit)
{
	for (unsigned i = 0; i < kit->count; i++)
		if (is_running(&kit->seats[i]))
			return true;
	return false;
}

/* Starts the servers that have to run, and those that nobody has asked for their tools.
 * What fails is reported, and no reason to stop. */
static void start_needed(struct kit *kit, bool all)
{
	struct err err;

	for (unsigned i = 0; i < kit->count; i++) {
		struct seat *seat = &kit->seats[i];

		if (is_running(seat))
			continue;
		seat->claimed = tools_claim(kit->means->tools, i);
		if ((all || seat->claimed) && !start(seat, &err))
			seat->claimed = false;
	}
}

static void on_tools_changed(void *arg)
{
	struct kit *kit = arg;

	be_called_soon(kit);
}

static void go_on_opening(struct kit *kit)
{
	start_needed(kit, false);
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

	DL_FOREACH_SAFE(kit->calls, call, next)
	{
		if (!call->failed)
			continue;
		kit->events->answered(kit->arg, call->use_id, call->failed, true);
		free_call(call);
	}
}

static void on_soon(uv_timer_t *timer)
{
	struct kit *kit = timer->data;

	answer_failed_calls(kit);
	if (kit->opening)
		go_on_opening(kit);
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
			.kit = kit,
			.server = &servers->list[i],
			.index = i,
		};
	kit->waiter = (struct tools_waiter){.changed = on_tools_changed, .arg = kit};
	uv_timer_init(means->loop, &kit->soon);
	kit->soon.data = kit;
	return kit;
}

void kit_open(struct kit *kit)
{
	kit->opening = true;
	start_needed(kit, kit->means->config->mcp_start == MCP_START_SESSION);
	be_called_soon(kit);
}

static void on_called(void *arg, const char *result, bool is_error)
{
	struct kit_call *call = arg;

	call->kit->events->answered(call->kit->arg, call->use_id, result, is_error);
	free_call(call);
}

/* The server's process, started if need be; or NULL, and why. */
static struct mcp *find_server(
	struct kit *kit, const char *declared, const char **tool, struct err *err)
{
	unsigned index;
	struct seat *seat;

	if (!tools_find(kit->means->tools, declared, &index, tool)) {
		err_set(err, "there is no tool \"%.200s\"", declared);
		return NULL;
	}
	seat = &kit->seats[index];
	if (kit->ending || seat->state == SEAT_ENDING) {
		err_set(err, "MCP server %s is being stopped", seat->server->name);
		return NULL;
	}
	if (!is_running(seat) && !start(seat, err))
		return NULL;
	return seat->mcp;
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
		if (!kit->seats[i].claimed)
			continue;
		kit->seats[i].claimed = false;
		tools_release(kit->means->tools, i);
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

static void end(struct kit *kit, int64_t eof_ns, int64_t term_ns)
{
	stop_asking(kit);
	kit->ending = true;
	for (unsigned i = 0; i < kit->count; i++) {
		if (!is_running(&kit->seats[i]))
			continue;
		kit->seats[i].state = SEAT_ENDING;
		mcp_stop(kit->seats[i].mcp, eof_ns, term_ns);
	}
	be_called_soon(kit);
}

void kit_stop(struct kit *kit, int64_t deadline_ns)
{
	int64_t eof_ns = kit->means->config->mcp_eof_ns;
	int64_t term_ns = kit->means->config->mcp_term_ns;

	shorten(&eof_ns, &term_ns, deadline_ns);
	end(kit, eof_ns, term_ns);
}

void kit_kill(struct kit *kit)
{
	end(kit, 0, 0);
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
		mcp_destroy(kit->seats[i].mcp);
	while (kit->calls)
		free_call(kit->calls);
	uv_close((uv_handle_t *)&kit->soon, on_closed);
}
