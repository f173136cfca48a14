#include "harness/stats/proportion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/stats/test/golden.h"
#include "lib/json.h"

static void upper_ends_are_those_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;
	unsigned rows = 0;

	cJSON_ArrayForEach(row, json_get(golden.root, "proportions")) {
		unsigned seen = (unsigned)json_int(row, "seen", 0);
		unsigned count = (unsigned)json_int(row, "count", 0);

		golden_assert(row, "upper_95", proportion_upper(seen, count, 0.95));
		golden_assert(row, "upper_999", proportion_upper(seen, count, 0.999));
		rows++;
	}
	assert_true(rows > 0);
}

static void without_trials_it_may_be_anything(void **state UNUSED)
{
	assert_true(proportion_upper(0, 0, 0.95) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upper_ends_are_those_of_r),
		cmocka_unit_test(without_trials_it_may_be_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
