#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "lib/cc.h"
#include "service/stop_order.h"

static void stop_order_only_becomes_faster(UNUSED void **state)
{
	static const char had[] = "had", asked[] = "asked";
	static const struct {
		struct stop_order had, asked, merged;
		bool changed;
		const char *why;
	} rows[] = {
		{{0}, {STOP_FINISH, true, 4, 5, NULL}, {STOP_FINISH, true, 4, 5, NULL},
			true, "the first order counts whole"},
		{{STOP_FINISH, true, 4, 5, NULL}, {STOP_FORCE, true, 0, 3, NULL},
			{STOP_FORCE, true, 4, 3, NULL}, true, "its jitter too"},
		{{0}, {STOP_FINISH, false, 0, 0, NULL},
			{STOP_FINISH, false, 0, 0, NULL}, true,
			"also without release and deadline"},
		{{STOP_FINISH, true, 0, 5, NULL}, {STOP_FINISH, true, 0, 5, NULL},
			{STOP_FINISH, true, 0, 5, NULL}, false,
			"the same changes nothing"},
		{{STOP_FINISH, true, 0, 5, NULL}, {STOP_INTERRUPT, true, 0, 9, NULL},
			{STOP_INTERRUPT, true, 0, 5, NULL}, true,
			"a higher mode, but no later deadline"},
		{{STOP_INTERRUPT, true, 0, 5, NULL}, {STOP_FINISH, true, 0, 3, NULL},
			{STOP_INTERRUPT, true, 0, 3, NULL}, true,
			"an earlier deadline, but no lower mode"},
		{{STOP_INTERRUPT, true, 0, 5, NULL}, {STOP_FINISH, true, 0, 0, NULL},
			{STOP_INTERRUPT, true, 0, 5, NULL}, false,
			"no deadline is later than any"},
		{{STOP_FINISH, true, 0, 0, NULL}, {STOP_FINISH, true, 0, 7, NULL},
			{STOP_FINISH, true, 0, 7, NULL}, true,
			"any deadline is earlier than none"},
		{{STOP_FINISH, false, 0, 0, NULL}, {STOP_FORCE, true, 0, 7, asked},
			{STOP_FORCE, false, 0, 7, asked}, true,
			"what is not released at first never is"},
		{{STOP_FINISH, true, 0, 9, NULL}, {STOP_FORCE, false, 0, 7, asked},
			{STOP_FORCE, true, 0, 7, asked}, true,
			"and what is being released stays so"},
		{{STOP_FORCE, true, 0, 7, had}, {STOP_FORCE, true, 0, 7, asked},
			{STOP_FORCE, true, 0, 7, had}, false, "the first reason stays"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stop_order order = rows[i].had;

		if (stop_order_merge(&order, &rows[i].asked) != rows[i].changed ||
			order.mode != rows[i].merged.mode ||
			order.release != rows[i].merged.release ||
			order.jitter_ns != rows[i].merged.jitter_ns ||
			order.deadline_ns != rows[i].merged.deadline_ns ||
			order.why != rows[i].merged.why)
			fail_msg("%s", rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_order_only_becomes_faster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
