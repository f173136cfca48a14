/*
 * What a check finds in two looks at a container's processes, made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/check/check.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/mem.h"

#define PROCS_MAX 6
#define VFORK     58
#define WAIT4     61
#define READ      0
#define EPOLL     232
#define SIGWAIT   128
#define SUSPEND   130

#define BIT(number) (UINT64_C(1) << ((number)-1))

struct check_scene {
	struct scenario scenario;
	struct evidence evidence;
	struct snapshot looks[2];
	struct proc procs[2][PROCS_MAX];
	struct signal_takers takers[PROCS_MAX];
	struct subject_about about;
	struct stacks *stacks;
	unsigned count;
	int64_t age_ns;
	struct view view;
	struct check check;
};

static int set_up(void **state)
{
	struct check_scene *scene = mem_zeroed(sizeof *scene);

	scene->scenario.stop.grace_ns = 10 * CLOCK_S;
	scene->about.grace_ns = 10 * CLOCK_S;
	scene->evidence.facts.stop_signal = SIGTERM;
	scene->evidence.facts.asked_ns = 1000 * CLOCK_S;
	scene->age_ns = INT64_MAX;
	scene->stacks = stacks_create();
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct check_scene *scene = *state;

	view_close(&scene->view);
	stacks_destroy(scene->stacks);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* A process that waits in read(2), and that both looks show. The first is PID 1, the
 * others are its children. Gives its place. */
static unsigned add(struct check_scene *scene, const char *name, const char *command)
{
	unsigned at = scene->count++;
	struct proc proc = {
		.pid = 400 + (pid_t)at,
		.ppid = at ? 400 : 1,
		.ns_pid = 1 + (pid_t)at,
		.pgid = 400,
		.sid = 400,
		.state = 'S',
		.threads = 1,
		.syscall = READ,
	};

	snprintf(proc.name, sizeof proc.name, "%s", name);
	snprintf(proc.command, sizeof proc.command, "%s", command);
	snprintf(proc.exe, sizeof proc.exe, "%s", name);
	scene->procs[0][at] = scene->procs[1][at] = proc;
	scene->takers[at] =
		(struct signal_takers){.pid = proc.pid, .known = true, .unblocked = 1};
	return at;
}

static void set(struct check_scene *scene, unsigned at, uint64_t caught, long syscall)
{
	for (unsigned look = 0; look < 2; look++) {
		scene->procs[look][at].caught = caught;
		scene->procs[look][at].syscall = syscall;
	}
}

static void block(struct check_scene *scene, unsigned at)
{
	scene->procs[0][at].blocked = scene->procs[1][at].blocked = BIT(SIGTERM);
	scene->takers[at].unblocked = 0;
}

/* An init that is in sigwait, and starts what comes next. */
static void add_init(struct check_scene *scene, const char *command)
{
	unsigned at = add(scene, "tini", command);

	set(scene, at, 0, SIGWAIT);
	scene->takers[at].main_waits = true;
	scene->takers[at].waiting = 1;
	scene->takers[at].unblocked = 0;
}

static void look(struct check_scene *scene)
{
	const struct check_input input = {
		.view = &scene->view,
		.about = &scene->about,
		.stacks = scene->stacks,
		.takers = scene->takers,
		.taker_count = scene->count,
		.age_ns = scene->age_ns,
	};

	for (unsigned i = 0; i < 2; i++)
		scene->looks[i] = (struct snapshot){
			.ns = 900 * CLOCK_S + i * 100 * CLOCK_MS,
			.procs = scene->procs[i],
			.count = scene->count,
		};
	scene->evidence.snapshots = scene->looks;
	scene->evidence.snapshot_count = scene->count ? 2 : 0;
	view_close(&scene->view);
	view_open(&scene->view, &scene->scenario, &scene->evidence);
	check_find(&scene->check, &input);
}

static const struct check_finding *finding(
	const struct check_scene *scene, enum diagnosis_id id)
{
	for (unsigned i = 0; i < scene->check.count; i++) {
		if (scene->check.findings[i].id == id)
			return &scene->check.findings[i];
	}
	return NULL;
}

