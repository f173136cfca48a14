#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/diagnosis_id.h"
#include "lib/cc.h"

static const char *const meanings[DIAGNOSES] = {
#define DIAGNOSIS(id, rule, meaning) [DIAGNOSIS_##id] = meaning,
#include "harness/scenario/diagnoses.def"
#undef DIAGNOSIS
};

/* "| X10 | ..." */
static bool is_row(const char *line)
{
	return line[0] == '|' && line[1] == ' ' && isupper((unsigned char)line[2]) &&
		isdigit((unsigned char)line[3]);
}

static void the_document_has_every_diagnosis_and_no_other(void **state UNUSED)
{
	FILE *file = fopen("docs/diagnoses.md", "r");
	unsigned id = DIAGNOSIS_ANY + 1;
	char line[2048], expected[512];

	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		if (!is_row(line))
			continue;
		assert_true(id < DIAGNOSES);
		snprintf(expected, sizeof expected, "| %s | %s | ", diagnosis_ids[id],
			meanings[id]);
		line[strlen(expected)] = '\0';
		assert_string_equal(line, expected);
		id++;
	}
	fclose(file);
	assert_int_equal(id, DIAGNOSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_has_every_diagnosis_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
