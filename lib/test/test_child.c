#include "lib/test/child_scene.h"

#include <fcntl.h>

static void child_exit_codes_arrive_whole(void **state)
{
	static const struct {
		const char *script;
		int code, number;
		const char *why;
	} rows[] = {
		{"exit 0", 0, 0, "success"},
		{"exit 1", 1, 0, "failure"},
		{"exit 255", 255, 0, "the largest code"},
		{"kill -TERM $$", 0, SIGTERM, "a signal is no code"},
		{"kill -KILL $$", 0, SIGKILL, "nor is this one 137"},
	};
	struct child_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].why);
		scene->exits = 0;
		start_shell(scene, rows[i].script);
		assert_true(child_running(scene->child));
		run_to_exit(scene);
		assert_false(child_running(scene->child));
		assert_int_equal(WIFSIGNALED(scene->status), rows[i].number != 0);
		if (rows[i].number)
			assert_int_equal(WTERMSIG(scene->status), rows[i].number);
		else
			assert_int_equal(WEXITSTATUS(scene->status), rows[i].code);
		release(scene);
	}
}

static void child_streams_arrive_apart(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "echo good; echo bad >&2");
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "good\n");
	assert_string_equal(buf_text(&scene->err), "bad\n");
	assert_int_equal(scene->out_ends, 1);
	assert_int_equal(scene->err_ends, 1);
}

static void child_echoes_what_it_is_sent(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "exec cat");
	assert_true(child_write(scene->child, "one\n", 4));
	assert_true(child_write(scene->child, "two\n", 4));
	run_until_said(scene, "two\n");
	child_stop(scene->child, LONG_NS, LONG_NS);
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "one\ntwo\n");
	assert_int_equal(scene->status, 0);
}

static void child_without_stdin_reads_nothing(void **state)
{
	const char *const argv[] = {"readlink", "/proc/self/fd/0", NULL};
	struct child_scene *scene = *state;
	struct child_spec spec = spec_of(scene, argv);

	spec.with_stdin = false;
	start(scene, &spec);
	assert_false(child_write(scene->child, "x", 1));
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "/dev/null\n");
}

static void child_streams_can_be_opened_by_name(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "exec cat /dev/stdin > /dev/stdout");
	assert_true(child_write(scene->child, "through", 7));
	child_stop(scene->child, LONG_NS, LONG_NS);
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "through");
}

static void child_inherits_streams_that_were_not_asked_for(void **state)
{
	static const char *const argv[] = {"sh", "-c", "echo heard >&2", NULL};
	struct child_scene *scene = *state;
	struct child_spec spec = spec_of(scene, argv);
	int ours = dup(STDERR_FILENO), fds[2];
	char text[16] = "";

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	spec.on_stderr = NULL;
	start(scene, &spec);
	dup2(ours, STDERR_FILENO);
	close(ours);
	close(fds[1]);
	run_to_exit(scene);
	assert_int_equal(read(fds[0], text, sizeof text), 6);
	close(fds[0]);
	assert_string_equal(text, "heard\n");
	assert_int_equal(scene->err_ends, 0);
}

static void child_has_the_environment_it_was_given(void **state)
{
	static const char *const argv[] = {"env", NULL};
	static const char *const env[] = {"ONLY=this", "PATH=/usr/bin:/bin", NULL};
	struct child_scene *scene = *state;
	struct child_spec spec = spec_of(scene, argv);

	spec.env = env;
	start(scene, &spec);
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "ONLY=this\nPATH=/usr/bin:/bin\n");
}

static void child_runs_in_the_folder_it_was_given(void **state)
{
	static const char *const argv[] = {"readlink", "/proc/self/cwd", NULL};
	struct child_scene *scene = *state;
	struct child_spec spec = spec_of(scene, argv);

	spec.folder = "/proc";
	start(scene, &spec);
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "/proc\n");
}

static void child_that_cannot_start_is_an_error(void **state)
{
	static const struct {
		const char *program, *folder;
		const char *said, *why;
	} rows[] = {
		{"no-such-program-at-all", NULL, "no-such-program-at-all",
			"not in PATH"},
		{"/dev/null", NULL, "/dev/null: permission denied", "not executable"},
		{"true", "/no/such/folder", "/no/such/folder", "the folder is missing"},
	};
	struct child_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *const argv[] = {rows[i].program, NULL};
		struct child_spec spec = spec_of(scene, argv);
		struct err err = {0};

		print_message("%s\n", rows[i].why);
		spec.folder = rows[i].folder;
		assert_null(child_spawn(scene->reaper, &spec, &err));
		assert_non_null(strstr(err.text, rows[i].said));
	}
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->exits, 0);
}

