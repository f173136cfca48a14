#include "harness/judge/leaks.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* What a busy machine may need between two statements of a shell script. */
#define RACE_NS (5 * CLOCK_MS)
/* bash, from the end of the last of several children to its own: 0.1 to 0.2 ms without a
 * wait for them, 0.4 ms and more with one (100 stops of each, on a busy machine). Of one
 * child the two are not told apart. */
#define NO_TIME_NS (200 * 1000)

/* The service can leave only its own descendants behind. */
static bool is_offspring(const struct lifeline *lifeline)
{
	static const char *const roles[] = {
		"mock-cli", "mock-mcp", "mock-mcp-child", "subject-child"};

	for (size_t i = 0; i < COUNT(roles); i++) {
		if (lifeline->role && strcmp(lifeline->role, roles[i]) == 0)
			return true;
	}
	return false;
}

static const char *const reaped_events[] = {
	"mcp.reaped", "cli.reaped", "orphan.reaped"};

static bool is_reaped_event(const struct event *event)
{
	for (size_t i = 0; i < COUNT(reaped_events); i++)
		if (strcmp(event->name, reaped_events[i]) == 0)
			return true;
	return false;
}

/* The service recorded that it reaped this process: then it was not left behind. */
static bool was_reaped(const struct evidence *evidence, const struct lifeline *lifeline)
{
	unsigned count = 0;

	for (size_t i = 0; i < COUNT(reaped_events); i++)
		count += evidence_count(evidence, reaped_events[i]);
	if (count == 0 || !evidence->own_service)
		return false;
	for (unsigned i = 0; i < evidence->event_count; i++) {
		const struct event *event = &evidence->events[i];

		if (event->source == EVENT_SERVICE && is_reaped_event(event) &&
			event->ns >= lifeline->opened_ns &&
			event_int(event, "child", 0) == lifeline->own_pid)
			return true;
	}
	return false;
}

enum leak_state {
	LEAK_NONE, /* it ended before PID 1 did */
	LEAK_LEFT,
	LEAK_UNKNOWN,
	LEAK_RACED, /* it ended in time, and that may be chance */
};

/* Does the service record what it reaps, so that a missing record means something? Our
 * service does, and a subject's child has no reaper. */
static bool has_record(const struct evidence *evidence, const struct lifeline *lifeline)
{
	return lifeline &&
		((evidence->own_service &&
			 evidence_find_event(evidence, EVENT_SERVICE, "shutdown.begin",
				 evidence->facts.asked_ns)) ||
			(lifeline->role &&
				strcmp(lifeline->role, "subject-child") == 0));
}

/* Of one that ended so close to PID 1 that the stamps do not show which came first. */
static enum leak_state by_record(
	const struct evidence *evidence, const struct lifeline *lifeline)
{
	if (lifeline && was_reaped(evidence, lifeline))
		return LEAK_NONE;
	return has_record(evidence, lifeline) ? LEAK_LEFT : LEAK_UNKNOWN;
}

/* PID 1 asked for the end of a child between these times. */
static bool has_waited(
	const struct evidence *evidence, pid_t pid1, int64_t from_ns, int64_t to_ns)
{
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what == PROC_SIGNAL_WAITS && signal->pid == pid1 &&
			signal->ns > from_ns && signal->ns < to_ns)
			return true;
	}
	return false;
}

/* How many children PID 1 told to end. */
static unsigned told_by_pid1(const struct processes *processes)
{
	unsigned count = 0;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct proc_signal *told = processes->list[i].told;

		count += told && told->sender == processes->list->pid;
	}
	return count;
}

static bool is_told_child(
	const struct processes *processes, const struct process *process)
{
	const struct process *pid1 = processes->list;

	return process->told && process->told->sender == pid1->pid &&
		process->parent == pid1 && process->ended;
}

/* Of several, one may have been in wait(2) since before the signal, as in a JVM and in Go
 * for each child. */
static bool has_one_thread(const struct process *process)
{
	return process->before && process->before->threads == 1;
}

/* A wait is over with one child: PID 1 called fewer than it had to, and this one ended
 * behind those that it can have waited for. (Another thread may have been in one.) */
