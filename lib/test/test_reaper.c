#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/child.h"
#include "lib/mem.h"
#include "lib/reaper.h"

#define PATIENCE_MS 20000
#define CROWD       40
#define THOUSAND    1000

/* With this argument the program is PID 1 of a PID namespace. */
#define AS_PID_1 "as-pid-1"

struct orphan {
	pid_t pid;
	int status;
};

struct reaper_scene {
	uv_loop_t loop;
	uv_timer_t patience;
	bool impatient;
	struct reaper *reaper;
	struct buf out;
	unsigned exits;
	struct orphan orphans[2 * CROWD];
	unsigned orphan_count;
	bool destroy_on_orphan;
};

static void on_out(void *arg, const char *data, size_t len)
{
	buf_add(&((struct reaper_scene *)arg)->out, data, len);
}

static void on_exit_seen(void *arg, int status UNUSED)
{
	((struct reaper_scene *)arg)->exits++;
}

static void on_orphan(void *arg, pid_t pid, int status)
{
	struct reaper_scene *scene = arg;

	assert_true(scene->orphan_count < COUNT(scene->orphans));
	scene->orphans[scene->orphan_count++] = (struct orphan){pid, status};
	if (scene->destroy_on_orphan) {
		reaper_destroy(scene->reaper);
		scene->reaper = NULL;
	}
}

static void on_patience_end(uv_timer_t *timer)
{
	((struct reaper_scene *)timer->data)->impatient = true;
}

static int set_up(void **state)
{
	struct reaper_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	*state = scene;
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->patience);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_patience_end, PATIENCE_MS, 0);
	uv_unref((uv_handle_t *)&scene->patience);
	scene->reaper = reaper_create(&scene->loop, on_orphan, scene, &err);
	return scene->reaper ? 0 : -1;
}

static int tear_down(void **state)
{
	struct reaper_scene *scene = *state;
	int closed;

	if (scene->reaper)
		reaper_kill_all(scene->reaper);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	reaper_destroy(scene->reaper);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	closed = uv_loop_close(&scene->loop);
	buf_done(&scene->out);
	free(scene);
	return closed;
}

static void wait_event(struct reaper_scene *scene)
{
	uv_ref((uv_handle_t *)&scene->patience);
	uv_run(&scene->loop, UV_RUN_ONCE);
	uv_unref((uv_handle_t *)&scene->patience);
	assert_false(scene->impatient);
}

static struct child *start_shell(struct reaper_scene *scene, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct child_spec spec = {
		.argv = argv,
		.on_stdout = on_out,
		.on_exit = on_exit_seen,
		.arg = scene,
		.with_stdin = true,
	};
	struct err err = {0};
	struct child *child = child_spawn(scene->reaper, &spec, &err);

	if (!child)
		fail_msg("%s", err.text);
	return child;
}

static void wait_said(struct reaper_scene *scene, const char *text)
{
	while (!strstr(buf_text(&scene->out), text))
		wait_event(scene);
}

/* Lets a shell that waits for a line go on to its exit. */
static void dismiss(struct reaper_scene *scene, struct child *child)
{
	assert_true(child_write(child, "\n", 1));
	scene->exits = 0;
	while (scene->exits == 0)
		wait_event(scene);
	child_destroy(child);
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) == -1 && errno == ESRCH;
}

static bool has_orphan(const struct reaper_scene *scene, pid_t pid)
{
	for (unsigned i = 0; i < scene->orphan_count; i++) {
		if (scene->orphans[i].pid == pid)
			return true;
	}
	return false;
}

/* Starts a daemon in a session of its own, two forks away, and gives its pid. */
static pid_t start_daemon(struct reaper_scene *scene, const char *doing)
{
	SCOPED(mem_free) char *script = mem_textf(
		"(setsid sh -c 'echo daemon $$; exec >/dev/null; %s' &); read line",
		doing);
	struct child *child;
	const char *said;

	buf_clear(&scene->out);
	child = start_shell(scene, script);
	wait_said(scene, "\n");
	dismiss(scene, child);
	said = strstr(buf_text(&scene->out), "daemon ");
	assert_non_null(said);
	return atoi(said + strlen("daemon "));
}