/* Looks, and demands a finding of this id and level that says this. */
static void expect(struct check_scene *scene, enum check_level level,
	enum diagnosis_id id, const char *words)
{
	const struct check_finding *found;

	look(scene);
	found = finding(scene, id);
	for (unsigned i = 0; !found && i < scene->check.count; i++)
		print_error("%s %s\n", diagnosis_ids[scene->check.findings[i].id],
			scene->check.findings[i].text);
	assert_non_null(found);
	if (!found)
		return;
	assert_string_equal(check_level_names[found->level], check_level_names[level]);
	if (!strstr(found->text, words))
		print_error("text: %s\n", found->text);
	assert_non_null(strstr(found->text, words));
}

static const char *cure_of(const struct check_scene *scene, enum diagnosis_id id)
{
	const struct check_finding *found = finding(scene, id);

	return found ? found->cure : "";
}

static void expect_nothing(struct check_scene *scene)
{
	look(scene);
	for (unsigned i = 0; i < scene->check.count; i++)
		print_error("%s %s\n", diagnosis_ids[scene->check.findings[i].id],
			scene->check.findings[i].text);
	assert_int_equal(scene->check.count, 0);
	assert_true(scene->check.known);
}

/* --- PID 1 --- */

static void a_handler_is_no_finding(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	expect_nothing(scene);
	assert_int_equal(check_level(&scene->check), CHECK_NOTE);
}

static void pid1_without_a_handler_never_gets_the_signal(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "app", "/app"), BIT(SIGINT), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1,
		"no handler for SIGTERM: the kernel discards it; it handles SIGINT");
	assert_int_equal(check_level(&scene->check), CHECK_WILL_FAIL);
	assert_string_equal(cure_of(scene, DIAGNOSIS_W1), diagnosis_cure(DIAGNOSIS_W1));
}

static void what_has_just_begun_may_not_be_ready(void **state)
{
	struct check_scene *scene = *state;

	add(scene, "app", "/app");
	scene->age_ns = 2 * CLOCK_S;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1,
		"it began 2.00s ago, and may not be ready yet");
}

static void outside_a_container_the_default_ends_it(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	scene->procs[0][at].ns_pid = scene->procs[1][at].ns_pid = 400;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9, "exit code 143");
}

static void a_stop_signal_that_nobody_catches_is_the_wrong_one(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGUSR1;
	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5,
		"no handler for SIGUSR1: the kernel discards it; it handles SIGTERM");
}

static void sigkill_gives_no_chance(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGKILL;
	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5,
		"the stop signal is SIGKILL: no program can handle it, and the grace is of no "
		"use; it handles SIGTERM");
}

static void also_where_pid1_waits_for_a_child(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGUSR1;
	set(scene, add(scene, "dash", "sh -c trap x TERM; app"), BIT(SIGTERM), WAIT4);
	add(scene, "app", "/app");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5, "it handles SIGTERM");
}

static void an_ignored_signal_is_seen(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	scene->procs[0][at].ignored = scene->procs[1][at].ignored = BIT(SIGTERM);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W2, "PID 1 (app) ignores SIGTERM");
}

static void a_blocked_signal_that_nobody_takes_is_seen(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	block(scene, at);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W8, "nobody takes it");
}

static void who_takes_a_blocked_signal_is_seen(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");
	struct signal_takers *takers = &scene->takers[at];

	block(scene, at);
	takers->signalfds = 1;
	expect_nothing(scene);
	takers->signalfds = 0;
	takers->waiting = 1;
	expect_nothing(scene);
	/* Another thread, by a handler; without one that discards it. */
	takers->waiting = 0;
	takers->unblocked = 1;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1, "no handler");
	set(scene, at, BIT(SIGTERM), EPOLL);
	expect_nothing(scene);
}

static void one_look_at_a_blocked_signal_proves_nothing(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	set(scene, at, BIT(SIGTERM), EPOLL);
	block(scene, at);
	scene->procs[0][at].blocked = 0;
	expect_nothing(scene);
}

