#include "harness/check/check_handler.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/signals.h"

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

static bool is_stack(
	const struct reach *reach, const struct process *process, const char *name)
{
	const struct stack *stack = check_stack(reach->input, process);

	return stack && strcmp(stack->name, name) == 0;
}

/* --- a shell's trap --- */

/* How long `sleep` sleeps: of "sleep 5", "/bin/busybox sleep infinity". -1: it is no
 * sleep. */
static int64_t sleep_ns(const struct proc *proc)
{
	const char *at = strstr(proc->command, "sleep ");
	double seconds;
	char *unit;

	if (!at || (at != proc->command && !strchr(" /", at[-1])))
		return -1;
	seconds = strtod(at + strlen("sleep "), &unit);
	seconds *= *unit == 'm' ? 60 : *unit == 'h' ? 3600 : *unit == 'd' ? 86400 : 1;
	return seconds >= 0 && seconds < 1e9 ? (int64_t)(seconds * 1e9) : INT64_MAX;
}

/* It does not end by itself, as far as that is known of it. */
static bool endures(const struct reach *reach, const struct process *process)
{
	return proc_listens(process->last) || check_stack(reach->input, process) ||
		sleep_ns(process->last) > reach->grace_ns ||
		strncmp(process->last->command, "tail -f", 7) == 0;
}

static bool is_bash(const struct proc *shell)
{
	return strstr(shell->exe[0] ? shell->exe : shell->name, "bash");
}

/* A shell gives a command that it starts with & an ignored SIGINT; dash and busybox wait
 * for it in sigsuspend, for a foreground command in wait4. Bash waits for both in wait4,
 * and a program may catch SIGINT whatever it was given. */
static bool is_foreground_proven(const struct proc *shell, const struct proc *child)
{
	return shell->pgid == child->pgid &&
		(!is_bash(shell) || !proc_mask_has(child->caught, SIGINT));
}

/* What a shell waits for: a foreground command, before which it runs no trap. Where its
 * wait cannot be read, that is not said. */
static const struct process *foreground(
	const struct reach *reach, const struct process *shell)
{
	const struct process *child = check_child(reach->view, shell, NULL);

	return child && strcmp(proc_syscall_name(shell->last), "wait4") == 0 &&
			!proc_mask_has(child->last->ignored, SIGINT)
		? child
		: NULL;
}

/* Once bash has a trap for EXIT, it catches whatever would end it, to run that first. */
static bool runs_exit_trap(const struct proc *shell)
{
	static const int numbers[] = {SIGHUP, SIGALRM, SIGVTALRM, SIGXCPU, SIGUSR1};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (!proc_mask_has(shell->caught, numbers[i]))
			return false;
	}
	return is_bash(shell);
}

/* A shell catches SIGINT, and bash with a trap for EXIT all others, without a trap for
 * them. The handler looks the same and ends the shell, with a foreground command in spite
 * of it (but for SIGINT). */
static bool find_own_handler(const struct reach *reach, const struct process *shell)
{
	const struct proc *proc = shell->last;
	const struct process *child = check_child(reach->view, shell, NULL);
	const struct process *awaited = foreground(reach, shell);
	bool exits = runs_exit_trap(proc), interrupt = reach->number == SIGINT;
	bool in_vain =
		interrupt && is_bash(proc) && !exits && reach_has_pid1_rules(shell);
	enum check_level level = CHECK_MAY_FAIL;
	struct buf text = {0};

	if (interrupt ? awaited != NULL : !exits)
		return false;
	reach_add_who(reach, shell, &text);
	buf_addf(&text,
		" catches %s by itself, as %s does: unless it has a trap for it, ",
		SIGNAL(reach->number),
		interrupt ? "a shell" : "bash with a trap for EXIT");
	if (in_vain)
		buf_addf(&text, "it raises %s again, which PID 1 never gets",
			SIGNAL(reach->number));
	else
		buf_addf(&text, "it ends at once, exit code %d", 128 + reach->number);
	if (child) {
		buf_adds(&text, ", and ");
		process_add_name(child, &text);
		buf_adds(&text, " gets no signal");
	}
	if (awaited && endures(reach, awaited)) {
		level = CHECK_WILL_FAIL;
		buf_adds(&text, "; if it has, that waits until the command has ended");
	}
	check_add(reach->check, level, in_vain ? DIAGNOSIS_W11 : DIAGNOSIS_X8,
		"Let the script have a trap for the stop signal that stops its child, waits "
		"for it and exits: `trap 'kill -TERM $child; wait $child; exit' TERM; PROGRAM "
		"& child=$!; wait $child`. Or let the shell `exec PROGRAM`.",
		&text);
	return awaited != NULL;
}

