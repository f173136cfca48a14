#include "harness/rollout/rollout_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

/* An update of two tasks on two nodes: a, which stops from 10 s on, and b in its place. */
struct scene {
	struct scenario scenario;
	struct rollout rollout;
	struct evidence evidence;
	struct judgement judgement;
};

static struct rollout_task *add_task(struct scene *scene, const char *id,
	const char *address, int64_t created_s, int64_t running_s)
{
	struct rollout *rollout = &scene->rollout;
	struct rollout_task *task;

	rollout->tasks = mem_grown(
		rollout->tasks, rollout->task_count + 1, sizeof *rollout->tasks);
	task = &rollout->tasks[rollout->task_count++];
	*task = (struct rollout_task){
		.id = mem_text(id),
		.name = mem_textf("shop.%s", id),
		.node = mem_text("n1"),
		.address = mem_text(address),
		.created_ns = created_s * CLOCK_S,
		.running_ns = running_s * CLOCK_S,
	};
	return task;
}

static struct task_stop *add_stop(struct scene *scene, const char *task,
	enum verdict verdict, int exit_code, int64_t signal_s, int64_t exit_s)
{
	struct rollout *rollout = &scene->rollout;
	struct task_stop *stop;

	rollout->stops = mem_grown(
		rollout->stops, rollout->stop_count + 1, sizeof *rollout->stops);
	stop = &rollout->stops[rollout->stop_count++];
	*stop = (struct task_stop){
		.task = mem_text(task),
		.source = TASK_STOP_WITNESS,
		.verdict = verdict,
		.reason = mem_text("the reason"),
		.exit_code = exit_code,
		.signal_ns = signal_s * CLOCK_S,
		.exit_ns = exit_s * CLOCK_S,
	};
	return stop;
}

static void add_request(struct scene *scene, enum traffic_class class, unsigned backend,
	int64_t sent_ms, int64_t ended_ms)
{
	struct rollout *rollout = &scene->rollout;

	rollout->requests = mem_grown(rollout->requests, rollout->request_count + 1,
		sizeof *rollout->requests);
	rollout->requests[rollout->request_count++] = (struct traffic_record){
		.class = (uint8_t) class,
		.backend = (uint16_t)backend,
		.sent_ns = sent_ms * CLOCK_MS,
		.ended_ns = ended_ms * CLOCK_MS,
	};
	if (!rollout->first_failed[class])
		rollout->first_failed[class] =
			mem_textf("a request was %s", traffic_class_names[class]);
}

static int open_scene(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	struct rollout *rollout = &scene->rollout;
	struct rollout_task *old;

	scene->scenario.stop.grace_ns = 10 * CLOCK_S;
	scene->scenario.expect.failed = 0;
	scene->scenario.expect.disconnected = scene->scenario.expect.orphans =
		scene->scenario.expect.lost = EXPECT_ANY;
	rollout->traffic_ns = 5 * CLOCK_S;
	rollout->held_ns = 30 * CLOCK_S;
	rollout->backend_count = 3;
	rollout->backends = mem_zeroed(3 * sizeof *rollout->backends);
	rollout->backends[1] = mem_text("10.0.0.1:1");
	rollout->backends[2] = mem_text("10.0.0.1:2");
	rollout->steps = mem_zeroed(sizeof *rollout->steps);
	rollout->step_count = 1;
	rollout->steps[0] = (struct rollout_step){
		.what = mem_text("update"),
		.asked_ns = 9 * CLOCK_S,
		.settled_ns = 20 * CLOCK_S,
	};
	old = add_task(scene, "a", "10.0.0.1:1", 1, 2);
	old->unwanted_ns = 10 * CLOCK_S;
	old->ended_ns = 12 * CLOCK_S;
	add_task(scene, "b", "10.0.0.1:2", 8, 9);
	add_request(scene, TRAFFIC_FINISHED, 1, 6000, 6010);
	add_request(scene, TRAFFIC_FINISHED, 2, 9500, 9510);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	rollout_done(&scene->rollout);
	free(scene);
	return 0;
}

static void judge_it(struct scene *scene)
{
	rollout_judge(
		&scene->judgement, &scene->scenario, &scene->rollout, &scene->evidence);
}