static void sigwait_takes_the_signal(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	set(scene, at, 0, SIGWAIT);
	scene->takers[at].main_waits = true;
	scene->takers[at].waiting = 1;
	scene->takers[at].unblocked = 0;
	expect_nothing(scene);
	/* For other signals. */
	scene->takers[at].main_waits = false;
	scene->takers[at].waiting = 0;
	scene->takers[at].unblocked = 1;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1, "no handler");
	scene->procs[0][at].ignored = scene->procs[1][at].ignored = BIT(SIGTERM);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W2, "ignores SIGTERM");
}

static void what_cannot_be_read_is_not_claimed(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	scene->takers[at].known = false;
	set(scene, at, 0, -1);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W1, "could not be read");
	assert_false(scene->check.known);
	set(scene, at, BIT(SIGTERM), -1);
	expect_nothing(scene);
}

static void of_a_shell_that_cannot_be_read_its_child_is_named(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "dash", "sh -c app; true"), 0, -1);
	add(scene, "app", "/app");
	scene->takers[0].known = false;
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W3,
		"app (pid 2) never receives it then");
}

static void a_handler_that_just_came_is_told(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	scene->procs[1][at].caught = BIT(SIGTERM);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W6, "between two looks 40.0ms apart");
}

static void a_stopped_program_hears_nothing(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "app", "/app");

	set(scene, at, BIT(SIGTERM), EPOLL);
	scene->procs[1][at].state = 'T';
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W7, "is stopped");
	scene->procs[1][at].state = 't';
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W7, "is held by a tracer (ptrace)");
	/* One look is any access to a disk. */
	scene->procs[1][at].state = 'D';
	expect_nothing(scene);
	scene->procs[0][at].state = 'D';
	set(scene, at, BIT(SIGTERM), VFORK);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W7,
		"is in uninterruptible sleep (vfork): no code of it would run on SIGTERM while "
		"that lasts");
	scene->procs[0][at].syscall = READ;
	expect_nothing(scene);
}

static void a_child_below_one_that_only_keeps_it_alive_is_told(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "tail", "tail -f /dev/null"), 0, READ);
	at = add(scene, "app", "/app");
	set(scene, at, 0, EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1, "the kernel discards it");
	assert_null(strstr(finding(scene, DIAGNOSIS_W1)->text, "app"));
	set(scene, at, BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1,
		"; app (pid 2), which has a handler for it, never receives it");
}

static void a_stopped_child_ends_nobodys_wait(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	at = add(scene, "worker", "/app worker");
	set(scene, at, BIT(SIGTERM), EPOLL);
	scene->procs[1][at].state = 'T';
	expect_nothing(scene);
	scene->procs[0][at].state = 'T';
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W7,
		"worker (pid 2) is stopped (SIGSTOP)");
	scene->about.paused = true;
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY, "it is paused");
	assert_null(finding(scene, DIAGNOSIS_W7));
}

/* Of an image of Apache's. */
static void a_signal_that_does_nothing_by_default_ends_nobody(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGWINCH;
	set(scene, add(scene, "app", "/app"), 0, EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5,
		"its default is to do nothing, behind an init as well");
	assert_null(finding(scene, DIAGNOSIS_W1));
	scene->count = 0;
	add_init(scene, "tini -- app");
	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5,
		"has no handler for SIGWINCH: the default is to do nothing; it handles SIGTERM");
	assert_null(finding(scene, DIAGNOSIS_X9));
}

/* system(3), perl and strace. */
static void one_that_ignores_the_signal_and_waits_leaves_its_child_untold(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "perl", "perl run"), 0, WAIT4);
	scene->procs[0][0].ignored = scene->procs[1][0].ignored = BIT(SIGTERM);
	child = add(scene, "app", "/app");
	set(scene, child, BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W2,
		"PID 1 (perl) ignores SIGTERM (SigIgn), and waits for its child: app (pid 2), "
		"which has a handler for it, never receives it");
}

/* --- shells, launchers, inits --- */

static void a_shell_passes_nothing_on(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "dash", "sh -c app; true"), BIT(SIGCHLD), WAIT4);
	child = add(scene, "app", "/app");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3, "app (pid 2) never receives it");
	set(scene, child, BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3,
		"app (pid 2), which has a handler for it, never receives it");
}

static void a_wrapper_is_known_by_what_it_does(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "start", "/start"), 0, WAIT4);
	add(scene, "app", "/app");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3, "PID 1 is start (/start)");
}

