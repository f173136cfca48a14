#include "harness/stats/holm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "harness/stats/test/golden.h"
#include "lib/mem.h"

static void adjusted_p_values_are_those_of_r(void **state UNUSED)
{
	SCOPED(json_doc_done) struct json_doc golden = golden_read();
	const cJSON *row;

	cJSON_ArrayForEach(row, json_get(golden.root, "holm")) {
		unsigned count;
		SCOPED(mem_free) double *p = golden_values(row, "p", &count);

		holm_adjust(p, p, count);
		for (unsigned i = 0; i < count; i++) {
			SCOPED(mem_free) char *key = mem_textf("adjusted.%u", i);

			golden_assert(row, key, p[i]);
		}
	}
}

static void no_tests_need_no_adjustment(void **state UNUSED)
{
	holm_adjust(NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adjusted_p_values_are_those_of_r),
		cmocka_unit_test(no_tests_need_no_adjustment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
