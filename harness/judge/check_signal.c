#include "harness/judge/check_signal.h"

static const struct signal_takers *takers_of(
	const struct check_input *input, const struct process *process)
{
	for (unsigned i = 0; i < input->taker_count; i++) {
		if (input->takers[i].pid == process->pid)
			return &input->takers[i];
	}
	return NULL;
}

/* How it was seen in the first look; NULL: it was not there. */
static const struct proc *at_first(
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
	return process->last && at_first(input, process);
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
enum hearing check_hearing(
	const struct check_input *input, const struct process *process, int number)
{
	const struct signal_takers *takers = takers_of(input, process);
	const struct proc *first = at_first(input, process), *last = process->last;
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
