/*
 * Rounds side by side: --jobs changes how long a run takes, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/command_line.h"
#include "test/support/until.h"

static cJSON *run_with(const char *jobs)
{
	int code;
	cJSON *results = run_scenarios(
		(const char *const[]){"scenarios/kill/60-no-handler.json",
			"scenarios/baseline/20-sessions.json",
			"scenarios/kill/94-leaves-children.json", "--engine", "process",
			"--repeat", "2", "--seed", "7", "--jobs", jobs, NULL},
		&code);

	assert_int_equal(code, 0);
	assert_int_equal(cJSON_GetArraySize(json_get(results, "cases")), 12);
	return results;
}

static void rounds_are_the_same_and_in_order_with_any_number_of_jobs(
	void **state UNUSED)
{
	static const char *const same[] = {
		"id", "half", "round", "seed", "verdict", "met", "sessions"};
	SCOPED(json_free) cJSON *one = run_with("1");
	SCOPED(json_free) cJSON *four = run_with("4");
	const cJSON *round = json_get(one, "cases")->child;
	const cJSON *other = json_get(four, "cases")->child;

	for (; round; round = round->next, other = other->next) {
		for (size_t i = 0; i < COUNT(same); i++)
			assert_true(cJSON_Compare(json_get(round, same[i]),
				json_get(other, same[i]), true));
	}
}

/* `command` runs as the service, and its text "up" makes it ready. */
static char *service_of(const char *command)
{
	return mem_textf("service={\"command\": [\"sh\", \"-c\", \"%s\"], "
			 "\"ready\": {\"log\": \"up\"}, \"mocks\": false}",
		command);
}

/* A service that holds a lock; a second one beside it ends with exit code 7. */
static int run_with_lock(const char *set)
{
	SCOPED(mem_free) char *command = mem_textf(
		"exec 9>>%s/lock; flock -n 9 || exit 7; echo up; exec sleep 1000",
		getenv("TMPDIR"));
	SCOPED(mem_free) char *service = service_of(command);
	struct program_output output = program_run(
		(const char *const[]){"stopbench", "run", IDLE, "--engine", "process",
			"--half", "main", "--set", service, "--set", "stop.grace=1s",
			"--set", "expect={\"verdict\": \"killed\"}", "--set", set,
			"--repeat", "3", "--jobs", "3", "--report", REPORT, NULL});
	int code = output.code;

	program_output_done(&output);
	return code;
}

static void a_case_that_wants_it_runs_alone(void **state UNUSED)
{
	assert_int_equal(run_with_lock("alone=true"), 0);
	assert_int_equal(run_with_lock("alone=false"), 1);
}

/* The log makes it ready, so nothing asks the port. */
static void a_case_with_a_fixed_port_runs_alone(void **state UNUSED)
{
	assert_int_equal(run_with_lock("service.port=18999"), 0);
}

/* Docker publishes a port of the host once. */
static void a_case_with_a_published_port_runs_alone(void **state UNUSED)
{
	struct program_output output;

	if (!docker_is_there())
		skip();
	output = program_run((const char *const[]){"stopbench", "run", IDLE, "--engine",
		"docker", "--half", "main", "--set",
		"service={\"command\": [\"handles-term\"], \"mocks\": false, "
		"\"ports\": [\"127.0.0.1:18998:80\"]}",
		"--set", "expect={}", "--repeat", "3", "--jobs", "3", "--report",
		REPORT, NULL});
	if (output.code != 0)
		print_error("%s\n", output.out);
	assert_int_equal(output.code, 0);
	program_output_done(&output);
}

/* Three rounds side by side, each with a service of this command line that never ends. */
static pid_t start_three(const char *sleeper, const char *grace)
{
	SCOPED(mem_free) char *stop = mem_textf("stop.grace=%s", grace);
	SCOPED(mem_free) char *command = mem_textf("echo up; exec %s", sleeper);
	SCOPED(mem_free) char *service = service_of(command);
	pid_t pid = start_command((const char *const[]){"stopbench", "run", IDLE,
		"--engine", "process", "--half", "main", "--set", service, "--set",
		stop, "--set", "expect={\"verdict\": \"killed\"}", "--repeat", "3",
		"--jobs", "3", "--report", REPORT, NULL});

	wait_for_processes(3, sleeper);
	return pid;
}

