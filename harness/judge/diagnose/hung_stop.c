#include "harness/judge/diagnose/hung_stop.h"

#include <signal.h>
#include <string.h>

#include "harness/judge/awaited.h"

#define DEPTH_MAX 16

bool hung_stop(const struct view *view)
{
	return view->killed && view->scenario->stop.grace_ns > 0 &&
		view->facts->stop_signal != SIGKILL && !view->discarded &&
		!view->delivery_unproven &&
		!(view->shutdown && view->evidence->own_service) && view->last &&
		view->program && view->program->last;
}

void hung_stop_add_who(
	const struct view *view, const struct process *process, struct buf *text)
{
	if (process == view->processes.list)
		buf_addf(text, "PID 1 (%.32s)", process->name);
	else
		process_add_name(process, text);
}

bool hung_stop_is_in(const struct proc *proc, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(proc_syscall_name(proc), *names) == 0)
			return true;
	}
	return false;
}

void hung_stop_add_child_not_told(
	const struct view *view, const struct process *program, struct buf *text)
{
	const struct process *child = processes_child(&view->processes, program, NULL);

	if (!child || child->told || !view->processes.signals_known)
		return;
	buf_adds(text, "; its child ");
	process_add_name(child, text);
	buf_adds(text, " runs, and got no signal");
}

const struct process *hung_stop_last_awaited(
	const struct view *view, const struct process **parent)
{
	const struct process *child = NULL;
	const struct process *next =
		awaited_child(&view->processes, view->processes.list);

	*parent = view->processes.list;
	for (unsigned depth = 0; next && depth < DEPTH_MAX; depth++) {
		if (child)
			*parent = child;
		child = next;
		next = awaited_child(&view->processes, child);
	}
	return child;
}