static bool find_trap(const struct reach *reach, const struct process *shell)
{
	const struct proc *proc = shell->last;
	const struct process *child;
	enum check_level level = CHECK_MAY_FAIL;
	struct buf text = {0};
	bool lasts;
	int64_t ns;

	if (!proc_is_shell(proc) || !proc_mask_has(proc->caught, reach->number))
		return false;
	if (find_own_handler(reach, shell))
		return true;
	child = foreground(reach, shell);
	if (!child)
		return false;
	ns = sleep_ns(child->last);
	lasts = check_lasts(reach->input, child);
	if (!lasts || (ns >= 0 && ns <= reach->grace_ns))
		level = CHECK_NOTE;
	else if (is_foreground_proven(proc, child->last) && endures(reach, child))
		level = CHECK_WILL_FAIL;
	reach_add_who(reach, shell, &text);
	if (reach->number == SIGINT)
		buf_adds(&text, " is a shell, which acts on SIGINT");
	else
		buf_addf(&text, " is a shell with a trap for %s, which it runs",
			SIGNAL(reach->number));
	buf_adds(&text, " only when its foreground command has ended: ");
	process_add_name(child, &text);
	buf_addf(&text, " (%.60s)", child->last->command);
	buf_adds(&text,
		!lasts                             ? ", which has just begun"
			: level == CHECK_NOTE      ? ", which ends soon"
			: level == CHECK_WILL_FAIL ? " gets no signal"
						   : " gets no signal, if it is that");
	check_add(reach->check, level, DIAGNOSIS_W4, level == CHECK_NOTE ? "" : NULL,
		&text);
	return true;
}

/* --- a runtime's own handler --- */

/* node catches both as soon as it starts, and an application's own handler looks the
 * same. */
static void find_node(
	const struct reach *reach, const struct process *process, enum diagnosis_id id)
{
	struct buf text = {0};

	if (!is_stack(reach, process, "Node.js") || reach->number != SIGTERM ||
		!proc_mask_has(process->last->caught, SIGINT))
		return;
	reach_add_who(reach, process, &text);
	buf_adds(&text,
		" catches SIGTERM and SIGINT, as Node.js does by itself: whether the program has a "
		"handler of its own can't be told from outside. Without one, Node.js raises the "
		"signal again, ");
	buf_adds(&text,
		reach_has_pid1_rules(process) ? "which PID 1 never gets"
					      : "and that ends it with exit code 143");
	check_add(reach->check, CHECK_MAY_FAIL, id, NULL, &text);
}

/* --- launchers that pass it on to a shell --- */

/* What npm does is known, of other launchers it is likely. */
static bool find_launcher(const struct reach *reach, const struct process *launcher)
{
	const struct process *child = check_child(reach->view, launcher, NULL);
	bool known = is_stack(reach, launcher, "npm");
	const struct process *program;
	struct buf text = {0};

	if (!proc_is_launcher(launcher->last) || proc_is_shell(launcher->last) ||
		!child)
		return false;
	if (reach_hearing(reach, child) != HEARING_NOTHING) {
		find_node(reach, child, DIAGNOSIS_X12);
		return true;
	}
	program = check_child(reach->view, child, NULL);
	reach_add_who(reach, launcher, &text);
	buf_addf(&text, " %s %s on to ", known ? "passes" : "may pass",
		SIGNAL(reach->number));
	process_add_name(child, &text);
	buf_adds(&text, ", which has no handler and dies of it");
	if (program) {
		buf_adds(&text, ": ");
		reach_add_untold(reach, program, &text);
	} else if (known) {
		buf_adds(&text, "; npm then exits with code 1");
	}
	check_add(reach->check, known ? CHECK_WILL_FAIL : CHECK_MAY_FAIL,
		program ? DIAGNOSIS_W3 : DIAGNOSIS_X12, NULL, &text);
	return true;
}

/* --- a handler, and what it does --- */

/* What is known of its kind, of this signal. */
static void find_meaning(const struct reach *reach, const struct process *process)
{
	const struct stack *stack = check_stack(reach->input, process);
	const char *means = stack ? stack_signal_means(stack, reach->number) : NULL;
	int graceful = stack ? signal_number(stack->stop_signal) : 0;
	enum check_level level = CHECK_NOTE;
	enum diagnosis_id id = DIAGNOSIS_ANY;
	SCOPED(buf_done) struct buf cure = {0};
	struct buf text = {0};

	if (!stack)
		return;
	if (stack_has_signal(&stack->runs_on, reach->number)) {
		level = CHECK_WILL_FAIL;
		id = DIAGNOSIS_W5;
	} else if (stack_has_signal(&stack->leaves, reach->number) &&
		check_child(reach->view, process, NULL)) {
		level = CHECK_WILL_FAIL;
		id = DIAGNOSIS_L1;
	} else if (graceful != reach->number &&
		proc_receives(process->last, graceful)) {
		level = CHECK_MAY_FAIL;
		id = DIAGNOSIS_W5;
	} else if (stack->exit_code && graceful == reach->number &&
		!reach_forgives(reach->pid1->last, (int)stack->exit_code)) {
		level = CHECK_MAY_FAIL;
		id = DIAGNOSIS_X8;
	}
	if (!means && level == CHECK_NOTE)
		return;
	reach_add_who(reach, process, &text);
	buf_addf(&text, " is %s: %s %s", stack->name, SIGNAL(reach->number),
		means ? means : "is not its request for a graceful stop");
	if (id == DIAGNOSIS_W5 && graceful != reach->number)
		buf_addf(&text, "; what lets it finish is %s", stack->stop_signal);
	stack_add_cure(stack, reach->grace_ns, &cure);
	check_add(reach->check, level, id, stack->cure ? buf_text(&cure) : NULL, &text);
}

