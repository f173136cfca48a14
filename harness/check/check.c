#include "harness/check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/check_limits.h"
#include "harness/check/check_process.h"
#include "harness/check/check_reach.h"
#include "harness/judge/launcher_cure.h"
#include "lib/mem.h"

const char *const check_level_names[CHECK_LEVELS] = {
	[CHECK_NOTE] = "note",
	[CHECK_MAY_FAIL] = "may fail",
	[CHECK_WILL_FAIL] = "will fail",
};

/* Before those of a lower level, behind those of its own. */
void check_add(struct check *check, enum check_level level, enum diagnosis_id id,
	const char *cure, struct buf *text)
{
	unsigned at = 0;

	while (at < check->count && check->findings[at].level >= level)
		at++;
	if (at < CHECK_FINDINGS_MAX) {
		struct check_finding *finding = &check->findings[at];
		unsigned kept = check->count < CHECK_FINDINGS_MAX
			? check->count
			: CHECK_FINDINGS_MAX - 1;

		memmove(finding + 1, finding, (kept - at) * sizeof *finding);
		*finding = (struct check_finding){.level = level, .id = id};
		snprintf(finding->text, sizeof finding->text, "%s", buf_text(text));
		if (!cure)
			cure = id == DIAGNOSIS_ANY ? "" : diagnosis_cure(id);
		snprintf(finding->cure, sizeof finding->cure, "%s", cure);
		check->count = kept + 1;
	}
	buf_done(text);
}

enum check_level check_level(const struct check *check)
{
	return check->count ? check->findings[0].level : CHECK_NOTE;
}

/* --- what the engine says --- */

static void find_restarts(struct check *check, const struct subject_about *about)
{
	struct buf text = {0};

	if (about->restarting)
		buf_addf(&text,
			"it has no process now: it ended with exit code %lld, and is waiting "
			"to be started again",
			(long long)about->exit_code);
	if (about->restarts > 0)
		buf_addf(&text, "%s%lld time%s since it was created",
			about->restarting ? ", as "
					  : "its restart policy started it again ",
			(long long)about->restarts, about->restarts == 1 ? "" : "s");
	if (text.len)
		check_add(check, about->restarting ? CHECK_WILL_FAIL : CHECK_NOTE,
			about->restarting ? DIAGNOSIS_X10 : DIAGNOSIS_ANY, NULL, &text);
}

static void find_paused(struct check *check, const struct subject_about *about)
{
	struct buf text = {0};

	if (!about->paused)
		return;
	buf_adds(&text, "it is paused: the engine thaws it for the stop");
	check_add(check, CHECK_NOTE, DIAGNOSIS_ANY, NULL, &text);
}

/* --- processes beside the program --- */

static bool was_zombie(const struct view *view, pid_t pid)
{
	const struct snapshot *first = view->evidence->snapshots;

	for (unsigned i = 0; i < first->count; i++) {
		if (first->procs[i].pid == pid)
			return first->procs[i].state == 'Z';
	}
	return false;
}

/* In both looks: what was not waited for in the meantime. */
static void find_zombies(struct check *check, const struct view *view)
{
	const struct process *parent = NULL;
	struct buf text = {0};
	unsigned count = 0;

	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (!process->last || process->last->state != 'Z' ||
			process->last->threads > 1 || !was_zombie(view, process->pid))
			continue;
		parent = count++ && parent != process->parent ? NULL : process->parent;
	}
	if (count == 0)
		return;
	buf_addf(&text, "%u zombie%s", count,
		count == 1 ? " is not waited for" : "s are not waited for");
	if (parent) {
		buf_adds(&text, " by ");
		process_add_name(parent, &text);
	}
	check_add(check, CHECK_NOTE, DIAGNOSIS_L3, NULL, &text);
}

typedef bool is_process_fn(const struct view *view, const struct process *process);

static bool is_top_of_session(const struct view *view, const struct process *process)
{
	return !process->parent && process != view->processes.list;
}

/* "sleep (pid 7), curl (pid 9) and 3 more"; gives how many there are. */
static unsigned add_names(
	const struct view *view, is_process_fn *is_one, struct buf *text)
{
	unsigned count = 0;

	for (unsigned i = 1; i < view->processes.count; i++) {
		const struct process *process = &view->processes.list[i];

		if (!process->last || process->last->state == 'Z' ||
			!is_one(view, process) || count++ >= 2)
			continue;
		if (count > 1)
			buf_adds(text, ", ");
		process_add_name(process, text);
	}
	if (count > 2)
		buf_addf(text, " and %u more", count - 2);
	return count;
}

static void find_orphans(struct check *check, const struct view *view)
{
	struct buf text = {0};
	unsigned count = add_names(view, check_is_orphan, &text);

	if (count == 0)
		return;
	buf_addf(&text,
		" %s: what began %s session has ended, and PID 1, which did not start %s, has "
		"inherited %s (of a health check, docker exec, or a daemon)",
		count == 1 ? "is an orphan" : "are orphans",
		count == 1 ? "its" : "their", count == 1 ? "it" : "them",
		count == 1 ? "it" : "them");
	check_add(check, CHECK_MAY_FAIL, DIAGNOSIS_L1, NULL, &text);
}

static void find_sessions(struct check *check, const struct view *view)
{
	struct buf text = {0};
	unsigned count = add_names(view, is_top_of_session, &text);

	if (count == 0)
		return;
	buf_addf(&text,
		" %s in a session from outside (docker exec, a health check): %s no stop signal, "
		"and SIGKILL when PID 1 ends",
		count == 1 ? "is" : "are", count == 1 ? "it gets" : "they get");
	check_add(check, CHECK_NOTE, DIAGNOSIS_ANY, NULL, &text);
}

/* With the command line of the program in place of a placeholder. */
static void name_program(struct check *check, const struct view *view)
{
	SCOPED(mem_free)
	char *cure = launcher_cure(view->last, view->facts->stop_signal);

	for (unsigned i = 0; cure && i < check->count; i++) {
		struct check_finding *finding = &check->findings[i];

		if (finding->id == DIAGNOSIS_W3)
			snprintf(finding->cure, sizeof finding->cure, "%s", cure);
	}
}

void check_find(struct check *check, const struct check_input *input)
{
	*check = (struct check){0};
	check_reach(check, input);
	check_limits(check, input);
	if (input->view->last)
		name_program(check, input->view);
	find_restarts(check, input->about);
	find_paused(check, input->about);
	if (!input->view->pid1)
		return;
	find_orphans(check, input->view);
	find_zombies(check, input->view);
	find_sessions(check, input->view);
}
