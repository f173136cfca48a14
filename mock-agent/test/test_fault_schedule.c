#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "mock-agent/faults/fault_schedule.h"

#define DRAWS 5

struct fault_schedule_scene {
	struct agent_behavior behavior;
	struct fault_schedules schedules;
};

static void set_scene(
	struct fault_schedule_scene *scene, const char *behavior, uint64_t seed)
{
	struct json_doc doc = {0};
	struct err err;

	agent_behavior_preset(&scene->behavior);
	assert_true(json_doc_parse(&doc, "m", behavior, strlen(behavior), &err));
	assert_true(agent_behavior_read(&scene->behavior, &doc, doc.root, &err));
	json_doc_done(&doc);
	fault_schedules_init(&scene->schedules, &scene->behavior, seed);
}

static void clear_scene(struct fault_schedule_scene *scene)
{
	fault_schedules_done(&scene->schedules);
	agent_behavior_done(&scene->behavior);
}

#define RANDOM                                                                         \
	"{\"chunk\": {\"latency\": {\"distribution\": \"uniform\", \"min\": \"0s\", "  \
	"\"max\": \"1h\"}}, \"archive\": {\"latency\": {\"distribution\": "            \
	"\"uniform\", \"min\": \"0s\", \"max\": \"1h\"}}}"

static void draws_do_not_depend_on_other_sessions(void **state UNUSED)
{
	struct fault_schedule_scene one, other;
	int64_t seen[DRAWS];

	set_scene(&one, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++)
		seen[i] = fault_schedule_next(
			fault_schedules_get(&one.schedules, 3), PHASE_CHUNK)
				  .delay_ns;
	set_scene(&other, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++) {
		fault_schedule_next(
			fault_schedules_get(&other.schedules, 9), PHASE_CHUNK);
		fault_schedule_next(
			fault_schedules_get(&other.schedules, 3), PHASE_ARCHIVE);
		assert_int_equal(
			fault_schedule_next(
				fault_schedules_get(&other.schedules, 3), PHASE_CHUNK)
				.delay_ns,
			seen[i]);
	}
	fault_schedules_restart(&other.schedules, 7);
	assert_int_equal(fault_schedule_next(
				 fault_schedules_get(&other.schedules, 3), PHASE_CHUNK)
				 .delay_ns,
		seen[0]);
	clear_scene(&one);
	clear_scene(&other);
}

static void seeds_sessions_and_phases_differ(void **state UNUSED)
{
	struct fault_schedule_scene one, other;
	int64_t draws[4];

	set_scene(&one, RANDOM, 7);
	set_scene(&other, RANDOM, 8);
	draws[0] =
		fault_schedule_next(fault_schedules_get(&one.schedules, 1), PHASE_CHUNK)
			.delay_ns;
	draws[1] =
		fault_schedule_next(fault_schedules_get(&one.schedules, 2), PHASE_CHUNK)
			.delay_ns;
	draws[2] = fault_schedule_next(
		fault_schedules_get(&one.schedules, 1), PHASE_ARCHIVE)
			   .delay_ns;
	draws[3] = fault_schedule_next(
		fault_schedules_get(&other.schedules, 1), PHASE_CHUNK)
			   .delay_ns;
	for (unsigned i = 0; i < COUNT(draws); i++) {
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(draws[i], draws[j]);
	}
	clear_scene(&one);
	clear_scene(&other);
}

static void fault_comes_as_often_as_set_for_each_session(void **state UNUSED)
{
	struct fault_schedule_scene scene;
	struct fault_schedule *schedule;
	struct injection injection;

	set_scene(&scene,
		"{\"connect\": {\"fault\": \"error\", \"status\": 529, \"times\": 2}}",
		1);
	schedule = fault_schedules_get(&scene.schedules, 1);
	injection = fault_schedule_next(schedule, PHASE_CONNECT);
	assert_int_equal(injection.fault, FAULT_ERROR);
	assert_int_equal(injection.status, 529);
	assert_int_equal(
		fault_schedule_next(schedule, PHASE_CONNECT).fault, FAULT_ERROR);
	assert_int_equal(
		fault_schedule_next(schedule, PHASE_CONNECT).fault, FAULT_NONE);
	assert_int_equal(fault_schedule_next(fault_schedules_get(&scene.schedules, 2),
				 PHASE_CONNECT)
				 .fault,
		FAULT_ERROR);
	fault_schedules_restart(&scene.schedules, 1);
	assert_int_equal(
		fault_schedule_next(schedule, PHASE_CONNECT).fault, FAULT_ERROR);
	clear_scene(&scene);
}

/* Does the first session's archive fail again after this change? */
static bool fails_again(struct fault_schedule_scene *scene, const char *change)
{
	SCOPED(json_free) cJSON *node = json_parse(change, strlen(change));
	struct fault_schedule *schedule = fault_schedules_get(&scene->schedules, 1);

	assert_non_null(node);
	while (fault_schedule_next(schedule, PHASE_ARCHIVE).fault != FAULT_NONE)
		continue;
	fault_schedules_reset_counts(&scene->schedules, node);
	return fault_schedule_next(schedule, PHASE_ARCHIVE).fault != FAULT_NONE;
}

static void change_of_a_phase_resets_its_fault_count(void **state UNUSED)
{
	struct fault_schedule_scene scene;

	set_scene(&scene, "{\"disconnect\": {\"fault\": \"error\", \"times\": 1}}", 1);
	assert_true(fails_again(&scene, "{\"disconnect\": {}}"));
	assert_true(fails_again(&scene, "{\"archive\": {}}"));
	assert_true(fails_again(
		&scene, "{\"rules\": [{\"session\": 1, \"disconnect\": {}}]}"));
	assert_false(fails_again(&scene, "{\"chunks\": 2}"));
	assert_false(fails_again(&scene, "{\"delete\": {}, \"connect\": {}}"));
	assert_false(fails_again(
		&scene, "{\"rules\": [{\"session\": 2, \"disconnect\": {}}]}"));
	clear_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_do_not_depend_on_other_sessions),
		cmocka_unit_test(seeds_sessions_and_phases_differ),
		cmocka_unit_test(fault_comes_as_often_as_set_for_each_session),
		cmocka_unit_test(change_of_a_phase_resets_its_fault_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
