#include "harness/picture/prediction.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/test/scene.h"
#include "lib/mem.h"

/* A scene's scenario, and the same with one change: only what the prediction reads. */
static int64_t predicted_ms(
	const struct judge_scene *scene, const struct scenario *changed)
{
	struct view view;
	struct stop_steps steps;
	int64_t ns;

	view_open(&view, &scene->scenario, &scene->evidence);
	stop_steps_find(&steps, &view);
	ns = prediction_stop_ns(&view, &steps, changed);
	stop_steps_done(&steps);
	view_close(&view);
	return ns < 0 ? ns : ns / CLOCK_MS;
}

/* Of the scene, with another behavior of the agent API. */
static int64_t with_agent(
	struct judge_scene *scene, const char *before, const char *after)
{
	struct scenario changed = scene->scenario;
	int64_t ms;

	scene->scenario.agent_json = (char *)(size_t)before;
	changed.agent_json = (char *)(size_t)after;
	ms = predicted_ms(scene, &changed);
	scene->scenario.agent_json = NULL;
	return ms;
}

static int64_t with_env(struct judge_scene *scene, const char *pair)
{
	SCOPED(strlist_done) struct strlist env = {0};
	struct scenario changed = scene->scenario;

	strlist_add(&env, "%s", pair);
	changed.service.env = env;
	return predicted_ms(scene, &changed);
}

static void play_phase(struct judge_scene *scene, int64_t ms, const char *phase)
{
	scene_add_event(scene, EVENT_SERVICE, ms,
		"{\"event\":\"shutdown.phase\",\"phase\":\"%s\"}", phase);
}

static void play_service(struct judge_scene *scene, int sessions, const char *how)
{
	scene_open_sessions(scene, sessions);
	scene_begin_shutdown(scene, how, 2 * CLOCK_S);
	play_phase(scene, 1, "drain");
	play_phase(scene, 10, "disconnect");
}

static void play_session(
	struct judge_scene *scene, int session, int64_t from_ms, int64_t to_ms)
{
	scene_disconnect(scene, session, from_ms, to_ms);
	scene_add_event(scene, EVENT_SERVICE, to_ms,
		"{\"event\":\"session.disconnected\",\"room\":\"%d\"}", session);
	scene_add_event(scene, EVENT_SERVICE, to_ms,
		"{\"event\":\"session.closed\",\"room\":\"%d\"}", session);
}

#define SLOW_SECOND                                                                    \
	"{\"disconnect\":{\"latency\":\"60ms\"},\"rules\":[{\"session\":2,"            \
	"\"disconnect\":{\"latency\":\"200ms\"}}]}"
#define QUICK_SECOND                                                                   \
	"{\"disconnect\":{\"latency\":\"60ms\"},\"rules\":[{\"session\":2,"            \
	"\"disconnect\":{\"latency\":\"0s\"}}]}"
#define QUICK_OTHERS                                                                   \
	"{\"disconnect\":{\"latency\":\"0s\"},\"rules\":[{\"session\":2,"              \
	"\"disconnect\":{\"latency\":\"200ms\"}}]}"

/* The stop ends at 300; the sessions at 70, 210 and 110, all from 10 on. */
static void the_next_session_bounds_what_the_slowest_of_a_parallel_stop_saves(
	void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 3, "parallel");
	play_session(scene, 1, 10, 70);
	play_session(scene, 2, 10, 210);
	play_session(scene, 3, 10, 110);
	play_phase(scene, 210, "flush");
	/* Not by 200, but until session 3. */
	assert_int_equal(with_agent(scene, SLOW_SECOND, QUICK_SECOND), 300 - 100);
	/* And the others held up nothing. */
	assert_int_equal(with_agent(scene, SLOW_SECOND, QUICK_OTHERS), 300);
}

/* The sessions: 10 to 70, 70 to 270, 270 to 330, of a stop that ends at 400. */
static void sequential_sessions_add_up(void **state)
{
	struct judge_scene *scene = *state;

	scene->evidence.facts.exit_ns = T0 + 400 * CLOCK_MS;
	play_service(scene, 3, "sequential");
	strlist_add(&scene->scenario.service.env, "DISCONNECT=sequential");
	play_session(scene, 1, 10, 70);
	play_session(scene, 2, 70, 270);
	play_session(scene, 3, 270, 330);
	play_phase(scene, 330, "flush");
	assert_int_equal(with_agent(scene, SLOW_SECOND, QUICK_SECOND), 400 - 200);
	assert_int_equal(with_agent(scene, SLOW_SECOND, QUICK_OTHERS), 400 - 120);
	/* At once, the slowest one is left. */
	assert_int_equal(with_env(scene, "DISCONNECT=parallel"), 400 - 120);
}

