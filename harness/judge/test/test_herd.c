#include "harness/judge/test/scene.h"

#include <string.h>

#include "harness/judge/herd.h"

static void close_one(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.disconnect.begin\",\"session\":\"%d\"}", session);
}

static void open_one(struct judge_scene *scene, int session, int64_t ms)
{
	scene_add_event(scene, EVENT_LEDGER, ms,
		"{\"event\":\"agent.session.opened\",\"session\":\"%d\"}", session);
}

static void herd_is_the_most_in_any_second(void **state)
{
	static const struct {
		int64_t ms[6];
		unsigned most;
		const char *why;
	} rows[] = {
		{{1, 2, 3, 4, 5, 6}, 6, "all at once"},
		{{1, 1001, 2001, 3001, 4001, 5001}, 1, "one a second"},
		{{1, 600, 900, 1100, 1400, 1550}, 5, "not only whole seconds"},
		{{1550, 1, 1400, 900, 1100, 600}, 5, "in any order"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct judge_scene *scene = *state;
		struct herd herd;

		print_message("%s\n", rows[i].why);
		for (unsigned j = 0; j < COUNT(rows[i].ms); j++)
			close_one(scene, (int)j + 1, rows[i].ms[j]);
		herd = herd_count(&scene->evidence);
		assert_int_equal(herd.closes, COUNT(rows[i].ms));
		assert_int_equal(herd.closes_per_second, rows[i].most);
		assert_int_equal(herd.opens, 0);
		scene_tear_down(state);
		scene_set_up(state);
	}
}

static void herd_begins_with_the_stop(void **state)
{
	struct judge_scene *scene = *state;

	close_one(scene, 1, -20);
	close_one(scene, 2, 20);
	assert_int_equal(herd_count(&scene->evidence).closes, 1);
}

static void herd_counts_what_the_api_refused(void **state)
{
	struct judge_scene *scene = *state;

	for (int session = 1; session <= 3; session++) {
		close_one(scene, session, 10);
		scene_add_event(scene, EVENT_LEDGER, 11,
			"{\"event\":\"agent.disconnect.refused\",\"session\":\"%d\","
			"\"status\":%d}",
			session, session == 3 ? 400 : 429);
	}
	assert_int_equal(herd_count(&scene->evidence).refused, 2);
}

static void sessions_of_the_replacement_are_not_the_services(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene->evidence.replaced = 3;
	for (int session = 1; session <= 3; session++)
		open_one(scene, 3 + session, 100);
	judge(&scene->judgement, &scene->scenario, &scene->evidence);
	assert_int_equal(scene->judgement.verdict, VERDICT_CLEAN);
	assert_int_equal(scene->judgement.sessions, 3);
	assert_int_equal(scene->judgement.disconnected, 3);
	assert_int_equal(scene->judgement.herd.opens, 3);
	assert_int_equal(scene->judgement.herd.opens_per_second, 3);
	assert_non_null(strstr(scene->judgement.diagnoses[0].text,
		"3 of 3 opened at the replacement"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(herd_is_the_most_in_any_second),
		SCENE(herd_begins_with_the_stop),
		SCENE(herd_counts_what_the_api_refused),
		SCENE(sessions_of_the_replacement_are_not_the_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
