#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/run/answer.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/mem.h"

static const struct {
	enum fetch_end end;
	long status, wanted;
	bool sent;
	enum request_end counts;
	const char *why; /* the row is there, and what it is to say */
} rows[] = {
	{FETCH_ANSWERED, 200, 0, true, REQUEST_ANSWERED, ""},
	{FETCH_ANSWERED, 204, 0, true, REQUEST_ANSWERED, ""},
	{FETCH_ANSWERED, 404, 404, true, REQUEST_ANSWERED, ""},
	{FETCH_ANSWERED, 200, 404, true, REQUEST_WRONG, "HTTP 200, wanted 404"},
	{FETCH_ANSWERED, 500, 0, true, REQUEST_WRONG, "HTTP 500, wanted 2xx"},
	{FETCH_ANSWERED, 503, 0, true, REQUEST_TURNED_AWAY, "HTTP 503, wanted 2xx"},
	{FETCH_BROKEN, 0, 0, true, REQUEST_BROKEN, "cut"},
	{FETCH_BROKEN, 200, 0, true, REQUEST_BROKEN, "cut"},
	/* It said no, and its exit was faster than the rest of its answer. */
	{FETCH_BROKEN, 503, 0, true, REQUEST_TURNED_AWAY, "HTTP 503, wanted 2xx"},
	{FETCH_BROKEN, 500, 0, true, REQUEST_WRONG, "HTTP 500, wanted 2xx"},
	{FETCH_TIMED_OUT, 0, 0, true, REQUEST_BROKEN, "cut"},
	{FETCH_FAILED, 0, 0, false, REQUEST_REFUSED, "cut"},
	{FETCH_REFUSED, 0, 0, false, REQUEST_REFUSED, "cut"},
};

static void an_answer_counts_by_its_head_and_its_end(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct buf nothing = {0};
		const struct fetch_result result = {
			.end = rows[i].end,
			.status = rows[i].status,
			.sent = rows[i].sent,
			.why = "cut",
			.body = &nothing,
		};
		SCOPED(mem_free) char *why = NULL;

		assert_int_equal(answer_end(&result, rows[i].wanted), rows[i].counts);
		if (rows[i].counts == REQUEST_ANSWERED)
			continue;
		why = answer_why(&result, rows[i].wanted);
		assert_memory_equal(why, rows[i].why, strlen(rows[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_counts_by_its_head_and_its_end),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
