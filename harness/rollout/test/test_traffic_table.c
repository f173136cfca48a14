#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/rollout/traffic_table.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"

#define TEXT(text) ((char[]){text}) /* that a struct may own */

/* One action from 100 to 900. "a" is not wanted from 200 on, gets its signal at 300 and
 * ends at 400; "b" likewise at 350, 600 and 700, but nobody saw its signal. Its replacement
 * has b's address. */
static struct rollout_step steps[] = {{TEXT("update"), 100, 900}};
static struct rollout_task tasks[] = {
	{.id = TEXT("a"),
		.name = TEXT("shop.1"),
		.address = TEXT("10.0.0.1:80"),
		.created_ns = 1,
		.running_ns = 10,
		.unwanted_ns = 200,
		.ended_ns = 410},
	{.id = TEXT("b"),
		.name = TEXT("shop.2"),
		.address = TEXT("10.0.0.2:80"),
		.created_ns = 1,
		.running_ns = 10,
		.unwanted_ns = 350,
		.ended_ns = 700},
	{.id = TEXT("c"),
		.name = TEXT("shop.2"),
		.address = TEXT("10.0.0.2:80"),
		.created_ns = 750,
		.running_ns = 760},
};
static struct task_stop stops[] = {
	{.task = TEXT("a"), .signal_ns = 300, .exit_ns = 400},
	{.task = TEXT("b"), .exit_ns = 700},
};
static char *backends[] = {NULL, TEXT("10.0.0.1:80"), TEXT("10.0.0.2:80")};

static int64_t json_int_at(const cJSON *json, const char *path)
{
	int64_t value = -1;

	assert_true(json_whole(json_at(json, path), &value));
	return value;
}

static struct rollout rollout_of(struct traffic_record *requests, unsigned count)
{
	return (struct rollout){
		.steps = steps,
		.step_count = COUNT(steps),
		.tasks = tasks,
		.task_count = COUNT(tasks),
		.stops = stops,
		.stop_count = COUNT(stops),
		.backends = backends,
		.backend_count = COUNT(backends),
		.requests = requests,
		.request_count = count,
		.traffic_ns = 20,
		.held_ns = 1000,
	};
}

static void a_request_counts_in_the_phase_in_which_it_ended(void **state UNUSED)
{
	static const struct {
		int64_t ended_ns;
		enum traffic_phase phase;
		const char *why;
	} rows[] = {
		{99, TRAFFIC_BEFORE, "before the action"},
		{100, TRAFFIC_CHANGING, "nothing is to be stopped yet"},
		{199, TRAFFIC_CHANGING, "nor now"},
		{200, TRAFFIC_DRAINING, "a is not wanted"},
		{299, TRAFFIC_DRAINING, "and has no signal"},
		{300, TRAFFIC_STOPPING, "a has its signal"},
		{360, TRAFFIC_STOPPING, "b drains beside it"},
		{399, TRAFFIC_STOPPING, "the last moment of a"},
		{400, TRAFFIC_DRAINING, "b alone"},
		{699, TRAFFIC_DRAINING, "until its end: its signal was not seen"},
		{700, TRAFFIC_CHANGING, "no task is to be stopped any more"},
		{899, TRAFFIC_CHANGING, "the action is not done"},
		{900, TRAFFIC_AFTER, "it is"},
	};
	struct traffic_record requests[COUNT(rows)];
	unsigned counted = 0;
	struct rollout rollout = rollout_of(requests, COUNT(rows));
	struct traffic_table table;

	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("%s\n", rows[i].why);
		requests[i] = (struct traffic_record){.sent_ns = rows[i].ended_ns - 1,
			.ended_ns = rows[i].ended_ns,
			.class = TRAFFIC_FINISHED};
		rollout.request_count = (unsigned)i + 1;
		traffic_table_fill(&table, &rollout);
		counted = 0;
		for (size_t j = 0; j <= i; j++)
			counted += rows[j].phase == rows[i].phase;
		assert_int_equal(
			table.count[rows[i].phase][TRAFFIC_FINISHED][TRAFFIC_NEW],
			counted);
	}
}

