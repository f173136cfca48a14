#include "harness/compare/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "lib/cc.h"
#include "lib/mem.h"

#define MS       1e6
#define TIMES    64
#define CASES    122
#define NO_NOISE 0.0

/* The times of one case, to be made wrong in one way. */
struct scene {
	double base_ns[TIMES], new_ns[TIMES];
	struct gate_case cases[CASES]; /* that of the times, and others without any */
	struct gate_result results[CASES];
};

/* Differences from NEW - noise to NEW + noise, evenly spread, the same for any count. */
static void measure(struct scene *scene, double base_ms, double shift_ms,
	double noise_ms, unsigned pairs)
{
	assert_true(pairs <= TIMES);
	for (unsigned i = 0; i < pairs; i++) {
		double place = pairs > 1 ? 2.0 * i / (pairs - 1) - 1 : 0;

		scene->base_ns[i] = base_ms * MS;
		scene->new_ns[i] = (base_ms + shift_ms + noise_ms * place) * MS;
	}
	for (unsigned i = 0; i < CASES; i++)
		scene->cases[i] = (struct gate_case){.paired = true};
	scene->cases[0] =
		(struct gate_case){scene->base_ns, scene->new_ns, pairs, pairs, true};
}

static const struct gate_result *decided(
	struct scene *scene, unsigned cases, enum gate_plan plan)
{
	gate_decide(scene->results, scene->cases, cases, plan);
	return scene->results;
}

static void assert_decided(struct scene *scene, unsigned cases, enum gate_plan plan,
	enum gate_decision decision, unsigned rounds_needed, const char *why)
{
	const struct gate_result *result = decided(scene, cases, plan);

	if (result->decision != decision || result->rounds_needed != rounds_needed)
		fail_msg("%s: %s, %u rounds needed, p %g", why,
			gate_decision_name(result->decision), result->rounds_needed,
			result->adjusted_p);
}

static void times_are_compared_in_relation_and_absolutely(void **state UNUSED)
{
	static const struct {
		double base_ms, shift_ms, noise_ms;
		unsigned pairs, cases;
		enum gate_decision decision;
		unsigned rounds_needed;
		const char *why;
	} rows[] = {
		{100, 6, 1, 20, 1, GATE_SLOWER, 0, "more than the tolerance"},
		{100, -6, 1, 20, 1, GATE_FASTER, 0, "less"},
		{100, 2.6, 1, 20, 1, GATE_SLOWER, 0, "more than half the tolerance"},
		{100, 2.4, 1, 20, 1, GATE_SAME, 0, "proven, but too little"},
		{100, -2.4, 1, 20, 1, GATE_SAME, 0, "proven, but too little"},
		{20, 2.4, 1, 20, 1, GATE_SAME, 0, "12 %, but under 2.5 ms"},
		{2000, 40, 5, 20, 1, GATE_SAME, 0, "40 ms, but 2 %"},
		{2000, 60, 5, 20, 1, GATE_SLOWER, 0, "3 % and 60 ms"},
		{100, 0, 1, 20, 1, GATE_SAME, 0, "nothing differs"},
		{100, 0, NO_NOISE, 20, 1, GATE_SAME, 0, "all ties and zeros"},
		{100, 6, NO_NOISE, 20, 1, GATE_SLOWER, 0, "all ties"},
		{100, 6, 1, 9, 1, GATE_TOO_FEW, 10, "too few for 0.1 %"},
		{100, 6, 1, 10, 1, GATE_SLOWER, 0, "just enough for 0.1 %"},
		{100, 6, 1, 10, 10, GATE_SLOWER, 0, "and for 1 % of ten cases"},
		{100, 6, 1, 10, 11, GATE_TOO_FEW, 11, "not for eleven"},
		{100, 6, 1, 13, 120, GATE_TOO_FEW, 14, "too few for 120 cases"},
		{100, 6, 1, 14, 120, GATE_SLOWER, 0, "enough for 120 cases"},
		{100, 0, 1, 6, 120, GATE_SAME, 0, "the same takes no proof"},
		{100, 0, 1, 5, 1, GATE_TOO_FEW, 10, "no interval"},
		{100, 0, 1, 0, 1, GATE_TOO_FEW, 10, "no times"},
		{100, 0, 1, 0, 120, GATE_TOO_FEW, 14, "no times"},
		{100, 3, 10, 12, 1, GATE_TOO_FEW, 40, "too much noise"},
		{100, 0, 900, 20, 1, GATE_TOO_FEW, GATE_TIMES_MAX, "hopeless"},
	};
	struct scene scene;

	for (size_t i = 0; i < COUNT(rows); i++) {
		measure(&scene, rows[i].base_ms, rows[i].shift_ms, rows[i].noise_ms,
			rows[i].pairs);
		assert_decided(&scene, rows[i].cases, GATE_ONCE, rows[i].decision,
			rows[i].rounds_needed, rows[i].why);
	}
}