static void reaper_reaps_a_daemon_with_its_status(void **state)
{
	struct reaper_scene *scene = *state;
	pid_t pid = start_daemon(scene, "exit 7");

	while (!has_orphan(scene, pid))
		wait_event(scene);
	for (unsigned i = 0; i < scene->orphan_count; i++) {
		if (scene->orphans[i].pid == pid)
			assert_int_equal(WEXITSTATUS(scene->orphans[i].status), 7);
	}
}

/* Zombies of children stand before and after those of orphans. */
static void reaper_tells_many_orphans_from_its_children(void **state)
{
	struct reaper_scene *scene = *state;
	struct child *children[CROWD];
	unsigned sevens = 0;

	for (unsigned i = 0; i < CROWD; i++)
		/* the substitution ends when the orphan has left the group */
		children[i] = start_shell(scene,
			"x=$( (setsid sh -c 'echo; exec >/dev/null; exit 7' &) )");
	while (scene->exits < CROWD || scene->orphan_count < CROWD)
		wait_event(scene);
	for (unsigned i = 0; i < scene->orphan_count; i++)
		sevens += WEXITSTATUS(scene->orphans[i].status) == 7;
	assert_int_equal(sevens, CROWD);
	for (unsigned i = 0; i < CROWD; i++) {
		assert_false(has_orphan(scene, child_pid(children[i])));
		child_destroy(children[i]);
	}
}

static void reaper_reaps_orphans_that_ended_before_it_was_created(void **state)
{
	struct reaper_scene *scene = *state;
	struct err err;
	siginfo_t info;
	pid_t pid;

	reaper_destroy(scene->reaper);
	pid = fork();
	if (pid == 0)
		_exit(5);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	scene->reaper = reaper_create(&scene->loop, on_orphan, scene, &err);
	assert_non_null(scene->reaper);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->orphan_count, 1);
	assert_int_equal(scene->orphans[0].pid, pid);
	assert_int_equal(WEXITSTATUS(scene->orphans[0].status), 5);
}

static void reaper_kill_all_kills_daemons_and_all_below(void **state)
{
	struct reaper_scene *scene = *state;
	pid_t first = start_daemon(scene, "exec sleep 3600");
	pid_t second = start_daemon(
		scene, "trap \"\" TERM HUP; sleep 3600 & setsid sleep 3600 & wait");
	unsigned swept = 0;

	while (swept < 4) { /* the second may still be starting the two below it */
		swept += reaper_kill_all(scene->reaper);
		uv_run(&scene->loop, UV_RUN_DEFAULT);
		if (is_gone(second))
			break;
	}
	assert_in_range(swept, 2, 4);
	assert_true(is_gone(first));
	assert_true(is_gone(second));
	assert_true(has_orphan(scene, first));
	assert_true(has_orphan(scene, second));
	assert_int_equal(reaper_kill_all(scene->reaper), 0);
}

static void reaper_kill_all_counts_each_process_it_kills(void **state)
{
	struct reaper_scene *scene = *state;
	pid_t pids[4];
	struct child *child = start_shell(scene,
		"(setsid sh -c 'sleep 3600 >/dev/null & a=$!; setsid sleep 3600 >/dev/null "
		"& b=$!; sh -c \"echo \\$\\$ $$ $a $b; exec sleep 3600 >/dev/null\"' &); "
		"read line");

	wait_said(scene, "\n");
	assert_int_equal(sscanf(buf_text(&scene->out), "%d %d %d %d", &pids[0],
				 &pids[1], &pids[2], &pids[3]),
		4);
	dismiss(scene, child);
	assert_int_equal(reaper_kill_all(scene->reaper), 4);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	/* A parent that is ending may still reap; the reaper sees its end. */
	assert_true(has_orphan(scene, pids[1]));
	for (size_t i = 0; i < COUNT(pids); i++)
		assert_true(is_gone(pids[i]));
}

