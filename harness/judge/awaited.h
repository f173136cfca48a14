/*
 * awaited - for which of its children a process still waits, when it is seen for the last
 * time: one that was told to end, one that holds a client's connection, one for which it
 * is blocked in a wait, or one whose siblings have ended.
 */
#ifndef HARNESS_JUDGE_AWAITED_H
#define HARNESS_JUDGE_AWAITED_H

#include "harness/judge/processes.h"

/* That with the best proof; NULL: none. */
const struct process *awaited_child(
	const struct processes *processes, const struct process *parent);

unsigned awaited_children(
	const struct processes *processes, const struct process *parent);

#endif