static void result_says_by_how_much(void **state UNUSED)
{
	const struct gate_result *result;
	struct scene scene;

	measure(&scene, 200, 20, 1, 21);
	result = decided(&scene, 1, GATE_ONCE);
	assert_true(result->tolerance_ns == 10 * MS);
	assert_true(fabs(result->shift_ns - 20 * MS) < 1);
	assert_true(result->interval_ns.low > 19 * MS &&
		result->interval_ns.low < 20 * MS &&
		result->interval_ns.high > 20 * MS &&
		result->interval_ns.high < 21 * MS);
	assert_true(fabs(result->adjusted_p - 10 * ldexp(1, -21)) < 1e-12);
	result = decided(&scene, 120, GATE_ONCE);
	assert_true(fabs(result->adjusted_p - 120 * ldexp(1, -21)) < 1e-12);
	measure(&scene, 200, -20, 1, 21);
	result = decided(&scene, 1, GATE_ONCE);
	assert_true(result->adjusted_p < GATE_FAMILY_LEVEL);
	measure(&scene, 200, 0, 0, 0);
	result = decided(&scene, 1, GATE_ONCE);
	assert_true(isnan(result->shift_ns) && isnan(result->interval_ns.low));
	assert_true(result->tolerance_ns == 5 * MS && result->adjusted_p == 1);
	gate_decide(NULL, NULL, 0, GATE_ONCE);
}

/* Three cases with 13, 14 and 20 pairs, of 120. The smallest p leaves the next a family
 * of one less, but 13 pairs never reach it. */
static void cases_of_a_run_share_its_level(void **state UNUSED)
{
	struct scene scenes[3];

	for (unsigned i = 0; i < 3; i++)
		measure(&scenes[i], 100, 6, 1, (unsigned[]){13, 14, 20}[i]);
	scenes[0].cases[60] = scenes[1].cases[0];
	scenes[0].cases[119] = scenes[2].cases[0];
	decided(&scenes[0], 120, GATE_ONCE);
	assert_int_equal(scenes[0].results[0].decision, GATE_TOO_FEW);
	assert_int_equal(scenes[0].results[60].decision, GATE_SLOWER);
	assert_int_equal(scenes[0].results[119].decision, GATE_SLOWER);
	assert_true(
		fabs(scenes[0].results[60].adjusted_p - 119 * ldexp(1, -14)) < 1e-9);
}

/* Nine stops of 40 were far quicker. The sign test alone says slower; the interval of the
 * shift, from below zero on, does not. */
static void p_never_decides_alone(void **state UNUSED)
{
	const struct gate_result *result;
	struct scene scene;

	measure(&scene, 200, 12, 1, 40);
	for (unsigned i = 0; i < 9; i++)
		scene.new_ns[i] = (20 + i) * MS;
	result = decided(&scene, 1, GATE_ONCE);
	assert_true(result->adjusted_p <= GATE_FAMILY_LEVEL);
	assert_true(result->shift_ns > result->tolerance_ns / 2);
	assert_true(result->interval_ns.low < 0);
	assert_int_equal(result->decision, GATE_TOO_FEW);
}

