#include "harness/fleet/fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "lib/cc.h"
#include "lib/json.h"

#define NEAR 1e-9

static struct fleet fleet_of(const struct fleet_samples *samples)
{
	return (struct fleet){
		.replicas = 10,
		.hosts = 1,
		.parallelism = 1,
		.grace = 10,
		.simulations = 100,
		.seed = 1,
		.samples = samples,
	};
}

static struct fleet_samples fixed(double stop, double start)
{
	struct fleet_samples samples = {0};

	fleet_samples_add(&samples, FLEET_STOP, stop);
	fleet_samples_add(&samples, FLEET_START, start);
	return samples;
}

static void is(const struct fleet_estimate *estimate, double value)
{
	assert_true(fabs(estimate->median - value) < NEAR);
	assert_true(fabs(estimate->low - value) < NEAR);
	assert_true(fabs(estimate->high - value) < NEAR);
}

static void one_after_the_other_adds_up(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction = fleet_predict(&fleet);

	is(&prediction.update, 50);
	is(&prediction.away, 1);
	is(&prediction.longest_stop, 2);
	is(&prediction.over_grace, 0);
}

static void side_by_side_goes_in_batches(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.parallelism = 4; /* 4 + 4 + 2 */
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 15);
	fleet.parallelism = 100;
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 5);
}

static void a_delay_comes_between_two_tasks_and_not_after_the_last(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.delay = 1;
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 59);
}

static void start_first_waits_for_the_last_stop_alone(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.start_first = true;
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 32);
	is(&prediction.away, 0);
}

static void a_shorter_stop_is_saved_once_a_task(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.shorter = 0.5;
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 45);
	fleet.shorter = 100;
	prediction = fleet_predict(&fleet);
	is(&prediction.update, 30);
}

static void a_stop_over_the_grace_is_cut_off_and_counted(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(12, 0);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction = fleet_predict(&fleet);

	is(&prediction.over_grace, 10);
	is(&prediction.longest_stop, 10);
	is(&prediction.update, 100);
}

static void hosts_are_drained_one_after_the_other(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.hosts = 4;
	prediction = fleet_predict(&fleet);
	is(&prediction.drain, 20);
}

static void the_lag_is_what_is_at_risk(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples samples = fixed(2, 3);
	struct fleet fleet = fleet_of(&samples);
	struct fleet_prediction prediction;

	fleet.lag = 1;
	prediction = fleet_predict(&fleet);
	is(&prediction.at_risk, 1.0 / 50);
}

/* The mean of many draws is near that of the samples, and few samples leave a wide
 * interval. */
static void few_samples_leave_a_wide_interval(void **state UNUSED)
{
	SCOPED(fleet_samples_done) struct fleet_samples few = {0}, many = {0};
	struct fleet of_few = fleet_of(&few), of_many = fleet_of(&many);
	struct fleet_prediction narrow, wide;

	for (unsigned i = 0; i < 200; i++)
		fleet_samples_add(&many, FLEET_STOP, i % 2 ? 1 : 3);
	fleet_samples_add(&few, FLEET_STOP, 1);
	fleet_samples_add(&few, FLEET_STOP, 3);
	fleet_samples_add(&few, FLEET_STOP, 1);
	fleet_samples_add(&few, FLEET_STOP, 3);
	of_few.replicas = of_many.replicas = 1000;
	wide = fleet_predict(&of_few);
	narrow = fleet_predict(&of_many);
	assert_true(fabs(narrow.update.median - 2000) < 100);
	assert_true(wide.update.high - wide.update.low >
		2 * (narrow.update.high - narrow.update.low));
}

/* --- what was measured --- */

static const char results_text[] =
	"{\"cases\":[{\"half\":\"main\",\"rollout\":{\"steps\":["
	"{\"what\":\"update\",\"asked_ns\":0,\"took_ns\":20000000000}],\"tasks\":["
	"{\"name\":\"a.1\",\"created_ns\":-9,\"running_ns\":-8,\"unwanted_ns\":1000000000,"
	"\"before_signal_ns\":2000000000,\"stop_ns\":500000000,\"ended_ns\":3500000000},"
	"{\"name\":\"a.2\",\"created_ns\":-9,\"running_ns\":-8,\"unwanted_ns\":5000000000,"
	"\"before_signal_ns\":2000000000,\"stop_ns\":700000000,\"ended_ns\":7700000000},"
	"{\"name\":\"a.1\",\"created_ns\":1000000000,\"running_ns\":4500000000},"
	"{\"name\":\"a.2\",\"created_ns\":5000000000,\"running_ns\":9000000000}]}}]}";

static void spans_are_found_by_the_slots_of_tasks(void **state UNUSED)
{
	SCOPED(json_free)
	cJSON *results = json_parse(results_text, sizeof results_text - 1);
	SCOPED(fleet_samples_done) struct fleet_samples samples = {0};

	assert_int_equal(fleet_samples_read(&samples, results), 1);
	assert_false(samples.start_first);
	assert_int_equal(samples.count[FLEET_STOP], 2);
	assert_true(fabs(samples.span[FLEET_BEGIN][0] - 1) < NEAR);
	assert_true(fabs(samples.span[FLEET_WAIT][0] - 2) < NEAR);
	assert_true(fabs(samples.span[FLEET_STOP][0] - 0.5) < NEAR);
	assert_true(fabs(samples.span[FLEET_START][0] - 1) < NEAR);
	assert_int_equal(samples.count[FLEET_NEXT], 1);
	assert_true(fabs(samples.span[FLEET_NEXT][0] - 0.5) < NEAR);
	assert_true(fabs(samples.span[FLEET_END][0] - 11) < NEAR);
	assert_true(fabs(samples.updates[0] - 20) < NEAR);
}

static void single_stops_have_a_stop_and_a_start(void **state UNUSED)
{
	static const char text[] =
		"{\"cases\":[{\"half\":\"main\",\"stop_ns\":1500000000,"
		"\"phases_ns\":{\"ready\":250000000}},"
		"{\"half\":\"twin\",\"stop_ns\":9000000000},"
		"{\"half\":\"main\",\"stop_ns\":null}]}";
	SCOPED(json_free) cJSON *results = json_parse(text, sizeof text - 1);
	SCOPED(fleet_samples_done) struct fleet_samples samples = {0};

	assert_int_equal(fleet_samples_read(&samples, results), 1);
	assert_int_equal(samples.count[FLEET_STOP], 1);
	assert_true(fabs(samples.span[FLEET_STOP][0] - 1.5) < NEAR);
	assert_true(fabs(samples.span[FLEET_START][0] - 0.25) < NEAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other_adds_up),
		cmocka_unit_test(side_by_side_goes_in_batches),
		cmocka_unit_test(
			a_delay_comes_between_two_tasks_and_not_after_the_last),
		cmocka_unit_test(start_first_waits_for_the_last_stop_alone),
		cmocka_unit_test(a_shorter_stop_is_saved_once_a_task),
		cmocka_unit_test(a_stop_over_the_grace_is_cut_off_and_counted),
		cmocka_unit_test(hosts_are_drained_one_after_the_other),
		cmocka_unit_test(the_lag_is_what_is_at_risk),
		cmocka_unit_test(few_samples_leave_a_wide_interval),
		cmocka_unit_test(spans_are_found_by_the_slots_of_tasks),
		cmocka_unit_test(single_stops_have_a_stop_and_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
