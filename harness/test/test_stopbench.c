/*
 * The whole command, as people run it: scenarios on both engines, bad input, bad luck.
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

#include "harness/test/command_line.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* In a few short pieces: cmocka cuts a message off after a kilobyte. */
static void tell_unmet(const cJSON *one)
{
	const cJSON *diagnosis, *expectation;

	print_error("%s (%s): %s: %s\n", json_text(one, "id"), json_text(one, "half"),
		json_text(one, "verdict"), json_text(one, "reason"));
	cJSON_ArrayForEach(diagnosis, json_get(one, "diagnoses"))
		print_error("  %s %s\n", json_text(diagnosis, "id"),
			json_text(diagnosis, "text"));
	cJSON_ArrayForEach(expectation, json_get(one, "expectations"))
		if (!json_bool(expectation, "met", false))
			print_error("  wanted %s %s, saw %s\n",
				json_text(expectation, "what"),
				json_text(expectation, "wanted"),
				json_text(expectation, "seen"));
}

/* Every half of every scenario gives what its file expects. */
static void all_hold_with(const char *path, const char *engine, int at_least,
	const char *set, const char *another)
{
	const char *const arguments[] = {path, "--engine", engine, set ? "--set" : NULL,
		set, "--set", another, NULL};
	int code;
	cJSON *results = run_scenarios(arguments, &code);
	const cJSON *cases = json_get(results, "cases");
	const cJSON *one;
	unsigned unmet = 0;

	assert_non_null(results);
	assert_true(cJSON_GetArraySize(cases) >= at_least);
	cJSON_ArrayForEach(one, cases) {
		if (json_bool(one, "met", false))
			continue;
		tell_unmet(one);
		unmet++;
	}
	assert_int_equal(unmet, 0);
	assert_int_equal(code, 0);
	cJSON_Delete(results);
}

static void all_hold(const char *path, const char *engine, int at_least)
{
	all_hold_with(path, engine, at_least, NULL, NULL);
}

/* A sanitized service with forty sanitized MCP servers does not fit into 2 s. */
static void history_holds(const char *engine)
{
#ifdef __SANITIZE_ADDRESS__
	all_hold_with(
		"scenarios/history", engine, 6, "load.sessions=3", "stop.grace=4s");
#else
	all_hold("scenarios/history", engine, 18);
#endif
}

static void baseline_holds_on_process(void **state)
{
	(void)state;
	all_hold("scenarios/baseline", "process", 8);
}

static void history_holds_on_process(void **state)
{
	(void)state;
	history_holds("process");
}

static void kill_holds_on_process(void **state)
{
	(void)state;
	all_hold("scenarios/kill", "process", 30);
}

static void baseline_holds_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	all_hold("scenarios/baseline", "docker", 8);
}

static void history_holds_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	history_holds("docker");
}

static void kill_holds_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	all_hold("scenarios/kill", "docker", 30);
}

static void topology_of_containers_holds_on_docker(void **state)
{
	const char *const arguments[] = {"scenarios/baseline/20-sessions.json",
		"--engine", "docker", "--set", "service.topology=containers", NULL};
	int code;
	cJSON *results;

	(void)state;
	if (!docker_is_there())
		skip();
	results = run_scenarios(arguments, &code);
	assert_int_equal(code, 0);
	cJSON_Delete(results);
}

/* Not in a chroot, and not where the system says no. */
static bool user_namespaces_are_allowed(void)
{
	struct said said = run_command((const char *const[]){"setpriv", "--reuid=65534",
		"--regid=65534", "--clear-groups", "unshare", "-Urp", "true", NULL});
	bool allowed = said.code == 0;

	said_done(&said);
	return allowed;
}