static void samples_without_pairs_are_compared(void **state UNUSED)
{
	static const struct {
		unsigned base_count, new_count, cases;
		double shift_ms;
		enum gate_decision decision;
		unsigned rounds_needed;
	} rows[] = {
		{7, 7, 1, 12, GATE_SLOWER, 0},
		{6, 6, 1, 12, GATE_TOO_FEW, 7},
		{7, 7, 120, 12, GATE_TOO_FEW, 8},
		{8, 8, 120, 12, GATE_SLOWER, 0},
		{30, 5, 120, -12, GATE_FASTER, 0},
		{20, 20, 1, 0, GATE_SAME, 0},
		{20, 0, 1, 0, GATE_TOO_FEW, 7},
	};
	struct scene scene;

	for (size_t i = 0; i < COUNT(rows); i++) {
		measure(&scene, 100, rows[i].shift_ms, 1, 30);
		scene.cases[0].paired = false;
		scene.cases[0].base_count = rows[i].base_count;
		scene.cases[0].new_count = rows[i].new_count;
		assert_decided(&scene, rows[i].cases, GATE_ONCE, rows[i].decision,
			rows[i].rounds_needed, "unpaired");
	}
}

static void looks_end_as_soon_as_a_case_is_settled(void **state UNUSED)
{
	static const struct {
		double shift_ms, noise_ms;
		unsigned pairs, cases;
		enum gate_decision decision;
		unsigned rounds_needed;
		const char *why;
	} rows[] = {
		{0, 1, 0, 1, GATE_TOO_FEW, 8, "not begun"},
		{0, 1, 7, 1, GATE_SAME, 0, "interrupted, but quiet"},
		{0, 1, 8, 120, GATE_SAME, 0, "quiet"},
		{3, 1, 8, 1, GATE_SAME, 12, "within the tolerance, not within half"},
		{6, 1, 8, 1, GATE_TOO_FEW, 12, "nothing is slower at the first look"},
		{6, 1, 11, 1, GATE_TOO_FEW, 12, "nor between looks"},
		{6, 1, 12, 1, GATE_SLOWER, 0, "slower at the second look"},
		{6, 1, 12, 10, GATE_SLOWER, 0, "of ten cases"},
		{6, 1, 12, 11, GATE_TOO_FEW, 16, "not of eleven"},
		{6, 1, 16, 122, GATE_SLOWER, 0, "of 122 cases at the third"},
		{-6, 1, 16, 122, GATE_FASTER, 0, "or faster"},
		{3, 20, 28, 1, GATE_TOO_FEW, 40, "much noise"},
		{2, 1, 40, 1, GATE_SAME, 0, "the last look"},
	};
	struct scene scene;

	for (size_t i = 0; i < COUNT(rows); i++) {
		measure(&scene, 100, rows[i].shift_ms, rows[i].noise_ms, rows[i].pairs);
		assert_decided(&scene, rows[i].cases, GATE_LOOKS, rows[i].decision,
			rows[i].rounds_needed, rows[i].why);
	}
	measure(&scene, 100, 3, 40, GATE_LOOK_LAST);
	assert_int_equal(decided(&scene, 1, GATE_LOOKS)->decision, GATE_TOO_FEW);
	assert_true(scene.results[0].rounds_needed > GATE_LOOK_LAST);
}

/* Eighteen clear pairs, and then two of BASE that took long: the looks before are kept. */
static void looks_do_not_forget(void **state UNUSED)
{
	double before;
	struct scene scene;

	measure(&scene, 100, 6, 1, 20);
	scene.cases[0].base_count = scene.cases[0].new_count = 16;
	before = decided(&scene, 1, GATE_LOOKS)->adjusted_p;
	for (unsigned i = 18; i < 20; i++)
		scene.base_ns[i] = 900 * MS;
	scene.cases[0].base_count = scene.cases[0].new_count = 20;
	assert_true(decided(&scene, 1, GATE_LOOKS)->adjusted_p == before);
	assert_true(decided(&scene, 1, GATE_ONCE)->adjusted_p > before);
	assert_int_equal(decided(&scene, 1, GATE_LOOKS)->decision, GATE_SLOWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_compared_in_relation_and_absolutely),
		cmocka_unit_test(result_says_by_how_much),
		cmocka_unit_test(cases_of_a_run_share_its_level),
		cmocka_unit_test(p_never_decides_alone),
		cmocka_unit_test(samples_without_pairs_are_compared),
		cmocka_unit_test(looks_end_as_soon_as_a_case_is_settled),
		cmocka_unit_test(looks_do_not_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
