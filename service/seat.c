#include "service/seat.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

#include "lib/log.h"
#include "service/config.h"
#include "service/mcp.h"
#include "service/means.h"
#include "service/metrics.h"
#include "service/tools.h"

/* What one process may print until it is no longer listened to. */
#define NOISE_MAX 50

static const struct server *server_of(const struct seat *seat)
{
	return &seat->means->config->servers.list[seat->server];
}

static void enter(struct seat *seat, enum seat_state state)
{
	seat->state = state;
	seat->changed(seat->arg);
}

static void fail_to_start(struct seat *seat, const char *why)
{
	log_event("mcp.failed", "room", LOG_TEXT(seat->room), "bot",
		LOG_TEXT(seat->bot), "server", LOG_TEXT(server_of(seat)->name), "why",
		LOG_TEXT(why));
	seat->means->metrics->mcp_failures++;
	seat->claimed = false;
	tools_failed(seat->means->tools, seat->server);
}

static void on_ready(void *arg, const cJSON *list, const char *why)
{
	struct seat *seat = arg;

	if (!list) {
		mcp_stop(seat->mcp, seat->means->config->mcp_eof_ns,
			seat->means->config->mcp_term_ns);
		fail_to_start(seat, why);
		enter(seat, SEAT_ENDING);
		return;
	}
	log_event("mcp.started", "room", LOG_TEXT(seat->room), "bot",
		LOG_TEXT(seat->bot), "server", LOG_TEXT(server_of(seat)->name), "child",
		LOG_INT(mcp_pid(seat->mcp)));
	seat->means->metrics->mcp_starts++;
	seat->claimed = false;
	tools_learn(seat->means->tools, seat->server, list);
	enter(seat, SEAT_READY);
}

static void on_relisted(void *arg, const cJSON *list)
{
	struct seat *seat = arg;

	log_event("mcp.relisted", "room", LOG_TEXT(seat->room), "bot",
		LOG_TEXT(seat->bot), "server", LOG_TEXT(server_of(seat)->name));
	tools_learn(seat->means->tools, seat->server, list);
}

static void on_step(void *arg, enum child_step step)
{
	struct seat *seat = arg;

	log_event("mcp.step", "room", LOG_TEXT(seat->room), "bot", LOG_TEXT(seat->bot),
		"server", LOG_TEXT(server_of(seat)->name), "child",
		LOG_INT(mcp_pid(seat->mcp)), "step", LOG_TEXT(child_step_name(step)));
	seat->means->metrics->mcp_steps[step]++;
	seat->step = step;
}

static void on_gone(void *arg, int status)
{
	struct seat *seat = arg;
	bool signalled = WIFSIGNALED(status);

	log_event("mcp.reaped", "room", LOG_TEXT(seat->room), "bot",
		LOG_TEXT(seat->bot), "server", LOG_TEXT(server_of(seat)->name), "child",
		LOG_INT(mcp_pid(seat->mcp)), signalled ? "signal" : "exit_code",
		LOG_INT(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
	if (seat->step == CHILD_KILL && signalled && WTERMSIG(status) == SIGKILL)
		seat->means->metrics->mcp_kills++;
	enter(seat, SEAT_EMPTY);
}

static void on_noise(void *arg, const char *line)
{
	struct seat *seat = arg;

	if (seat->noise++ >= NOISE_MAX)
		return;
	log_event("mcp.noise", "room", LOG_TEXT(seat->room), "bot", LOG_TEXT(seat->bot),
		"server", LOG_TEXT(server_of(seat)->name), "line", LOG_TEXT(line),
		"last", LOG_BOOL(seat->noise == NOISE_MAX));
}

static const struct mcp_events mcp_events = {
	.ready = on_ready,
	.relisted = on_relisted,
	.step = on_step,
	.gone = on_gone,
	.noise = on_noise,
};

static bool start(struct seat *seat, struct err *err)
{
	const struct means *means = seat->means;
	const struct server *server = server_of(seat);
	char **env = servers_env(server, seat->room, seat->bot);

	seat_calm(seat);
	mcp_destroy(seat->mcp);
	seat->noise = 0;
	seat->step = CHILD_RUNNING;
	seat->mcp = mcp_start(means->loop, means->family,
		&(struct mcp_spec){
			.name = server->name,
			.argv = (const char *const *)server->argv,
			.env = (const char *const *)env,
			.start_ns = means->config->mcp_start_ns,
			.call_ns = means->config->mcp_call_ns,
		},
		&mcp_events, seat, err);
	servers_env_free(env);
	if (!seat->mcp) {
		fail_to_start(seat, err->text);
		enter(seat, SEAT_EMPTY);
		return false;
	}
	enter(seat, SEAT_STARTING);
	return true;
}

static void on_ticket(void *arg)
{
	struct err err;

	(void)!start(arg, &err); /* a failure was reported */
}

static void queue(struct seat *seat)
{
	seat->ticket.start = on_ticket;
	seat->ticket.arg = seat;
	starter_wait(seat->means->starter, &seat->ticket);
	enter(seat, SEAT_QUEUED);
}

void seat_queue(struct seat *seat)
{
	if (seat->state != SEAT_EMPTY)
		return;
	seat->claimed = tools_claim(seat->means->tools, seat->server);
	queue(seat);
}

void seat_queue_to_ask(struct seat *seat)
{
	if (seat->state != SEAT_EMPTY)
		return;
	seat->claimed = tools_claim(seat->means->tools, seat->server);
	if (seat->claimed)
		queue(seat);
}

struct mcp *seat_take(struct seat *seat, struct err *err)
{
	switch (seat->state) {
	case SEAT_EMPTY:
	case SEAT_QUEUED:
		return start(seat, err) ? seat->mcp : NULL;
	case SEAT_STARTING:
	case SEAT_READY:
		return seat->mcp;
	case SEAT_ENDING:
		break;
	}
	err_set(err, "MCP server %s is being stopped", server_of(seat)->name);
	return NULL;
}

bool seat_is_running(const struct seat *seat)
{
	return seat->state != SEAT_EMPTY && seat->state != SEAT_QUEUED;
}

bool seat_is_starting(const struct seat *seat)
{
	return seat->state == SEAT_QUEUED || seat->state == SEAT_STARTING;
}

void seat_calm(struct seat *seat)
{
	starter_leave(seat->means->starter, &seat->ticket);
	if (seat->state == SEAT_QUEUED)
		seat->state = SEAT_EMPTY;
}

void seat_stop(struct seat *seat, int64_t eof_ns, int64_t term_ns)
{
	if (!seat_is_running(seat))
		return;
	seat->state = SEAT_ENDING;
	mcp_stop(seat->mcp, eof_ns, term_ns);
}

void seat_done(struct seat *seat)
{
	seat_calm(seat);
	mcp_destroy(seat->mcp);
	seat->mcp = NULL;
}
