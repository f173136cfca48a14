#include "harness/results/case_rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"

static const char text[] =
	"{\"cases\": ["
	"{\"id\": \"kill/10\", \"half\": \"main\", \"axes\": {\"load.sessions\": 3}, \"round\": 1},"
	"{\"id\": \"kill/10\", \"half\": \"main\", \"axes\": {\"load.sessions\": 3}, \"round\": 2},"
	"{\"id\": \"kill/10\", \"half\": \"twin\", \"axes\": {\"load.sessions\": 3}, \"round\": 1},"
	"{\"id\": \"kill/10\", \"half\": \"main\", \"axes\": {\"stop.grace\": \"2s\"}, \"round\": 1},"
	"{\"id\": \"kill/10\", \"half\": \"main\", \"axes\": {\"load.sessions\": 3}, \"round\": 3}]}";

static void case_rounds_are_of_one_id_half_and_combination(void **state)
{
	SCOPED(json_free) cJSON *results = json_parse(text, strlen(text));
	SCOPED(case_list_done) struct case_list list = {0};
	static const char *const titles[] = {"kill/10 load.sessions=3",
		"kill/10 load.sessions=3 (twin)", "kill/10 stop.grace=2s"};

	(void)state;
	assert_non_null(results);
	case_list_fill(&list, results);
	assert_int_equal(list.count, COUNT(titles));
	for (size_t i = 0; i < COUNT(titles); i++) {
		SCOPED(mem_free) char *title =
			case_rounds_title(list.item[i].rounds[0]);

		assert_string_equal(title, titles[i]);
		assert_ptr_equal(case_list_find(&list, &list.item[i]), &list.item[i]);
	}
	/* Also where they do not follow one another, as in a file that was merged. */
	assert_int_equal(list.item[0].count, 3);
	assert_int_equal(json_int(list.item[0].rounds[2], "round", 0), 3);
	assert_int_equal(list.item[1].count, 1);
}

static void case_list_of_something_else_is_empty(void **state)
{
	SCOPED(json_free) cJSON *nothing = cJSON_CreateObject();
	SCOPED(case_list_done) struct case_list list = {0};

	(void)state;
	case_list_fill(&list, nothing);
	assert_int_equal(list.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(case_rounds_are_of_one_id_half_and_combination),
		cmocka_unit_test(case_list_of_something_else_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
