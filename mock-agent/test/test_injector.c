#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "mock-agent/faults/injector.h"

#define DRAWS 5

struct scene {
	struct agent_behavior behavior;
	struct injectors *injectors;
};

static void set_scene(struct scene *scene, const char *behavior, uint64_t seed)
{
	struct json_doc doc = {0};
	struct err err;

	agent_behavior_preset(&scene->behavior);
	assert_true(json_doc_parse(&doc, "m", behavior, strlen(behavior), &err));
	assert_true(agent_behavior_read(&scene->behavior, &doc, doc.root, &err));
	json_doc_done(&doc);
	scene->injectors = injectors_create(&scene->behavior, seed);
}

static void clear_scene(struct scene *scene)
{
	injectors_destroy(scene->injectors);
	agent_behavior_done(&scene->behavior);
}

#define RANDOM                                                                         \
	"{\"chunk\": {\"latency\": {\"distribution\": \"uniform\", \"min\": \"0s\", "  \
	"\"max\": \"1h\"}}, \"archive\": {\"latency\": {\"distribution\": "            \
	"\"uniform\", \"min\": \"0s\", \"max\": \"1h\"}}}"

static void injector_repeats_itself_whatever_others_do(void **state)
{
	struct scene one, other;
	int64_t seen[DRAWS];

	(void)state;
	set_scene(&one, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++)
		seen[i] = injector_next(injectors_get(one.injectors, 3), PHASE_CHUNK)
				  .delay_ns;
	set_scene(&other, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++) {
		injector_next(injectors_get(other.injectors, 9), PHASE_CHUNK);
		injector_next(injectors_get(other.injectors, 3), PHASE_ARCHIVE);
		assert_int_equal(
			injector_next(injectors_get(other.injectors, 3), PHASE_CHUNK)
				.delay_ns,
			seen[i]);
	}
	injectors_restart(other.injectors, 7);
	assert_int_equal(
		injector_next(injectors_get(other.injectors, 3), PHASE_CHUNK).delay_ns,
		seen[0]);
	clear_scene(&one);
	clear_scene(&other);
}

static void seeds_labels_and_moments_differ(void **state)
{
	struct scene one, other;
	int64_t draws[4];

	(void)state;
	set_scene(&one, RANDOM, 7);
	set_scene(&other, RANDOM, 8);
	draws[0] = injector_next(injectors_get(one.injectors, 1), PHASE_CHUNK).delay_ns;
	draws[1] = injector_next(injectors_get(one.injectors, 2), PHASE_CHUNK).delay_ns;
	draws[2] =
		injector_next(injectors_get(one.injectors, 1), PHASE_ARCHIVE).delay_ns;
	draws[3] =
		injector_next(injectors_get(other.injectors, 1), PHASE_CHUNK).delay_ns;
	for (unsigned i = 0; i < COUNT(draws); i++) {
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(draws[i], draws[j]);
	}
	clear_scene(&one);
	clear_scene(&other);
}

static void fault_strikes_as_often_as_said_for_each(void **state)
{
	struct scene scene;
	struct injector *injector;
	struct injection injection;

	(void)state;
	set_scene(&scene,
		"{\"connect\": {\"fault\": \"error\", \"status\": 529, \"times\": 2}}",
		1);
	injector = injectors_get(scene.injectors, 1);
	injection = injector_next(injector, PHASE_CONNECT);
	assert_int_equal(injection.fault, FAULT_ERROR);
	assert_int_equal(injection.status, 529);
	assert_int_equal(injector_next(injector, PHASE_CONNECT).fault, FAULT_ERROR);
	assert_int_equal(injector_next(injector, PHASE_CONNECT).fault, FAULT_NONE);
	assert_int_equal(
		injector_next(injectors_get(scene.injectors, 2), PHASE_CONNECT).fault,
		FAULT_ERROR);
	injectors_restart(scene.injectors, 1);
	assert_int_equal(injector_next(injector, PHASE_CONNECT).fault, FAULT_ERROR);
	clear_scene(&scene);
}

/* Does the first session's archive fail again after these words? */
static bool fails_again(struct scene *scene, const char *said)
{
	SCOPED(json_free) cJSON *node = json_parse(said, strlen(said));
	struct injector *injector = injectors_get(scene->injectors, 1);

	assert_non_null(node);
	while (injector_next(injector, PHASE_ARCHIVE).fault != FAULT_NONE)
		continue;
	injectors_forgive(scene->injectors, node);
	return injector_next(injector, PHASE_ARCHIVE).fault != FAULT_NONE;
}

static void strlist_about_a_phase_count_its_faults_anew(void **state)
{
	struct scene scene;

	(void)state;
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
		cmocka_unit_test(injector_repeats_itself_whatever_others_do),
		cmocka_unit_test(seeds_labels_and_moments_differ),
		cmocka_unit_test(fault_strikes_as_often_as_said_for_each),
		cmocka_unit_test(strlist_about_a_phase_count_its_faults_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