/* The process engine does not need to be root where user namespaces are allowed. */
static void baseline_holds_unprivileged(void **state)
{
	static const char script[] =
		"cp -r \"$1\" scenarios \"$2\" && chmod -R a+rX \"$2\" && cd \"$2\" && "
		"exec setpriv --reuid=65534 --regid=65534 --clear-groups env TMPDIR=/tmp "
		"./bin/stopbench run scenarios/baseline --engine process --report /tmp/$$";
	SCOPED(mem_free) char *folder = mem_text("/tmp/sb-unprivileged-XXXXXX");
	SCOPED(mem_free) char *build = mem_textf("%s/../subjects", bin_folder());
	struct said said;

	(void)state;
	if (geteuid() != 0 || !user_namespaces_are_allowed())
		skip();
	assert_non_null(mkdtemp(folder));
	said = run_command((const char *const[]){"cp", "-r", build, folder, NULL});
	said_done(&said);
	said = run_command((const char *const[]){
		"sh", "-c", script, "sh", bin_folder(), folder, NULL});
	if (said.code != 0)
		print_error("%s\n%s\n", said.out, said.err);
	assert_int_equal(said.code, 0);
	said_done(&said);
	said = run_command((const char *const[]){"rm", "-rf", folder, NULL});
	said_done(&said);
}

/* What each mistake is answered with; the file is written with the text. */
static const struct {
	const char *text;
	const char *says;
	const char *why;
} mistakes[] = {
	{"{\"name\": \"x\",\n \"load\": {\"sesions\": 1}}",
		":2:11: ", "a misspelt key has its place"},
	{"{\"name\": \"x\",\n \"load\": {\"sesions\": 1}}", "\"sessions\"",
		"and the nearest key"},
	{"{\"name\": \"x\",\n \"stop\": {\"grace\": 10}}",
		":2:11: ", "a duration without a unit"},
	{"{\"name\": \"x\",\n \"stop\": {\"grace\": \"-1s\"}}",
		":2:11: ", "a negative duration"},
	{"{\"name\": \"x\",\n \"stop\": {\"grace\": \"1s\",}}",
		":2:", "a syntax error"},
	{"{\"name\": \"x\",\n \"load\": {\"sessions\": \"3\"}}",
		":2:11: ", "a wrong type"},
	{"{\"name\": \"x\",\n \"matrix\": {\"load.sesions\": [1]}}",
		":2:13: ", "a matrix over a key that does not exist"},
	{"{\"name\": \"x\",\n \"agent\": {\"disconect\": {}}}", "\"disconnect\"",
		"a misspelt knob of the mock agent API"},
	{"{\"name\": \"x\",\n \"mcp\": [{\"name\": \"a\", \"on_eoff\": \"ignore\"}]}",
		"\"on_eof\"", "a misspelt knob of a mock MCP server"},
};

static void mistakes_are_named_and_nothing_is_started(void **state)
{
	char path[] = "/tmp/mistake-XXXXXX.json";
	int before = homes();
	int fd = mkstemps(path, 5);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct said said;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_true(
			pwrite(fd, mistakes[i].text, strlen(mistakes[i].text), 0) > 0);
		said = run_command((const char *const[]){
			"stopbench", "run", "--engine", "process", path, NULL});
		if (said.code != 2 || !strstr(said.err, mistakes[i].says))
			print_error("%s: %s\n", mistakes[i].why, said.err);
		assert_int_equal(said.code, 2);
		assert_non_null(strstr(said.err, mistakes[i].says));
		said_done(&said);
	}
	close(fd);
	unlink(path);
	assert_int_equal(homes(), before);
}

static void a_missing_file_is_named(void **state)
{
	struct said said = run_command(
		(const char *const[]){"stopbench", "run", "no/such/file.json", NULL});

	(void)state;
	assert_int_equal(said.code, 2);
	assert_non_null(strstr(said.err, "no/such/file.json"));
	said_done(&said);
}

static void expect_code(const char *const *arguments, int wanted, const char *says)
{
	struct said said = run_command(arguments);

	if (said.code != wanted || !strstr(said.err, says))
		print_error("code %d\n%s\n%s\n", said.code, said.out, said.err);
	assert_int_equal(said.code, wanted);
	assert_non_null(strstr(said.err, says));
	said_done(&said);
}

#define REPORT "build/test-report"
#define IDLE   "scenarios/baseline/10-idle.json"

