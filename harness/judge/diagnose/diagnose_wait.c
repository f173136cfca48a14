#include "harness/judge/diagnose/diagnose_wait.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness/judge/awaited.h"
#include "harness/judge/diagnose/diagnose_hang.h"
#include "harness/judge/diagnose/hung_stop.h"
#include "harness/judge/stacks.h"
#include "lib/clock.h"
#include "lib/signals.h"

#define SIGNAL(number)    signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})
#define STOP_SIGNAL(view) SIGNAL((view)->facts->stop_signal)

static void add_deed(
	const struct view *view, const struct process *process, struct buf *text)
{
	process_add_deed(process, &view->processes, view->evidence, text);
}

/* "; uvicorn waits for connections to close": what its last line means. */
static bool add_last_words(
	const struct view *view, const struct process *process, struct buf *text)
{
	const struct evidence *evidence = view->evidence;
	struct stacks *stacks;
	const struct stack *stack;
	const char *means = NULL;

	if (view->last_lines == 0)
		return false;
	stacks = stacks_create();
	stack = stacks_match(stacks, process->name, process->last->command);
	for (unsigned i = evidence->log_count; stack && !means && i-- > 0;) {
		if (evidence->log[i].ns < view->facts->signal_ns)
			break;
		means = stack_last_words(stack, evidence->log[i].text);
	}
	if (means)
		buf_addf(text, "; by its last words %.160s", means);
	stacks_destroy(stacks);
	return means != NULL;
}

/* A loop with a short timer may be met while it runs: then what it did before counts,
 * unless it has run for more than a fifth of the time since the signal. */
static bool is_in_loop(const struct view *view, const struct process *process,
	const char *const *names)
{
	const struct proc *before = process->before, *last = process->last;
	int64_t ran_ns;

	if (hung_stop_is_in(last, names) || last->syscall >= 0 || !before)
		return hung_stop_is_in(last, names);
	ran_ns = (int64_t)(last->cpu_ticks - before->cpu_ticks) *
		(CLOCK_S / sysconf(_SC_CLK_TCK));
	return hung_stop_is_in(before, names) &&
		ran_ns <= (view->last->ns - view->facts->signal_ns) / 5;
}

bool wait_for_writer(const struct view *view, struct buf *text)
{
	static const char *const calls[] = {
		"write", "writev", "sendto", "sendmsg", NULL};

	/* A file has no reader. */
	if (!hung_stop(view) || !hung_stop_is_in(view->program->last, calls) ||
		(strncmp(view->program->last->waits_on, "pipe:", 5) != 0 &&
			strncmp(view->program->last->waits_on, "socket:", 7) != 0))
		return false;
	hung_stop_add_who(view, view->program, text);
	buf_adds(text, " is blocked ");
	process_add_wait(view->program, text);
	return buf_adds(text, ": nobody reads what it writes");
}

/* It is in its loop, or in a call on a connection, and has some open. */
static bool hangs_connected(const struct view *view)
{
	static const char *const calls[] = {"epoll_wait", "epoll_pwait", "epoll_pwait2",
		"poll", "ppoll", "select", "pselect6", "read", "readv", "recvfrom",
		"recvmsg", "accept", "accept4", NULL};
	const struct process *program = view->program;

	return hung_stop(view) && program->last->connections > 0 &&
		is_in_loop(view, program, calls);
}

static bool add_connected(const struct view *view, struct buf *text)
{
	hung_stop_add_who(view, view->program, text);
	buf_addf(text, " took %s and is ", STOP_SIGNAL(view));
	process_add_wait(view->program, text);
	add_last_words(view, view->program, text);
	return true;
}

bool wait_for_connections(const struct view *view, struct buf *text)
{
	return hangs_connected(view) && process_has_client(view->program) &&
		add_connected(view, text);
}

static bool child_holds_up(const struct view *view, struct buf *text)
{
	const struct process *parent, *child;
	unsigned others;

	if (!hung_stop(view))
		return false;
	child = hung_stop_last_awaited(view, &parent);
	if (!child)
		return false;
	hung_stop_add_who(view, parent, text);
	/* The signal came no further than to its parent. */
	if (!child->told && parent->told && parent != view->processes.list) {
		int number = parent->told->signal;
		bool ignores = proc_mask_has(parent->last->ignored, number);

		buf_addf(text, " %s %s%s, and", ignores ? "ignores" : "did not pass",
			SIGNAL(number), ignores ? "" : " on");
	}
	buf_adds(text, " waits for ");
	process_add_name(child, text);
	others = awaited_children(&view->processes, parent) - 1;
	if (others > 0)
		buf_addf(text, " and %u more", others);
	buf_addf(text, ", %s ", others > 0 ? "the first of which" : "which");
	add_deed(view, child, text);
	add_last_words(view, child, text);
	return true;
}

bool wait_for_child(const struct view *view, struct buf *text)
{
	return hang_mcp(view, text) || child_holds_up(view, text);
}

/* Connections of a pool stay open while it waits for a child. */
bool wait_for_peers(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf child = {0};

	if (!hangs_connected(view) || process_has_client(view->program) ||
		wait_for_child(view, &child))
		return false;
	add_connected(view, text);
	hung_stop_add_child_not_told(view, view->program, text);
	return true;
}

/* It told this child, which has ended, and did not wait for it: it may ask kill(pid, 0) of
 * a zombie again and again. */
static void add_zombie(
	const struct view *view, const struct process *program, struct buf *text)
{
	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *child = &view->processes.list[i];

		if (child->parent != program || !child->told ||
			child->told->sender != program->pid || !child->last ||
			child->last->state != 'Z' || child->last->threads > 1)
			continue;
		buf_adds(text, "; ");
		process_add_name(child, text);
		buf_adds(text,
			", which it told to end, has ended and is a zombie: it did not wait "
			"for it");
		return;
	}
}

bool wait_elsewhere(const struct view *view, struct buf *text)
{
	static const char *const loops[] = {
		"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", NULL};
	const struct process *program = view->program;

	if (!hung_stop(view))
		return false;
	hung_stop_add_who(view, program, text);
	buf_adds(text, " ");
	if (program == view->processes.list && !program->told) {
		buf_addf(text, "was sent %s and is ", STOP_SIGNAL(view));
		process_add_wait(program, text);
	} else {
		add_deed(view, program, text);
	}
	if (is_in_loop(view, program, loops) && view->last->has_sockets &&
		program->last->connections == 0)
		buf_adds(text,
			": no TCP connection is open; its handler does not end the loop, "
			"or a timer, a thread or another handle keeps it alive");
	else if (program->last->threads > 1)
		buf_addf(text, ", with %u threads", program->last->threads);
	hung_stop_add_child_not_told(view, program, text);
	add_zombie(view, program, text);
	if (!add_last_words(view, program, text))
		view_add_last_line(view, text);
	return true;
}

/* Of a service that is not ours it is a cause where it is seen to wait for no child, no
 * reader and no client. */
bool wait_for_agent(const struct view *view, struct buf *text)
{
	SCOPED(buf_done) struct buf other = {0};

	if (hang_agent(view, text))
		return true;
	if (view->evidence->own_service || wait_for_writer(view, &other) ||
		wait_for_child(view, &other) || wait_for_connections(view, &other) ||
		!hang_never_asked(view, text))
		return false;
	if (wait_elsewhere(view, &other))
		buf_addf(text, "; %s", buf_text(&other));
	return true;
}
