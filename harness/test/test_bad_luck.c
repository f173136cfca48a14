/*
 * Interrupted and killed runs, and surroundings that are not as they should be: nothing
 * of ours is left, and nothing that is not ours is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/command_line.h"
#include "test/support/until.h"

/* A socket that libuv bound below a path cut off would lie outside of it. */
static void a_temporary_folder_too_deep_for_a_socket_is_exit_code_3(void **state UNUSED)
{
	SCOPED(mem_free) char *folder = mem_textf("%s/%0100d", getenv("TMPDIR"), 0);
	SCOPED(mem_free) char *variable = mem_textf("TMPDIR=%s", folder);
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", program_folder());

	assert_int_equal(mkdir(folder, 0700), 0);
	expect_code(
		(const char *const[]){"env", variable, program, "run", IDLE, "--engine",
			"process", "--half", "main", "--report", REPORT, NULL},
		3, "choose a shorter TMPDIR");
	assert_int_equal(rmdir(folder), 0); /* nothing was left in it */
}

/* stopbench finds its programs beside itself: here a mock-agent that fails, and the
 * service, which has started by then. */
static void a_mock_that_does_not_start_is_told(void **state UNUSED)
{
	static const char script[] = "#!/bin/sh\necho no luck >&2\nexit 1\n";
	SCOPED(mem_free) char *folder = mem_textf("%s/programs", getenv("TMPDIR"));
	SCOPED(mem_free) char *stopbench = mem_textf("%s/stopbench", folder);
	SCOPED(mem_free) char *mock_agent = mem_textf("%s/mock-agent", folder);
	SCOPED(mem_free) char *service = mem_textf("%s/service", folder);
	SCOPED(mem_free)
	char *our_stopbench = mem_textf("%s/stopbench", program_folder());
	SCOPED(mem_free) char *our_service = mem_textf("%s/service", program_folder());
	struct program_output copied;
	struct err err;

	assert_int_equal(mkdir(folder, 0700), 0);
	copied = program_run(
		(const char *const[]){"cp", our_stopbench, stopbench, NULL});
	assert_int_equal(copied.code, 0);
	program_output_done(&copied);
	assert_int_equal(symlink(our_service, service), 0);
	assert_true(fs_write_file(mock_agent, script, strlen(script), &err));
	assert_int_equal(chmod(mock_agent, 0700), 0);
	expect_code((const char *const[]){"env", stopbench, "run", IDLE, "--engine",
			    "process", "--half", "main", "--report", REPORT, NULL},
		3, "mock-agent: it did not start to listen: no luck");
	unlink(stopbench);
	unlink(mock_agent);
	unlink(service);
	assert_int_equal(rmdir(folder), 0);
}

static bool is_there(const char *pattern)
{
	glob_t found;
	bool there = glob(pattern, 0, NULL, &found) == 0;

	globfree(&found);
	return there;
}

/* Until the run is in the middle of a case: its ledger is there. */
static void wait_for_case(void)
{
	SCOPED(mem_free) char *ledgers =
		mem_textf("%s/stopbench-*/*/ledger", getenv("TMPDIR"));

	until(NULL, is_there(ledgers));
}

/* Or there would be nothing to remove, and nothing seen of it. */
static void wait_for_container(void)
{
	until(NULL, labelled_things() > 0);
}

static void clean(void)
{
	struct program_output output =
		program_run((const char *const[]){"stopbench", "clean", NULL});

	assert_int_equal(output.code, 0);
	program_output_done(&output);
}

static void interrupting_leaves_nothing(const char *engine, int signal_number)
{
	int before = run_folders();
	int status;
	pid_t pid = start_command((const char *const[]){"stopbench", "run",
		"scenarios/kill/60-no-handler.json", "--engine", engine, "--half",
		"main", "--set", "stop.grace=20s", "--report", REPORT, NULL});

	wait_for_case();
	if (strcmp(engine, "docker") == 0)
		wait_for_container();
	kill(pid, signal_number);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (signal_number == SIGKILL) {
		clean();
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	assert_int_equal(run_folders(), before);
}

/* A date reads like a run's id. */
static void a_folder_that_only_has_such_a_name_is_left_alone(void **state UNUSED)
{
	SCOPED(mem_free) char *folder =
		mem_textf("%s/stopbench-20261125", getenv("TMPDIR"));
	struct program_output output;

	assert_int_equal(mkdir(folder, 0700), 0);
	output = program_run(
		(const char *const[]){"touch", "-d", "2 minutes ago", folder, NULL});
	program_output_done(&output);
	clean();
	assert_int_equal(rmdir(folder), 0);
}

static void ctrl_c_leaves_nothing_on_process(void **state UNUSED)
{
	interrupting_leaves_nothing("process", SIGINT);
}

static void a_lost_terminal_leaves_nothing_on_process(void **state UNUSED)
{
	interrupting_leaves_nothing("process", SIGHUP);
}

static void sigkill_leaves_nothing_after_clean_on_process(void **state UNUSED)
{
	interrupting_leaves_nothing("process", SIGKILL);
}

static void ctrl_c_leaves_nothing_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	interrupting_leaves_nothing("docker", SIGINT);
	assert_int_equal(labelled_things(), 0);
}