/* The fourth turn to begin is the one in flight: the first three opened the sessions. */
static void a_stop_at_an_event_has_its_load(void **state)
{
	const char *const arguments[] = {"scenarios/baseline/30-turn-in-flight.json",
		"--engine", "process", "--half", "main", "--set",
		"stop={\"grace\":\"2s\",\"when\":\"agent.turn.begin\",\"count\":4}",
		NULL};
	int code;
	cJSON *results = run_scenarios(arguments, &code);

	(void)state;
	assert_int_equal(code, 0);
	cJSON_Delete(results);
}

static void an_unmet_expectation_is_exit_code_1(void **state)
{
	(void)state;
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "process", "--half", "main", "--set", "expect.exit_code=7",
			    "--report", REPORT, NULL},
		1, "why.txt");
}

static void a_service_that_is_never_ready_is_exit_code_3(void **state)
{
	(void)state;
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "process", "--half", "main", "--set",
			    "service.ready={\"log\": \"never\", "
			    "\"within\": \"500ms\"}",
			    "--report", REPORT, NULL},
		3, "not ready in time");
}

/* A socket that libuv bound below a path cut off would lie outside of it. */
static void a_temporary_folder_too_deep_for_a_socket_is_exit_code_3(void **state)
{
	SCOPED(mem_free) char *folder = mem_textf("%s/%0100d", getenv("TMPDIR"), 0);
	SCOPED(mem_free) char *variable = mem_textf("TMPDIR=%s", folder);
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", bin_folder());

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	expect_code(
		(const char *const[]){"env", variable, program, "run", IDLE, "--engine",
			"process", "--half", "main", "--report", REPORT, NULL},
		3, "choose a shorter TMPDIR");
	assert_int_equal(rmdir(folder), 0); /* nothing was left in it */
}

static void a_service_that_exits_early_is_a_crash(void **state)
{
	(void)state;
	expect_code(
		(const char *const[]){"stopbench", "run", IDLE, "--engine", "process",
			"--half", "main", "--set",
			"service.command=[\"sh\", \"-c\", \"echo last words; exit 4\"]",
			"--report", REPORT, NULL},
		1, "last words");
}

static void a_missing_image_is_exit_code_3(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "docker", "--half", "main", "--set",
			    "service.image=no-such-image", "--report", REPORT, NULL},
		3, "no-such-image");
}

/* Until the run is in the middle of a case: its ledger is there. */
static void wait_for_case(void)
{
	SCOPED(mem_free) char *ledgers =
		mem_textf("%s/stopbench-*/*/ledger", getenv("TMPDIR"));
	glob_t found;
	int missing = 1;

	for (int i = 0; i < 4000 && missing; i++) {
		missing = glob(ledgers, 0, NULL, &found);
		globfree(&found);
		usleep(5000);
	}
	assert_int_equal(missing, 0);
}

/* Or there would be nothing to remove, and nothing seen of it. */
static void wait_for_container(void)
{
	for (int i = 0; i < 1000 && labelled_things() == 0; i++)
		usleep(5000);
	assert_true(labelled_things() > 0);
}

static void interrupting_leaves_nothing(const char *engine, int signal_number)
{
	int before = homes();
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
		struct said said;

		said = run_command((const char *const[]){"stopbench", "clean", NULL});
		assert_int_equal(said.code, 0);
		said_done(&said);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	assert_int_equal(homes(), before);
}

/* A date reads like a run's id. */
static void a_folder_that_only_has_such_a_name_is_left_alone(void **state)
{
	SCOPED(mem_free) char *folder =
		mem_textf("%s/stopbench-20261125", getenv("TMPDIR"));
	struct said said;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	said = run_command(
		(const char *const[]){"touch", "-d", "2 minutes ago", folder, NULL});
	said_done(&said);
	said = run_command((const char *const[]){"stopbench", "clean", NULL});
	said_done(&said);
	assert_int_equal(rmdir(folder), 0);
}

static void ctrl_c_leaves_nothing_on_process(void **state)
{
	(void)state;
	interrupting_leaves_nothing("process", SIGINT);
}

static void sigkill_leaves_nothing_after_clean_on_process(void **state)
{
	(void)state;
	interrupting_leaves_nothing("process", SIGKILL);
}

static void ctrl_c_leaves_nothing_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	interrupting_leaves_nothing("docker", SIGINT);
	assert_int_equal(labelled_things(), 0);
}

