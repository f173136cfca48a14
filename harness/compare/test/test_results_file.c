#include "harness/compare/results_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/results/results_members.h"
#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/command_line.h"
#include "test/support/temp_dir.h"

static char *folder, *path;
/* Of a real run: a case that is met, and one that was run again with cures. */
static cJSON *real;

static int run_once(void **state UNUSED)
{
	const char *const arguments[] = {IDLE, "--engine", "process", "--set",
		"engines=[\"process\"]", "--set", "stop.grace=300ms", "--try-cures",
		NULL};
	int code;

	folder = temp_dir_create();
	path = mem_textf("%s/r.json", folder);
	real = run_scenarios(arguments, &code);
	return real && cJSON_GetArraySize(json_get(real, "cases")) == 2 ? 0 : -1;
}

static int remove_all(void **state UNUSED)
{
	cJSON_Delete(real);
	free(path);
	temp_dir_remove(folder);
	return 0;
}

static void write_text(const char *text, size_t len)
{
	struct err err;

	assert_true(fs_write_file(path, text, len, &err));
}

static void write_json(const cJSON *json)
{
	SCOPED(mem_free) char *text = cJSON_Print(json);

	write_text(text, strlen(text));
}

/* Not read, and this is told, behind the file's name. */
static void assert_wrong(const char *told)
{
	struct err err = {0};
	cJSON *json = results_file_read(path, &err);
	size_t len = strlen(path);

	if (json) {
		cJSON_Delete(json);
		fail_msg("was read, not refused: %s", told);
	}
	assert_memory_equal(err.text, path, len);
	if (!strstr(err.text + len, told))
		fail_msg("wanted \"%s\", told \"%s\"", told, err.text + len);
}

/* --- what a run writes --- */

static void real_results_are_read_as_they_are(void **state UNUSED)
{
	SCOPED(json_free) cJSON *json = NULL;
	struct err err;

	assert_non_null(json_at(real, "cases.1.cures.0.how"));
	write_json(real);
	json = results_file_read(path, &err);
	if (!json)
		fail_msg("%s", err.text);
	assert_true(cJSON_Compare(json, real, true));
}

static void assert_all_listed(const cJSON *value, const struct member *member)
{
	const cJSON *child;

	cJSON_ArrayForEach(child, value) {
		const struct member *row =
			member->kind == MEMBER_LIST ? member->item : NULL;

		for (const struct member *one = row ? NULL : member->members;
			one && one->name; one++) {
			if (strcmp(one->name, child->string) == 0)
				row = one;
		}
		if (row)
			assert_all_listed(child, row);
		else if (!member->open)
			fail_msg("%s is in no table", child->string);
	}
}

static void every_member_of_real_results_is_in_the_table(void **state UNUSED)
{
	assert_all_listed(real,
		&(const struct member){
			.kind = MEMBER_OBJECT, .members = results_members});
}

static void a_member_that_nobody_knows_is_passed_over(void **state UNUSED)
{
	SCOPED(json_free) cJSON *edited = cJSON_Duplicate(real, true);
	SCOPED(json_free) cJSON *json = NULL;
	struct err err;

	assert_true(json_put_at(
		edited, "cases.0.of_tomorrow", cJSON_CreateString("x"), &err));
	write_json(edited);
	json = results_file_read(path, &err);
	assert_non_null(json);
}

/* --- what was edited --- */

