/*
 * hung_stop - a stop whose grace expired although the signal had reached PID 1.
 *
 * Shared by the diagnoses of what the program did with the signal (diagnose_reach) and of
 * what it waited for (diagnose_wait). Where hung_stop() is true, the view has a last
 * snapshot with the program in it.
 */
#ifndef HARNESS_JUDGE_DIAGNOSE_HUNG_STOP_H
#define HARNESS_JUDGE_DIAGNOSE_HUNG_STOP_H

#include "harness/judge/view.h"

/* It is one, and no events of our service say more. (Without any grace nothing could have
 * ended in it.) */
bool hung_stop(const struct view *view);

/* Adds "PID 1 (python3)", or "python3 (pid 7)". */
void hung_stop_add_who(
	const struct view *view, const struct process *process, struct buf *text);

/* It is in one of these calls, by their names, NULL-terminated. */
bool hung_stop_is_in(const struct proc *proc, const char *const *names);

/* Adds that the program has a child that got no signal, where that is so. */
void hung_stop_add_child_not_told(
	const struct view *view, const struct process *program, struct buf *text);

/* The process at the end of a chain in which each waits for the next, and in *parent the
 * one that waits for it; NULL: PID 1 waits for none. */
const struct process *hung_stop_last_awaited(
	const struct view *view, const struct process **parent);

#endif