static void sigkill_leaves_nothing_after_clean_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	interrupting_leaves_nothing("docker", SIGKILL);
	assert_int_equal(labelled_things(), 0);
}

/* A program that this project did not write: Debian's busybox, alone in its image. */
static void make_busybox_image(void)
{
	static const char script[] =
		"set -e; d=$(mktemp -d); mkdir -p $d/bin $d/proc; "
		"cp \"$(command -v busybox)\" $d/bin/; "
		"tar -C $d -c . | curl -sf --unix-socket /var/run/docker.sock -X POST "
		"-H 'Content-Type: application/x-tar' --data-binary @- "
		"'http://docker/images/create?fromSrc=-&repo=stopbench-example-busybox&tag=latest"
		"&changes=ENV%20PATH=/bin'; rm -rf $d";
	struct said said = run_command((const char *const[]){"sh", "-c", script, NULL});

	if (said.code != 0)
		print_error("%s%s\n", said.out, said.err);
	assert_int_equal(said.code, 0);
	said_done(&said);
}

static void somebody_elses_image_holds_on_docker(void **state)
{
	(void)state;
	if (!docker_is_there())
		skip();
	make_busybox_image();
	all_hold("examples/busybox-httpd.json", "docker", 2);
}

static void somebody_elses_command_holds_on_process(void **state)
{
	(void)state;
	all_hold("examples/busybox-httpd.json", "process", 2);
}

/* Runs a line of the shell in which "$0" is stopbench; gives its exit code. */
static int shell(const char *line)
{
	SCOPED(mem_free) char *stopbench = mem_textf("%s/stopbench", bin_folder());
	struct said said =
		run_command((const char *const[]){"sh", "-c", line, stopbench, NULL});
	int code = said.code;

	said_done(&said);
	return code;
}

static void closed_files_do_not_end_a_run(void **state)
{
	int before = homes();

	(void)state;
	assert_int_equal(
		shell("\"$0\" run scenarios/kill/60-no-handler.json --half twin "
		      "--engine process --report \"${TMPDIR:-/tmp}/closed\" <&- >&- 2>&-"),
		0);
	assert_int_equal(homes(), before);
}

static void output_that_is_lost_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(shell("\"$0\" schema > /dev/full"), 3);
	assert_int_equal(shell("\"$0\" run --help > /dev/full"), 3);
	assert_int_equal(shell("\"$0\" schema > /dev/null"), 0);
}

static void the_schema_is_the_committed_one(void **state)
{
	struct said said =
		run_command((const char *const[]){"stopbench", "schema", NULL});
	struct json_doc committed;
	struct err err;
	cJSON *printed = json_parse(said.out, strlen(said.out));

	(void)state;
	assert_int_equal(said.code, 0);
	assert_true(json_doc_read(&committed, "scenarios/schema.json", &err));
	assert_true(cJSON_Compare(printed, committed.root, true));
	cJSON_Delete(printed);
	json_doc_done(&committed);
	said_done(&said);
}

