/*
 * What the whole command says of mistakes, and of services that do not do what they
 * should: its exit codes.
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

#include "harness/format/formats.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/utf8.h"
#include "test/support/command_line.h"

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

static void mistakes_are_named_and_nothing_is_started(void **state UNUSED)
{
	char path[] = "/tmp/mistake-XXXXXX.json";
	int before = run_folders();
	int fd = mkstemps(path, 5);

	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct program_output output;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_true(
			pwrite(fd, mistakes[i].text, strlen(mistakes[i].text), 0) > 0);
		output = program_run((const char *const[]){
			"stopbench", "run", "--engine", "process", path, NULL});
		if (output.code != 2 || !strstr(output.err, mistakes[i].says))
			print_error("%s: %s\n", mistakes[i].why, output.err);
		assert_int_equal(output.code, 2);
		assert_non_null(strstr(output.err, mistakes[i].says));
		program_output_done(&output);
	}
	close(fd);
	unlink(path);
	assert_int_equal(run_folders(), before);
}

static void a_missing_file_is_named(void **state UNUSED)
{
	struct program_output output = program_run(
		(const char *const[]){"stopbench", "run", "no/such/file.json", NULL});

	assert_int_equal(output.code, 2);
	assert_non_null(strstr(output.err, "no/such/file.json"));
	program_output_done(&output);
}

static void an_unmet_expectation_is_exit_code_1(void **state UNUSED)
{
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "process", "--half", "main", "--set", "expect.exit_code=7",
			    "--report", REPORT, NULL},
		1, "why.txt");
}

static void a_service_that_is_never_ready_is_exit_code_3(void **state UNUSED)
{
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "process", "--half", "main", "--set",
			    "service.ready={\"log\": \"never\", "
			    "\"within\": \"500ms\"}",
			    "--report", REPORT, NULL},
		3, "not ready in time");
}

static void a_service_that_exits_early_is_a_crash(void **state UNUSED)
{
	expect_code(
		(const char *const[]){"stopbench", "run", IDLE, "--engine", "process",
			"--half", "main", "--set",
			"service.command=[\"sh\", \"-c\", \"echo last words; exit 4\"]",
			"--report", REPORT, NULL},
		1, "last words");
}

static void a_missing_image_is_exit_code_3(void **state UNUSED)
{
	if (!docker_is_there())
		skip();
	expect_code((const char *const[]){"stopbench", "run", IDLE, "--engine",
			    "docker", "--half", "main", "--set",
			    "service.image=no-such-image", "--report", REPORT, NULL},
		3, "no-such-image");
}

/* Of each program and each subcommand. */
static void h_is_help_everywhere(void **state UNUSED)
{
	static const char *const commands[][4] = {
		{"stopbench", "-h"},
		{"stopbench", "run", "-h"},
		{"stopbench", "validate", "-h"},
		{"stopbench", "list", "-h"},
		{"stopbench", "clean", "-h"},
		{"stopbench", "images", "-h"},
		{"stopbench", "schema", "-h"},
		{"service", "-h"},
		{"mock-agent", "-h"},
		{"mock-mcp", "-h"},
	};

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct program_output output = program_run(commands[i]);

		if (output.code != 0 || strncmp(output.out, "Usage: ", 7) != 0)
			print_error("%s %s: %d: %s%s\n", commands[i][0], commands[i][1],
				output.code, output.out, output.err);
		assert_int_equal(output.code, 0);
		assert_int_equal(strncmp(output.out, "Usage: ", 7), 0);
		assert_string_equal(output.err, "");
		program_output_done(&output);
	}
}

static void a_run_without_scenarios_here_says_what_to_name(void **state UNUSED)
{
	struct program_output output = program_run((const char *const[]){"sh", "-c",
		"cd \"$TMPDIR\" && exec \"$0\"/stopbench run", program_folder(), NULL});

	assert_int_equal(output.code, 2);
	assert_non_null(strstr(output.err, "name a scenario or a folder"));
	program_output_done(&output);
}

/* Before anything else: nobody looks for it in the middle. */
static void a_dead_daemon_is_told_in_the_first_line(void **state UNUSED)
{
	static const char first[] =
		"stopbench: no Docker daemon answers at tcp://127.0.0.1:1";
	SCOPED(mem_free) char *program = mem_textf("%s/stopbench", program_folder());
	struct program_output output = program_run(
		(const char *const[]){"env", "DOCKER_HOST=tcp://127.0.0.1:1", program,
			"run", IDLE, "--engine", "docker", "--report", REPORT, NULL});

	assert_int_equal(output.code, 3);
	assert_int_equal(strncmp(output.err, first, strlen(first)), 0);
	assert_string_equal(output.out, "");
	program_output_done(&output);
}

static void a_format_that_does_not_exist_is_answered_with_those_that_do(
	void **state UNUSED)
{
	SCOPED(mem_free) char *names = format_names();
	SCOPED(mem_free) char *says = mem_textf("--format: %s, not \"xml\"", names);

	expect_code((const char *const[]){"stopbench", "run", IDLE, "--format", "xml",
			    NULL},
		2, says);
}

/* A terminal acts on nothing in it, and it is UTF-8. */
static void assert_inert(const char *what, const char *text)
{
	for (const char *at = text; *at;) {
		uint32_t point = 0;
		size_t len = utf8_decode(&point, at, SIZE_MAX);
		bool inert = len > 0 &&
			(utf8_is_inert(point) || point == '\n' || point == '\t');

		if (!inert)
			print_error("%s: U+%04X in %.60s\n", what, (unsigned)point, at);
		assert_true(inert);
		at += len;
	}
}

