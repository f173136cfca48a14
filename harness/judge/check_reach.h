/*
 * check_reach - would the stop signal reach the program, and mean a stop to it?
 */
#ifndef HARNESS_JUDGE_CHECK_REACH_H
#define HARNESS_JUDGE_CHECK_REACH_H

#include "harness/judge/check.h"

/* Adds what it finds, and says whether PID 1's reaction is known. */
void check_reach(struct check *check, const struct check_input *input);

/* The next child of parent that parent itself started, as far as that is seen; NULL:
 * there is none. */
const struct process *check_child(const struct view *view, const struct process *parent,
	const struct process *child);

/* PID 1 inherited it: the process that began its session has ended. */
bool check_is_orphan(const struct view *view, const struct process *process);

/* It was put into the PID namespace from outside: docker exec, a health check. */
bool check_is_session(const struct view *view, const struct process *process);

#endif