static void a_trap_waits_for_a_foreground_command(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "dash", "sh -c trap x TERM; app"), BIT(SIGTERM), WAIT4);
	child = add(scene, "app", "/app");
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W4, "if it is that");
	scene->procs[0][child].listening = scene->procs[1][child].listening = 1;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W4,
		"app (pid 2) (/app) gets no signal");
	/* Started with &: the shell is in its `wait`. */
	scene->procs[0][child].ignored = scene->procs[1][child].ignored = BIT(SIGINT);
	expect_nothing(scene);
	/* Dash and busybox wait for such a command in sigsuspend. */
	scene->procs[0][child].ignored = scene->procs[1][child].ignored = 0;
	set(scene, 0, BIT(SIGTERM), SUSPEND);
	expect_nothing(scene);
}

static void what_bash_waits_for_is_not_always_seen(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "bash", "bash -c trap x TERM; app"), BIT(SIGTERM), WAIT4);
	child = add(scene, "nginx", "nginx");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W4, "gets no signal");
	set(scene, child, BIT(SIGINT), EPOLL);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W4, "if it is that");
}

/* As of bash 5.2 in a container: stops of each form were measured. */
#define EXIT_TRAP UINT64_C(0x43817efb)

static void bash_with_an_exit_trap_ends_at_once(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "bash", "bash -c trap x EXIT; read -t 9"), EXIT_TRAP,
		READ);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_X8,
		"unless it has a trap for it, it ends at once, exit code 143");
	child = add(scene, "app", "/app");
	set(scene, 0, EXIT_TRAP, WAIT4);
	scene->procs[0][child].ignored = scene->procs[1][child].ignored =
		BIT(SIGINT) | BIT(SIGQUIT);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_X8, "and app (pid 2) gets no signal");
	/* A foreground command: with a trap or without one, that is not clean. */
	scene->procs[0][child].ignored = scene->procs[1][child].ignored = 0;
	scene->procs[0][child].listening = scene->procs[1][child].listening = 1;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X8,
		"if it has, that waits until the command has ended");
	assert_null(finding(scene, DIAGNOSIS_W4));
	/* For SIGINT it waits for that, too. */
	scene->evidence.facts.stop_signal = SIGINT;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W4, "which acts on SIGINT only when");
	assert_null(finding(scene, DIAGNOSIS_X8));
}

static void a_shell_catches_sigint_without_a_trap(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGINT;
	set(scene, add(scene, "dash", "sh -c app & wait"), BIT(SIGINT), SUSPEND);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_X8, "by itself, as a shell does");
	scene->count = 0;
	set(scene, add(scene, "bash", "bash -c wait"), BIT(SIGINT), WAIT4);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W11,
		"it raises SIGINT again, which PID 1 never gets");
}

static void what_a_shell_starts_in_the_background_ignores_sigint(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	scene->evidence.facts.stop_signal = SIGINT;
	add_init(scene, "tini -- sh start");
	set(scene, add(scene, "python3", "python3 master.py"), BIT(SIGINT), EPOLL);
	child = add(scene, "app", "/app");
	scene->procs[0][child].ignored = scene->procs[1][child].ignored = BIT(SIGINT);
	expect(scene, CHECK_NOTE, DIAGNOSIS_H3, "ignores or blocks SIGINT: ");
	scene->procs[0][child].ignored = scene->procs[1][child].ignored =
		BIT(SIGINT) | BIT(SIGQUIT);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_H3,
		"app (pid 3) ignores or blocks SIGINT, as a shell lets do");
	assert_non_null(strstr(cure_of(scene, DIAGNOSIS_H3), "kill -TERM"));
	scene->evidence.facts.stop_signal = SIGTERM;
	set(scene, 1, BIT(SIGTERM), EPOLL);
	expect_nothing(scene);
}

static void a_short_sleep_holds_no_trap_up(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "busybox", "busybox sh -c x"), BIT(SIGTERM), WAIT4);
	child = add(scene, "busybox", "busybox sleep 0.5");
	expect(scene, CHECK_NOTE, DIAGNOSIS_W4, "ends soon");
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][child].command, "busybox sleep 1h");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W4, "gets no signal");
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][child].command, "sleep infinity");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W4, "gets no signal");
}