/* A child of the process; the kernel lists them oldest first. */
static pid_t first_child(pid_t pid)
{
	SCOPED(mem_free) char *path =
		mem_textf("/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *file = fopen(path, "re");
	char text[64] = "";

	assert_non_null(file);
	assert_true(fread(text, 1, sizeof text - 1, file) > 0);
	fclose(file);
	return (pid_t)strtol(text, NULL, 10);
}

static void a_killed_worker_is_a_round_that_could_not_run(void **state UNUSED)
{
	SCOPED(mem_free) char *sleeper = mem_textf("sleep %d", 2000000 + getpid());
	int before = run_folders();
	pid_t pid = start_three(sleeper, "2s");
	const cJSON *cases, *round;
	struct json_doc doc;
	struct err err = {0};
	int status, dead = 0;

	kill(first_child(pid), SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	wait_for_processes(0, sleeper);
	assert_int_equal(run_folders(), before);
	assert_true(json_doc_read(&doc, REPORT "/results.json", &err));
	cases = json_get(doc.root, "cases");
	assert_int_equal(cJSON_GetArraySize(cases), 3);
	cJSON_ArrayForEach(round, cases) {
		if (json_bool(round, "met", false))
			continue;
		assert_false(json_bool(round, "could_run", true));
		assert_string_equal(json_text(round, "trouble_text"),
			"the worker died of signal 9 (SIGKILL)");
		dead++;
	}
	assert_int_equal(dead, 1);
	json_doc_done(&doc);
}

static void one_ctrl_c_brings_every_round_down(void **state UNUSED)
{
	SCOPED(mem_free) char *sleeper = mem_textf("sleep %d", 3000000 + getpid());
	int before = run_folders();
	pid_t pid = start_three(sleeper, "60s");
	int64_t began_ns = clock_now();
	int status;

	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(clock_now() - began_ns < 30 * CLOCK_S);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(processes(sleeper), 0);
	assert_int_equal(run_folders(), before);
}

/* The workers and their services end with a run that is killed. */
static void no_worker_outlives_a_killed_run(void **state UNUSED)
{
	SCOPED(mem_free) char *sleeper = mem_textf("sleep %d", 4000000 + getpid());
	pid_t pid = start_three(sleeper, "60s");
	struct program_output output;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	wait_for_processes(0, sleeper);
	output = program_run((const char *const[]){"stopbench", "clean", NULL});
	assert_int_equal(output.code, 0);
	program_output_done(&output);
	assert_int_equal(run_folders(), 0);
}

/* Its container does not wait for the next run. */
static void a_killed_worker_leaves_nothing_on_docker(void **state UNUSED)
{
	pid_t pid;
	int status;

	if (!docker_is_there())
		skip();
	pid = start_command((const char *const[]){"stopbench", "run",
		"scenarios/kill/60-no-handler.json", "--engine", "docker", "--half",
		"main", "--set", "stop.grace=20s", "--report", REPORT, NULL});
	until(NULL, labelled_things() > 0);
	kill(first_child(pid), SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_int_equal(labelled_things(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			rounds_are_the_same_and_in_order_with_any_number_of_jobs),
		cmocka_unit_test(a_case_that_wants_it_runs_alone),
		cmocka_unit_test(a_case_with_a_fixed_port_runs_alone),
		cmocka_unit_test(a_case_with_a_published_port_runs_alone),
		cmocka_unit_test(a_killed_worker_is_a_round_that_could_not_run),
		cmocka_unit_test(one_ctrl_c_brings_every_round_down),
		cmocka_unit_test(no_worker_outlives_a_killed_run),
		cmocka_unit_test(a_killed_worker_leaves_nothing_on_docker),
	};

	/* ONLY="*worker*" runs some. */
	cmocka_set_test_filter(getenv("ONLY"));

	return cmocka_run_group_tests(tests, enter_own_folder, leave_own_folder);
}
