#include "harness/judge/leaks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

/* From when on whatever happened to its children was PID 1's death, and not its doing;
 * 0: nobody saw that moment. */
static int64_t death_of(const struct stop_facts *facts)
{
	return facts->dying_ns ? facts->dying_ns : facts->kill_ns;
}

enum whereabouts {
	GONE, /* before PID 1 was */
	LEFT, /* behind by it */
	DOUBTFUL,
};

static bool is_killed(const struct proc_record *record)
{
	return WIFSIGNALED(record->wait_status) &&
		WTERMSIG(record->wait_status) == SIGKILL;
}

/* A service that says nothing of its children has no record that could lack one. */
static bool keeps_record(
	const struct evidence *evidence, const struct lifeline *lifeline)
{
	return lifeline &&
		(evidence_service_event(evidence, "shutdown.begin") ||
			(lifeline->role &&
				strcmp(lifeline->role, "subject-child") == 0));
}

/* By the kernel's word. */
static enum whereabouts find_life(const struct evidence *evidence,
	const struct proc_record *record, const struct lifeline *lifeline)
{
	int64_t death_ns = death_of(&evidence->facts);
	int64_t end_ns = evidence->facts.exit_ns;

	/* Who was born later was never left: whoever bore it was. */
	if (death_ns && record->born_ns > death_ns)
		return GONE;
	if (!record->ended_ns)
		return LEFT;
	if (death_ns)
		return record->ended_ns > death_ns ? LEFT : GONE;
	if (end_ns && record->ended_ns > end_ns)
		return LEFT;
	if (!is_killed(record) || (end_ns && record->ended_ns < end_ns - NEAR_NS) ||
		(lifeline && was_reaped(evidence, lifeline)))
		return GONE;
	return keeps_record(evidence, lifeline) ? LEFT : DOUBTFUL;
}

/* By its lifeline alone. */
static enum whereabouts find_line(
	const struct evidence *evidence, const struct lifeline *lifeline)
{
	int64_t death_ns = death_of(&evidence->facts);
	int64_t end_ns = evidence->facts.exit_ns;

	if (!is_offspring(lifeline))
		return GONE;
	if (lifeline->exit_ns)
		return death_ns && lifeline->exit_ns > death_ns ? LEFT : GONE;
	/* Our reading of a hang-up is never earlier than it. */
	if (lifeline->ended_ns && death_ns && lifeline->ended_ns < death_ns)
		return GONE;
	if (lifeline->ended_ns && !death_ns && end_ns &&
		lifeline->ended_ns < end_ns - NEAR_NS)
		return GONE;
	return was_reaped(evidence, lifeline) ? GONE : LEFT;
}

/* The process that held it; a number that was used again had another one before. */
static bool is_line_of(
	const struct lifeline *lifeline, const struct proc_record *record)
{
	return lifeline->pid == record->pid && lifeline->opened_ns >= record->born_ns &&
		(!record->ended_ns ||
			lifeline->opened_ns <= record->ended_ns + NEAR_NS);
}

static const struct lifeline *line_of(
	const struct evidence *evidence, const struct proc_record *record)
{
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		if (is_line_of(&evidence->lifelines[i], record))
			return &evidence->lifelines[i];
	}
	return NULL;
}

static bool has_life(const struct evidence *evidence, const struct lifeline *lifeline)
{
	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		if (is_line_of(lifeline, &evidence->descendants[i]))
			return true;
	}
	return false;
}

static struct leak *add(struct leaks *leaks)
{
	leaks->list = mem_grown(leaks->list, leaks->count + 1, sizeof *leaks->list);
	leaks->list[leaks->count] = (struct leak){0};
	return &leaks->list[leaks->count++];
}

static void describe(struct leak *remain)
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
		zombies += last->procs[i].state == 'Z' && last->procs[i].threads <= 1;
	return zombies;
}

/* Its life may be NULL, or else its lifeline. */
static void note(struct leaks *leaks, enum whereabouts where,
	const struct proc_record *record, const struct lifeline *lifeline)
{
	struct leak *remain;

	leaks->doubtful += where == DOUBTFUL;
	if (where != LEFT)
		return;
	remain = add(leaks);
	remain->lifeline = lifeline;
	if (lifeline && lifeline->role)
		describe(remain);
	else
		snprintf(remain->text, sizeof remain->text, "%s (pid %d)",
			record->name[0] ? record->name : "a child",
			(int)(record->ns_pid ? record->ns_pid : record->pid));
}

void leaks_find(struct leaks *leaks, const struct evidence *evidence)
{
	*leaks = (struct leaks){.zombies = count_zombies(evidence)};
	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		const struct proc_record *record = &evidence->descendants[i];
		const struct lifeline *lifeline = line_of(evidence, record);

		note(leaks, find_life(evidence, record, lifeline), record, lifeline);
	}
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];

		if (!has_life(evidence, lifeline))
			note(leaks, find_line(evidence, lifeline), NULL, lifeline);
	}
}

void leaks_done(struct leaks *leaks)
{
	free(leaks->list);
	*leaks = (struct leaks){0};
}