static const char *text_of(const struct scene *scene, enum diagnosis_id id)
{
	for (unsigned i = 0; i < scene->judgement.diagnosis_count; i++) {
		if (scene->judgement.diagnoses[i].id == id)
			return scene->judgement.diagnoses[i].text;
	}
	return NULL;
}

static void clean_stops_and_finished_requests_are_clean(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_CLEAN);
	assert_true(scene->judgement.met);
	assert_true(scene->judgement.stop_ns == CLOCK_S);
	assert_int_equal(scene->evidence.facts.exit_code, 0);
	assert_int_equal(scene->judgement.diagnosis_count, 0);
}

static void without_a_stop_nothing_is_proven(void **state)
{
	struct scene *scene = *state;

	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_INCONCLUSIVE);
}

static void the_worst_stop_decides(void **state)
{
	struct scene *scene = *state;
	struct task_stop *stop;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	stop = add_stop(scene, "b", VERDICT_KILLED, 137, 11, 21);
	stop->report = cJSON_Parse(
		"{\"diagnoses\":[{\"id\":\"H3\",\"text\":\"it waited for a child\"}]}");
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_KILLED);
	assert_non_null(strstr(scene->judgement.reason, "1 of 2 stops killed; shop.b"));
	assert_string_equal(
		text_of(scene, DIAGNOSIS_H3), "shop.b: it waited for a child");
	assert_true(scene->judgement.stop_ns == 10 * CLOCK_S);
	assert_int_equal(scene->evidence.facts.exit_code, 137);
}

static void a_request_sent_after_the_signal_blames_the_balancer(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_SERVER_ERROR, 1, 11250, 11251);
	add_request(scene, TRAFFIC_REFUSED, 1, 11500, 11501);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_int_equal(scene->judgement.failed, 2);
	assert_false(scene->judgement.met);
	assert_non_null(
		strstr(text_of(scene, DIAGNOSIS_U1), "2 requests failed at tasks"));
	assert_non_null(
		strstr(text_of(scene, DIAGNOSIS_U1), "250ms to 500ms after it"));
	assert_null(text_of(scene, DIAGNOSIS_U2));
	assert_null(text_of(scene, DIAGNOSIS_U3));
}

/* No witness saw the signal, but the orchestrator its own order. */
static void without_a_witness_the_order_to_stop_counts(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 0, 12)->source = TASK_STOP_API;
	scene->rollout.tasks[0].unwanted_ns = 11 * CLOCK_S;
	add_request(scene, TRAFFIC_REFUSED, 1, 10900, 10901);
	add_request(scene, TRAFFIC_REFUSED, 1, 11250, 11251);
	judge_it(scene);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U1),
		"1 request failed at tasks that the orchestrator had ordered to stop, 250ms"));
}

static void a_request_under_way_at_the_signal_blames_the_stop(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_RESET, 1, 10900, 11050);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_non_null(strstr(
		text_of(scene, DIAGNOSIS_U2), "1 request had been sent to tasks"));
	assert_null(text_of(scene, DIAGNOSIS_U1));
	assert_null(text_of(scene, DIAGNOSIS_U3));
}

static void a_request_before_the_first_answer_blames_readiness(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_SERVER_ERROR, 2, 9100, 9101);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_non_null(text_of(scene, DIAGNOSIS_U3));
	assert_null(text_of(scene, DIAGNOSIS_U1));
}

static void a_task_that_had_answered_was_ready(void **state)
{
	struct scene *scene = *state;

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_SERVER_ERROR, 2, 9700, 9701);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_int_equal(scene->judgement.diagnosis_count, 0);
}

/* One request before its stop, across it and after it, none of them answered. */
static void each_failure_of_a_task_has_one_cause(void **state)
{
	struct scene *scene = *state;

	add_task(scene, "c", "10.0.0.1:2", 15, 16);
	add_stop(scene, "c", VERDICT_CLEAN, 0, 17, 18);
	add_request(scene, TRAFFIC_REFUSED, 2, 16500, 16501);
	add_request(scene, TRAFFIC_RESET, 2, 16900, 17100);
	add_request(scene, TRAFFIC_REFUSED, 2, 17500, 17501);
	judge_it(scene);
	assert_non_null(
		strstr(text_of(scene, DIAGNOSIS_U1), "1 request failed at tasks"));
	assert_non_null(strstr(
		text_of(scene, DIAGNOSIS_U2), "1 request had been sent to tasks"));
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U3),
		"1 request failed at tasks that had not answered"));
}

