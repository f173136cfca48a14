#include "harness/judge/test/scene.h"

#include <string.h>

#include "lib/mem.h"

static void a_turn_that_was_interrupted_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, -100, 150, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	scene_expect(scene, VERDICT_DIRTY, "H9");
	assert_int_equal(scene->judgement.turned_away, 1);
}

/* The webhook is answered at once, or in spite of the interruption. */
static void an_answer_hides_no_interrupted_turn(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, -100, 150, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

static void a_turn_that_never_ended_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, -100, 0, NULL);
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

static void a_turn_that_failed_after_the_stop_is_not_clean(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, -100, 150, "failed");
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

/* Its room is the service's own number, or it names none. */
static void a_turn_belongs_to_a_session_of_the_api_not_to_a_number(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_add_event(scene, EVENT_LEDGER, -100,
		"{\"event\":\"agent.turn.begin\",\"session\":\"1001\",\"id\":\"a\"}");
	scene_add_event(scene, EVENT_LEDGER, -50,
		"{\"event\":\"agent.turn.begin\",\"session\":\"1001\",\"id\":\"b\"}");
	scene_add_event(scene, EVENT_LEDGER, 100,
		"{\"event\":\"agent.turn.end\",\"session\":\"1001\",\"id\":\"b\","
		"\"why\":\"end_turn\"}");
	scene_add_event(scene, EVENT_LEDGER, 150,
		"{\"event\":\"agent.turn.end\",\"session\":\"1001\",\"id\":\"a\","
		"\"why\":\"interrupted\"}");
	scene_expect(scene, VERDICT_DIRTY, "H9");
	assert_non_null(strstr(scene->judgement.reason, "1 turn"));
}

/* Any process that has the ledger's address can write such a line. */
static void another_process_ends_no_turn(void **state)
{
	struct judge_scene *scene = *state;
	int other = evidence_add_lifeline(&scene->evidence, 99);
	struct event *forged;

	scene->evidence.lifelines[other].role = mem_text("stranger");
	scene_play_clean(scene);
	scene_run_turn(scene, 1, -100, 150, "interrupted");
	scene_add_event(scene, EVENT_LEDGER, -50,
		"{\"event\":\"agent.turn.end\",\"session\":\"1\",\"why\":\"end_turn\"}");
	forged = &scene->evidence.events[scene->evidence.event_count - 1];
	forged->lifeline = other;
	/* In the order of their stamps, as a forger would have it. */
	for (; forged[-1].ns > forged->ns; forged--) {
		struct event later = forged[-1];

		forged[-1] = forged[0];
		forged[0] = later;
	}
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

static void a_turn_that_was_acknowledged_is_lost_although_it_began_late(void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, 2, 150, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_ANSWERED);
	scene_expect(scene, VERDICT_DIRTY, "H9");
}

static void a_turn_that_had_not_begun_or_ended_by_itself_is_not_interrupted(
	void **state)
{
	struct judge_scene *scene = *state;

	scene_play_clean(scene);
	scene_run_turn(scene, 1, 2, 150, "interrupted");
	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_TURNED_AWAY);
	scene_run_turn(scene, 2, -150, -50, "end_turn");
	scene_add_request(scene, REQUEST_TURN, 2, REQUEST_TURNED_AWAY);
	scene_run_turn(scene, 3, -100, 150, "end_turn");
	scene_add_request(scene, REQUEST_TURN, 3, REQUEST_ANSWERED);
	scene_add_request(scene, REQUEST_TURN, 3, REQUEST_TURNED_AWAY);
	scene_expect(scene, VERDICT_CLEAN, "X0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_turn_that_was_interrupted_is_not_clean),
		SCENE(an_answer_hides_no_interrupted_turn),
		SCENE(a_turn_that_never_ended_is_not_clean),
		SCENE(a_turn_that_failed_after_the_stop_is_not_clean),
		SCENE(a_turn_belongs_to_a_session_of_the_api_not_to_a_number),
		SCENE(another_process_ends_no_turn),
		SCENE(a_turn_that_was_acknowledged_is_lost_although_it_began_late),
		SCENE(a_turn_that_had_not_begun_or_ended_by_itself_is_not_interrupted),
	};

	return cmocka_run_group_tests_name("inflight", tests, NULL, NULL);
}