static bool waited_for_others(const struct evidence *evidence,
	const struct processes *processes, const struct process *process)
{
	const struct process *pid1 = processes->list;
	int64_t from_ns = process->told->ns, death_ns = evidence_death(evidence).ns;
	unsigned waits = 0, before = 0;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *other = &processes->list[i];

		if (!is_told_child(processes, other))
			continue;
		from_ns = other->told->ns < from_ns ? other->told->ns : from_ns;
		before += other->ended_ns < process->ended_ns;
	}
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		waits += signal->what == PROC_SIGNAL_WAITS &&
			signal->pid == pid1->pid && signal->ns > from_ns &&
			signal->ns < death_ns;
	}
	return before >= waits && waits < PROC_SIGNAL_WAITS_MAX / 2 &&
		has_one_thread(pid1);
}

/* SIGCHLD is ignored: the kernel reaps its children, and it has other ways to know. */
static bool needs_no_wait(const struct process *pid1)
{
	return pid1->before && proc_mask_has(pid1->before->ignored, SIGCHLD);
}

static bool is_program(const struct process *process, const char *exe)
{
	return process->before && strcmp(process->before->exe, exe) == 0;
}

/* Shells ask which children have ended between two commands, bash in its handler for
 * SIGCHLD: such a wait waits for nobody. (dash does not; libuv and Python have a wait for
 * each child.) */
static bool reaps_in_passing(const struct process *pid1)
{
	return pid1->before && proc_is_shell(pid1->before) &&
		!is_program(pid1, "dash") &&
		proc_mask_has(pid1->before->caught, SIGCHLD);
}

/* The kernel's SIGKILL at the end of a namespace goes to all that is there: to one that had
 * ended before only where nobody had waited for it. */
static bool was_unreaped(const struct process *process)
{
	const struct proc_signal *killed = process->killed;

	return killed && !killed->sender && process->ended_ns &&
		process->ended_ns <= killed->ns;
}

/* PID 1 told it to end, and it ended so shortly before PID 1's own end that chance
 * decided which came first. No wait of PID 1 at all proves that it did not wait for it,
 * if it has one thread. Of one that died of the signal, a wait that PID 1 began before
 * that end proves that it waited; one behind it proves the same, unless PID 1 reaps in
 * passing whatever ended. */
static enum leak_state state_of_race(const struct evidence *evidence,
	const struct process *process, const struct processes *processes)
{
	const struct process *pid1 = processes->list;
	const struct proc_signal *told = process->told;
	struct death death = evidence_death(evidence);
	int64_t time_ns;

	if (!evidence->signals_known || !told || told->sender != pid1->pid ||
		process->parent != pid1 || !process->ended || !death.ns ||
		death.only_end || process->ended_ns < death.ns - RACE_NS ||
		needs_no_wait(pid1))
		return LEAK_NONE;
	if ((has_one_thread(pid1) &&
		    !has_waited(evidence, pid1->pid, told->ns, death.ns)) ||
		waited_for_others(evidence, processes, process) ||
		was_unreaped(process))
		return LEAK_LEFT;
	if (!WIFSIGNALED(process->wait_status) ||
		WTERMSIG(process->wait_status) != told->signal ||
		has_waited(evidence, pid1->pid, told->ns, process->ended_ns) ||
		!pid1->before || proc_is_init(pid1->before))
		return LEAK_NONE;
	if (!reaps_in_passing(pid1))
		return LEAK_NONE;
	/* (As the connector stamps it: had PID 1 reaped it in passing, that was over
	 * before PID 1 came to its own end.) */
	time_ns = death.ns - process->record->ended_ns;
	return time_ns < 0 ||
			(time_ns < NO_TIME_NS && told_by_pid1(processes) > 1 &&
				is_program(pid1, "bash"))
		? LEAK_LEFT
		: LEAK_RACED;
}

static unsigned count_children(
	const struct processes *processes, const struct process *parent)
{
	unsigned count = 0;

	for (unsigned i = 1; i < processes->count; i++)
		count += processes->list[i].parent == parent &&
			processes->list[i].was_there;
	return count;
}