static void what_began_since_the_first_look_may_end_as_soon(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	set(scene, add(scene, "dash", "sh -c trap x TERM; app"), BIT(SIGTERM), WAIT4);
	child = add(scene, "app", "/app");
	scene->procs[0][child].pid = 499;
	expect(scene, CHECK_NOTE, DIAGNOSIS_W4, "which has just begun");
}

static void behind_an_init_the_default_is_143(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	add_init(scene, "tini -- app");
	child = add(scene, "app", "/app");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9, "exit code 143");
	scene->age_ns = 2 * CLOCK_S;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9,
		"it began 2.00s ago, and may not be ready yet");
	set(scene, child, BIT(SIGTERM), EPOLL);
	expect_nothing(scene);
}

static void an_init_may_report_143_as_0(void **state)
{
	struct check_scene *scene = *state;

	add_init(scene, "tini -e 143 -- app");
	add(scene, "app", "/app");
	expect(scene, CHECK_NOTE, DIAGNOSIS_X9, "which PID 1 reports as 0");
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][0].command, "tini -- app -e 143 ");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9, "exit code 143");
}

static void behind_an_init_what_does_not_take_it_is_waited_for(void **state)
{
	struct check_scene *scene = *state;
	unsigned child;

	add_init(scene, "tini -- app");
	child = add(scene, "app", "/app");
	scene->procs[0][child].ignored = scene->procs[1][child].ignored = BIT(SIGTERM);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_H3,
		"waits for app (pid 2), which ignores SIGTERM");
}

static void a_shell_behind_an_init_is_no_better(void **state)
{
	struct check_scene *scene = *state;
	unsigned program;

	add_init(scene, "tini -- sh -c app; true");
	set(scene, add(scene, "dash", "sh -c app; true"), 0, WAIT4);
	program = add(scene, "app", "/app");
	scene->procs[0][program].ppid = scene->procs[1][program].ppid = 401;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3, "app (pid 3) never receives it");
	/* To its whole process group. */
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][0].command, "tini -g -- sh -c app; true");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9, "its whole process group gets it");
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][0].command, "dumb-init -- sh -c app; true");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X9, "its whole process group gets it");
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][0].command,
			"dumb-init -r 15:3 -c sh -c app; true");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3, "app (pid 3) never receives it");
}

static void a_group_of_an_init_dies_beside_its_master(void **state)
{
	struct check_scene *scene = *state;
	unsigned worker;

	add_init(scene, "dumb-init -- app");
	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	worker = add(scene, "worker", "/worker");
	scene->procs[0][worker].ppid = scene->procs[1][worker].ppid = 401;
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_X11,
		"to the whole process group of app (pid 2): the default ends worker (pid 3)");
	scene->procs[1][worker].pgid = 402;
	expect_nothing(scene);
	scene->procs[1][worker].pgid = 400;
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][0].command, "dumb-init --single-child -- app");
	expect_nothing(scene);
}

static void a_deaf_child_is_told(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	block(scene, add(scene, "worker", "/worker"));
	expect(scene, CHECK_NOTE, DIAGNOSIS_H3,
		"worker (pid 2) ignores or blocks SIGTERM");
	block(scene, add(scene, "worker", "/worker"));
	expect(scene, CHECK_NOTE, DIAGNOSIS_H3, "worker (pid 2) and 1 more ignore");
	scene->takers[1].signalfds = scene->takers[2].signalfds = 1;
	expect_nothing(scene);
}

static void what_a_known_program_does_with_its_workers_is_its_own_affair(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "redis-server", "redis-server"), BIT(SIGTERM), EPOLL);
	block(scene, add(scene, "redis-server", "redis-server"));
	look(scene);
	assert_null(finding(scene, DIAGNOSIS_H3));
}

static void a_main_thread_that_has_ended_is_seen(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "emu", "[emu]");

	scene->procs[0][at].state = scene->procs[1][at].state = 'Z';
	scene->procs[0][at].threads = scene->procs[1][at].threads = 3;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_G1, "2 other threads run on");
}

