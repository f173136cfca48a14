/*
 * `stopbench explain`, and the document that it writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "lib/cc.h"
#include "lib/fs.h"
#include "test/support/command_line.h"

/* Its output has this in it. */
static void expect_output(const char *const *arguments, const char *says)
{
	struct program_output output = program_run(arguments);

	if (output.code != 0 || !strstr(output.out, says))
		print_error("code %d\n%s\n%s\n", output.code, output.out, output.err);
	assert_int_equal(output.code, 0);
	assert_non_null(strstr(output.out, says));
	program_output_done(&output);
}

static void the_document_is_what_the_command_prints(void **state UNUSED)
{
	SCOPED(buf_done) struct buf document = {0};
	struct program_output output = program_run(
		(const char *const[]){"stopbench", "explain", "--markdown", NULL});

	assert_int_equal(output.code, 0);
	assert_true(fs_read_file(&document, "docs/diagnoses.md"));
	if (strcmp(buf_text(&document), output.out) != 0)
		fail_msg("not what is printed by stopbench explain --markdown");
	program_output_done(&output);
}

static void ids_are_explained_whatever_their_case(void **state UNUSED)
{
	expect_output((const char *const[]){"stopbench", "explain", "w1", "L1", NULL},
		diagnosis_meaning(DIAGNOSIS_L1));
	expect_output((const char *const[]){"stopbench", "explain", "w1", "L1", NULL},
		diagnosis_cure(DIAGNOSIS_W1));
}

static void without_an_id_all_are_listed(void **state UNUSED)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++)
		expect_output((const char *const[]){"stopbench", "explain", NULL},
			diagnosis_meaning(id));
}

static void an_unknown_id_is_an_error_that_names_a_near_one(void **state UNUSED)
{
	expect_code((const char *const[]){"stopbench", "explain", "H115", NULL}, 2,
		"no such diagnosis: H115; did you mean \"H15\"?");
	expect_code((const char *const[]){"stopbench", "explain", "any", NULL}, 2,
		"no such diagnosis: any; `stopbench explain` lists them");
}

/* The verdicts that need no cure are two. */
static void each_says_what_it_rests_on_and_what_cures_it(void **state UNUSED)
{
	for (unsigned id = DIAGNOSIS_ANY + 1; id < DIAGNOSES; id++) {
		bool curable = id != DIAGNOSIS_X0 && id != DIAGNOSIS_Z0;

		assert_true(diagnosis_proof(id)[0] != '\0');
		assert_true(diagnosis_example(id)[0] != '\0');
		assert_int_equal(diagnosis_cure(id)[0] != '\0', curable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_the_command_prints),
		cmocka_unit_test(ids_are_explained_whatever_their_case),
		cmocka_unit_test(without_an_id_all_are_listed),
		cmocka_unit_test(an_unknown_id_is_an_error_that_names_a_near_one),
		cmocka_unit_test(each_says_what_it_rests_on_and_what_cures_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
