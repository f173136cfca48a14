#include "harness/report/cure_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/json.h"

#define INIT                                                                           \
	"{\"cure\":\"an init\",\"how\":\"--init\",\"verdict\":\"dirty\","              \
	"\"exit_code\":143,\"stop_ns\":4500000,\"grace_ns\":1000000000,\"trouble\":null}"
#define OWN_DEATH                                                                      \
	"{\"cure\":\"exec form, an init\",\"how\":\"exec; and --init\",\"two\":true,"  \
	"\"verdict\":\"dirty\",\"diagnosis\":\"X9\",\"exit_code\":143,"                \
	"\"stop_ns\":4500000,\"grace_ns\":1000000000,\"trouble\":null}"
#define SIGNAL                                                                         \
	"{\"cure\":\"SIGINT\",\"how\":\"--stop-signal\",\"verdict\":\"clean\","        \
	"\"exit_code\":0,\"stop_ns\":2000000,\"grace_ns\":1000000000,\"trouble\":null}"
#define GRACE                                                                          \
	"{\"cure\":\"grace 3.00s\",\"how\":\"--grace\",\"verdict\":\"killed\","        \
	"\"exit_code\":137,\"stop_ns\":3001000000,\"grace_ns\":3000000000,"            \
	"\"trouble\":null}"
#define CLEAN(name, how, two)                                                          \
	"{\"cure\":\"" name "\",\"how\":\"" how "\",\"two\":" two                      \
	",\"verdict\":\"clean\",\"exit_code\":0,\"stop_ns\":4500000,"                  \
	"\"grace_ns\":3000000000,\"trouble\":null}"
#define BOTH  CLEAN("grace 3.00s, exec form", "--grace; and exec", "true")
#define ALONE CLEAN("exec form alone", "exec", "false")
#define BROKEN                                                                         \
	"{\"cure\":\"exec form\",\"how\":\"exec\",\"verdict\":null,"                   \
	"\"exit_code\":null,\"stop_ns\":null,\"grace_ns\":1000000000,"                 \
	"\"trouble\":\"no such program\"}"

static void expect_text(const char *cures, const char *verdict, const char *wanted)
{
	const struct terminal terminal = {
		.width = 80, .red = "", .green = "", .yellow = "", .plain = ""};
	SCOPED(json_free) cJSON *json = json_parse(cures, strlen(cures));
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(json);
	cure_table_print(json, verdict, &terminal, out);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

static void what_made_the_stop_clean_is_told_with_what_to_write(void **state UNUSED)
{
	expect_text("[" INIT "," SIGNAL "]", "killed",
		"  Run again, with one cure each:\n"
		"      CURE             EXIT     STOP  VERDICT\n"
		"      an init           143   4.50ms  dirty\n"
		"      SIGINT              0   2.00ms  clean\n"
		"  Clean with SIGINT: --stop-signal\n");
}

static void what_was_in_time_is_told_where_nothing_is_clean(void **state UNUSED)
{
	expect_text("[" INIT "," GRACE "," BROKEN "]", "killed",
		"  Run again, with one cure each:\n"
		"      CURE             EXIT     STOP  VERDICT\n"
		"      an init           143   4.50ms  dirty\n"
		"      grace 3.00s       137  > 3.00s  killed\n"
		"      exec form           -        -  not run\n"
		"        no such program\n"
		"      None of them makes the stop clean.\n"
		"  In time with an init: --init\n");
}

static void in_time_is_no_news_of_a_stop_that_was(void **state UNUSED)
{
	expect_text("[" INIT "]", "dirty",
		"  Run again, with one cure each:\n"
		"      CURE             EXIT     STOP  VERDICT\n"
		"      an init           143   4.50ms  dirty\n"
		"      None of them makes the stop clean.\n");
}

static void two_cures_are_told_as_two_and_an_own_death_as_what_it_is(
	void **state UNUSED)
{
	expect_text("[" GRACE "," OWN_DEATH "]", "killed",
		"  Run again, with one cure each; none was clean, so with two:\n"
		"      CURE               EXIT     STOP  VERDICT\n"
		"      grace 3.00s         137  > 3.00s  killed\n"
		"      exec form, an init  143   4.50ms  dirty\n"
		"        143 is the program's own death by SIGTERM: it has no handler, so "
		"nothing\n"
		"        of its work was finished or saved\n"
		"      None of them makes the stop clean.\n"
		"  In time with exec form, an init: exec; and --init\n");
}

static void two_cures_are_not_advised_where_one_of_them_does_it(void **state UNUSED)
{
	expect_text("[" GRACE "," BOTH "," ALONE "]", "killed",
		"  Run again, with one cure each; none was clean, so with two:\n"
		"      CURE                   EXIT     STOP  VERDICT\n"
		"      grace 3.00s             137  > 3.00s  killed\n"
		"      grace 3.00s, exec form    0   4.50ms  clean\n"
		"      exec form alone           0   4.50ms  clean\n"
		"  Clean with exec form alone: exec\n");
}

static void that_nothing_can_be_tried_is_said(void **state UNUSED)
{
	expect_text("[]", "killed",
		"  Cures: there is none that can be tried from outside\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_made_the_stop_clean_is_told_with_what_to_write),
		cmocka_unit_test(what_was_in_time_is_told_where_nothing_is_clean),
		cmocka_unit_test(in_time_is_no_news_of_a_stop_that_was),
		cmocka_unit_test(
			two_cures_are_told_as_two_and_an_own_death_as_what_it_is),
		cmocka_unit_test(two_cures_are_not_advised_where_one_of_them_does_it),
		cmocka_unit_test(that_nothing_can_be_tried_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