static void npm_signals_the_shell_between(void **state)
{
	struct check_scene *scene = *state;
	unsigned program;

	set(scene, add(scene, "npm start", "npm start"), BIT(SIGTERM) | BIT(SIGINT),
		EPOLL);
	set(scene, add(scene, "sh", "sh -c node a.js; true"), 0, WAIT4);
	program = add(scene, "node", "node a.js");
	set(scene, program, BIT(SIGTERM) | BIT(SIGINT), EPOLL);
	scene->procs[0][program].ppid = scene->procs[1][program].ppid = 401;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3,
		"passes SIGTERM on to sh (pid 2), which has no handler and dies of it: node");
}

static void nodes_own_handler_is_no_proof(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "node", "node a.js"), BIT(SIGTERM) | BIT(SIGINT), EPOLL);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W11, "can't be told from outside");
	/* Only an application's own handler is alone. */
	set(scene, 0, BIT(SIGTERM), EPOLL);
	expect_nothing(scene);
}

/* --- what the signal means, and how long it takes --- */

static void a_signal_that_cuts_requests_is_told(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "nginx", "nginx: master process nginx"),
		BIT(SIGTERM) | BIT(SIGQUIT), SUSPEND);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_W5,
		"is nginx: SIGTERM stops fast: requests under way are cut; what lets it finish "
		"is SIGQUIT");
	assert_non_null(strstr(cure_of(scene, DIAGNOSIS_W5), "STOPSIGNAL SIGQUIT"));
	scene->evidence.facts.stop_signal = SIGQUIT;
	look(scene);
	assert_null(finding(scene, DIAGNOSIS_W5));
}

static void a_signal_that_is_no_stop_is_told(void **state)
{
	struct check_scene *scene = *state;

	scene->evidence.facts.stop_signal = SIGWINCH;
	set(scene, add(scene, "nginx", "nginx: master process nginx"),
		BIT(SIGWINCH) | BIT(SIGQUIT), SUSPEND);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W5,
		"SIGWINCH does nothing in the foreground; of a daemon it ends the workers alone; "
		"what lets it finish is SIGQUIT");
}

static void what_ends_at_once_leaves_what_is_below_it(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "runsvdir", "runsvdir /etc/service"), BIT(SIGTERM),
		EPOLL);
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY, "SIGTERM ends it at once");
	add(scene, "app", "/app");
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_L1, "its services are not told");
}

static void a_jvm_ends_with_143(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "java", "java -jar a.jar");

	set(scene, at, BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_X8, "exit code 143 when they are done");
}

static void an_init_may_report_the_jvms_143_as_0(void **state)
{
	struct check_scene *scene = *state;

	add_init(scene, "tini -e 143 -- java -jar a.jar");
	set(scene, add(scene, "java", "java -jar a.jar"), BIT(SIGTERM), EPOLL);
	look(scene);
	assert_null(finding(scene, DIAGNOSIS_X8));
}

static void a_stack_that_takes_longer_than_the_grace_is_told(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "gunicorn", "gunicorn app:app");

	set(scene, at, BIT(SIGTERM), EPOLL);
	set(scene, add(scene, "gunicorn", "gunicorn app:app"), BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_H15,
		"gunicorn may take 30.0s for its own graceful stop, by its default: "
		"its command line sets no other (--graceful-timeout), and its configuration is "
		"not read; the grace is 10.0s");
	assert_string_equal(cure_of(scene, DIAGNOSIS_H15),
		"`gunicorn --graceful-timeout 8`, below the grace. Or a longer grace: `docker "
		"run --stop-timeout 38`, in compose `stop_grace_period: 38s`.");
	assert_int_equal(scene->check.timeout_count, 1);
	assert_int_equal(scene->check.timeouts[0].count, 1);
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][at].command,
			"gunicorn --graceful-timeout 8 a:a");
	look(scene);
	assert_null(finding(scene, DIAGNOSIS_H15));
	assert_true(scene->check.timeouts[0].by_option);
	/* More of the command line than was kept. */
	for (unsigned i = 0; i < 2; i++) {
		char *command = scene->procs[i][at].command;

		memset(command, 'x', sizeof scene->procs[i][at].command - 1);
		memcpy(command, "gunicorn ", 9);
	}
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_H15,
		"the beginning of its command line, which was read, sets no other");
}