/* Of signals 1 to 31: 32 and 33 are glibc's own, it lets nobody change them, and some
 * who start us have them ignored. */
static uint64_t mask_of(const struct child_scene *scene, const char *name)
{
	const char *at = strstr(buf_text(&scene->out), name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 16) & 0x7fffffff;
}

static void child_has_an_empty_mask_and_default_signals(void **state)
{
	struct child_scene *scene = *state;
	sigset_t ours, before;

	sigfillset(&ours);
	sigdelset(&ours, SIGCHLD);
	pthread_sigmask(SIG_SETMASK, &ours, &before);
	start_shell(scene, "exec sed -n -E '/^Sig(Blk|Ign|Cgt)/p' /proc/self/status");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	run_to_exit(scene);
	assert_int_equal(mask_of(scene, "SigBlk:"), 0);
	assert_int_equal(mask_of(scene, "SigIgn:"), 0);
	assert_int_equal(mask_of(scene, "SigCgt:"), 0);
}

static void child_gets_no_descriptor_of_the_program(void **state)
{
	struct child_scene *scene = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0); /* without CLOEXEC, like an older library's */
	/* ls holds the folder itself as its fourth. */
	start_shell(scene, "exec ls /proc/self/fd");
	run_to_exit(scene);
	close(fds[0]);
	close(fds[1]);
	assert_string_equal(buf_text(&scene->out), "0\n1\n2\n3\n");
}

static void child_leads_a_session_and_a_group(void **state)
{
	struct child_scene *scene = *state;
	char expected[64];

	start_shell(scene, "cut -d' ' -f5,6 /proc/$$/stat");
	run_to_exit(scene);
	snprintf(expected, sizeof expected, "%d %d\n", (int)child_pid(scene->child),
		(int)child_pid(scene->child));
	assert_string_equal(buf_text(&scene->out), expected);
}

/* While the loop is busy with the first, the second says something and dies: the reaper
 * takes both, and nobody has looked at the second one's pipe. */
static void on_first_words(void *arg, const char *data UNUSED, size_t len)
{
	struct child_scene *scene = arg;
	siginfo_t info;

	if (len == 0)
		return;
	assert_true(child_write(scene->child, "\n", 1));
	assert_int_equal(
		waitid(P_PID, (id_t)child_pid(scene->child), &info, WEXITED | WNOWAIT),
		0);
}

static void child_output_comes_before_its_exit(void **state)
{
	static const char *const argv[] = {"echo", "first", NULL};
	struct child_scene *scene = *state;
	const struct child_spec spec = {
		.argv = argv,
		.on_stdout = on_first_words,
		.arg = scene,
	};
	struct err err;
	struct child *first;
	siginfo_t info;

	start_shell(scene, "read line; head -c 60000 /dev/zero");
	first = child_spawn(scene->reaper, &spec, &err);
	assert_non_null(first);
	assert_int_equal(
		waitid(P_PID, (id_t)child_pid(first), &info, WEXITED | WNOWAIT), 0);
	run_to_exit(scene);
	assert_int_equal(scene->out.len, 60000);
	assert_int_equal(scene->out_ends_at_exit, 1);
	assert_int_equal(scene->out_ends, 1);
	child_destroy(first);
}

static void child_has_ended_even_if_others_hold_its_pipes(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene,
		"setsid sh -c 'echo one; exec sleep 3600' & read line; printf last");
	run_until_said(scene, "one\n");
	assert_true(child_write(scene->child, "\n", 1));
	run_to_exit(scene);
	assert_string_equal(buf_text(&scene->out), "one\nlast");
	assert_int_equal(scene->out_ends_at_exit, 1);
	assert_int_equal(scene->status, 0);
}