/* `sleep 5 & wait`, with which a shell waits so that its trap runs at once: a sleep of its
 * own, its only child, in its process group, that it did not tell to end. */
static bool is_shells_timer(
	const struct processes *processes, const struct process *process)
{
	const struct process *pid1 = processes->list;
	const struct proc *proc = process->last ? process->last : process->before;
	const struct proc *shell = pid1->last ? pid1->last : pid1->before;

	/* (One that was forked behind the last snapshot is in none.) */
	return shell && !process->told && proc_is_shell(shell) &&
		process->parent == pid1 && strcmp(process->name, "sleep") == 0 &&
		count_children(processes, pid1) == 1 &&
		(proc ? proc->pgid == shell->pgid && proc->sid == shell->sid
		      : process->was_there) &&
		!(process->record && process->record->outside);
}

/* By the kernel's stamps of a descendant. */
static enum leak_state state_of_record(const struct evidence *evidence,
	const struct processes *processes, const struct process *process)
{
	const struct proc_record *record = process->record;
	struct death death = evidence_death(evidence);
	int64_t before_ns = death_earliest_ns(&death);
	enum leak_state raced;

	/* A process forked after PID 1 began to exit is not a leak; its parent is. */
	if ((death.ns && record->born_ns > death.ns) || process_is_session(process) ||
		process_ends_with_parent(process) ||
		is_shells_timer(processes, process))
		return LEAK_NONE;
	if (!process->ended)
		return LEAK_LEFT;
	raced = state_of_race(evidence, process, processes);
	if (raced != LEAK_NONE)
		return raced;
	if (death.ns && process->ended_ns <= before_ns)
		return LEAK_NONE;
	/* Near a SIGKILL it may have exited because its stdin ended with PID 1. */
	if ((!death.ns || death.only_end) &&
		!(WIFSIGNALED(record->wait_status) &&
			WTERMSIG(record->wait_status) == SIGKILL))
		return LEAK_NONE;
	return by_record(evidence, process->lifeline);
}

/* By its lifeline alone. */
static enum leak_state state_of_line(
	const struct evidence *evidence, const struct lifeline *lifeline)
{
	struct death death = evidence_death(evidence);
	int64_t before_ns = death_earliest_ns(&death);

	if (!is_offspring(lifeline))
		return LEAK_NONE;
	if (lifeline->exit_ns && death.ns && lifeline->exit_ns > death.ns)
		return LEAK_LEFT;
	if (lifeline->exit_ns && (death.only_end || lifeline->exit_ns <= before_ns))
		return LEAK_NONE;
	if (lifeline->exit_ns)
		return by_record(evidence, lifeline);
	/* Our reading of a hang-up is never earlier than the hang-up. */
	if (!lifeline->ended_ns || lifeline->ended_ns > death.ns)
		return was_reaped(evidence, lifeline) ? LEAK_NONE : LEAK_LEFT;
	return lifeline->ended_ns <= before_ns ? LEAK_NONE
					       : by_record(evidence, lifeline);
}

static bool has_descendant(
	const struct evidence *evidence, const struct lifeline *lifeline)
{
	for (unsigned i = 0; i < evidence->descendant_count; i++) {
		if (lifeline_is_of(lifeline, &evidence->descendants[i]))
			return true;
	}
	return false;
}

/* PID 1 exited by itself, and asked for the end of no child after it had told this one.
 * (One that was killed waited until then, for whatever it was. At the end of a namespace
 * the kernel waits in PID 1's name.) */
static bool was_not_waited_for(const struct evidence *evidence,
	const struct processes *processes, const struct process *process)
{
	struct death death = evidence_death(evidence);

	return !evidence->facts.kill_ns && !death.only_end &&
		has_one_thread(processes->list) &&
		!has_waited(
			evidence, processes->list->pid, process->told->ns, death.ns);
}

