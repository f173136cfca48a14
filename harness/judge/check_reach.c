#include "harness/judge/check_reach.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/check_signal.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/signals.h"

/* A program that began less than this ago may still be on its way up. */
#define STARTING_NS (10 * CLOCK_S)

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

/* A rule's own place: what is checked, and what would be sent to which process. */
struct reach {
	struct check *check;
	const struct check_input *input;
	const struct view *view;
	const struct process *pid1;
	int number;
	int64_t grace_ns;
};

/* --- the processes --- */

bool check_is_session(const struct view *view, const struct process *process)
{
	while (process->parent)
		process = process->parent;
	return process != view->processes.list;
}

bool check_is_orphan(const struct view *view, const struct process *process)
{
	const struct process *pid1 = view->processes.list;

	return process->parent == pid1 && process->last && pid1->last &&
		process->last->sid != pid1->last->sid &&
		!processes_by_pid(&view->processes, process->last->sid);
}

const struct process *check_child(const struct view *view, const struct process *parent,
	const struct process *child)
{
	do {
		child = processes_child(&view->processes, parent, child);
	} while (child && check_is_orphan(view, child));
	return child;
}

static bool is_pid1(const struct reach *reach, const struct process *process)
{
	return process == reach->pid1;
}

/* The kernel discards what PID 1 of a PID namespace has no handler for. */
static bool has_pid1_rules(const struct process *process)
{
	return process->last->ns_pid == 1;
}

static enum hearing hearing_of(const struct reach *reach, const struct process *process)
{
	return check_hearing(reach->input, process, reach->number);
}

static const struct stack *stack_of(
	const struct reach *reach, const struct process *process)
{
	return stacks_match(
		reach->input->stacks, process->name, process->last->command);
}

static bool is_stack(
	const struct reach *reach, const struct process *process, const char *name)
{
	const struct stack *stack = stack_of(reach, process);

	return stack && strcmp(stack->name, name) == 0;
}

/* "PID 1 (python3)", "python3 (pid 7)" */
static void add_who(
	const struct reach *reach, const struct process *process, struct buf *text)
{
	if (is_pid1(reach, process) && has_pid1_rules(process))
		buf_addf(text, "PID 1 (%.32s)", process->name);
	else
		process_add_name(process, text);
}

/* --- no handler --- */

/* "; it handles SIGINT, SIGQUIT" */
static void add_others(
	const struct reach *reach, const struct process *process, struct buf *text)
{
	const int others[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGWINCH, SIGRTMIN + 3};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (others[i] != reach->number &&
			proc_mask_has(process->last->caught, others[i]))
			buf_addf(text, "%s%s", count++ ? ", " : "; it handles ",
				SIGNAL(others[i]));
	}
}

/* The program behind a launcher; a child of it where that is not seen. */
static const struct process *behind(
	const struct reach *reach, const struct process *launcher)
{
	const struct process *child = check_child(reach->view, launcher, NULL);
	const struct process *main = reach->view->main;

	for (const struct process *at = main; at; at = at->parent) {
		if (at == launcher && main != launcher && child && main->last)
			return main;
	}
	return child;
}

/* "python3 (pid 7), which has a handler for it, never receives it" */
static void add_untold(
	const struct reach *reach, const struct process *process, struct buf *text)
{
	enum hearing hearing = hearing_of(reach, process);

	process_add_name(process, text);
	buf_addf(text, "%s never receives it",
		hearing == HEARING_HANDLER || hearing == HEARING_TAKES
			? ", which has a handler for it,"
			: "");
}