static void stacks_side_by_side_add_up(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	add(scene, "mcp", "mcp-server-a");
	expect_nothing(scene);
	add(scene, "mcp", "mcp-server-b");
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_H2,
		"all 2 that have such a time up to 13.0s");
	assert_int_equal(scene->check.timeouts[0].count, 2);
}

static void clients_hold_what_has_no_bound(void **state)
{
	struct check_scene *scene = *state;
	unsigned at = add(scene, "uvicorn", "uvicorn app:app");

	set(scene, at, BIT(SIGTERM), EPOLL);
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY,
		"no connection of a client is open now");
	for (unsigned i = 0; i < 2; i++) {
		scene->procs[i][at].listening = 1;
		scene->procs[i][at].ports[0] = 80;
		scene->procs[i][at].connections = 2;
		scene->procs[i][at].clients = 1;
		strcpy(scene->procs[i][at].peer, "10.0.0.1:4711");
	}
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_H8,
		"uvicorn (pid 1) has 2 connections open (one from 10.0.0.1:4711)");
	for (unsigned i = 1; i < scene->check.count; i++)
		assert_int_not_equal(scene->check.findings[i].id, DIAGNOSIS_H8);
	/* Its own connections to others are no client's. */
	scene->procs[1][at].clients = 0;
	look(scene);
	assert_null(finding(scene, DIAGNOSIS_H8));
	scene->procs[1][at].clients = 1;
	for (unsigned i = 0; i < 2; i++)
		strcpy(scene->procs[i][at].command,
			"uvicorn --timeout-graceful-shutdown 8 a:a");
	expect(scene, CHECK_NOTE, DIAGNOSIS_H8, "it has to end them");
}

/* --- beside the program --- */

static void zombies_are_counted_when_both_looks_show_them(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	at = add(scene, "sh", "[sh]");
	scene->procs[1][at].state = 'Z';
	expect_nothing(scene);
	scene->procs[0][at].state = 'Z';
	expect(scene, CHECK_NOTE, DIAGNOSIS_L3,
		"1 zombie is not waited for by app (pid 1)");
}

static void an_orphan_is_no_child_that_pid1_waits_for(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "start", "/start"), 0, WAIT4);
	at = add(scene, "sleep", "sleep 99");
	scene->procs[0][at].sid = scene->procs[1][at].sid = 999;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1, "PID 1 (start)");
	/* PID 1 need not have a session of its own. */
	scene->procs[0][0].sid = scene->procs[1][0].sid = 999;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W3, "sleep (pid 2)");
	assert_null(finding(scene, DIAGNOSIS_L1));
}

static void a_paused_container_is_thawed(void **state)
{
	struct check_scene *scene = *state;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	scene->procs[1][0].state = 'T';
	scene->about.paused = true;
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY, "it is paused");
	assert_null(finding(scene, DIAGNOSIS_W7));
	/* In the freezer of cgroup v1. */
	scene->procs[0][0].state = scene->procs[1][0].state = 'D';
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY, "it is paused");
	assert_null(finding(scene, DIAGNOSIS_W7));
	set(scene, 0, 0, EPOLL);
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_W1, "no handler");
}

static void orphans_and_sessions_are_told_apart(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "app", "/app"), BIT(SIGTERM), EPOLL);
	at = add(scene, "sleep", "sleep 99");
	scene->procs[0][at].sid = scene->procs[1][at].sid = 999;
	expect(scene, CHECK_MAY_FAIL, DIAGNOSIS_L1, "sleep (pid 2) is an orphan");
	scene->procs[0][at].ppid = scene->procs[1][at].ppid = 77;
	expect(scene, CHECK_NOTE, DIAGNOSIS_ANY,
		"sleep (pid 2) is in a session from outside");
	assert_null(finding(scene, DIAGNOSIS_L1));
}

static void a_container_between_two_starts_has_ended(void **state)
{
	struct check_scene *scene = *state;

	scene->about.restarting = true;
	scene->about.exit_code = 3;
	scene->about.restarts = 5;
	expect(scene, CHECK_WILL_FAIL, DIAGNOSIS_X10, "exit code 3");
	assert_false(scene->check.known);
}

