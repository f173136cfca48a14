#include "harness/check/check_reach.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/check_handler.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/signals.h"

/* A program that began less than this ago may still be on its way up. */
#define STARTING_NS (10 * CLOCK_S)

#define SIGNAL(number) signal_name((number), (char[SIGNAL_TEXT_SIZE]){0})

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

static void add_age(const struct reach *reach, struct buf *text)
{
	if (reach->input->age_ns < STARTING_NS)
		buf_addf(text, "; it began %s ago, and may not be ready yet",
			CLOCK_TEXT(reach->input->age_ns));
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

static void find_unheard_by_pid1(const struct reach *reach)
{
	const struct process *pid1 = reach->pid1;
	const struct proc *proc = pid1->last;
	const struct process *child = behind(reach, pid1);
	bool wrong_signal =
		reach->number != SIGTERM && proc_mask_has(proc->caught, SIGTERM);
	bool harmless = signal_is_harmless(reach->number);
	struct buf text = {0};

	if (!wrong_signal && child &&
		(proc_is_launcher(proc) || proc_awaits_child(proc))) {
		buf_addf(&text,
			"PID 1 is %s (%.60s): it has no handler for %s, which the kernel "
			"discards, and waits for its child: ",
			pid1->name, proc->command, SIGNAL(reach->number));
		reach_add_untold(reach, child, &text);
		check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_W3, NULL, &text);
		return;
	}
	buf_addf(&text, "PID 1 (%s) has no handler for %s: the kernel discards it",
		pid1->name, SIGNAL(reach->number));
	if (harmless)
		buf_adds(&text,
			", and its default is to do nothing, behind an init as well");
	add_others(reach, pid1, &text);
	if (child && !wrong_signal && !harmless &&
		proc_receives(child->last, reach->number)) {
		buf_adds(&text, "; ");
		reach_add_untold(reach, child, &text);
	}
	add_age(reach, &text);
	check_add(reach->check, CHECK_WILL_FAIL,
		wrong_signal || harmless ? DIAGNOSIS_W5 : DIAGNOSIS_W1, NULL, &text);
}

/* The default action of the signal ends it. */
static void find_ended_by_default(
	const struct reach *reach, const struct process *program)
{
	const struct process *child = behind(reach, program);
	const struct proc *init = reach->pid1->last;
	bool behind_init = program != reach->pid1;
	bool group = behind_init && child && reach_signals_group(init) &&
		child->last->pgid == program->last->pgid;
	enum check_level level = CHECK_WILL_FAIL;
	struct buf text = {0};

	if (behind_init)
		buf_addf(&text, "PID 1 (%s) passes %s on to ", reach->pid1->name,
			SIGNAL(reach->number));
	process_add_name(program, &text);
	if (signal_is_harmless(reach->number)) {
		buf_addf(&text,
			"%s has no handler for %s: the default is to do nothing",
			behind_init ? ", which" : "", SIGNAL(reach->number));
		add_others(reach, program, &text);
		add_age(reach, &text);
		check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_W5, NULL, &text);
		return;
	}
	buf_addf(&text, "%s has no handler for %s: the default ends it, exit code %d",
		behind_init ? ", which" : "", SIGNAL(reach->number),
		128 + reach->number);
	if (behind_init && reach_forgives(init, 128 + reach->number)) {
		buf_adds(&text, ", which PID 1 reports as 0");
		level = child ? CHECK_MAY_FAIL : CHECK_NOTE;
	}
	if (child && !group &&
		(proc_is_launcher(program->last) || proc_awaits_child(program->last))) {
		buf_adds(&text, "; ");
		reach_add_untold(reach, child, &text);
		check_add(reach->check, level, DIAGNOSIS_W3, NULL, &text);
		return;
	}
	if (child && group)
		buf_adds(&text,
			"; its whole process group gets it, and is not waited for");
	add_age(reach, &text);
	check_add(reach->check, level, DIAGNOSIS_X9, NULL, &text);
}

/* --- not taken --- */

static void find_not_taken(
	const struct reach *reach, const struct process *process, enum hearing hearing)
{
	const struct process *child = behind(reach, process);
	bool pid1 = process == reach->pid1;
	struct buf text = {0};

	if (!pid1)
		buf_addf(&text, "PID 1 (%s) passes %s on, and waits for ",
			reach->pid1->name, SIGNAL(reach->number));
	reach_add_who(reach, process, &text);
	buf_adds(&text, pid1 ? "" : ", which");
	if (hearing == HEARING_IGNORES)
		buf_addf(&text, " ignores %s (SigIgn)", SIGNAL(reach->number));
	else
		buf_addf(&text,
			" has %s blocked, and nobody takes it: every thread blocks it, none is "
			"in sigwait for it, and no signalfd has it",
			SIGNAL(reach->number));
	if (child && proc_awaits_child(process->last)) {
		buf_adds(&text, ", and waits for its child: ");
		reach_add_untold(reach, child, &text);
	}
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

	reach_add_who(reach, process, &text);
	buf_addf(&text,
		" catches no %s by its masks, and whether it waits for it (sigwait, signalfd) "
		"could not be read",
		SIGNAL(reach->number));
	if (child) {
		buf_addf(&text, "; it is a launcher (%.60s): ", process->last->command);
		reach_add_untold(reach, child, &text);
		buf_adds(&text, " then");
	}
	check_add(reach->check, CHECK_MAY_FAIL,
		child                                   ? DIAGNOSIS_W3
			: reach_has_pid1_rules(process) ? DIAGNOSIS_W1
							: DIAGNOSIS_X9,
		NULL, &text);
}

