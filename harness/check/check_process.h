/*
 * check_process - what the rules of a check ask of a process: what it would do with the
 * stop signal, by its masks, its wait and its descriptors in two looks, and whose child
 * it is.
 */
#ifndef HARNESS_CHECK_CHECK_PROCESS_H
#define HARNESS_CHECK_CHECK_PROCESS_H

#include "harness/check/check.h"

/* What is checked, for a rule. */
struct reach {
	struct check *check;
	const struct check_input *input;
	const struct view *view;
	const struct process *pid1;
	int number; /* of the stop signal */
	int64_t grace_ns;
};

enum hearing {
	HEARING_UNKNOWN,   /* what it waits in, or who takes it, could not be read */
	HEARING_UNSETTLED, /* the two looks differ */
	HEARING_NOTHING,   /* no handler: discarded for PID 1, else the default */
	HEARING_IGNORES,
	HEARING_BLOCKED, /* kept, and nobody takes it */
	HEARING_TAKES,   /* in sigwait, or by a signalfd */
	HEARING_HANDLER,
};

enum hearing reach_hearing(const struct reach *reach, const struct process *process);

/* Was it there at both looks? */
bool check_lasts(const struct check_input *input, const struct process *process);

/* How it looked at the first look; NULL: it was not there. */
const struct proc *check_first_look(
	const struct check_input *input, const struct process *process);

/* The next child of parent that parent itself started, as far as that is seen; NULL:
 * there is none. */
const struct process *check_child(const struct view *view, const struct process *parent,
	const struct process *child);

/* PID 1 inherited it: the process that began its session has ended. */
bool check_is_orphan(const struct view *view, const struct process *process);

/* It was put into the PID namespace from outside: docker exec, a health check. */
bool check_is_session(const struct view *view, const struct process *process);

/* What is known of its kind; NULL: nothing. Borrowed. */
const struct stack *check_stack(
	const struct check_input *input, const struct process *process);

/* The kernel discards what PID 1 of a PID namespace has no handler for. */
bool reach_has_pid1_rules(const struct process *process);

/* "PID 1 (python3)", "python3 (pid 7)" */
void reach_add_who(
	const struct reach *reach, const struct process *process, struct buf *text);

/* "python3 (pid 7), which has a handler for it, never receives it" */
void reach_add_untold(
	const struct reach *reach, const struct process *process, struct buf *text);

/* Does this init signal the process group of its child, and not the child alone? */
bool reach_signals_group(const struct proc *init);

/* Does this init make a 0 of this exit code, as `tini -e 143` does? */
bool reach_forgives(const struct proc *init, int code);

#endif