static void find_unheard_by_pid1(const struct reach *reach)
{
	const struct process *pid1 = reach->pid1;
	const struct proc *proc = pid1->last;
	const struct process *child = behind(reach, pid1);
	bool wrong_signal =
		reach->number != SIGTERM && proc_mask_has(proc->caught, SIGTERM);
	struct buf text = {0};

	if (!wrong_signal && child &&
		(proc_is_launcher(proc) || proc_awaits_child(proc))) {
		buf_addf(&text,
			"PID 1 is %s (%.60s): it has no handler for %s, which the kernel "
			"discards, and waits for its child: ",
			pid1->name, proc->command, SIGNAL(reach->number));
		add_untold(reach, child, &text);
		check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_W3, NULL, &text);
		return;
	}
	buf_addf(&text, "PID 1 (%s) has no handler for %s: the kernel discards it",
		pid1->name, SIGNAL(reach->number));
	add_others(reach, pid1, &text);
	if (reach->input->age_ns < STARTING_NS)
		buf_addf(&text, "; it began %s ago, and may not be ready yet",
			CLOCK_TEXT(reach->input->age_ns));
	check_add(reach->check, CHECK_WILL_FAIL,
		wrong_signal ? DIAGNOSIS_W5 : DIAGNOSIS_W1, NULL, &text);
}

/* Does this init signal the process group of its child, and not the child alone? */
static bool signals_group(const struct proc *init)
{
	const char *command = init->command;

	return strstr(command, "dumb-init")
		? !strstr(command, " --single-child") && !strstr(command, " -c ")
		: strstr(command, "tini") && strstr(command, " -g ");
}

/* `tini -e 143` makes a 0 of it. */
static bool forgives(const struct proc *init, int code)
{
	SCOPED(mem_free) char *option = mem_textf(" -e %d ", code);

	return proc_is_init(init) && strstr(init->command, option);
}

/* The default action of the signal ends it. */
static void find_ended_by_default(
	const struct reach *reach, const struct process *program)
{
	const struct process *child = behind(reach, program);
	const struct proc *init = reach->pid1->last;
	bool behind_init = !is_pid1(reach, program);
	bool group = behind_init && child && signals_group(init) &&
		child->last->pgid == program->last->pgid;
	enum check_level level = CHECK_WILL_FAIL;
	struct buf text = {0};

	if (behind_init)
		buf_addf(&text, "PID 1 (%s) passes %s on to ", reach->pid1->name,
			SIGNAL(reach->number));
	process_add_name(program, &text);
	buf_addf(&text, "%s has no handler for %s: the default ends it, exit code %d",
		behind_init ? ", which" : "", SIGNAL(reach->number),
		128 + reach->number);
	if (behind_init && forgives(init, 128 + reach->number)) {
		buf_adds(&text, ", which PID 1 reports as 0");
		level = child ? CHECK_MAY_FAIL : CHECK_NOTE;
	}
	if (child && !group &&
		(proc_is_launcher(program->last) || proc_awaits_child(program->last))) {
		buf_adds(&text, "; ");
		add_untold(reach, child, &text);
		check_add(reach->check, level, DIAGNOSIS_W3, NULL, &text);
		return;
	}
	if (child && group)
		buf_adds(&text,
			"; its whole process group gets it, and is not waited for");
	check_add(reach->check, level, DIAGNOSIS_X9, NULL, &text);
}

/* --- not taken --- */

static void find_not_taken(
	const struct reach *reach, const struct process *process, enum hearing hearing)
{
	bool pid1 = is_pid1(reach, process);
	struct buf text = {0};

	if (!pid1)
		buf_addf(&text, "PID 1 (%s) passes %s on, and waits for ",
			reach->pid1->name, SIGNAL(reach->number));
	add_who(reach, process, &text);
	buf_adds(&text, pid1 ? "" : ", which");
	if (hearing == HEARING_IGNORES)
		buf_addf(&text, " ignores %s (SigIgn)", SIGNAL(reach->number));
	else
		buf_addf(&text,
			" has %s blocked, and nobody takes it: every thread blocks it, none is "
			"in sigwait for it, and no signalfd has it",
			SIGNAL(reach->number));
	check_add(reach->check, CHECK_WILL_FAIL,
		!pid1                                ? DIAGNOSIS_H3
			: hearing == HEARING_IGNORES ? DIAGNOSIS_W2
						     : DIAGNOSIS_W8,
		NULL, &text);
}

