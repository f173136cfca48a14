#include "harness/picture/lanes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/test/scene.h"
#include "lib/mem.h"

struct picture {
	struct view view;
	struct stop_steps steps;
	struct lanes lanes;
};

static void open_picture(struct picture *picture, const struct judge_scene *scene)
{
	view_open(&picture->view, &scene->scenario, &scene->evidence);
	stop_steps_find(&picture->steps, &picture->view);
	lanes_find(&picture->lanes, &picture->view, &picture->steps);
}

static void close_picture(struct picture *picture)
{
	lanes_done(&picture->lanes);
	stop_steps_done(&picture->steps);
	view_close(&picture->view);
}

static long long ms_of(int64_t ns)
{
	return (long long)(ns / CLOCK_MS);
}

static const struct lane *lane_named(const struct lanes *lanes, const char *name)
{
	for (unsigned i = 0; i < lanes->count; i++) {
		if (strcmp(lanes->list[i].name, name) == 0)
			return &lanes->list[i];
	}
	fail_msg("no lane %s", name);
	return NULL;
}

/* "open -500-2, disconnect 2-280 | 2 disconnect, 280 acknowledged" */
static void assert_lane(const struct lanes *lanes, const char *name, const char *wanted)
{
	const struct lane *lane = lane_named(lanes, name);
	SCOPED(buf_done) struct buf text = {0};

	for (unsigned i = 0; i < lane->span_count; i++) {
		const struct lane_span *span = &lane->spans[i];

		buf_addf(&text, "%s%s %lld-%lld%s", i ? ", " : "",
			span_kind_names[span->kind], ms_of(span->from_ns),
			ms_of(span->to_ns), span->open ? " open" : "");
	}
	for (unsigned i = 0; i < lane->mark_count; i++)
		buf_addf(&text, "%s%lld %s", i ? ", " : " | ",
			ms_of(lane->marks[i].at_ns), lane->marks[i].what);
	assert_string_equal(buf_text(&text), wanted);
}

static void assert_flow(const struct lanes *lanes, unsigned index, enum flow_kind kind,
	const char *from, const char *to, int64_t from_ms, int64_t to_ms)
{
	const struct lane_flow *flow = &lanes->flows[index];

	assert_in_range(index, 0, lanes->flow_count - 1);
	assert_int_equal(flow->kind, kind);
	assert_string_equal(lanes->list[flow->from].name, from);
	assert_string_equal(lanes->list[flow->to].name, to);
	assert_int_equal(flow->from_ns, from_ms * CLOCK_MS);
	assert_int_equal(flow->to_ns, to_ms * CLOCK_MS);
}

static void a_service_has_its_phases_and_its_sessions(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;

	scene->evidence.began_ns = T0 - CLOCK_S;
	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_event(scene, EVENT_SERVICE, 2,
		"{\"event\":\"shutdown.phase\",\"phase\":\"disconnect\"}");
	scene_disconnect(scene, 1, 2, 280);
	scene_add_event(scene, EVENT_SERVICE, 281,
		"{\"event\":\"session.disconnected\",\"room\":\"1\"}");
	scene_add_event(scene, EVENT_SERVICE, 285,
		"{\"event\":\"session.closed\",\"room\":\"1\"}");
	scene_add_event(scene, EVENT_SERVICE, 285,
		"{\"event\":\"shutdown.phase\",\"phase\":\"flush\"}");
	open_picture(&picture, scene);
	assert_lane(
		&picture.lanes, "the stop call", "call -1-320 | 0 SIGTERM to PID 1");
	assert_lane(&picture.lanes, "PID 1",
		"runs -1000-0, signal 0-1, drain 1-2, disconnect-phase 2-285, "
		"flush 285-300 | 0 SIGTERM, 300 exit 0");
	assert_lane(&picture.lanes, "session 1",
		"open -500-2, disconnect 2-281, closing 281-285 | 2 disconnect, "
		"280 acknowledged, 285 closed");
	assert_flow(&picture.lanes, 0, FLOW_DISCONNECT, "PID 1", "session 1", 2, 280);
}

