#include "harness/format/outputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/fs.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "test/support/temp_dir.h"

static void add(struct outputs *outputs, const char *text)
{
	struct err err;

	if (!outputs_add(outputs, text, &err))
		fail_msg("%s", err.text);
}

static void the_table_is_on_stdout_where_all_others_have_files(void **state UNUSED)
{
	SCOPED(outputs_done) struct outputs outputs = {0};

	assert_string_equal(outputs_on_stdout(&outputs)->name, "table");
	add(&outputs, "json=x.json");
	assert_string_equal(outputs_on_stdout(&outputs)->name, "table");
	add(&outputs, "proved");
	assert_string_equal(outputs_on_stdout(&outputs)->name, "proved");
	add(&outputs, "table=y=z.txt");
	assert_string_equal(outputs.list[2].path, "y=z.txt");
}

static const struct {
	const char *text, *told;
} wrong[] = {
	{"", ", not \"\""},
	{"jsno", ", not \"jsno\""},
	{"jsno=file", ", not \"jsno\""},
	{"json=", "json=: a file behind \"=\""},
	{"json", "table and json would both go to stdout: write json=FILE"},
	{"json=t.txt", "table and json would both go to t.txt"},
};

static void what_cannot_be_printed_together_is_told(void **state UNUSED)
{
	SCOPED(outputs_done) struct outputs outputs = {0};
	struct err err;

	add(&outputs, "table");
	add(&outputs, "table=t.txt");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_false(outputs_add(&outputs, wrong[i].text, &err));
		if (!strstr(err.text, wrong[i].told))
			fail_msg("%s: %s", wrong[i].text, err.text);
	}
	assert_int_equal(outputs.count, 2);
}

static void each_file_gets_its_format_also_behind_one_that_fails(void **state UNUSED)
{
	SCOPED(outputs_done) struct outputs outputs = {0};
	SCOPED(json_free) cJSON *results = json_parse("{\"cases\":[]}", 12);
	char *folder = temp_dir_create();
	SCOPED(mem_free) char *path = mem_textf("%s/a/b", folder);
	SCOPED(mem_free) char *json = mem_textf("json=%s", path);
	SCOPED(buf_done) struct buf text = {0};
	struct err err = {0};

	add(&outputs, "json=/dev/full");
	add(&outputs, "table=/dev/null/x");
	add(&outputs, json);
	assert_false(outputs_check(&outputs, &err));
	assert_string_equal(err.text, "/dev/null: is no folder");
	assert_false(outputs_print(&outputs, results, &err));
	assert_string_equal(err.text, "write /dev/full: No space left on device");
	assert_true(fs_read_file(&text, path));
	assert_string_equal(buf_text(&text), "{\n\t\"cases\":\t[]\n}\n");
	temp_dir_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_on_stdout_where_all_others_have_files),
		cmocka_unit_test(what_cannot_be_printed_together_is_told),
		cmocka_unit_test(each_file_gets_its_format_also_behind_one_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