static void the_worst_comes_first(void **state)
{
	struct check_scene *scene = *state;
	unsigned at;

	set(scene, add(scene, "uvicorn", "uvicorn app:app"), BIT(SIGTERM), EPOLL);
	at = add(scene, "sleep", "sleep 99");
	scene->procs[0][at].sid = scene->procs[1][at].sid = 999;
	scene->about.restarts = 5;
	look(scene);
	assert_int_equal(scene->check.count, 3);
	assert_int_equal(scene->check.findings[0].id, DIAGNOSIS_L1);
	assert_int_equal(check_level(&scene->check), CHECK_MAY_FAIL);
	assert_int_equal(scene->check.findings[2].level, CHECK_NOTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_handler_is_no_finding),
		SCENE(pid1_without_a_handler_never_gets_the_signal),
		SCENE(what_has_just_begun_may_not_be_ready),
		SCENE(outside_a_container_the_default_ends_it),
		SCENE(a_stop_signal_that_nobody_catches_is_the_wrong_one),
		SCENE(sigkill_gives_no_chance),
		SCENE(also_where_pid1_waits_for_a_child),
		SCENE(an_ignored_signal_is_seen),
		SCENE(a_blocked_signal_that_nobody_takes_is_seen),
		SCENE(who_takes_a_blocked_signal_is_seen),
		SCENE(one_look_at_a_blocked_signal_proves_nothing),
		SCENE(sigwait_takes_the_signal),
		SCENE(what_cannot_be_read_is_not_claimed),
		SCENE(of_a_shell_that_cannot_be_read_its_child_is_named),
		SCENE(a_handler_that_just_came_is_told),
		SCENE(a_stopped_program_hears_nothing),
		SCENE(a_child_below_one_that_only_keeps_it_alive_is_told),
		SCENE(a_stopped_child_ends_nobodys_wait),
		SCENE(a_signal_that_does_nothing_by_default_ends_nobody),
		SCENE(one_that_ignores_the_signal_and_waits_leaves_its_child_untold),
		SCENE(a_shell_passes_nothing_on),
		SCENE(a_wrapper_is_known_by_what_it_does),
		SCENE(a_trap_waits_for_a_foreground_command),
		SCENE(what_bash_waits_for_is_not_always_seen),
		SCENE(bash_with_an_exit_trap_ends_at_once),
		SCENE(a_shell_catches_sigint_without_a_trap),
		SCENE(what_a_shell_starts_in_the_background_ignores_sigint),
		SCENE(a_short_sleep_holds_no_trap_up),
		SCENE(what_began_since_the_first_look_may_end_as_soon),
		SCENE(behind_an_init_the_default_is_143),
		SCENE(an_init_may_report_143_as_0),
		SCENE(behind_an_init_what_does_not_take_it_is_waited_for),
		SCENE(a_shell_behind_an_init_is_no_better),
		SCENE(a_group_of_an_init_dies_beside_its_master),
		SCENE(a_deaf_child_is_told),
		SCENE(what_a_known_program_does_with_its_workers_is_its_own_affair),
		SCENE(a_main_thread_that_has_ended_is_seen),
		SCENE(npm_signals_the_shell_between),
		SCENE(nodes_own_handler_is_no_proof),
		SCENE(a_signal_that_cuts_requests_is_told),
		SCENE(a_signal_that_is_no_stop_is_told),
		SCENE(what_ends_at_once_leaves_what_is_below_it),
		SCENE(a_jvm_ends_with_143),
		SCENE(an_init_may_report_the_jvms_143_as_0),
		SCENE(a_stack_that_takes_longer_than_the_grace_is_told),
		SCENE(stacks_side_by_side_add_up),
		SCENE(clients_hold_what_has_no_bound),
		SCENE(zombies_are_counted_when_both_looks_show_them),
		SCENE(an_orphan_is_no_child_that_pid1_waits_for),
		SCENE(a_paused_container_is_thawed),
		SCENE(orphans_and_sessions_are_told_apart),
		SCENE(a_container_between_two_starts_has_ended),
		SCENE(the_worst_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