/* What it waits in could not be read: sigwait is no rule with a shell, but possible. */
static void find_unknown(const struct reach *reach, const struct process *process)
{
	const struct process *child =
		proc_is_launcher(process->last) ? behind(reach, process) : NULL;
	struct buf text = {0};

	add_who(reach, process, &text);
	buf_addf(&text,
		" catches no %s by its masks, and whether it waits for it (sigwait, signalfd) "
		"could not be read",
		SIGNAL(reach->number));
	if (child) {
		buf_addf(&text, "; it is a launcher (%.60s): ", process->last->command);
		add_untold(reach, child, &text);
		buf_adds(&text, " then");
	}
	check_add(reach->check, CHECK_MAY_FAIL,
		child                             ? DIAGNOSIS_W3
			: has_pid1_rules(process) ? DIAGNOSIS_W1
						  : DIAGNOSIS_X9,
		NULL, &text);
}

static void find_unsettled(const struct reach *reach, const struct process *process)
{
	struct buf text = {0};

	add_who(reach, process, &text);
	buf_addf(&text,
		" changed what it does with %s between two looks 100 ms apart: what comes "
		"before its handler %s",
		SIGNAL(reach->number),
		has_pid1_rules(process) ? "is discarded" : "ends it");
	check_add(reach->check, CHECK_MAY_FAIL,
		has_pid1_rules(process) ? DIAGNOSIS_W6 : DIAGNOSIS_X9, NULL, &text);
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
	return process->last->listening > 0 || stack_of(reach, process) ||
		sleep_ns(process->last) > reach->grace_ns ||
		strncmp(process->last->command, "tail -f", 7) == 0;
}

/* A shell gives a command that it starts with & an ignored SIGINT; dash and busybox wait
 * for it in sigsuspend, for a foreground command in wait4. Bash waits for both in wait4,
 * and a program may catch SIGINT whatever it was given. */
static bool is_foreground_proven(const struct proc *shell, const struct proc *child)
{
	return shell->pgid == child->pgid &&
		(!strstr(shell->exe[0] ? shell->exe : shell->name, "bash") ||
			!proc_mask_has(child->caught, SIGINT));
}

