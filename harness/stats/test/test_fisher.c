#include "harness/stats/fisher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/stats/test/golden.h"
#include "lib/json.h"

static void chances_of_more_failures_are_those_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;
	unsigned rows = 0;

	cJSON_ArrayForEach(row, json_get(golden.root, "fisher")) {
		golden_assert(row, "p",
			fisher_p_more((unsigned)json_int(row, "base_failed", 0),
				(unsigned)json_int(row, "base_count", 0),
				(unsigned)json_int(row, "new_failed", 0),
				(unsigned)json_int(row, "new_count", 0)));
		rows++;
	}
	assert_true(rows > 0);
}

static void without_rounds_nothing_is_proven(void **state UNUSED)
{
	assert_true(fisher_p_more(0, 0, 5, 5) == 1);
	assert_true(fisher_p_more(0, 5, 0, 0) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chances_of_more_failures_are_those_of_r),
		cmocka_unit_test(without_rounds_nothing_is_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