/* Its port was that of a task before. */
static void a_request_belongs_to_the_last_task_of_its_address(void **state)
{
	struct scene *scene = *state;
	struct rollout_task *later = add_task(scene, "c", "10.0.0.1:1", 15, 16);

	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_RESET, 1, 16500, 16501);
	judge_it(scene);
	assert_ptr_equal(
		rollout_task_of(&scene->rollout, &scene->rollout.requests[2]), later);
	assert_null(text_of(scene, DIAGNOSIS_U1));
	assert_non_null(text_of(scene, DIAGNOSIS_U3));
}

static void what_a_node_takes_with_it_is_no_stop(void **state)
{
	struct scene *scene = *state;

	scene->rollout.tasks[0].died_with_node = true;
	add_stop(scene, "a", VERDICT_SELF_KILLED, 137, 11, 11);
	add_stop(scene, "b", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_RESET, 1, 10500, 11001);
	add_request(scene, TRAFFIC_RESET, 2, 10500, 11001);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_int_equal(scene->evidence.facts.exit_code, 0);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U4),
		"1 request failed at tasks of n1, which died"));
	assert_non_null(strstr(
		text_of(scene, DIAGNOSIS_U2), "1 request had been sent to tasks"));
}

static void a_time_without_a_task_is_told(void **state)
{
	struct scene *scene = *state;

	scene->rollout.tasks[1].running_ns = 13 * CLOCK_S;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	add_request(scene, TRAFFIC_TURNED_AWAY, 0, 11000, 11001);
	add_request(scene, TRAFFIC_SERVER_ERROR, 0, 12000, 12001);
	add_request(scene, TRAFFIC_SERVER_ERROR, 0, 14000, 14001);
	judge_it(scene);
	assert_non_null(text_of(scene, DIAGNOSIS_U5));
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U5), "for 3.00s"));
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U5),
		"1 request failed and 1 was turned away"));
}

/* What has the address of a task came from there, and one that was reset from nowhere. */
static void an_error_of_the_balancers_own_is_told_apart(void **state)
{
	struct scene *scene = *state;
	static const struct {
		enum traffic_class class;
		unsigned backend;
		uint16_t status;
	} rows[] = {
		{TRAFFIC_SERVER_ERROR, 0, 503}, {TRAFFIC_SERVER_ERROR, 0, 503},
		{TRAFFIC_SERVER_ERROR, 0, 502}, {TRAFFIC_SERVER_ERROR, 2, 503},
		{TRAFFIC_RESET, 0, 0}, {TRAFFIC_TURNED_AWAY, 0, 503}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		add_request(scene, rows[i].class, rows[i].backend, 9700, 9701);
		scene->rollout.requests[scene->rollout.request_count - 1].status =
			rows[i].status;
	}
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_LOSS);
	assert_int_equal(scene->judgement.failed, 5);
	assert_string_equal(text_of(scene, DIAGNOSIS_U9),
		"3 requests failed with a 5xx of the balancer's own, which no task sent: "
		"1 with 502, 2 with 503");
}

static void without_a_balancer_every_answer_is_a_tasks(void **state)
{
	struct scene *scene = *state;

	scene->rollout.backend_count = 1;
	add_request(scene, TRAFFIC_SERVER_ERROR, 0, 9700, 9701);
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	scene->rollout.backend_count = 3;
	assert_null(text_of(scene, DIAGNOSIS_U9));
}

static void tasks_that_are_stopped_together_leave_one_gap(void **state)
{
	struct scene *scene = *state;

	add_task(scene, "c", NULL, 1, 2)->unwanted_ns = 10 * CLOCK_S;
	scene->rollout.tasks[1].running_ns = 13 * CLOCK_S;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U5), "for 3.00s"));
}

static void a_gap_before_the_traffic_is_none(void **state)
{
	struct scene *scene = *state;

	scene->rollout.tasks[0].unwanted_ns = 3 * CLOCK_S;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 3, 4);
	judge_it(scene);
	assert_null(text_of(scene, DIAGNOSIS_U5));
}