static void a_server_has_the_steps_down_its_ladder(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;
	struct proc_record *record;

	scene_open_sessions(scene, 1);
	scene_begin_shutdown(scene, "parallel", 2 * CLOCK_S);
	scene_add_server(scene, 1, 250);
	record = scene_add_descendant(scene, 101, 250);
	record->ns_pid = 11;
	record->born_ns = T0 - 2 * CLOCK_S;
	record->wait_status = SIGKILL;
	scene_add_event(scene, EVENT_SERVICE, 120,
		"{\"event\":\"mcp.step\",\"room\":\"1\",\"child\":11,\"step\":\"term\"}");
	scene_add_event(scene, EVENT_SERVICE, 240,
		"{\"event\":\"mcp.step\",\"room\":\"1\",\"child\":11,\"step\":\"kill\"}");
	open_picture(&picture, scene);
	assert_lane(&picture.lanes, "skills of session 1 (pid 11)",
		"runs -2000-5, eof 5-120, signal 120-240, kill 240-250 | "
		"5 stdin ended, 120 SIGTERM, 240 SIGKILL, 250 SIGKILL");
	assert_string_equal(
		lane_named(&picture.lanes, "skills of session 1 (pid 11)")->group, "1");
}

static void a_program_has_signals_and_handlers(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;
	unsigned child, other;

	scene_run_program(scene, "supervisor", SIGTERM);
	child = scene_add_process(scene, 0, "worker");
	other = scene_add_process(scene, 0, "deaf");
	scene_add_handled(scene, 1, 0, SIGTERM);
	scene_add_signal(scene, 5, 0, child, SIGTERM);
	scene_add_handled(scene, 6, child, SIGTERM);
	scene_add_signal(scene, 7, 0, other, SIGTERM)->ignored = true;
	scene_end_process(scene, child, 290, 0);
	open_picture(&picture, scene);
	assert_lane(&picture.lanes, "worker (pid 2)",
		"runs -1000-5, signal 5-6, handler 6-290 | 5 SIGTERM, "
		"6 handler of SIGTERM, 290 exit 0");
	assert_lane(&picture.lanes, "deaf (pid 3)",
		"runs -1000-7, discarded 7-300 open | 7 SIGTERM, discarded");
	assert_flow(&picture.lanes, 0, FLOW_SIGNAL, "the stop call",
		"PID 1 (supervisor)", 0, 1);
	assert_flow(&picture.lanes, 1, FLOW_SIGNAL, "PID 1 (supervisor)",
		"worker (pid 2)", 5, 6);
}

static void what_ended_before_the_signal_has_no_lane(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;

	scene_open_sessions(scene, 1); /* its webhook was answered before */
	scene_add_descendant(scene, 500, -10);
	scene_add_descendant(scene, 501, 0)->ended_ns = PROC_ENDED_BEFORE;
	open_picture(&picture, scene);
	assert_int_equal(picture.lanes.count, 3); /* the call, PID 1, the session */
}

static void a_request_without_an_answer_is_open_to_the_end(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;

	scene_add_request(scene, REQUEST_TURN, 1, REQUEST_PENDING);
	scene->evidence.requests[0].ended_ns = 0;
	open_picture(&picture, scene);
	assert_lane(&picture.lanes, "turn of session 1", "request -200-300 open");
}

static void of_many_lanes_those_that_ended_last_are_kept(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;

	for (int i = 0; i < LANES_MAX + 100; i++) {
		scene_add_request(scene, REQUEST_HTTP, 0, REQUEST_ANSWERED);
		scene->evidence.requests[i].client = (unsigned)i;
		scene->evidence.requests[i].ended_ns = T0 + i * CLOCK_US;
	}
	open_picture(&picture, scene);
	assert_int_equal(picture.lanes.count, LANES_MAX);
	assert_int_equal(picture.lanes.left_out, 102);
	assert_string_equal(picture.lanes.list[1].name, "PID 1");
	assert_string_equal(picture.lanes.list[2].name, "request of client 102");
}

static void without_a_stop_there_is_no_lane(void **state)
{
	struct judge_scene *scene = *state;
	SCOPED(close_picture) struct picture picture;

	scene->evidence.facts = (struct stop_facts){.exit_code = -1};
	open_picture(&picture, scene);
	assert_int_equal(picture.lanes.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_service_has_its_phases_and_its_sessions),
		SCENE(a_server_has_the_steps_down_its_ladder),
		SCENE(a_program_has_signals_and_handlers),
		SCENE(what_ended_before_the_signal_has_no_lane),
		SCENE(a_request_without_an_answer_is_open_to_the_end),
		SCENE(of_many_lanes_those_that_ended_last_are_kept),
		SCENE(without_a_stop_there_is_no_lane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