/* --- the processes beside it --- */

typedef bool is_other_fn(const struct reach *reach, const struct process *program,
	const struct process *other);

/* "worker (pid 7) and 2 more": those below PID 1 that are such a one; gives how many. */
static unsigned add_others_that(const struct reach *reach,
	const struct process *program, is_other_fn *is_one, struct buf *text)
{
	const struct processes *all = &reach->view->processes;
	unsigned count = 0;

	for (unsigned i = 1; i < all->count; i++) {
		const struct process *other = &all->list[i];

		if (other == program || !other->last || other->last->state == 'Z' ||
			check_is_session(reach->view, other) ||
			!is_one(reach, program, other) || count++ > 0)
			continue;
		process_add_name(other, text);
	}
	if (count > 1)
		buf_addf(text, " and %u more", count - 1);
	return count;
}

/* What a known program does with its own workers is its own affair: PostgreSQL's
 * checkpointer ignores SIGTERM, and gets another signal. */
static bool is_deaf(const struct reach *reach, const struct process *program,
	const struct process *other)
{
	const struct stack *stack = check_stack(reach->input, other);
	enum hearing hearing = reach_hearing(reach, other);

	return (!stack || stack != check_stack(reach->input, program)) &&
		(hearing == HEARING_IGNORES || hearing == HEARING_BLOCKED);
}

/* What a shell without job control starts with & ignores both, and what it executes
 * does, unless it catches them. (A sleep in a loop is nobody's to tell.) */
static bool is_background(const struct reach *reach, const struct process *program,
	const struct process *other)
{
	return is_deaf(reach, program, other) &&
		proc_mask_has(other->last->ignored, SIGINT) &&
		proc_mask_has(other->last->ignored, SIGQUIT) &&
		sleep_ns(other->last) < 0;
}

static void find_deaf(const struct reach *reach, const struct process *program)
{
	bool of_background = reach->number == SIGINT || reach->number == SIGQUIT;
	struct buf text = {0};
	unsigned count = of_background
		? add_others_that(reach, program, is_background, &text)
		: 0;

	of_background = count > 0;
	if (!of_background)
		count = add_others_that(reach, program, is_deaf, &text);
	if (count == 0)
		return;
	buf_addf(&text,
		" %s %s%s: who sends %s that and waits for the end waits in vain",
		count == 1 ? "ignores or blocks" : "ignore or block",
		SIGNAL(reach->number),
		of_background ? ", as a shell lets do what it starts with &" : "",
		count == 1 ? "it" : "them");
	check_add(reach->check, of_background ? CHECK_MAY_FAIL : CHECK_NOTE,
		DIAGNOSIS_H3,
		of_background
			? "Stop what a shell has started with & by SIGTERM, which it does not "
			  "ignore: `STOPSIGNAL SIGTERM` in the Dockerfile, or in the script "
			  "`trap 'kill -TERM $child; wait $child; exit' INT`."
			: NULL,
		&text);
}

/* It gets the signal of the init beside its master. */
static bool dies_in_group(const struct reach *reach, const struct process *program,
	const struct process *other)
{
	return other->last->pgid == program->last->pgid && !process_was_idle(other) &&
		reach_hearing(reach, other) == HEARING_NOTHING;
}

static void find_group(const struct reach *reach, const struct process *program)
{
	struct buf text = {0};

	if (program == reach->pid1 || !reach_signals_group(reach->pid1->last))
		return;
	buf_addf(&text, "PID 1 (%s) sends %s to the whole process group of ",
		reach->pid1->name, SIGNAL(reach->number));
	process_add_name(program, &text);
	buf_adds(&text, ": the default ends ");
	if (add_others_that(reach, program, dies_in_group, &text) == 0) {
		buf_done(&text);
		return;
	}
	buf_adds(&text, ", with what it has in hand");
	check_add(reach->check, CHECK_MAY_FAIL, DIAGNOSIS_X11,
		"Let the init signal its child alone: `dumb-init --single-child`, tini "
		"without -g.",
		&text);
}

/* --- all of it --- */

void check_handler(const struct reach *reach, const struct process *process)
{
	if (find_trap(reach, process) || find_launcher(reach, process))
		return;
	find_node(reach, process,
		reach_has_pid1_rules(process) ? DIAGNOSIS_W11 : DIAGNOSIS_X9);
	find_meaning(reach, process);
	find_group(reach, process);
	find_deaf(reach, process);
}