/* Orphans of before the stop have lost the parent that forked them. */
static enum leak_kind kind_of(const struct evidence *evidence,
	const struct processes *processes, const struct process *process)
{
	const struct process *forked_by = process->record && process->record->parent
		? processes_by_pid(processes, process->record->parent)
		: NULL;

	if (process->told)
		return was_not_waited_for(evidence, processes, process)
			? LEAK_NOT_WAITED
			: LEAK_TOLD;
	if (process->killed && process->killed->sender)
		return LEAK_KILLED;
	if (forked_by && forked_by != processes->list && forked_by->record &&
		forked_by->record->ended_ns &&
		forked_by->record->ended_ns <= evidence->facts.signal_ns)
		return LEAK_ORPHAN;
	return processes->signals_known ? LEAK_NEVER_TOLD : LEAK_UNTRACED;
}

static void add(struct leaks *leaks, enum leak_kind kind, const struct process *process,
	const struct lifeline *lifeline)
{
	SCOPED(buf_done) struct buf text = {0};
	struct leak *leak;

	leaks->list = mem_grown(leaks->list, leaks->count + 1, sizeof *leak);
	leak = &leaks->list[leaks->count++];
	*leak = (struct leak){.lifeline = lifeline, .process = process};
	leaks->kinds[kind]++;
	if (lifeline && lifeline->role)
		buf_addf(&text, "%.40s%s%.40s%s%s%.20s (pid %d)", lifeline->role,
			lifeline->name ? " '" : "",
			lifeline->name ? lifeline->name : "", lifeline->name ? "'" : "",
			lifeline->session ? " of session " : "",
			lifeline->session ? lifeline->session : "",
			(int)lifeline->own_pid);
	else
		process_add_name(process, &text);
	snprintf(leak->text, sizeof leak->text, "%s", buf_text(&text));
}

/* What ended a moment before is no zombie yet: its parent may be about to ask for it. */
#define ZOMBIE_NS (100 * CLOCK_MS)

/* It ended during the stop, and its parent asked for the end of a child after the
 * snapshot: it may have got this one, as supervisord does once a second. */
static bool may_be_reaped(const struct process *zombie, const struct evidence *evidence,
	const struct snapshot *last)
{
	if (!zombie->parent || zombie->record->ended_ns < evidence->facts.signal_ns)
		return false;
	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *asked = &evidence->signals[i];

		if (asked->what == PROC_SIGNAL_WAITS &&
			asked->pid == zombie->parent->pid && asked->ns > last->ns)
			return true;
	}
	return false;
}

static unsigned count_zombies(const struct processes *processes,
	const struct evidence *evidence, const struct snapshot *last)
{
	unsigned count = 0;

	for (unsigned i = 0; last && i < last->count; i++) {
		const struct process *process =
			processes_by_pid(processes, last->procs[i].pid);
		const struct proc_record *record = process ? process->record : NULL;

		count += last->procs[i].state == 'Z' && last->procs[i].threads <= 1 &&
			!(record &&
				(record->ended_ns > last->ns - ZOMBIE_NS ||
					may_be_reaped(process, evidence, last)));
	}
	return count;
}

void leaks_find(struct leaks *leaks, const struct evidence *evidence,
	const struct processes *processes)
{
	*leaks = (struct leaks){
		.zombies = count_zombies(
			processes, evidence, evidence_last_snapshot(evidence)),
	};
	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *process = &processes->list[i];
		enum leak_state state = process->record
			? state_of_record(evidence, processes, process)
			: LEAK_NONE;

		leaks->unknown += state == LEAK_UNKNOWN;
		leaks->raced += state == LEAK_RACED;
		if (state == LEAK_LEFT)
			add(leaks, kind_of(evidence, processes, process), process,
				process->lifeline);
	}
	for (unsigned i = 0; i < evidence->lifeline_count; i++) {
		const struct lifeline *lifeline = &evidence->lifelines[i];
		enum leak_state state = has_descendant(evidence, lifeline)
			? LEAK_NONE
			: state_of_line(evidence, lifeline);

		leaks->unknown += state == LEAK_UNKNOWN;
		if (state == LEAK_LEFT)
			add(leaks, LEAK_UNTRACED, NULL, lifeline);
	}
}

void leaks_done(struct leaks *leaks)
{
	free(leaks->list);
	*leaks = (struct leaks){0};
}