static bool find_trap(const struct reach *reach, const struct process *shell)
{
	const struct proc *proc = shell->last;
	const struct process *child = check_child(reach->view, shell, NULL);
	enum check_level level = CHECK_MAY_FAIL;
	struct buf text = {0};
	bool lasts;
	int64_t ns;

	if (!proc_is_shell(proc) || !child ||
		!proc_mask_has(proc->caught, reach->number))
		return false;
	/* Where its wait cannot be read, nothing is said of it. */
	if (strcmp(proc_syscall_name(proc), "wait4") != 0 ||
		proc_mask_has(child->last->ignored, SIGINT))
		return false;
	ns = sleep_ns(child->last);
	lasts = check_lasts(reach->input, child);
	if (!lasts || (ns >= 0 && ns <= reach->grace_ns))
		level = CHECK_NOTE;
	else if (is_foreground_proven(proc, child->last) && endures(reach, child))
		level = CHECK_WILL_FAIL;
	add_who(reach, shell, &text);
	buf_addf(&text,
		" is a shell with a trap for %s, which it runs only when its foreground command "
		"has ended: ",
		SIGNAL(reach->number));
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
	add_who(reach, process, &text);
	buf_adds(&text,
		" catches SIGTERM and SIGINT, as Node.js does by itself: whether the program has a "
		"handler of its own can't be told from outside. Without one, Node.js raises the "
		"signal again, ");
	buf_adds(&text,
		has_pid1_rules(process) ? "which PID 1 never gets"
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
	if (hearing_of(reach, child) != HEARING_NOTHING) {
		find_node(reach, child, DIAGNOSIS_X12);
		return true;
	}
	program = check_child(reach->view, child, NULL);
	add_who(reach, launcher, &text);
	buf_addf(&text, " %s %s on to ", known ? "passes" : "may pass",
		SIGNAL(reach->number));
	process_add_name(child, &text);
	buf_adds(&text, ", which has no handler and dies of it");
	if (program) {
		buf_adds(&text, ": ");
		add_untold(reach, program, &text);
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
	const struct stack *stack = stack_of(reach, process);
	const char *means = stack ? stack_signal_means(stack, reach->number) : NULL;
	int graceful = stack ? signal_number(stack->stop_signal) : 0;
	enum check_level level = CHECK_NOTE;
	enum diagnosis_id id = DIAGNOSIS_ANY;
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
		!forgives(reach->pid1->last, (int)stack->exit_code)) {
		level = CHECK_MAY_FAIL;
		id = DIAGNOSIS_X8;
	}
	if (!means && level == CHECK_NOTE)
		return;
	add_who(reach, process, &text);
	buf_addf(&text, " is %s: %s %s", stack->name, SIGNAL(reach->number),
		means ? means : "is not its request for a graceful stop");
	if (id == DIAGNOSIS_W5 && graceful != reach->number)
		buf_addf(&text, "; what lets it finish is %s", stack->stop_signal);
	check_add(reach->check, level, id, stack->cure, &text);
}

static void find_handled(const struct reach *reach, const struct process *process)
{
	if (find_trap(reach, process) || find_launcher(reach, process))
		return;
	find_node(
		reach, process, has_pid1_rules(process) ? DIAGNOSIS_W11 : DIAGNOSIS_X9);
	find_meaning(reach, process);
}

/* --- all of it --- */

static void find_in(const struct reach *reach, const struct process *process)
{
	enum hearing hearing = hearing_of(reach, process);

	reach->check->known = hearing != HEARING_UNKNOWN;
	switch (hearing) {
	case HEARING_NOTHING:
		if (has_pid1_rules(process))
			find_unheard_by_pid1(reach);
		else
			find_ended_by_default(reach, process);
		return;
	case HEARING_IGNORES:
	case HEARING_BLOCKED:
		find_not_taken(reach, process, hearing);
		return;
	case HEARING_UNKNOWN:
		find_unknown(reach, process);
		return;
	case HEARING_UNSETTLED:
		find_unsettled(reach, process);
		return;
	case HEARING_TAKES:
	case HEARING_HANDLER:
		find_handled(reach, process);
		return;
	}
}

static void find_no_program(const struct reach *reach)
{
	struct buf text = {0};

	buf_addf(&text, "PID 1 (%s) is an init, and no program behind it was seen",
		reach->pid1->name);
	check_add(reach->check, CHECK_NOTE, DIAGNOSIS_ANY, "", &text);
}

static void find_stopped(const struct reach *reach, const struct process *process)
{
	struct buf text = {0};

	add_who(reach, process, &text);
	buf_addf(&text, " is stopped (SIGSTOP): no code of it would run on %s",
		SIGNAL(reach->number));
	reach->check->known = true;
	check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_W7, NULL, &text);
}

void check_reach(struct check *check, const struct check_input *input)
{
	const struct view *view = input->view;
	const struct reach reach = {
		.check = check,
		.input = input,
		.view = view,
		.pid1 = view->processes.list,
		.number = view->facts->stop_signal,
		.grace_ns = view->scenario->stop.grace_ns,
	};

	if (!view->pid1)
		return;
	if (!view->program || !view->program->last)
		find_no_program(&reach);
	else if (view->program->last->state == 'T' && !input->about->paused)
		find_stopped(&reach, view->program);
	else
		find_in(&reach, view->program);
}
