#include <string.h>

#include "harness/judge/awaited.h"
#include "harness/picture/chain_search.h"
#include "lib/mem.h"
#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define DEPTH_MAX      16

/* Blocked in the wait for a child. */
static bool awaits_child(const struct proc *proc)
{
	const char *call = proc_syscall_name(proc);

	return strcmp(call, "wait4") == 0 || strcmp(call, "waitid") == 0 ||
		strcmp(proc->wchan, "do_wait") == 0 ||
		(proc_is_init(proc) && proc_awaits_child(proc));
}

static bool is_seen_to_wait(const struct chain_search *search,
	const struct process *process, int64_t until_ns)
{
	const struct evidence *evidence = search->view->evidence;

	for (unsigned i = 0; i < evidence->snapshot_count; i++) {
		const struct snapshot *snapshot = &evidence->snapshots[i];

		if (!chain_is_between(snapshot->ns, search->steps->zero_ns, until_ns))
			continue;
		for (unsigned k = 0; k < snapshot->count; k++) {
			if (snapshot->procs[k].pid == process->pid)
				return awaits_child(&snapshot->procs[k]);
		}
	}
	return false;
}

static bool called_wait(const struct chain_search *search,
	const struct process *process, int64_t from_ns, int64_t to_ns)
{
	const struct evidence *evidence = search->view->evidence;

	for (unsigned i = 0; i < evidence->signal_count; i++) {
		const struct proc_signal *signal = &evidence->signals[i];

		if (signal->what == PROC_SIGNAL_WAITS && signal->pid == process->pid &&
			chain_is_between(signal->ns, from_ns, to_ns))
			return true;
	}
	return false;
}

/* It was blocked in wait(2), or it asked for the end of the child: before that came, or,
 * if it had told the child to end, afterwards. */
static bool waited_for(const struct chain_search *search, const struct process *parent,
	const struct process *child)
{
	int64_t ended_ns = chain_steps_of(search, child)->ended_ns;
	bool told = child->told && child->told->sender == parent->pid;

	return is_seen_to_wait(search, parent, ended_ns) ||
		called_wait(search, parent, search->steps->zero_ns, ended_ns) ||
		(told && called_wait(search, parent, ended_ns, search->steps->end_ns));
}

/* Its child that ended last before the cursor, if it waited for that; NULL: none. */
static const struct process *last_child(
	const struct chain_search *search, const struct process *parent)
{
	const struct processes *processes = &search->view->processes;
	const struct process *last = NULL;
	int64_t last_ns = search->steps->zero_ns;

	for (unsigned i = 1; i < processes->count; i++) {
		const struct process *child = &processes->list[i];
		int64_t ended_ns = search->steps->of[i].ended_ns;

		if (child->parent == parent && child->ended &&
			!process_is_session(child) &&
			chain_is_between(ended_ns, last_ns, search->cursor_ns)) {
			last = child;
			last_ns = ended_ns;
		}
	}
	return last && waited_for(search, parent, last) ? last : NULL;
}

/* What it did with the signal, with the call in which it was seen to wait since. */
static char *deed(const struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = chain_steps_of(search, process);
	const struct view *view = search->view;
	const char *call =
		process->last && view->last && view->last->ns > search->steps->zero_ns
		? proc_syscall_name(process->last)
		: "";
	int number = process->told ? process->told->signal : view->facts->stop_signal;
	struct buf text = {0};

	if (steps->discarded)
		buf_addf(&text, "did not get %s: the kernel discarded it",
			SIGNAL(number));
	else if (steps->handler_ns)
		buf_addf(
			&text, "ran on after its handler for %s began", SIGNAL(number));
	else if (steps->signal_ns)
		buf_addf(&text, "was sent %s, and ran on", SIGNAL(number));
	else if (view->processes.signals_known)
		buf_adds(&text, "got no signal, and ran on");
	else
		buf_adds(&text, "ran on");
	if (call[0])
		buf_addf(&text, ", in %s", call);
	return buf_take(&text);
}

static void add_deed(struct chain_search *search, const struct process *process)
{
	const struct process_steps *steps = chain_steps_of(search, process);
	int64_t from_ns = steps->handler_ns ? steps->handler_ns : steps->signal_ns;

	chain_add_link(search, CHAIN_PROCESS, stop_steps_name(search->view, process),
		deed(search, process), from_ns);
	if (steps->handler_ns)
		chain_add_process(
			search, process, "until its handler began", steps->signal_ns);
}

/* Why it was there until the cursor. */
static void explain(
	struct chain_search *search, const struct process *process, unsigned depth)
{
	const struct process *child = search->killed
		? awaited_child(&search->view->processes, process)
		: NULL;
	bool awaited = child != NULL;

	if (!child)
		child = last_child(search, process);
	if (child && !awaited &&
		!chain_is_near(search, chain_steps_of(search, child)->ended_ns))
		chain_add_process(search, process, "ran on after its child had ended",
			chain_steps_of(search, child)->ended_ns);
	if (child && depth < DEPTH_MAX) {
		explain(search, child, depth + 1);
		chain_add_process(search, process, "until its child was signalled",
			chain_steps_of(search, process)->handler_ns);
	} else if (process->last && process_has_client(process)) {
		chain_follow_request(search);
	}
	add_deed(search, process);
}

void chain_explain_process(struct chain_search *search, const struct process *process)
{
	explain(search, process, 0);
}
