#include "harness/report/what_if_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/json.h"

static void expect_text(const char *changes, const char *wanted)
{
	const struct terminal terminal = {
		.width = 60, .red = "", .green = "", .yellow = "", .plain = ""};
	SCOPED(json_free) cJSON *json = json_parse(changes, strlen(changes));
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(json);
	what_if_table_print(json, "killed", &terminal, out);
	fclose(out);
	assert_string_equal(text, wanted);
	free(text);
}

#define HEAD                                                                           \
	"  What if? Run again with one change each, in turn with the case as it is:\n"

static void a_change_is_told_with_its_saving_and_its_verdict(void **state UNUSED)
{
	expect_text("[{\"what\":\"session 2: disconnect\",\"knob\":\"a.b\","
		    "\"from\":\"1s\",\"to\":\"0s\",\"verdict\":\"clean\","
		    "\"says\":\"saves 999ms (predicted 1.00s)\"},"
		    "{\"what\":\"x\",\"knob\":\"c\",\"from\":\"1\",\"to\":\"2\","
		    "\"verdict\":\"killed\",\"says\":\"noise (not predicted)\"}]",
		HEAD "      a.b 1s -> 0s: saves 999ms (predicted 1.00s), and is\n"
		     "      clean\n"
		     "          session 2: disconnect\n"
		     "      c 1 -> 2: noise (not predicted)\n"
		     "          x\n");
}

static void that_nothing_can_be_changed_is_told(void **state UNUSED)
{
	expect_text("[]", "  What if: nothing that held it up hangs on the scenario\n");
}

static void texts_are_inert(void **state UNUSED)
{
	expect_text("[{\"what\":\"\\u001b[31m\",\"knob\":\"k\",\"from\":\"1\","
		    "\"to\":\"2\",\"verdict\":null,\"says\":\"s\"}]",
		HEAD "      k 1 -> 2: s\n"
		     "          \357\277\275[31m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_told_with_its_saving_and_its_verdict),
		cmocka_unit_test(that_nothing_can_be_changed_is_told),
		cmocka_unit_test(texts_are_inert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