/* One has ended by itself, and one has not begun to run. */
static void a_task_that_does_not_run_takes_no_requests(void **state)
{
	struct scene *scene = *state;

	scene->rollout.tasks[1].ended_ns = 9500 * CLOCK_MS;
	add_task(scene, "c", NULL, 9, 0);
	add_task(scene, "d", NULL, 9, 14);
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U5), "for 4.00s"));
}

/* One that waits to run, one that was not wanted any more, and one that ran. */
static void a_task_need_not_run(void **state)
{
	struct scene *scene = *state;
	struct rollout_task *overtaken = add_task(scene, "d", NULL, 15, 0);

	overtaken->unwanted_ns = 16 * CLOCK_S;
	overtaken->ended_ns = 17 * CLOCK_S;
	add_task(scene, "c", NULL, 15, 0);
	add_task(scene, "e", NULL, 15, 16)->ended_ns = 17 * CLOCK_S;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_null(text_of(scene, DIAGNOSIS_U6));
	assert_int_equal(scene->judgement.verdict, VERDICT_CLEAN);
}

static void a_task_that_never_ran_is_dirty(void **state)
{
	struct scene *scene = *state;
	struct rollout_task *task = add_task(scene, "c", NULL, 15, 0);

	task->ended_ns = 16 * CLOCK_S;
	task->message = mem_text("No such image: shop:2");
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_DIRTY);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U6), "No such image: shop:2"));
}

static void an_orchestrator_that_is_not_done_is_stuck(void **state)
{
	struct scene *scene = *state;

	scene->rollout.steps[0].settled_ns = 0;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_ENGINE_STUCK);
	assert_non_null(text_of(scene, DIAGNOSIS_U7));
}

static void an_orchestrator_that_gives_up_says_why(void **state)
{
	struct scene *scene = *state;

	scene->rollout.steps[0].settled_ns = 0;
	scene->rollout.gave_up = mem_text("update paused due to failure");
	scene->rollout.unobserved = mem_text("no whole answer within 5s");
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_ENGINE_STUCK);
	assert_non_null(strstr(text_of(scene, DIAGNOSIS_U7), ": update paused due to"));
}

static void a_witness_that_was_lost_leaves_it_open(void **state)
{
	struct scene *scene = *state;
	struct rollout *rollout = &scene->rollout;

	rollout->nodes = mem_zeroed(sizeof *rollout->nodes);
	rollout->node_count = 1;
	rollout->nodes[0] = (struct rollout_node){
		.name = mem_text("n1"), .trouble = mem_text("connection reset")};
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_INCONCLUSIVE);
}

static void the_api_alone_proves_no_kill(void **state UNUSED)
{
	struct cluster_task task = {
		.id = (char[]){"a"}, .unwanted_ns = 1, .ended_ns = 2, .exit_code = 137};
	struct task_stop stop = task_stop_of_api(&task);

	assert_int_equal(stop.verdict, VERDICT_INCONCLUSIVE);
	task_stop_done(&stop);
	task.exit_code = 143;
	stop = task_stop_of_api(&task);
	assert_int_equal(stop.verdict, VERDICT_DIRTY);
	task_stop_done(&stop);
	task.exit_code = 0;
	stop = task_stop_of_api(&task);
	assert_int_equal(stop.verdict, VERDICT_CLEAN);
	task_stop_done(&stop);
	task.unwanted_ns = 0;
	stop = task_stop_of_api(&task);
	assert_int_equal(stop.verdict, VERDICT_CRASH);
	task_stop_done(&stop);
}

/* In this order: what the kernel proved, what it saw of a power cut, what nobody saw. */
static void a_node_that_goes_down_is_not_the_programs_kill(void **state UNUSED)
{
	static const struct {
		enum task_stop_source source;
		enum verdict verdict, after;
	} rows[] = {
		{TASK_STOP_WITNESS, VERDICT_CLEAN, VERDICT_CLEAN},
		{TASK_STOP_WITNESS, VERDICT_KILLED, VERDICT_KILLED},
		{TASK_STOP_WITNESS, VERDICT_SELF_KILLED, VERDICT_INCONCLUSIVE},
		{TASK_STOP_API, VERDICT_CRASH, VERDICT_INCONCLUSIVE},
	};
	struct cluster_task task = {
		.id = (char[]){"a"}, .node = (char[]){"n2"}, .exit_code = -1};

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		struct task_stop stop = {
			.source = rows[i / 2].source,
			.verdict = rows[i / 2].verdict,
			.reason = mem_text("SIGKILL was sent by sh"),
		};
		bool changes;

		task.lost = i % 2;
		changes = task.lost && rows[i / 2].after != rows[i / 2].verdict;
		assert_int_equal(task_stop_lose_node(&stop, &task), changes);
		assert_int_equal(stop.verdict,
			changes ? rows[i / 2].after : rows[i / 2].verdict);
		if (changes) {
			const cJSON *first = json_at(stop.report, "diagnoses.0");

			assert_string_equal(json_text(first, "id"), "U8");
			assert_string_equal(
				stop.reason, "missing: a stop; n2 went down");
		}
		task_stop_done(&stop);
	}
}