static void find_unsettled(const struct reach *reach, const struct process *process)
{
	struct buf text = {0};

	reach_add_who(reach, process, &text);
	buf_addf(&text,
		" changed what it does with %s between two looks %s apart: what comes "
		"before its handler %s",
		SIGNAL(reach->number), CLOCK_TEXT(CHECK_BETWEEN_NS),
		reach_has_pid1_rules(process) ? "is discarded" : "ends it");
	check_add(reach->check, CHECK_MAY_FAIL,
		reach_has_pid1_rules(process) ? DIAGNOSIS_W6 : DIAGNOSIS_X9, NULL,
		&text);
}

/* --- all of it --- */

static void find_in(const struct reach *reach, const struct process *process)
{
	enum hearing hearing = reach_hearing(reach, process);

	reach->check->known = hearing != HEARING_UNKNOWN;
	switch (hearing) {
	case HEARING_NOTHING:
		if (reach_has_pid1_rules(process))
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
		check_handler(reach, process);
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

/* In a state in which no signal reaches its code. One look in uninterruptible sleep is
 * any access to a disk. A pause, which the engine ends, is state D in a freezer of cgroup
 * v1. */
static bool is_held(const struct reach *reach, const struct process *process)
{
	const struct proc *first = check_first_look(reach->input, process);
	char state = process->last->state;

	if (state == 't')
		return true;
	if (reach->input->about->paused)
		return false;
	return state == 'T' ||
		(state == 'D' && first && first->state == 'D' &&
			first->syscall == process->last->syscall);
}

static void find_held(const struct reach *reach, const struct process *process)
{
	bool sleeps = process->last->state == 'D';
	struct buf text = {0};

	reach_add_who(reach, process, &text);
	buf_adds(&text, " is ");
	process_add_wait(process, &text);
	buf_addf(&text, ": no code of it would run on %s%s", SIGNAL(reach->number),
		sleeps ? " while that lasts" : "");
	reach->check->known = true;
	check_add(reach->check, sleeps ? CHECK_MAY_FAIL : CHECK_WILL_FAIL, DIAGNOSIS_W7,
		NULL, &text);
}

/* A process other than the program is stopped: what waits for it waits for ever. (Not
 * where the whole container is paused.) */
static void find_stopped(const struct reach *reach)
{
	const struct processes *all = &reach->view->processes;

	for (unsigned i = 0; i < all->count && !reach->input->about->paused; i++) {
		const struct process *process = &all->list[i];
		const struct proc *first = check_first_look(reach->input, process);
		struct buf text = {0};

		if (process == reach->view->program || !first || first->state != 'T' ||
			!process->last || process->last->state != 'T' ||
			check_is_session(reach->view, process))
			continue;
		reach_add_who(reach, process, &text);
		buf_addf(&text,
			" is stopped (SIGSTOP): no code of it would run on %s, and what "
			"waits for its end waits for ever",
			SIGNAL(reach->number));
		check_add(reach->check, CHECK_MAY_FAIL, DIAGNOSIS_W7, NULL, &text);
		return;
	}
}

/* runc takes a process whose main thread is a zombie for one that has ended. */
static void find_main_thread_ended(const struct reach *reach)
{
	unsigned others = reach->pid1->last->threads - 1;
	struct buf text = {0};

	buf_addf(&text,
		"the main thread of PID 1 (%s) has ended (state Z), %u other thread%s on: runc "
		"takes the container for ended, and sends no signal",
		reach->pid1->name, others, others == 1 ? " runs" : "s run");
	reach->check->known = true;
	check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_G1, NULL, &text);
}

/* A stop signal like any other to docker. */
static void find_killed(const struct reach *reach, const struct process *process)
{
	struct buf text = {0};

	buf_adds(&text,
		"the stop signal is SIGKILL: no program can handle it, and the grace is of no "
		"use");
	add_others(reach, process, &text);
	reach->check->known = true;
	check_add(reach->check, CHECK_WILL_FAIL, DIAGNOSIS_W5, NULL, &text);
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
	else if (reach.number == SIGKILL)
		find_killed(&reach, view->program);
	else if (view->pid1->state == 'Z' && view->pid1->threads > 1 &&
		reach_has_pid1_rules(reach.pid1))
		find_main_thread_ended(&reach);
	else if (is_held(&reach, view->program))
		find_held(&reach, view->program);
	else
		find_in(&reach, view->program);
	find_stopped(&reach);
}