/* The draws are not known, the time at the API is. */
static void a_latency_that_is_drawn_saves_the_time_at_the_api(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 1, "parallel");
	play_session(scene, 1, 10, 210);
	play_phase(scene, 210, "flush");
	assert_int_equal(
		with_agent(scene,
			"{\"disconnect\":{\"latency\":{\"distribution\":\"uniform\","
			"\"min\":\"1ms\",\"max\":\"9s\"}}}",
			"{\"disconnect\":{\"latency\":\"0s\"}}"),
		300 - 200);
}

static void what_comes_of_a_fault_is_not_predicted(void **state)
{
	struct judge_scene *scene = *state;

	play_service(scene, 1, "parallel");
	play_session(scene, 1, 10, 210);
	assert_int_equal(
		with_agent(scene, "{\"archive\":{\"fault\":\"error\"}}", "{}"), -1);
	/* Nor is how often a request is sent again. */
	assert_int_equal(with_agent(scene,
				 "{\"archive\":{\"fault\":\"error\",\"times\":1,"
				 "\"latency\":\"50ms\"}}",
				 "{\"archive\":{\"fault\":\"error\",\"times\":1}}"),
		-1);
}

static struct mcp_list servers(struct mcp_server *server, const char *json)
{
	*server = (struct mcp_server){
		.name = (char *)(size_t) "skills", .json = (char *)(size_t)json};
	return (struct mcp_list){.server = server, .count = 1};
}

/* The release ends at 50, the server, whose stdin ends at 20, at 250. */
static void the_release_bounds_what_a_server_saves(void **state)
{
	struct judge_scene *scene = *state;
	struct scenario changed;
	struct mcp_server slow, polite;
	struct proc_record *record;

	play_service(scene, 1, "parallel");
	scene_disconnect(scene, 1, 10, 49);
	scene_add_event(scene, EVENT_SERVICE, 50,
		"{\"event\":\"session.disconnected\",\"room\":\"1\"}");
	scene_add_server(scene, 1, 250)->eof_ns = T0 + 20 * CLOCK_MS;
	record = scene_add_descendant(scene, 101, 250);
	record->ns_pid = 11;
	record->born_ns = T0 - 2 * CLOCK_S;
	scene_add_event(scene, EVENT_SERVICE, 251,
		"{\"event\":\"mcp.reaped\",\"room\":\"1\",\"child\":11}");
	scene_add_event(scene, EVENT_SERVICE, 252,
		"{\"event\":\"session.closed\",\"room\":\"1\"}");
	play_phase(scene, 252, "flush");
	changed = scene->scenario;
	scene->scenario.mcp = servers(&slow, "{\"on_eof\":\"ignore\"}");
	changed.mcp = servers(&polite, "{\"on_eof\":\"exit\"}");
	assert_int_equal(predicted_ms(scene, &changed), 300 - (251 - 50));
	changed.mcp = servers(&polite, "{\"on_eof\":{\"exit_after\":\"1s\"}}");
	assert_int_equal(predicted_ms(scene, &changed), 300);
	scene->scenario.mcp = (struct mcp_list){0};
}

static void without_its_turn_a_session_is_released_at_once(void **state)
{
	struct judge_scene *scene = *state;
	struct scenario changed;

	play_service(scene, 1, "parallel");
	scene_run_turn(scene, 1, -50, 200, "end_turn");
	play_session(scene, 1, 201, 280);
	play_phase(scene, 281, "flush");
	changed = scene->scenario;
	scene->scenario.load.turns = 1;
	assert_in_range(predicted_ms(scene, &changed), 300 - 191, 300 - 189);
}

static void behind_an_init_the_signal_that_was_discarded_ends_the_program(void **state)
{
	struct judge_scene *scene = *state;
	struct scenario changed;

	scene_run_program(scene, "httpd", SIGTERM);
	scene->evidence.facts.signal_delivery = DELIVERY_IGNORED;
	scene_kill_at_grace(scene);
	changed = scene->scenario;
	changed.service.init = true;
	assert_in_range(predicted_ms(scene, &changed), 0, 5);
}

static void what_comes_after_a_kill_is_not_predicted(void **state)
{
	struct judge_scene *scene = *state;
	struct scenario changed;

	play_service(scene, 2, "sequential");
	play_session(scene, 1, 10, 400);
	scene_disconnect(scene, 2, 402, -1);
	scene_kill_at_grace(scene);
	assert_int_equal(with_env(scene, "DISCONNECT=parallel"), -1);
	changed = scene->scenario;
	changed.stop.grace_ns *= 3;
	assert_int_equal(predicted_ms(scene, &changed), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(the_next_session_bounds_what_the_slowest_of_a_parallel_stop_saves),
		SCENE(sequential_sessions_add_up),
		SCENE(a_latency_that_is_drawn_saves_the_time_at_the_api),
		SCENE(what_comes_of_a_fault_is_not_predicted),
		SCENE(the_release_bounds_what_a_server_saves),
		SCENE(without_its_turn_a_session_is_released_at_once),
		SCENE(behind_an_init_the_signal_that_was_discarded_ends_the_program),
		SCENE(what_comes_after_a_kill_is_not_predicted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
