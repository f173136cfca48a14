#include "harness/picture/stop_steps.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/json.h"
#include "lib/mem.h"

/* The service knows its children by their pids in its own namespace. */
struct child_key {
	int64_t pid;
	struct process_steps *steps;
	UT_hash_handle hh;
};

static bool is_named(const struct event *event, const char *name)
{
	return strcmp(event->name, name) == 0;
}

static bool says(const struct event *event, const char *key, const char *value)
{
	const char *text = event_text(event, key);

	return text && strcmp(text, value) == 0;
}

static int64_t earlier(int64_t one, int64_t other)
{
	return !one || (other && other < one) ? other : one;
}

/* --- of the processes --- */

static void read_process(struct process_steps *steps, const struct process *process,
	const struct view *view, int64_t zero_ns)
{
	const struct lifeline *lifeline = process->lifeline;

	if (process->told) {
		steps->signal_ns = process->told->ns;
		steps->discarded = process->told->ignored;
	}
	steps->handler_ns = process->handled ? process->handled->ns : 0;
	steps->kill_ns = process->killed ? process->killed->ns : 0;
	if (process->record && process->record->ended_ns > PROC_ENDED_BEFORE)
		steps->ended_ns = process->record->ended_ns;
	if (lifeline && lifeline->eof_ns >= zero_ns)
		steps->eof_ns = lifeline->eof_ns;
	if (lifeline)
		steps->session = lifeline->session;
	if (process == view->processes.list) {
		steps->signal_ns = view->facts->signal_ns;
		steps->discarded = view->discarded;
		steps->kill_ns = view->facts->kill_ns;
		steps->ended_ns = view->facts->exit_ns;
	}
}

static struct child_key *index_children(
	const struct stop_steps *steps, const struct processes *processes)
{
	struct child_key *keys = NULL, *key, *older;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *process = &processes->list[i];

		if (!process->was_there || process->ns_pid <= 0)
			continue;
		key = mem_zeroed(sizeof *key);
		key->pid = process->ns_pid;
		key->steps = &steps->of[i];
		HASH_REPLACE(hh, keys, pid, sizeof key->pid, key, older);
		free(older);
	}
	return keys;
}

static void free_keys(struct child_key *keys)
{
	struct child_key *key, *next;

	HASH_ITER(hh, keys, key, next) {
		HASH_DEL(keys, key);
		free(key);
	}
}

/* --- of the service's events --- */

static void read_phase(struct stop_steps *steps, const struct event *event)
{
	if (says(event, "phase", "disconnect"))
		steps->disconnect_ns = event->ns;
	else if (says(event, "phase", "flush"))
		steps->flush_ns = event->ns;
}

/* The kernel's stamp and the server's own are nearer to a step than the line that tells
 * of it. */
static void read_ladder(struct child_key *keys, const struct event *event)
{
	int64_t pid = event_int(event, "child", 0);
	struct child_key *key;
	struct process_steps *steps;

	HASH_FIND(hh, keys, &pid, sizeof pid, key);
	if (!key)
		return;
	steps = key->steps;
	if (!steps->session)
		steps->session = event_text(event, "room");
	if (is_named(event, "mcp.reaped"))
		steps->reaped_ns = event->ns;
	else if (says(event, "step", "eof"))
		steps->eof_ns = earlier(steps->eof_ns, event->ns);
	else if (says(event, "step", "term"))
		steps->signal_ns = earlier(steps->signal_ns, event->ns);
	else if (says(event, "step", "kill"))
		steps->kill_ns = earlier(steps->kill_ns, event->ns);
}

static void read_events(
	struct stop_steps *steps, const struct view *view, struct child_key *keys)
{
	const struct evidence *evidence = view->evidence;

	for (unsigned i = 0; view->shutdown && i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source != EVENT_SERVICE || event->ns < view->shutdown->ns)
			continue;
		if (is_named(event, "shutdown.phase"))
			read_phase(steps, event);
		else if (is_named(event, "shutdown.complete"))
			steps->complete_ns = event->ns;
		else if (is_named(event, "mcp.step") || is_named(event, "mcp.reaped"))
			read_ladder(keys, event);
	}
	steps->begin_ns = view->shutdown ? view->shutdown->ns : 0;
}

void stop_steps_find(struct stop_steps *steps, const struct view *view)
{
	const struct stop_facts *facts = view->facts;
	const struct processes *processes = &view->processes;
	struct child_key *keys;

	*steps = (struct stop_steps){
		.zero_ns = facts->signal_ns ? facts->signal_ns : facts->asked_ns,
		.end_ns = facts->exit_ns,
		.of = mem_zeroed(processes->count * sizeof *steps->of),
	};
	for (unsigned i = 0; i < processes->count; i++)
		read_process(&steps->of[i], &processes->list[i], view, steps->zero_ns);
	keys = index_children(steps, processes);
	read_events(steps, view, keys);
	free_keys(keys);
}

void stop_steps_done(struct stop_steps *steps)
{
	free(steps->of);
	*steps = (struct stop_steps){0};
}

char *stop_steps_name(const struct view *view, const struct process *process)
{
	const struct lifeline *lifeline = process->lifeline;
	struct buf name = {0};

	if (process == view->processes.list)
		return process->name[0] ? mem_textf("PID 1 (%.32s)", process->name)
					: mem_text("PID 1");
	if (!lifeline || !lifeline->name) {
		process_add_name(process, &name);
		return buf_take(&name);
	}
	return mem_textf("%.64s%s%.32s (pid %d)", lifeline->name,
		lifeline->session ? " of session " : "",
		lifeline->session ? lifeline->session : "",
		(int)(process->ns_pid ? process->ns_pid : process->pid));
}
