#include "harness/judge/launched_program.h"

#include <stddef.h>

const struct proc *launched_only_child(
	const struct snapshot *snapshot, const struct proc *parent)
{
	const struct proc *only = NULL;

	for (unsigned i = 1; i < snapshot->count; i++) {
		const struct proc *proc = &snapshot->procs[i];

		if (proc->ppid != parent->pid || proc->state == 'Z')
			continue;
		if (only)
			return NULL;
		only = proc;
	}
	return only;
}

const struct proc *launched_program(const struct snapshot *snapshot, int signal_number)
{
	const struct proc *program = snapshot->count ? &snapshot->procs[0] : NULL;

	/* Processes are read one by one, so a pid may be used again meanwhile: bounded. */
	for (unsigned depth = 1; program && depth < snapshot->count; depth++) {
		program = launched_only_child(snapshot, program);
		if (program &&
			(proc_receives(program, signal_number) ||
				proc_listens(program)))
			return program;
	}
	return NULL;
}
