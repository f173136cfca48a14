#include "harness/check/check_process.h"

#include <stdlib.h>
#include <string.h>

/* --- what it does with the signal --- */

static const struct signal_takers *takers_of(
	const struct check_input *input, const struct process *process)
{
	for (unsigned i = 0; i < input->taker_count; i++) {
		if (input->takers[i].pid == process->pid)
			return &input->takers[i];
	}
	return NULL;
}

const struct proc *check_first_look(
	const struct check_input *input, const struct process *process)
{
	const struct evidence *evidence = input->view->evidence;

	for (unsigned i = 0; evidence->snapshot_count && i < evidence->snapshots->count;
		i++) {
		if (evidence->snapshots->procs[i].pid == process->pid)
			return &evidence->snapshots->procs[i];
	}
	return NULL;
}

bool check_lasts(const struct check_input *input, const struct process *process)
{
	return process->last && check_first_look(input, process);
}

/* Not where that may not be read: such a wait may be one for signals. */
static bool wait_is_seen(const struct proc *proc)
{
	return proc->syscall >= 0 || proc->wchan[0] || proc->state == 'R';
}

/* The main thread keeps it. */
static enum hearing when_kept(
	const struct signal_takers *takers, const struct proc *proc, int number)
{
	if (!takers || !takers->known)
		return proc_awaits_signals(proc) ? HEARING_TAKES : HEARING_UNKNOWN;
	if (takers->waiting || takers->signalfds)
		return HEARING_TAKES;
	if (!takers->unblocked)
		return HEARING_BLOCKED;
	return proc_mask_has(proc->caught, number) ? HEARING_HANDLER : HEARING_NOTHING;
}

static enum hearing hearing_in(const struct signal_takers *takers,
	const struct proc *proc, int number, bool blocked)
{
	bool known = takers && takers->known;

	if (blocked || (known ? takers->main_waits : proc_awaits_signals(proc)))
		return when_kept(takers, proc, number);
	if (proc_mask_has(proc->caught, number))
		return HEARING_HANDLER;
	if (proc_mask_has(proc->ignored, number))
		return HEARING_IGNORES;
	if (!known && !wait_is_seen(proc))
		return HEARING_UNKNOWN;
	return HEARING_NOTHING;
}

/* A process that forks blocks all signals for a moment: only what both looks show as
 * blocked is. */
enum hearing reach_hearing(const struct reach *reach, const struct process *process)
{
	const struct check_input *input = reach->input;
	int number = reach->number;
	const struct signal_takers *takers = takers_of(input, process);
	const struct proc *first = check_first_look(input, process),
			  *last = process->last;
	bool blocked;

	if (!first || !last)
		return last ? hearing_in(takers, last, number,
				      proc_mask_has(last->blocked, number))
			    : HEARING_UNKNOWN;
	if (((first->caught ^ last->caught) | (first->ignored ^ last->ignored)) >>
			(number - 1) &
		1)
		return HEARING_UNSETTLED;
	blocked = proc_mask_has(first->blocked & last->blocked, number);
	return hearing_in(takers, last, number, blocked);
}

/* --- whose it is --- */

bool check_is_session(const struct view *view, const struct process *process)
{
	while (process->parent)
		process = process->parent;
	return process != view->processes.list;
}

bool check_is_orphan(const struct view *view, const struct process *process)
{
	const struct process *pid1 = view->processes.list;

	return process->parent == pid1 && process->last && pid1->last &&
		process->last->sid != pid1->last->sid &&
		!processes_by_pid(&view->processes, process->last->sid);
}

const struct process *check_child(const struct view *view, const struct process *parent,
	const struct process *child)
{
	do {
		child = processes_child(&view->processes, parent, child);
	} while (child && check_is_orphan(view, child));
	return child;
}

bool reach_has_pid1_rules(const struct process *process)
{
	return process->last->ns_pid == 1;
}

void reach_add_who(
	const struct reach *reach, const struct process *process, struct buf *text)
{
	if (process == reach->pid1 && reach_has_pid1_rules(process))
		buf_addf(text, "PID 1 (%.32s)", process->name);
	else
		process_add_name(process, text);
}

void reach_add_untold(
	const struct reach *reach, const struct process *process, struct buf *text)
{
	enum hearing hearing = reach_hearing(reach, process);

	process_add_name(process, text);
	buf_addf(text, "%s never receives it",
		hearing == HEARING_HANDLER || hearing == HEARING_TAKES
			? ", which has a handler for it,"
			: "");
}

const struct stack *check_stack(
	const struct check_input *input, const struct process *process)
{
	return stacks_match(input->stacks, process->name, process->last->command);
}

/* --- inits --- */

/* What follows this option of an init ("-e"), before its program; NULL: it has none. */
static const char *option_of(const struct proc *init, const char *option)
{
	const char *word = strchr(init->command, ' ');
	bool is_value = false;

	for (; word; word = strchr(word, ' ')) {
		size_t len = strcspn(++word, " ");

		if (is_value) {
			is_value = false;
			continue;
		}
		if (word[0] != '-' || (len == 2 && word[1] == '-'))
			return NULL;
		if (strlen(option) == len && strncmp(word, option, len) == 0)
			return word + len;
		is_value = len == 2 && strchr("epr", word[1]);
	}
	return NULL;
}

bool reach_signals_group(const struct proc *init)
{
	return strstr(init->command, "dumb-init")
		? !option_of(init, "--single-child") && !option_of(init, "-c")
		: proc_is_init(init) && option_of(init, "-g");
}

bool reach_forgives(const struct proc *init, int code)
{
	const char *value = proc_is_init(init) ? option_of(init, "-e") : NULL;

	return value && strtol(value, NULL, 10) == code;
}