/* "hunter2" begins each secret here. */
static void run_and_assert_inert(const char *const *arguments, int code)
{
	struct program_output output = program_run(arguments);

	assert_int_equal(output.code, code);
	assert_null(strstr(output.out, "hunter2"));
	assert_null(strstr(output.err, "hunter2"));
	assert_inert(arguments[1], output.out);
	assert_inert(arguments[1], output.err);
	program_output_done(&output);
}

/* ESC, C1, marks that turn the writing direction, bytes that are no UTF-8. */
#define NASTY_JSON "\\u001b[2J\\u009b1m\\u202e\\u2066\\u2028"
#define NASTY_ECHO "\\\\033[2J\\\\302\\\\2331m\\\\342\\\\200\\\\256\\\\377"

/* The same service prints a secret of its environment. */
static void no_output_moves_the_cursor_or_has_a_secret(void **state UNUSED)
{
	static const char scenario[] =
		"{\"name\": \"n" NASTY_JSON "\", \"why\": \"w" NASTY_JSON
		"\", \"service\": {\"command\": [\"sh\", \"-c\", "
		"\"printf 'up " NASTY_ECHO "\\\\n'; echo $API_TOKEN; exit 3\"], "
		"\"mocks\": false, "
		"\"ready\": {\"log\": \"never\"}, "
		"\"env\": {\"API_TOKEN\": \"hunter2-hunter2\"}}}";
	static const char set[] = "service.env.API_TOKEN=hunter2's \"own\"";
	SCOPED(mem_free) char *path = mem_textf("%s/nasty.json", getenv("TMPDIR"));
	SCOPED(mem_free) char *report = mem_textf("%s/report", getenv("TMPDIR"));
	SCOPED(mem_free) char *wrong = mem_textf("%s/wrong.json", getenv("TMPDIR"));
	struct program_output output;
	struct err err = {0};

	assert_true(fs_write_file(path, scenario, strlen(scenario), &err));
	run_and_assert_inert((const char *const[]){"stopbench", "run", path, "--engine",
				     "process", "--report", report, NULL},
		1);
	run_and_assert_inert(
		(const char *const[]){"stopbench", "run", path, "--engine", "process",
			"--report", report, "--format", "json", "--set", set, NULL},
		1);
	run_and_assert_inert((const char *const[]){"stopbench", "list", path, NULL}, 0);
	run_and_assert_inert(
		(const char *const[]){"stopbench", "list", "-f", "json", path, NULL},
		0);
	assert_true(fs_write_file(wrong, "{\"" NASTY_JSON "\": 1}",
		strlen("{\"" NASTY_JSON "\": 1}"), &err));
	run_and_assert_inert((const char *const[]){"stopbench", "run", wrong, NULL}, 2);
	/* Only the log may move the cursor. */
	output = program_run((const char *const[]){
		"sh", "-c", "cat \"$0\"/failed/*/*/service.log", report, NULL});
	assert_non_null(strstr(output.out, "\n***\n"));
	assert_null(strstr(output.out, "hunter2"));
	program_output_done(&output);
	output = program_run((const char *const[]){"sh", "-c",
		"cd \"$0\" && rm failed/*/*/service.log && cat results.json failed/*/*/*",
		report, NULL});
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, "API_TOKEN"));
	assert_null(strstr(output.out, "hunter2"));
	assert_inert("files", output.out);
	program_output_done(&output);
}

/* The twin of that one scenario is all that these arguments run. */
static void assert_one_runs(const char *id, const char *const *arguments)
{
	int code;
	cJSON *results = run_scenarios(arguments, &code);
	const cJSON *cases = json_get(results, "cases");

	assert_int_equal(code, 0);
	assert_int_equal(cJSON_GetArraySize(cases), 1);
	assert_string_equal(json_text(cases->child, "id"), id);
	cJSON_Delete(results);
}

/* By its id, as results.json and the table have it. */
static void a_scenario_is_found_by_its_id_and_by_a_filter(void **state UNUSED)
{
	static const char id[] = "kill/60-no-handler";

	assert_one_runs(id,
		(const char *const[]){
			id, "--engine", "process", "--half", "twin", NULL});
	assert_one_runs(id,
		(const char *const[]){"--filter", "60-no", "--engine", "process",
			"--half", "twin", NULL});
	expect_code(
		(const char *const[]){"stopbench", "run", "--filter", "nothing", NULL},
		2, "no scenario in scenarios fits --filter nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named_and_nothing_is_started),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(h_is_help_everywhere),
		cmocka_unit_test(a_scenario_is_found_by_its_id_and_by_a_filter),
		cmocka_unit_test(a_run_without_scenarios_here_says_what_to_name),
		cmocka_unit_test(a_dead_daemon_is_told_in_the_first_line),
		cmocka_unit_test(
			a_format_that_does_not_exist_is_answered_with_those_that_do),
		cmocka_unit_test(no_output_moves_the_cursor_or_has_a_secret),
		cmocka_unit_test(an_unmet_expectation_is_exit_code_1),
		cmocka_unit_test(a_service_that_is_never_ready_is_exit_code_3),
		cmocka_unit_test(a_service_that_exits_early_is_a_crash),
		cmocka_unit_test(a_missing_image_is_exit_code_3),
	};

	/* ONLY="*docker*" runs some. */
	cmocka_set_test_filter(getenv("ONLY"));

	return cmocka_run_group_tests(tests, enter_own_folder, leave_own_folder);
}
