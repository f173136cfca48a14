#include "harness/report/process_rows.h"

#include "lib/mem.h"

#define INDENT     9
#define ROWS_MAX   8
#define BEFORE     26 /* columns of a row before the command */
#define ROOM_LEAST 20

/* What it does with the stop signal, by its masks. */
static const char *signal_words(const struct proc *proc, int number)
{
	if (proc->state == 'Z' && proc->threads <= 1)
		return "zombie";
	if (proc_mask_has(proc->caught, number))
		return "has a handler";
	if (proc_mask_has(proc->ignored, number))
		return "ignores it";
	if (proc_awaits_signals(proc))
		return "waits for it";
	/* To read it later, or by inheritance. */
	if (proc_mask_has(proc->blocked, number))
		return "blocks it";
	return "no handler";
}

void process_rows_print(const struct snapshot *snapshot, int signal_number,
	const struct terminal *terminal, FILE *out)
{
	unsigned room =
		terminal->width > BEFORE ? terminal->width - BEFORE : ROOM_LEAST;

	for (unsigned i = 0; i < snapshot->count && i < ROWS_MAX; i++) {
		const struct proc *proc = &snapshot->procs[i];
		SCOPED(mem_free)
		char *command = terminal_fit(terminal, proc->command, room);

		fprintf(out, "%*d  %-13s  %s\n", INDENT,
			(int)(proc->ns_pid ? proc->ns_pid : proc->pid),
			signal_words(proc, signal_number), command);
	}
	if (snapshot->count > ROWS_MAX)
		fprintf(out, "%*s... and %u more\n", INDENT + 2, "",
			snapshot->count - ROWS_MAX);
}