static void reaper_kill_all_spares_a_running_child_and_all_below(void **state)
{
	struct reaper_scene *scene = *state;
	pid_t daemon = start_daemon(scene, "exec sleep 3600");
	struct child *child;
	int below;

	buf_clear(&scene->out);
	scene->exits = 0;
	child = start_shell(scene, "sleep 3600 & echo $!; wait");
	wait_said(scene, "\n");
	below = atoi(buf_text(&scene->out));
	assert_int_equal(reaper_kill_all(scene->reaper), 1);
	while (!has_orphan(scene, daemon))
		wait_event(scene);
	assert_true(is_gone(daemon));
	assert_true(child_running(child));
	assert_false(is_gone(below));
	child_destroy(child);
	while (!has_orphan(scene, below))
		wait_event(scene);
}

static void reaper_kill_all_kills_a_process_whose_child_was_destroyed(void **state)
{
	struct reaper_scene *scene = *state;
	struct child *child =
		start_shell(scene, "setsid sh -c 'echo $$; exec sleep 3600' & wait");
	int below;

	wait_said(scene, "\n");
	below = atoi(buf_text(&scene->out));
	child_destroy(child);
	/* It has a session of its own, so the SIGHUP of the group does not reach it. */
	assert_in_range(reaper_kill_all(scene->reaper), 1, 2);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_true(is_gone(below));
	assert_int_equal(scene->exits, 0);
}

static void reaper_kill_all_does_not_count_zombies(void **state)
{
	struct reaper_scene *scene = *state;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(reaper_kill_all(scene->reaper), 0);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_true(has_orphan(scene, pid));
}

static void reaper_kill_all_without_descendants_kills_none(void **state)
{
	struct reaper_scene *scene = *state;

	assert_int_equal(reaper_kill_all(scene->reaper), 0);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->orphan_count, 0);
}

static void reaper_may_be_destroyed_by_an_orphan(void **state)
{
	struct reaper_scene *scene = *state;

	scene->destroy_on_orphan = true;
	for (int i = 0; i < 3; i++) {
		siginfo_t info;
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	}
	while (scene->reaper)
		wait_event(scene);
	assert_int_equal(scene->orphan_count, 1);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void reaper_may_be_destroyed_while_children_still_end(void **state)
{
	struct reaper_scene *scene = *state;
	struct child *child = start_shell(scene, "echo up; exec sleep 3600");
	pid_t pid;

	wait_said(scene, "up");
	pid = child_pid(child);
	child_destroy(child);
	reaper_destroy(scene->reaper);
	scene->reaper = NULL;
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_true(is_gone(pid));
}

static void reaper_without_a_callback_takes_in_no_orphans(void **state)
{
	struct reaper_scene *scene = *state;
	struct child *child;
	struct err err;
	int reaper = 1;
	pid_t pid;

	reaper_destroy(scene->reaper);
	scene->reaper = reaper_create(&scene->loop, NULL, NULL, &err);
	assert_non_null(scene->reaper);
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	assert_int_equal(reaper, 0);
	pid = fork();
	if (pid == 0)
		_exit(6);
	child = start_shell(scene, "exit 0");
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->exits, 1);
	child_destroy(child);
	reaper_destroy(scene->reaper);
	scene->reaper = NULL;
	assert_int_equal(waitpid(pid, &reaper, 0), pid);
	assert_int_equal(WEXITSTATUS(reaper), 6);
}

static void reaper_makes_the_program_a_subreaper_while_it_exists(void **state)
{
	struct reaper_scene *scene = *state;
	int reaper = 0;

	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	assert_int_equal(reaper, getpid() != 1);
	reaper_destroy(scene->reaper);
	scene->reaper = NULL;
	prctl(PR_GET_CHILD_SUBREAPER, &reaper);
	assert_int_equal(reaper, 0);
}

static void reaper_destroy_accepts_null(void **state UNUSED)
{
	reaper_destroy(NULL);
}

