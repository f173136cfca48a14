#include "harness/report/proved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"

#define ROUND(id, half, could_run, met, rest)                                          \
	"{\"id\":\"" id "\",\"half\":\"" half                                          \
	"\",\"axes\":{},\"could_run\":" could_run ",\"met\":" met                      \
	",\"verdict\":\"clean\"" rest "}"

/* What it says of these rounds, behind the table. */
static void expect_claims(const char *cases, const char *wanted)
{
	SCOPED(mem_free) char *results =
		mem_textf("{\"cases\":[%s],\"summary\":{}}", cases);
	SCOPED(json_free) cJSON *json = json_parse(results, strlen(results));
	char *text = NULL, *claims;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(json);
	proved_print(out, json);
	fclose(out);
	claims = strstr(text, " in 0\n");
	assert_non_null(claims);
	assert_string_equal(claims, wanted);
	free(text);
}

static void each_scenario_has_one_sentence(void **state UNUSED)
{
	expect_claims(ROUND("a", "main", "true", "true",
			      ",\"why\":\"Cats purr.\"") "," ROUND("a", "twin", "true",
			      "true", ",\"why\":\"Cats purr.\"") "," ROUND("b", "main",
			      "true", "true", ",\"name\":\"dogs\",\"why\":null"),
		" in 0\n\n"
		"Proved by a (2 runs): Cats purr.\n"
		"Proved by b (1 run): dogs\n\n");
}

static void what_went_otherwise_is_not_proved(void **state UNUSED)
{
	expect_claims(ROUND("a", "main", "true", "true",
			      ",\"why\":\"Cats purr.\"") "," ROUND("a", "main", "true",
			      "false", ",\"why\":\"Cats purr.\"") "," ROUND("a", "main",
			      "false", "false", ",\"why\":\"Cats purr.\""),
		" in 0\n\n"
		"NOT PROVED by a (of 3 runs 1 went otherwise, 1 not at all): Cats purr.\n\n");
}

static void nothing_is_proved_by_nothing(void **state UNUSED)
{
	expect_claims("", " in 0\n\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scenario_has_one_sentence),
		cmocka_unit_test(what_went_otherwise_is_not_proved),
		cmocka_unit_test(nothing_is_proved_by_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
