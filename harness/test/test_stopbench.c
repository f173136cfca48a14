/*
 * The whole command, as people run it: every scenario holds on both engines.
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
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/command_line.h"
#include "test/support/temp_dir.h"

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

static void baseline_holds_on_process(void **state UNUSED)
{
	all_hold("scenarios/baseline", "process", 8);
}

static void history_holds_on_process(void **state UNUSED)
{
	history_holds("process");
}

static void kill_holds_on_process(void **state UNUSED)
{
	all_hold("scenarios/kill", "process", 30);
}

static void baseline_holds_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	all_hold("scenarios/baseline", "docker", 8);
}

static void history_holds_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	history_holds("docker");
}

static void kill_holds_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	all_hold("scenarios/kill", "docker", 30);
}

static void topology_of_containers_holds_on_docker(void **state UNUSED)
{
	/* The bound of the file is for a service that is not sanitized. */
	const char *const arguments[] = {"scenarios/baseline/20-sessions.json",
		"--engine", "docker", "--set", "service.topology=containers", "--set",
		"stop.grace=6s", "--set", "expect.within=4s", NULL};
	int code;
	cJSON *results;

	if (!docker_is_there())
		skip();
	results = run_scenarios(arguments, &code);
	assert_int_equal(code, 0);
	cJSON_Delete(results);
}

/* Not in a chroot, and not where the system says no. */
static bool user_namespaces_are_allowed(void)
{
	struct program_output output = program_run(
		(const char *const[]){"setpriv", "--reuid=65534", "--regid=65534",
			"--clear-groups", "unshare", "-Urp", "true", NULL});
	bool allowed = output.code == 0;

	program_output_done(&output);
	return allowed;
}

/* The process engine does not need to be root where user namespaces are allowed. */
static void baseline_holds_unprivileged(void **state UNUSED)
{
	static const char script[] =
		"cp -r \"$1\" scenarios \"$2\" && chmod -R a+rX \"$2\" && cd \"$2\" && "
		"exec setpriv --reuid=65534 --regid=65534 --clear-groups env TMPDIR=/tmp "
		"./bin/stopbench run scenarios/baseline --engine process --report /tmp/$$";
	char *folder;
	SCOPED(mem_free) char *build = mem_textf("%s/../subjects", program_folder());
	struct program_output output;

	if (geteuid() != 0 || !user_namespaces_are_allowed())
		skip();
	folder = temp_dir_create();
	output = program_run((const char *const[]){"cp", "-r", build, folder, NULL});
	program_output_done(&output);
	output = program_run((const char *const[]){
		"sh", "-c", script, "sh", program_folder(), folder, NULL});
	if (output.code != 0)
		print_error("%s\n%s\n", output.out, output.err);
	assert_int_equal(output.code, 0);
	program_output_done(&output);
	temp_dir_remove(folder);
}

/* The fourth turn to begin is the one in flight: the first three opened the sessions. */
static void a_stop_at_an_event_has_its_load(void **state UNUSED)
{
	const char *const arguments[] = {"scenarios/baseline/30-turn-in-flight.json",
		"--engine", "process", "--half", "main", "--set",
		"stop={\"grace\":\"2s\",\"when\":\"agent.turn.begin\",\"count\":4}",
		NULL};
	int code;
	cJSON *results = run_scenarios(arguments, &code);

	assert_int_equal(code, 0);
	cJSON_Delete(results);
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
	struct program_output output =
		program_run((const char *const[]){"sh", "-c", script, NULL});

	if (output.code != 0)
		print_error("%s%s\n", output.out, output.err);
	assert_int_equal(output.code, 0);
	program_output_done(&output);
}

static void somebody_elses_image_holds_on_docker(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	make_busybox_image();
	all_hold("examples/busybox-httpd.json", "docker", 2);
}

static void somebody_elses_command_holds_on_process(void **state UNUSED)
{
	all_hold("examples/busybox-httpd.json", "process", 2);
}

static void the_schema_is_the_committed_one(void **state UNUSED)
{
	struct program_output output =
		program_run((const char *const[]){"stopbench", "schema", NULL});
	struct json_doc committed;
	struct err err;
	cJSON *printed = json_parse(output.out, strlen(output.out));

	assert_int_equal(output.code, 0);
	assert_true(json_doc_read(&committed, "scenarios/schema.json", &err));
	if (!cJSON_Compare(printed, committed.root, true))
		fail_msg(
			"it is old: build/bin/stopbench schema >scenarios/schema.json");
	cJSON_Delete(printed);
	json_doc_done(&committed);
	program_output_done(&output);
}

/* Six draws of one of two latencies that no load of the machine makes alike: by chance
 * two runs would agree one time in sixty-four. */
static void the_same_seed_draws_the_same(void **state UNUSED)
{
	const char *const arguments[] = {"scenarios/baseline/20-sessions.json",
		"--engine", "process", "--half", "main", "--seed", "4711", "--repeat",
		"6", "--set",
		"agent.disconnect.latency={\"distribution\":\"empirical\","
		"\"values\":[\"10ms\",\"1200ms\"]}",
		"--set", "load.sessions=1", "--set", "expect={}", "--set",
		"stop.grace=8s", NULL};
	unsigned long_ones[2] = {0};

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

/* What compose.test.yml names. */
static void images_are_loaded_for_compose_files(void **state UNUSED)
{
	static const char *const names[] = {
		"stopbench-programs", "stopbench-service", "stopbench-mock-agent"};
	struct program_output output;

	if (!docker_is_there())
		skip();
	output = program_run((const char *const[]){"stopbench", "images", NULL});
	assert_int_equal(output.code, 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		SCOPED(mem_free) char *name = mem_textf("%s:latest", names[i]);
		SCOPED(mem_free) char *url =
			mem_textf("http://docker/images/%s/json", name);
		struct program_output found = program_run((const char *const[]){"curl",
			"-sf", "--unix-socket", "/var/run/docker.sock", url, NULL});

		assert_non_null(strstr(output.out, name));
		assert_int_equal(found.code, 0);
		program_output_done(&found);
	}
	program_output_done(&output);
	output = program_run((const char *const[]){"make", "-n", "images", NULL});
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, "stopbench images"));
	program_output_done(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schema_is_the_committed_one),
		cmocka_unit_test(baseline_holds_on_process),
		cmocka_unit_test(kill_holds_on_process),
		cmocka_unit_test(history_holds_on_process),
		cmocka_unit_test(baseline_holds_unprivileged),
		cmocka_unit_test(somebody_elses_command_holds_on_process),
		cmocka_unit_test(a_stop_at_an_event_has_its_load),
		cmocka_unit_test(the_same_seed_draws_the_same),
		cmocka_unit_test(images_are_loaded_for_compose_files),
		cmocka_unit_test(baseline_holds_on_docker),
		cmocka_unit_test(kill_holds_on_docker),
		cmocka_unit_test(history_holds_on_docker),
		cmocka_unit_test(topology_of_containers_holds_on_docker),
		cmocka_unit_test(somebody_elses_image_holds_on_docker),
	};

	/* ONLY="*docker*" runs some. */
	cmocka_set_test_filter(getenv("ONLY"));

	return cmocka_run_group_tests(tests, enter_own_folder, leave_own_folder);
}