static const char *own_path(char path[static 512])
{
	ssize_t len = readlink("/proc/self/exe", path, 511);

	assert_true(len > 0);
	path[len] = '\0';
	return path;
}

/* The same tests again as PID 1, to which the kernel reparents every orphan. */
static void reaper_works_as_pid_1(void **state UNUSED)
{
	char path[512];
	SCOPED(mem_free) char *command =
		mem_textf("unshare -pfm --mount-proc %s " AS_PID_1, own_path(path));

	if (system("unshare -pfm --mount-proc true 2>/dev/null") != 0) {
		print_message("no new pid namespace is permitted here\n");
		skip();
	}
	assert_int_equal(system(command), 0);
}

/* More than one turn of the loop reaps. */
static void expect_a_thousand_ends(struct reaper_scene *scene, struct reaper *reaper)
{
	static const char *const argv[] = {"true", NULL};
	struct child *children[THOUSAND];
	struct err err;
	siginfo_t info;

	for (unsigned i = 0; i < THOUSAND; i++) {
		children[i] = child_spawn(reaper,
			&(struct child_spec){
				.argv = argv, .on_exit = on_exit_seen, .arg = scene},
			&err);
		assert_non_null(children[i]);
	}
	for (unsigned i = 0; i < THOUSAND; i++)
		assert_int_equal(waitid(P_PID, (id_t)child_pid(children[i]), &info,
					 WEXITED | WNOWAIT),
			0);
	while (scene->exits < THOUSAND)
		wait_event(scene);
	assert_int_equal(scene->exits, THOUSAND);
	assert_int_equal(scene->orphan_count, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	for (unsigned i = 0; i < THOUSAND; i++)
		child_destroy(children[i]);
}

static void reaper_reaps_a_thousand_that_ended_at_once(void **state)
{
	struct reaper_scene *scene = *state;

	expect_a_thousand_ends(scene, scene->reaper);
}

static void reaper_without_a_callback_reaps_a_thousand(void **state)
{
	struct reaper_scene *scene = *state;
	struct reaper *reaper;
	struct err err;

	reaper_destroy(scene->reaper);
	scene->reaper = NULL;
	reaper = reaper_create(&scene->loop, NULL, NULL, &err);
	assert_non_null(reaper);
	expect_a_thousand_ends(scene, reaper);
	reaper_destroy(reaper);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest anywhere[] = {
		SCENE(reaper_reaps_a_daemon_with_its_status),
		SCENE(reaper_tells_many_orphans_from_its_children),
		SCENE(reaper_reaps_orphans_that_ended_before_it_was_created),
		SCENE(reaper_kill_all_kills_daemons_and_all_below),
		SCENE(reaper_kill_all_counts_each_process_it_kills),
		SCENE(reaper_kill_all_spares_a_running_child_and_all_below),
		SCENE(reaper_kill_all_kills_a_process_whose_child_was_destroyed),
		SCENE(reaper_kill_all_does_not_count_zombies),
		SCENE(reaper_kill_all_without_descendants_kills_none),
		SCENE(reaper_reaps_a_thousand_that_ended_at_once),
		SCENE(reaper_without_a_callback_reaps_a_thousand),
		SCENE(reaper_may_be_destroyed_by_an_orphan),
		SCENE(reaper_may_be_destroyed_while_children_still_end),
		SCENE(reaper_without_a_callback_takes_in_no_orphans),
		SCENE(reaper_makes_the_program_a_subreaper_while_it_exists),
		cmocka_unit_test(reaper_destroy_accepts_null),
	};
	const struct CMUnitTest outside[] = {
		cmocka_unit_test(reaper_works_as_pid_1),
	};
	int failed;

	if (argc > 1 && strcmp(argv[1], AS_PID_1) == 0) {
		if (getpid() != 1)
			return 1;
		return cmocka_run_group_tests_name(
			"reaper as PID 1", anywhere, NULL, NULL);
	}
	failed = cmocka_run_group_tests_name("reaper", anywhere, NULL, NULL);
	return failed +
		cmocka_run_group_tests_name("reaper outside", outside, NULL, NULL);
}
