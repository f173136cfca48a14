#include "harness/judge/remains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* The kernel ends a PID namespace within this before PID 1 is reported gone (a few ms
 * were seen), and our reading of a hang-up lags behind it. */
#define NEAR_NS (250 * CLOCK_MS)

/* Only what the service made can be left behind by it. */
static bool is_offspring(const struct lifeline *lifeline)
{
	static const char *const roles[] = {"mock-mcp", "mock-mcp-child", "subject-child"};

	for (size_t i = 0; i < COUNT(roles); i++) {
		if (lifeline->role && strcmp(lifeline->role, roles[i]) == 0)
			return true;
	}
	return false;
}

/* The service's own record that it reaped this process: then it was not left behind. */
static bool was_reaped(const struct evidence *evidence, const struct lifeline *lifeline)
{
	if (evidence_count(evidence, "mcp.reaped") + evidence_count(evidence, "orphan.reaped")
		== 0)
		return false;
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == EVENT_SERVICE &&
			(strcmp(event->name, "mcp.reaped") == 0 ||
				strcmp(event->name, "orphan.reaped") == 0) &&
			json_int(event->json, "child", 0) == lifeline->own_pid)
			return true;
	}
	return false;
}

static bool is_remain(const struct evidence *evidence, const struct lifeline *lifeline)
{
	int64_t end_ns = evidence->facts.exit_ns;
	int64_t death_ns = evidence->facts.dying_ns ? evidence->facts.dying_ns
						    : evidence->facts.kill_ns;

	if (!is_offspring(lifeline))
		return false;
	if (lifeline->exit_ns)
		return death_ns && lifeline->exit_ns > death_ns;
	if (end_ns && lifeline->ended_ns && lifeline->ended_ns < end_ns - NEAR_NS)
		return false;
	return !was_reaped(evidence, lifeline);
}

static void describe(struct remain *remain)
{
	const struct lifeline *lifeline = remain->lifeline;
	size_t len = (size_t)snprintf(remain->text, sizeof remain->text, "%.40s",
		lifeline->role);

	if (lifeline->name)
		len += (size_t)snprintf(remain->text + len, sizeof remain->text - len,
			" '%.40s'", lifeline->name);
	if (lifeline->session)
		len += (size_t)snprintf(remain->text + len, sizeof remain->text - len,
			" of session %.20s", lifeline->session);
	snprintf(remain->text + len, sizeof remain->text - len, " (pid %d)",
		(int)lifeline->own_pid);
}

static unsigned count_zombies(const struct evidence *evidence)
{
	const struct snapshot *last;
	unsigned zombies = 0;

	if (evidence->snapshot_count == 0)
		return 0;
	last = &evidence->snapshots[evidence->snapshot_count - 1];
	for (unsigned i = 0; i < last->count; i++)
		zombies += last->procs[i].state == 'Z';
	return zombies;
}

void remains_find(struct remains *remains, const struct evidence *evidence)
{
	*remains = (struct remains){.zombies = count_zombies(evidence)};
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];
		struct remain *remain;

		if (!is_remain(evidence, lifeline))
			continue;
		remains->list = mem_grown(
			remains->list, remains->count + 1, sizeof *remains->list);
		remain = &remains->list[remains->count++];
		remain->lifeline = lifeline;
		describe(remain);
	}
}

void remains_done(struct remains *remains)
{
	free(remains->list);
	*remains = (struct remains){0};
}