/* A grandchild that writes whenever there is room. */
static void child_has_ended_even_if_its_pipe_fills_for_ever(void **state)
{
	struct child_scene *scene = *state;
	char path[64];

	start_shell(scene, "setsid sh -c 'echo $$; exec sleep 3600' & read line");
	run_until_said(scene, "\n");
	snprintf(path, sizeof path, "/proc/%d/fd/1", atoi(buf_text(&scene->out)));
	scene->refill = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(scene->refill > 0);
	assert_int_equal(write(scene->refill, "x", 1), 1);
	assert_true(child_write(scene->child, "\n", 1));
	run_to_exit(scene);
	close(scene->refill);
	scene->refill = 0;
	assert_int_equal(scene->out_ends_at_exit, 1);
	assert_int_equal(scene->exits, 1);
}

static void child_that_never_reads_is_written_to_up_to_a_bound(void **state)
{
	struct child_scene *scene = *state;
	SCOPED(mem_free) char *piece = mem_zeroed(64 << 10);
	size_t written = 0;

	start_shell(scene, "exec sleep 3600");
	assert_true(child_write(scene->child, piece, 0));
	while (child_write(scene->child, piece, 64 << 10)) {
		written += 64 << 10;
		assert_true(written <= CHILD_UNSENT_MAX + (1 << 20));
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	assert_true(written >= CHILD_UNSENT_MAX);
	child_stop(scene->child, 0, LONG_NS);
	run_to_exit(scene);
	assert_int_equal(WTERMSIG(scene->status), SIGTERM);
}

static void child_that_closed_its_stdin_refuses_writes(void **state)
{
	struct child_scene *scene = *state;

	start_shell(scene, "exec 0<&-; echo closed; exec sleep 3600");
	run_until_said(scene, "closed");
	while (child_write(scene->child, "x", 1))
		wait_event(scene);
	assert_true(child_running(scene->child));
}

static void child_destroyed_is_killed_without_a_callback(void **state)
{
	struct child_scene *scene = *state;
	pid_t pid;

	start_shell(scene, "trap '' TERM; echo ready; while :; do sleep 1; done");
	run_until_said(scene, "ready");
	pid = child_pid(scene->child);
	release(scene);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(scene->exits, 0);
	assert_int_equal(scene->out_ends, 0);
}

static void child_may_be_destroyed_by_what_it_prints(void **state)
{
	struct child_scene *scene = *state;

	scene->destroy_on_output = true;
	start_shell(scene, "while :; do echo more; done");
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_null(scene->child);
	assert_int_equal(scene->exits, 0);
}

static void child_may_be_destroyed_by_its_last_output(void **state)
{
	struct child_scene *scene = *state;
	siginfo_t info;

	scene->destroy_on_output = true;
	start_shell(scene, "head -c 60000 /dev/zero; echo x >&2");
	assert_int_equal(
		waitid(P_PID, (id_t)child_pid(scene->child), &info, WEXITED | WNOWAIT),
		0);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_null(scene->child);
	assert_int_equal(scene->exits, 0);
}

static void child_may_be_destroyed_on_its_exit(void **state)
{
	struct child_scene *scene = *state;

	scene->destroy_on_exit = true;
	start_shell(scene, "exit 0");
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->exits, 1);
	assert_null(scene->child);
}

static void child_destroy_accepts_null(void **state UNUSED)
{
	child_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(child_exit_codes_arrive_whole),
		SCENE(child_streams_arrive_apart),
		SCENE(child_echoes_what_it_is_sent),
		SCENE(child_without_stdin_reads_nothing),
		SCENE(child_streams_can_be_opened_by_name),
		SCENE(child_inherits_streams_that_were_not_asked_for),
		SCENE(child_has_the_environment_it_was_given),
		SCENE(child_runs_in_the_folder_it_was_given),
		SCENE(child_that_cannot_start_is_an_error),
		SCENE(child_has_an_empty_mask_and_default_signals),
		SCENE(child_gets_no_descriptor_of_the_program),
		SCENE(child_leads_a_session_and_a_group),
		SCENE(child_output_comes_before_its_exit),
		SCENE(child_has_ended_even_if_others_hold_its_pipes),
		SCENE(child_has_ended_even_if_its_pipe_fills_for_ever),
		SCENE(child_that_never_reads_is_written_to_up_to_a_bound),
		SCENE(child_that_closed_its_stdin_refuses_writes),
		SCENE(child_destroyed_is_killed_without_a_callback),
		SCENE(child_may_be_destroyed_by_what_it_prints),
		SCENE(child_may_be_destroyed_by_its_last_output),
		SCENE(child_may_be_destroyed_on_its_exit),
		cmocka_unit_test(child_destroy_accepts_null),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
