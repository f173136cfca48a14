#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "mock-agent/mood.h"

#define DRAWS 5

struct scene {
	struct manners_book book;
	struct moods *moods;
};

static void set_scene(struct scene *scene, const char *manners, uint64_t seed)
{
	struct json_doc doc = {0};
	struct err err;

	manners_book_preset(&scene->book);
	assert_true(json_doc_parse(&doc, "m", manners, strlen(manners), &err));
	assert_true(manners_book_read(&scene->book, &doc, doc.root, &err));
	json_doc_done(&doc);
	scene->moods = moods_create(&scene->book, seed);
}

static void clear_scene(struct scene *scene)
{
	moods_destroy(scene->moods);
	manners_book_done(&scene->book);
}

#define RANDOM                                                                         \
	"{\"chunk\": {\"latency\": {\"distribution\": \"uniform\", \"min\": \"0s\", "  \
	"\"max\": \"1h\"}}, \"archive\": {\"latency\": {\"distribution\": "            \
	"\"uniform\", \"min\": \"0s\", \"max\": \"1h\"}}}"

static void mood_repeats_itself_whatever_others_do(void **state)
{
	struct scene one, other;
	int64_t seen[DRAWS];

	(void)state;
	set_scene(&one, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++)
		seen[i] = mood_next(moods_get(one.moods, 3), MOMENT_CHUNK).delay_ns;
	set_scene(&other, RANDOM, 7);
	for (unsigned i = 0; i < DRAWS; i++) {
		mood_next(moods_get(other.moods, 9), MOMENT_CHUNK);
		mood_next(moods_get(other.moods, 3), MOMENT_ARCHIVE);
		assert_int_equal(
			mood_next(moods_get(other.moods, 3), MOMENT_CHUNK).delay_ns,
			seen[i]);
	}
	moods_restart(other.moods, 7);
	assert_int_equal(
		mood_next(moods_get(other.moods, 3), MOMENT_CHUNK).delay_ns, seen[0]);
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
	draws[0] = mood_next(moods_get(one.moods, 1), MOMENT_CHUNK).delay_ns;
	draws[1] = mood_next(moods_get(one.moods, 2), MOMENT_CHUNK).delay_ns;
	draws[2] = mood_next(moods_get(one.moods, 1), MOMENT_ARCHIVE).delay_ns;
	draws[3] = mood_next(moods_get(other.moods, 1), MOMENT_CHUNK).delay_ns;
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
	struct mood *mood;
	struct act act;

	(void)state;
	set_scene(&scene,
		"{\"connect\": {\"fault\": \"error\", \"status\": 529, \"times\": 2}}",
		1);
	mood = moods_get(scene.moods, 1);
	act = mood_next(mood, MOMENT_CONNECT);
	assert_int_equal(act.fault, FAULT_ERROR);
	assert_int_equal(act.status, 529);
	assert_int_equal(mood_next(mood, MOMENT_CONNECT).fault, FAULT_ERROR);
	assert_int_equal(mood_next(mood, MOMENT_CONNECT).fault, FAULT_NONE);
	assert_int_equal(mood_next(moods_get(scene.moods, 2), MOMENT_CONNECT).fault,
		FAULT_ERROR);
	moods_restart(scene.moods, 1);
	assert_int_equal(mood_next(mood, MOMENT_CONNECT).fault, FAULT_ERROR);
	clear_scene(&scene);
}

/* Does the first session's archive fail again after these words? */
static bool fails_again(struct scene *scene, const char *said)
{
	SCOPED(json_free) cJSON *node = json_parse(said, strlen(said));
	struct mood *mood = moods_get(scene->moods, 1);

	assert_non_null(node);
	while (mood_next(mood, MOMENT_ARCHIVE).fault != FAULT_NONE)
		continue;
	moods_forgive(scene->moods, node);
	return mood_next(mood, MOMENT_ARCHIVE).fault != FAULT_NONE;
}

static void words_about_a_phase_count_its_faults_anew(void **state)
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
		cmocka_unit_test(mood_repeats_itself_whatever_others_do),
		cmocka_unit_test(seeds_labels_and_moments_differ),
		cmocka_unit_test(fault_strikes_as_often_as_said_for_each),
		cmocka_unit_test(words_about_a_phase_count_its_faults_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
