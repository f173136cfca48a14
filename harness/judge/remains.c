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
	static const char *const roles[] = {
		"mock-mcp", "mock-mcp-child", "subject-child"};

	for (size_t i = 0; i < COUNT(roles); i++) {
		if (lifeline->role && strcmp(lifeline->role, roles[i]) == 0)
			return true;
	}
	return false;
}

/* The service's own record that it reaped this process: then it was not left behind. */
static bool was_reaped(const struct evidence *evidence, const struct lifeline *lifeline)
{
	if (evidence_count(evidence, "mcp.reaped") +
			evidence_count(evidence, "orphan.reaped") ==
		0)
		return false;
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == EVENT_SERVICE &&
			(strcmp(event->name, "mcp.reaped") == 0 ||
				strcmp(event->name, "orphan.reaped") == 0) &&
			event->ns >= lifeline->opened_ns &&
			json_int(event->json, "child", 0) == lifeline->own_pid)
			return true;
	}
	return false;
}

/* From when on whatever happened to its children was PID 1's death, and not its doing. */
static int64_t death_of(const struct stop_facts *facts)
{
	if (facts->dying_ns)
		return facts->dying_ns;
	return facts->kill_ns ? facts->kill_ns : 0;
}

static bool is_remain(const struct evidence *evidence, const struct lifeline *lifeline)
{
	int64_t death_ns = death_of(&evidence->facts);
	int64_t end_ns = evidence->facts.exit_ns;

	if (!is_offspring(lifeline))
		return false;
	if (lifeline->exit_ns)
		return death_ns && lifeline->exit_ns > death_ns;
	/* Our reading of a hang-up is never earlier than it. */
	if (lifeline->ended_ns && death_ns && lifeline->ended_ns < death_ns)
		return false;
	if (lifeline->ended_ns && !death_ns && end_ns &&
		lifeline->ended_ns < end_ns - NEAR_NS)
		return false;
	return !was_reaped(evidence, lifeline);
}

static bool has_lifeline(const struct evidence *evidence, pid_t pid)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		if (evidence->lifelines[i].pid == pid)
			return true;
	}
	return false;
}

static struct remain *add(struct remains *remains)
{
	remains->list =
		mem_grown(remains->list, remains->count + 1, sizeof *remains->list);
	remains->list[remains->count] = (struct remain){0};
	return &remains->list[remains->count++];
}

static void find_strangers(struct remains *remains, const struct evidence *evidence)
{
	const struct snapshot *last = evidence_last_snapshot(evidence);
	int64_t death_ns = evidence->facts.dying_ns;

	if (!last || !death_ns)
		return;
	for (unsigned i = 1; i < last->count; i++) {
		const struct proc *proc = &last->procs[i];

		if (proc->state == 'Z' || proc->ended_ns <= death_ns ||
			has_lifeline(evidence, proc->pid))
			continue;
		snprintf(add(remains)->text, sizeof remains->list->text,
			"%.32s (pid %d)", proc->name, (int)proc->ns_pid);
	}
}

static void describe(struct remain *remain)
{
	const struct lifeline *lifeline = remain->lifeline;
	size_t len = (size_t)snprintf(
		remain->text, sizeof remain->text, "%.40s", lifeline->role);

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
	const struct snapshot *last = evidence_last_snapshot(evidence);
	unsigned zombies = 0;

	for (unsigned i = 0; last && i < last->count; i++)
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
		remain = add(remains);
		remain->lifeline = lifeline;
		describe(remain);
	}
	find_strangers(remains, evidence);
}

void remains_done(struct remains *remains)
{
	free(remains->list);
	*remains = (struct remains){0};
}
