#include "service/metrics.h"

#include <inttypes.h>

#include "lib/clock.h"

const char *const session_path_names[] = {"cold", "warm", "hot"};
const char *const turn_end_names[] = {"answered", "interrupted", "failed", "timed_out"};

#define SECONDS(ns) ((double)(ns) / (double)CLOCK_S)

void metrics_request(struct metrics *metrics, unsigned status)
{
	if (status < METRICS_STATUS_MAX)
		metrics->requests[status]++;
}

static void write_head(
	struct buf *text, const char *name, const char *type, const char *help)
{
	buf_addf(text, "# HELP service_%s %s\n# TYPE service_%s %s\n", name, help, name,
		type);
}

static void write_count(
	struct buf *text, const char *name, const char *help, uint64_t value)
{
	write_head(text, name, "counter", help);
	buf_addf(text, "service_%s %" PRIu64 "\n", name, value);
}

static void write_gauge(
	struct buf *text, const char *name, const char *help, double value)
{
	write_head(text, name, "gauge", help);
	buf_addf(text, "service_%s %.9g\n", name, value);
}

static void write_label(struct buf *text, const char *name, const char *label,
	const char *value, uint64_t count)
{
	buf_addf(
		text, "service_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, count);
}

static void write_requests(const struct metrics *metrics, struct buf *text)
{
	write_head(text, "requests_total", "counter", "HTTP requests answered.");
	for (unsigned status = 0; status < METRICS_STATUS_MAX; status++)
		if (metrics->requests[status])
			buf_addf(text,
				"service_requests_total{status=\"%u\"} %" PRIu64 "\n",
				status, metrics->requests[status]);
}

static void write_turns(const struct metrics *metrics, struct buf *text)
{
	uint64_t turns = 0;

	write_head(text, "turns_total", "counter", "Turns that ended, by how.");
	for (unsigned end = 0; end < TURN_ENDS; end++) {
		write_label(text, "turns_total", "how", turn_end_names[end],
			metrics->turns[end]);
		turns += metrics->turns[end];
	}
	write_head(text, "turn_seconds", "summary", "How long turns took.");
	buf_addf(text, "service_turn_seconds_sum %.9g\n", SECONDS(metrics->turns_ns));
	buf_addf(text, "service_turn_seconds_count %" PRIu64 "\n", turns);
}

static void write_sessions(const struct metrics *metrics, struct buf *text)
{
	write_head(text, "sessions_total", "counter",
		"Sessions opened new (cold) or resumed (warm), and turns that found "
		"theirs open (hot).");
	for (unsigned path = 0; path < SESSION_PATHS; path++)
		write_label(text, "sessions_total", "path", session_path_names[path],
			metrics->sessions[path]);
	write_count(text, "sessions_evicted_total",
		"Idle sessions closed to make room.", metrics->evictions);
	write_count(text, "sessions_idled_total", "Sessions closed for not being used.",
		metrics->idle_closes);
	write_count(text, "disconnects_total", "Agent sessions that were released.",
		metrics->disconnects);
	write_count(text, "disconnect_failures_total",
		"Agent sessions whose release failed.", metrics->disconnect_failures);
}

static void write_steps(
	struct buf *text, const char *name, const uint64_t *steps, enum mcp_step last)
{
	for (enum mcp_step step = MCP_STEP_EOF; step <= last; step++)
		write_label(text, name, "step", mcp_step_names[step], steps[step]);
}

static void write_children(const struct metrics *metrics, struct buf *text)
{
	write_count(text, "mcp_starts_total", "MCP servers that became ready.",
		metrics->mcp_starts);
	write_count(text, "mcp_failures_total",
		"MCP servers that did not become ready.", metrics->mcp_failures);
	write_head(text, "mcp_steps_total", "counter",
		"Steps that MCP servers needed to stop: end of stdin, SIGTERM, "
		"SIGKILL; over HTTP DELETE, and dropped without its answer.");
	write_steps(text, "mcp_steps_total", metrics->mcp_steps, MCP_STEP_DROP);
	write_count(text, "mcp_kills_total", "MCP servers that only SIGKILL ended.",
		metrics->mcp_kills);
	write_count(text, "cli_starts_total", "Processes of the CLI that were started.",
		metrics->cli_starts);
	write_head(text, "cli_steps_total", "counter",
		"Steps that they needed to stop: end of stdin, SIGTERM, SIGKILL.");
	write_steps(text, "cli_steps_total", metrics->cli_steps, MCP_STEP_KILL);
	write_count(text, "cli_kills_total", "Of them, those that only SIGKILL ended.",
		metrics->cli_kills);
	write_count(text, "orphans_reaped_total",
		"Inherited processes that were reaped.", metrics->orphans);
}

static void write_last_stop(const struct metrics *metrics, struct buf *text)
{
	const struct stop_stats *stop = &metrics->last_stop;
	const uint64_t steps[MCP_STEPS] = {
		[MCP_STEP_EOF] = (uint64_t)stop->eof,
		[MCP_STEP_TERM] = (uint64_t)stop->term,
		[MCP_STEP_KILL] = (uint64_t)stop->kill,
	};

	if (!metrics->has_last_stop)
		return;
	write_gauge(text, "last_shutdown_clean",
		"1: the process before this one released every session at its stop. 0: "
		"a release failed, or the process was killed; then nothing else is "
		"known.",
		!stop->unfinished && stop->failed == 0);
	if (stop->unfinished)
		return;
	write_gauge(text, "last_shutdown_seconds",
		"How long the stop before this start took.", SECONDS(stop->took_ns));
	write_gauge(text, "last_shutdown_sessions", "Sessions open at that stop.",
		(double)stop->sessions);
	write_gauge(text, "last_shutdown_failures",
		"Of them, those whose release failed.", (double)stop->failed);
	write_gauge(text, "last_shutdown_killed", "MCP servers killed at that stop.",
		(double)stop->killed);
	write_head(text, "last_shutdown_mcp_steps", "gauge",
		"Steps that MCP servers needed at that stop.");
	write_steps(text, "last_shutdown_mcp_steps", steps, MCP_STEP_KILL);
}

void metrics_write(
	const struct metrics *metrics, const struct metrics_now *now, struct buf *text)
{
	write_gauge(text, "up_seconds", "Since the start.", SECONDS(now->up_ns));
	write_gauge(text, "sessions_active", "Sessions in memory.", now->sessions);
	write_gauge(text, "turns_active", "Turns that run or wait.", now->turns);
	write_gauge(text, "requests_active", "HTTP requests being answered.",
		now->requests);
	write_gauge(text, "connections_active", "HTTP connections that are open.",
		now->connections);
	write_requests(metrics, text);
	write_sessions(metrics, text);
	write_turns(metrics, text);
	write_children(metrics, text);
	write_last_stop(metrics, text);
}