static void classes_and_connections_are_counted_apart(void **state UNUSED)
{
	struct traffic_record requests[] = {
		{.ended_ns = 50, .class = TRAFFIC_FINISHED},
		{.ended_ns = 60, .class = TRAFFIC_FINISHED, .reused = true},
		{.ended_ns = 310, .class = TRAFFIC_RESET, .reused = true},
		{.ended_ns = 320, .class = TRAFFIC_RESET, .reused = true, .repeats = 2},
		{.ended_ns = 950, .class = TRAFFIC_REFUSED, .repeats = 1},
	};
	struct rollout rollout = rollout_of(requests, COUNT(requests));
	struct traffic_table table;
	SCOPED(json_free) cJSON *json = traffic_table_json(&rollout);

	traffic_table_fill(&table, &rollout);
	assert_int_equal(table.count[TRAFFIC_BEFORE][TRAFFIC_FINISHED][TRAFFIC_NEW], 1);
	assert_int_equal(
		table.count[TRAFFIC_BEFORE][TRAFFIC_FINISHED][TRAFFIC_REUSED], 1);
	assert_int_equal(
		table.count[TRAFFIC_STOPPING][TRAFFIC_RESET][TRAFFIC_REUSED], 2);
	assert_int_equal(table.count[TRAFFIC_AFTER][TRAFFIC_REFUSED][TRAFFIC_NEW], 1);
	assert_int_equal(table.repeated, 2);
	assert_int_equal(json_int_at(json, "phases.stopping.reset.reused"), 2);
	assert_int_equal(json_int_at(json, "requests"), 5);
}

static void the_longest_gap_is_without_a_finished_request(void **state UNUSED)
{
	struct traffic_record requests[] = {
		{.ended_ns = 50, .class = TRAFFIC_FINISHED},
		{.ended_ns = 200, .class = TRAFFIC_RESET},
		{.ended_ns = 300, .class = TRAFFIC_FINISHED},
		{.ended_ns = 990, .class = TRAFFIC_TURNED_AWAY},
	};
	struct rollout rollout = rollout_of(requests, COUNT(requests));
	struct traffic_table table;

	traffic_table_fill(&table, &rollout);
	assert_int_equal(table.longest_gap_ns, 1000 - 300);
	rollout.held_ns = 350;
	traffic_table_fill(&table, &rollout);
	assert_int_equal(table.longest_gap_ns, 300 - 50);
}

/* A request that was sent after the signal, to the task that had the address then. */
static void late_is_how_long_after_its_signal_a_task_still_answered(void **state UNUSED)
{
	struct traffic_record requests[] = {
		{.sent_ns = 290,
			.ended_ns = 390,
			.class = TRAFFIC_FINISHED,
			.backend = 1},
		{.sent_ns = 310,
			.ended_ns = 330,
			.class = TRAFFIC_FINISHED,
			.backend = 1},
		{.sent_ns = 320,
			.ended_ns = 360,
			.class = TRAFFIC_FINISHED,
			.backend = 1,
			.reused = true},
		{.sent_ns = 380,
			.ended_ns = 395,
			.class = TRAFFIC_SERVER_ERROR,
			.backend = 1},
		{.sent_ns = 800,
			.ended_ns = 810,
			.class = TRAFFIC_FINISHED,
			.backend = 2},
	};
	struct rollout rollout = rollout_of(requests, COUNT(requests));
	struct traffic_table table;

	traffic_table_fill(&table, &rollout);
	assert_int_equal(table.late_ns[TRAFFIC_NEW], 30);
	assert_int_equal(table.late_ns[TRAFFIC_REUSED], 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_counts_in_the_phase_in_which_it_ended),
		cmocka_unit_test(classes_and_connections_are_counted_apart),
		cmocka_unit_test(the_longest_gap_is_without_a_finished_request),
		cmocka_unit_test(
			late_is_how_long_after_its_signal_a_task_still_answered),
	};

	return cmocka_run_group_tests_name("traffic table", tests, NULL, NULL);
}