/* Is there a process with this command line, its words parted by blanks? */
static bool runs(const char *command)
{
	glob_t files;
	bool found = false;

	assert_int_equal(glob("/proc/[0-9]*/cmdline", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc && !found; i++) {
		FILE *file = fopen(files.gl_pathv[i], "re");
		char text[256] = "";
		size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;

		if (file)
			fclose(file);
		for (size_t at = 0; at + 1 < len; at++)
			text[at] = text[at] ? text[at] : ' ';
		found = strcmp(text, command) == 0;
	}
	globfree(&files);
	return found;
}

static void wait_until_it(bool is_there, const char *command)
{
	for (int i = 0; i < 2000 && runs(command) != is_there; i++)
		usleep(5000);
	assert_int_equal(runs(command), is_there);
}

/* The kernel's promise to kill it with its parent does not outlive that. */
static void a_service_that_changed_its_user_dies_with_a_killed_run(void **state)
{
	SCOPED(mem_free) char *sleeper = mem_textf("sleep %d", 1000000 + getpid());
	SCOPED(mem_free) char *service = mem_textf(
		"service={\"command\": [\"sh\", \"-c\", \"exec setpriv --reuid=65534 "
		"--clear-groups %s\"], \"ready\": {\"log\": \"never\"}, "
		"\"no_mocks\": true}",
		sleeper);
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = start_command(
		(const char *const[]){"stopbench", "run", IDLE, "--engine", "process",
			"--half", "main", "--set", service, "--report", REPORT, NULL});
	wait_until_it(true, sleeper);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	wait_until_it(false, sleeper);
}

/* Six draws of one of two latencies that no load of the machine makes alike: by chance
 * two runs would agree one time in sixty-four. */
static void the_same_seed_draws_the_same(void **state)
{
	const char *const arguments[] = {"scenarios/baseline/20-sessions.json",
		"--engine", "process", "--half", "main", "--seed", "4711", "--repeat",
		"6", "--set",
		"agent.disconnect.latency={\"distribution\":\"empirical\","
		"\"values\":[\"10ms\",\"1200ms\"]}",
		"--set", "load.sessions=1", "--set", "expect={}", "--set",
		"stop.grace=8s", NULL};
	unsigned long_ones[2] = {0};

	(void)state;
	for (int run = 0; run < 2; run++) {
		int code;
		cJSON *results = run_scenarios(arguments, &code);
		const cJSON *one;

		assert_int_equal(code, 0);
		cJSON_ArrayForEach(one, json_get(results, "cases"))
			long_ones[run] = long_ones[run] * 2 +
				(json_int(one, "stop_ns", -1) > 600 * CLOCK_MS);
		cJSON_Delete(results);
	}
	assert_int_equal(long_ones[0], long_ones[1]);
	assert_in_range(long_ones[0], 1, 62); /* both were drawn */
}

/* A temporary folder of our own: whoever else runs stopbench has other homes. */
static int move_in(void **state)
{
	char *folder = mem_text("/tmp/sb-test-XXXXXX");

	*state = folder;
	return mkdtemp(folder) && setenv("TMPDIR", folder, 1) == 0 ? 0 : -1;
}

static int move_out(void **state)
{
	struct said said =
		run_command((const char *const[]){"rm", "-rf", *state, NULL});

	said_done(&said);
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named_and_nothing_is_started),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(closed_files_do_not_end_a_run),
		cmocka_unit_test(output_that_is_lost_is_an_error),
		cmocka_unit_test(the_schema_is_the_committed_one),
		cmocka_unit_test(baseline_holds_on_process),
		cmocka_unit_test(kill_holds_on_process),
		cmocka_unit_test(history_holds_on_process),
		cmocka_unit_test(baseline_holds_unprivileged),
		cmocka_unit_test(somebody_elses_command_holds_on_process),
		cmocka_unit_test(a_stop_at_an_event_has_its_load),
		cmocka_unit_test(an_unmet_expectation_is_exit_code_1),
		cmocka_unit_test(a_service_that_is_never_ready_is_exit_code_3),
		cmocka_unit_test(
			a_temporary_folder_too_deep_for_a_socket_is_exit_code_3),
		cmocka_unit_test(a_service_that_exits_early_is_a_crash),
		cmocka_unit_test(a_folder_that_only_has_such_a_name_is_left_alone),
		cmocka_unit_test(ctrl_c_leaves_nothing_on_process),
		cmocka_unit_test(sigkill_leaves_nothing_after_clean_on_process),
		cmocka_unit_test(
			a_service_that_changed_its_user_dies_with_a_killed_run),
		cmocka_unit_test(the_same_seed_draws_the_same),
		cmocka_unit_test(baseline_holds_on_docker),
		cmocka_unit_test(kill_holds_on_docker),
		cmocka_unit_test(history_holds_on_docker),
		cmocka_unit_test(topology_of_containers_holds_on_docker),
		cmocka_unit_test(somebody_elses_image_holds_on_docker),
		cmocka_unit_test(a_missing_image_is_exit_code_3),
		cmocka_unit_test(ctrl_c_leaves_nothing_on_docker),
		cmocka_unit_test(sigkill_leaves_nothing_after_clean_on_docker),
	};

	/* ONLY="*docker*" runs some. */
	cmocka_set_test_filter(getenv("ONLY"));

	return cmocka_run_group_tests(tests, move_in, move_out);
}