static const struct {
	const char *at, *value; /* NULL: the member is taken away */
	const char *told;
} edits[] = {
	{"stopbench", NULL, ":1:1: is no results.json of `stopbench run`"},
	{"stopbench", "7", "is no results.json"},
	{"schema", NULL, ":1:1: schema is missing: stopbench 0."},
	{"schema", "2", ":3:2: schema: expected 1; stopbench 0."},
	{"schema", "\"1\"", "schema: expected 1; stopbench 0."},
	{"schema", "1.5", "schema: expected 1; stopbench 0."},
	{"seed", "1", ": seed: expected a string, not 1"},
	{"host", NULL, ":1:1: host is missing"},
	{"host.cpus", "-1", ": host.cpus: expected a whole number, at least 0, not -1"},
	{"host.load", "[\"x\"]",
		": host.load[0]: expected a number, at least 0, not \"x\""},
	{"engine.engine", "\"podman\"",
		": engine.engine: expected one of docker, process, cri, swarm, kubernetes, not \"podman\""},
	{"cases", "{}", ": cases: expected an array, not an object"},
	{"cases.1", "7", ": cases[1]: expected an object, not 7"},
	{"cases.1.stop_ns", "\"1ms\"",
		": cases[1].stop_ns: expected a whole number, at least 0, or null, not \"1ms\""},
	{"cases.1.stop_ns", "1.5",
		": cases[1].stop_ns: expected a whole number, at least 0"},
	{"cases.1.stop_ns", "-5",
		": cases[1].stop_ns: expected a whole number, at least 0"},
	{"cases.1.stop_ns", "1e300", ": cases[1].stop_ns: expected a whole number"},
	{"cases.1.margin_ns", "[]",
		": cases[1].margin_ns: expected a whole number, or null"},
	{"cases.1.margin_ns", NULL, ": cases[1].margin_ns is missing"},
	{"cases.0.verdict", "\"superb\"",
		": cases[0].verdict: expected one of clean, slow,"},
	{"cases.0.verdict", "null", ": cases[0].verdict: expected one of clean, slow,"},
	{"cases.0.axes", "[]", ": cases[0].axes: expected an object, not an array"},
	{"cases.0.met", "\"yes\"",
		": cases[0].met: expected true or false, not \"yes\""},
	{"cases.1.kill.source", "1",
		": cases[1].kill.source: expected one of none, kernel,"},
	{"cases.1.diagnoses.0.text", NULL, ": cases[1].diagnoses[0].text is missing"},
	{"cases.1.cures", "null", ": cases[1].cures: expected an array, not null"},
	{"cases.1.cures.0.grace_ns", "true",
		": cases[1].cures[0].grace_ns: expected a whole number, at least 0, not true"},
	{"cases.0.met", "false",
		": cases[0].met: false, but by could_run and the expectations it is true"},
	{"cases.0.expectations.0.met", "false", ": cases[0].met: true, but by"},
	{"cases.0.could_run", "false", ": cases[0].met: true, but by"},
	{"summary.met", "1", ": summary.met: expected 2, as the cases have it"},
	{"summary.unmet", "1", ": summary.unmet: expected 0, as the cases have it"},
	{"summary.rounds", "9", ": summary.rounds: expected 2, as the cases have it"},
	{"summary.cases", "9", ": summary.cases: expected 2, as the cases have it"},
};

static void edit(cJSON *json, const char *at, const char *value)
{
	SCOPED(mem_free) char *above = mem_text(at);
	char *dot = strrchr(above, '.');
	struct err err;

	if (value) {
		assert_true(
			json_put_at(json, at, json_parse(value, strlen(value)), &err));
		return;
	}
	if (dot)
		*dot++ = '\0';
	cJSON_DeleteItemFromObjectCaseSensitive(
		dot ? (cJSON *)(size_t)json_at(json, above) : json, dot ? dot : at);
}

static void edited_results_are_refused_by_name_and_place(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(edits); i++) {
		SCOPED(json_free) cJSON *edited = cJSON_Duplicate(real, true);

		edit(edited, edits[i].at, edits[i].value);
		write_json(edited);
		assert_wrong(edits[i].told);
	}
}

/* --- what is no such file --- */

static void truncated_results_are_refused_wherever_they_end(void **state UNUSED)
{
	SCOPED(mem_free) char *text = cJSON_Print(real);
	size_t len = strlen(text);

	for (size_t end = 1; end < len; end += 1 + end / 50) {
		write_text(text, end);
		assert_wrong(":");
	}
	write_text(text, len - 1);
	assert_wrong("expected ',' or '}', found the end of the text");
}

static const struct {
	const char *text, *told;
} others[] = {
	{"", ": is empty"},
	{"[]", ":1:1: is no results.json of `stopbench run`"}, /* `stop --json` */
	{"null", ":1:1: is no results.json"},
	{"{}", ":1:1: is no results.json"},
	{"\x7f"
	 "ELF",
		":1:1: expected a value, found byte 0x7f"},
	{"{\"stopbench\": \"0.1\", \"stopbench\": \"0.1\"}",
		"the key \"stopbench\" stands in this object already"},
	{"{\"stopbench\": \"0.1\xff\"}", "byte 0xff is not UTF-8 here"},
};

static void other_files_are_refused(void **state UNUSED)
{
	struct err err;

	for (size_t i = 0; i < COUNT(others); i++) {
		write_text(others[i].text, strlen(others[i].text));
		assert_wrong(others[i].told);
	}
	assert_null(results_file_read("/no/such/file", &err));
	assert_string_equal(err.text, "/no/such/file: No such file or directory");
	assert_null(results_file_read("/tmp", &err));
	assert_string_equal(err.text, "/tmp: Is a directory");
}

/* --- the schema --- */

static void the_schema_in_docs_is_the_one_of_the_table(void **state UNUSED)
{
	SCOPED(json_free) cJSON *schema = results_schema();
	SCOPED(json_doc_done) struct json_doc doc = {0};
	struct err err;

	if (!json_doc_read(&doc, "docs/results.schema.json", &err))
		fail_msg("%s", err.text);
	assert_true(cJSON_Compare(schema, doc.root, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_results_are_read_as_they_are),
		cmocka_unit_test(every_member_of_real_results_is_in_the_table),
		cmocka_unit_test(a_member_that_nobody_knows_is_passed_over),
		cmocka_unit_test(edited_results_are_refused_by_name_and_place),
		cmocka_unit_test(truncated_results_are_refused_wherever_they_end),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(the_schema_in_docs_is_the_one_of_the_table),
	};

	return cmocka_run_group_tests(tests, run_once, remove_all);
}