static void sigkill_leaves_nothing_after_clean_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	interrupting_leaves_nothing("docker", SIGKILL);
	assert_int_equal(labelled_things(), 0);
}

/* Runs a line of the shell in which "$0" is stopbench; gives its exit code. */
static int shell(const char *line)
{
	SCOPED(mem_free) char *stopbench = mem_textf("%s/stopbench", program_folder());
	struct program_output output =
		program_run((const char *const[]){"sh", "-c", line, stopbench, NULL});
	int code = output.code;

	program_output_done(&output);
	return code;
}

static void closed_files_do_not_end_a_run(void **state UNUSED)
{
	int before = run_folders();

	assert_int_equal(
		shell("\"$0\" run scenarios/kill/60-no-handler.json --half twin "
		      "--engine process --report \"${TMPDIR:-/tmp}/closed\" <&- >&- 2>&-"),
		0);
	assert_int_equal(run_folders(), before);
}

/* As somebody else than who made the folder. */
static void a_report_that_cannot_be_written_is_told_before_the_run(void **state UNUSED)
{
	SCOPED(mem_free) char *folder = mem_textf("%s/reports", getenv("TMPDIR"));
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", program_folder());

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(getenv("TMPDIR"), 0777), 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	expect_code((const char *const[]){"setpriv", "--reuid=65534", "--regid=65534",
			    "--clear-groups", program, "run", IDLE, "--engine",
			    "process", "--half", "main", "--report", folder, NULL},
		3,
		"the results cannot be written (`--report FOLDER` names another folder)");
	assert_int_equal(rmdir(folder), 0);
}

static void output_that_is_lost_is_an_error(void **state UNUSED)
{
	assert_int_equal(shell("\"$0\" schema > /dev/full"), 3);
	assert_int_equal(shell("\"$0\" run --help > /dev/full"), 3);
	assert_int_equal(shell("\"$0\" schema > /dev/null"), 0);
}

/* The kernel's promise to kill it with its parent does not outlive that. */
static void a_service_that_changed_its_user_dies_with_a_killed_run(void **state UNUSED)
{
	SCOPED(mem_free) char *sleeper = mem_textf("sleep %d", 1000000 + getpid());
	SCOPED(mem_free) char *service = mem_textf(
		"service={\"command\": [\"sh\", \"-c\", \"exec setpriv --reuid=65534 "
		"--clear-groups %s\"], \"ready\": {\"log\": \"never\"}, "
		"\"mocks\": false}",
		sleeper);
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = start_command(
		(const char *const[]){"stopbench", "run", IDLE, "--engine", "process",
			"--half", "main", "--set", service, "--report", REPORT, NULL});
	wait_for_processes(1, sleeper);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	wait_for_processes(0, sleeper);
	clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mock_that_does_not_start_is_told),
		cmocka_unit_test(closed_files_do_not_end_a_run),
		cmocka_unit_test(
			a_report_that_cannot_be_written_is_told_before_the_run),
		cmocka_unit_test(output_that_is_lost_is_an_error),
		cmocka_unit_test(
			a_temporary_folder_too_deep_for_a_socket_is_exit_code_3),
		cmocka_unit_test(a_folder_that_only_has_such_a_name_is_left_alone),
		cmocka_unit_test(ctrl_c_leaves_nothing_on_process),
		cmocka_unit_test(a_lost_terminal_leaves_nothing_on_process),
		cmocka_unit_test(sigkill_leaves_nothing_after_clean_on_process),
		cmocka_unit_test(
			a_service_that_changed_its_user_dies_with_a_killed_run),
		cmocka_unit_test(ctrl_c_leaves_nothing_on_docker),
		cmocka_unit_test(sigkill_leaves_nothing_after_clean_on_docker),
	};

	/* ONLY="*docker*" runs some. */
	cmocka_set_test_filter(getenv("ONLY"));

	return cmocka_run_group_tests(tests, enter_own_folder, leave_own_folder);
}