static void an_end_with_the_node_is_no_crash_by_the_api(void **state UNUSED)
{
	struct cluster_task task = {.id = (char[]){"a"},
		.node = (char[]){"n2"},
		.exit_code = -1,
		.lost = true};
	struct task_stop stop = task_stop_of_api(&task);

	assert_int_equal(stop.verdict, VERDICT_INCONCLUSIVE);
	assert_non_null(json_at(stop.report, "diagnoses.0"));
	task_stop_done(&stop);
}

static void a_node_that_goes_down_in_an_update_leaves_it_open(void **state)
{
	struct scene *scene = *state;

	scene->rollout.tasks[1].died_with_node = true;
	add_stop(scene, "a", VERDICT_CLEAN, 0, 11, 12);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_INCONCLUSIVE);
	assert_non_null(strstr(
		text_of(scene, DIAGNOSIS_U8), "n1 went down, and 1 task with it"));
}

/* What ran on the node died with it, nothing else had to end, and its witness is gone. */
static void a_node_that_is_killed_stops_nothing(void **state)
{
	struct scene *scene = *state;
	struct rollout *rollout = &scene->rollout;

	rollout->tasks[0].died_with_node = true;
	rollout->killed_node = mem_text("n1");
	rollout->nodes = mem_zeroed(sizeof *rollout->nodes);
	rollout->node_count = 1;
	rollout->nodes[0] = (struct rollout_node){
		.name = mem_text("n1"), .trouble = mem_text("connection reset")};
	add_stop(scene, "a", VERDICT_SELF_KILLED, 137, 11, 11);
	judge_it(scene);
	assert_int_equal(scene->judgement.verdict, VERDICT_CLEAN);
	assert_non_null(strstr(scene->judgement.reason, "1 task died with n1"));
	assert_null(text_of(scene, DIAGNOSIS_U8));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(clean_stops_and_finished_requests_are_clean),
		SCENE(without_a_stop_nothing_is_proven),
		SCENE(the_worst_stop_decides),
		SCENE(a_request_sent_after_the_signal_blames_the_balancer),
		SCENE(without_a_witness_the_order_to_stop_counts),
		SCENE(a_request_under_way_at_the_signal_blames_the_stop),
		SCENE(a_request_before_the_first_answer_blames_readiness),
		SCENE(a_task_that_had_answered_was_ready),
		SCENE(each_failure_of_a_task_has_one_cause),
		SCENE(a_request_belongs_to_the_last_task_of_its_address),
		SCENE(what_a_node_takes_with_it_is_no_stop),
		SCENE(a_time_without_a_task_is_told),
		SCENE(an_error_of_the_balancers_own_is_told_apart),
		SCENE(without_a_balancer_every_answer_is_a_tasks),
		SCENE(tasks_that_are_stopped_together_leave_one_gap),
		SCENE(a_gap_before_the_traffic_is_none),
		SCENE(a_task_that_does_not_run_takes_no_requests),
		SCENE(a_task_need_not_run),
		SCENE(a_task_that_never_ran_is_dirty),
		SCENE(an_orchestrator_that_is_not_done_is_stuck),
		SCENE(an_orchestrator_that_gives_up_says_why),
		SCENE(a_witness_that_was_lost_leaves_it_open),
		SCENE(a_node_that_goes_down_in_an_update_leaves_it_open),
		SCENE(a_node_that_is_killed_stops_nothing),
		cmocka_unit_test(the_api_alone_proves_no_kill),
		cmocka_unit_test(a_node_that_goes_down_is_not_the_programs_kill),
		cmocka_unit_test(an_end_with_the_node_is_no_crash_by_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
