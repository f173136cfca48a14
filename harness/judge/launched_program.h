/*
 * launched_program - the program that PID 1 only starts and waits for, maybe through
 * others: of `npm start` the node behind the shell.
 */
#ifndef HARNESS_JUDGE_LAUNCHED_PROGRAM_H
#define HARNESS_JUDGE_LAUNCHED_PROGRAM_H

#include "harness/engine/snapshot.h"

/* The first one in the chain of only children below PID 1 that receives the signal, or
 * listens. NULL: there is none. Borrowed of the snapshot. */
const struct proc *launched_program(const struct snapshot *snapshot, int signal_number);

/* The only child of parent, zombies left out; NULL: it has none, or several. */
const struct proc *launched_only_child(
	const struct snapshot *snapshot, const struct proc *parent);

#endif
