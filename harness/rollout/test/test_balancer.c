#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "harness/rollout/balancer.h"
#include "harness/rollout/traffic.h"
#include "lib/mem.h"
#include "lib/web.h"
#include "test/support/own_network.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define TASKS     3
#define TASKS_MAX 4096

/* A server that stands for a task, in the loop of the test. */
struct task {
	struct web *web;
	char *address;
	unsigned requests;
	bool unready, drained;
};

struct balancer_scene {
	uv_loop_t loop;
	char *folder;
	struct balancer_part part;
	struct load_request_part request;
	struct balancer *balancer;
	struct traffic *traffic;
	struct task *tasks[TASKS_MAX];
	unsigned first, count; /* those that run are tasks[first..count - 1] */
};

static enum balancer_kind kind_of_scene;

static int set_up(void **state)
{
	struct balancer_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->folder = temp_dir_create();
	fields_preset(balancer_fields, &scene->part);
	fields_preset(load_request_fields, &scene->request);
	scene->part.kind = (int)kind_of_scene;
	scene->part.health_interval_ns = 20 * CLOCK_MS;
	scene->request.path = mem_text("/work?n={n}");
	scene->request.concurrency = 8;
	scene->request.pause_ns = 0;
	*state = scene;
	return 0;
}

/* --- tasks --- */

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct task *task = arg;
	bool is_check = strcmp(exchange->path, "/ready") == 0;

	task->requests += !is_check;
	if (is_check && task->unready)
		web_reply(exchange, 503, NULL, "", 0);
	else
		web_reply(exchange, 200, "text/plain", "done", 4);
}

static struct task *start_task(struct balancer_scene *scene)
{
	struct task *task = mem_zeroed(sizeof *task);
	struct err err = {0};

	assert_true(scene->count < TASKS_MAX);
	task->web = web_create(&scene->loop,
		&(struct web_options){.handle = on_request, .arg = task}, &err);
	if (!task->web)
		fail_msg("%s", err.text);
	task->address = mem_textf("127.0.0.1:%u", web_port(task->web));
	scene->tasks[scene->count++] = task;
	return task;
}

/* Its connections end at once. */
static void kill_task(struct task *task)
{
	web_destroy(task->web);
	task->web = NULL;
}

static void on_drained(void *arg)
{
	struct task *task = arg;

	task->drained = true;
}

static void tell_tasks(struct balancer_scene *scene)
{
	const char *addresses[TASKS_MAX];

	for (unsigned i = scene->first; i < scene->count; i++)
		addresses[i - scene->first] = scene->tasks[i]->address;
	balancer_set(scene->balancer, addresses, scene->count - scene->first);
}

static void open_balancer(struct balancer_scene *scene)
{
	struct err err = {0};

	scene->balancer = balancer_up(
		&(struct balancer_options){
			.loop = &scene->loop,
			.programs = program_folder(),
			.folder = scene->folder,
			.part = &scene->part,
		},
		&err);
	if (!scene->balancer)
		fail_msg("%s", err.text);
}

static void open_tasks(struct balancer_scene *scene)
{
	open_balancer(scene);
	while (scene->count < TASKS)
		start_task(scene);
	tell_tasks(scene);
	until(&scene->loop, balancer_has_settled(scene->balancer));
}

static void begin_traffic(struct balancer_scene *scene)
{
	struct err err = {0};

	scene->traffic = traffic_create(
		&scene->loop, &scene->request, balancer_url(scene->balancer), &err);
	assert_non_null(scene->traffic);
	traffic_begin(scene->traffic);
}

static int tear_down(void **state)
{
	struct balancer_scene *scene = *state;

	traffic_destroy(scene->traffic);
	balancer_down(scene->balancer);
	for (unsigned i = 0; i < scene->count; i++) {
		web_destroy(scene->tasks[i]->web);
		free(scene->tasks[i]->address);
	}
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	for (unsigned i = 0; i < scene->count; i++)
		free(scene->tasks[i]);
	fields_done(load_request_fields, &scene->request);
	fields_done(balancer_fields, &scene->part);
	temp_dir_remove(scene->folder);
	free(scene);
	return 0;
}

static unsigned ended(const struct balancer_scene *scene)
{
	unsigned count;

	(void)!traffic_records(scene->traffic, &count);
	return count;
}

static void finish_traffic(struct balancer_scene *scene)
{
	traffic_hold(scene->traffic);
	until(&scene->loop, traffic_is_quiet(scene->traffic));
}

static unsigned failed(const struct balancer_scene *scene)
{
	unsigned count, failures = 0;
	const struct traffic_record *records = traffic_records(scene->traffic, &count);

	for (unsigned i = 0; i < count; i++)
		failures += traffic_class_failed((enum traffic_class)records[i].class);
	return failures;
}

static void print_failures(const struct balancer_scene *scene)
{
	for (unsigned i = 0; i < TRAFFIC_CLASSES; i++)
		if (traffic_first(scene->traffic, (enum traffic_class)i))
			print_message("%s: %s\n", traffic_class_names[i],
				traffic_first(scene->traffic, (enum traffic_class)i));
}

/* --- tests --- */

static void a_balancer_without_backends_answers_503(void **state)
{
	struct balancer_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	open_balancer(scene);
	tell_tasks(scene);
	until(&scene->loop, balancer_has_settled(scene->balancer));
	begin_traffic(scene);
	until(&scene->loop, ended(scene) >= 20);
	finish_traffic(scene);
	records = traffic_records(scene->traffic, &count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(records[i].status, 503);
		/* That of haproxy has no Retry-After. */
		assert_int_equal(records[i].class,
			kind_of_scene == BALANCER_HAPROXY ? TRAFFIC_SERVER_ERROR
							  : TRAFFIC_TURNED_AWAY);
		assert_int_equal(records[i].backend, 0);
	}
}

static void a_balancer_sends_requests_to_its_backends_in_turn(void **state)
{
	struct balancer_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	open_tasks(scene);
	begin_traffic(scene);
	until(&scene->loop, ended(scene) >= 300);
	finish_traffic(scene);
	records = traffic_records(scene->traffic, &count);
	assert_int_equal(failed(scene), 0);
	for (unsigned i = 0; i < TASKS; i++) {
		unsigned named = 0;

		for (unsigned j = 0; j < count; j++)
			named += strcmp(traffic_backend(
						scene->traffic, records[j].backend),
					 scene->tasks[i]->address) == 0;
		assert_int_equal(named, scene->tasks[i]->requests);
		assert_in_range(named, count / TASKS - 10, count / TASKS + 10);
	}
}

#define POLITE_REQUESTS 20000

/* A task comes, the oldest is taken out, and only then does it stop. */
static void backends_that_come_and_go_politely_lose_nothing(void **state)
{
	struct balancer_scene *scene = *state;
	unsigned repeats = 0, count, before;
	const struct traffic_record *records;

	open_tasks(scene);
	begin_traffic(scene);
	until(&scene->loop, traffic_flows(scene->traffic));
	while (ended(scene) < POLITE_REQUESTS) {
		struct task *oldest = scene->tasks[scene->first];

		start_task(scene);
		scene->first++;
		tell_tasks(scene);
		until(&scene->loop, balancer_has_settled(scene->balancer));
		web_drain(oldest->web, 20 * CLOCK_MS, on_drained, oldest);
		until(&scene->loop, oldest->drained);
		kill_task(oldest);
		before = ended(scene);
		until(&scene->loop, ended(scene) >= before + 10);
	}
	finish_traffic(scene);
	records = traffic_records(scene->traffic, &count);
	for (unsigned i = 0; i < count; i++)
		repeats += records[i].repeats;
	print_message("%u requests, %u tasks replaced\n", count, scene->first);
	print_failures(scene);
	assert_int_equal(failed(scene), 0);
	assert_int_equal(repeats, 0);
	assert_true(scene->first >= 5);
}

/* The twin: it is told of nothing when a task goes. */
static void a_backend_that_goes_without_a_word_loses_requests(void **state)
{
	struct balancer_scene *scene = *state;

	open_tasks(scene);
	begin_traffic(scene);
	until(&scene->loop, ended(scene) >= 100);
	kill_task(scene->tasks[0]);
	until(&scene->loop, failed(scene) >= 10);
	finish_traffic(scene);
	print_failures(scene);
	assert_non_null(traffic_first(scene->traffic, TRAFFIC_SERVER_ERROR));
}

static void retries_hide_a_backend_that_is_gone(void **state)
{
	struct balancer_scene *scene = *state;
	unsigned before;

	scene->part.retries = 3;
	open_tasks(scene);
	begin_traffic(scene);
	until(&scene->loop, ended(scene) >= 100);
	kill_task(scene->tasks[0]);
	before = ended(scene);
	until(&scene->loop, ended(scene) >= before + 500);
	finish_traffic(scene);
	print_failures(scene);
	assert_int_equal(failed(scene), 0);
}

static void a_backend_gets_requests_until_the_lag_is_over(void **state)
{
	struct balancer_scene *scene = *state;
	struct task *oldest;
	unsigned before, at_the_end;
	int64_t told_ns;

	scene->part.lag_ns = 100 * CLOCK_MS;
	open_tasks(scene);
	begin_traffic(scene);
	until(&scene->loop, traffic_flows(scene->traffic));
	oldest = scene->tasks[scene->first++];
	told_ns = clock_now();
	before = oldest->requests;
	tell_tasks(scene);
	assert_false(balancer_has_settled(scene->balancer));
	until(&scene->loop, balancer_has_settled(scene->balancer));
	assert_true(clock_now() - told_ns >= scene->part.lag_ns);
	assert_true(oldest->requests > before + 10);
	/* Those that it has been sent already. */
	until(&scene->loop, web_exchanges(oldest->web) == 0);
	until_idle(&scene->loop, 20);
	at_the_end = oldest->requests;
	before = ended(scene);
	until(&scene->loop, ended(scene) >= before + 100);
	assert_int_equal(oldest->requests, at_the_end);
	finish_traffic(scene);
	assert_int_equal(failed(scene), 0);
}

static void a_backend_gets_requests_once_it_is_healthy(void **state)
{
	struct balancer_scene *scene = *state;
	struct task *task;
	unsigned before;

	scene->part.health_path = mem_text("/ready");
	scene->part.fails = 2;
	open_tasks(scene);
	begin_traffic(scene);
	task = start_task(scene);
	task->unready = true;
	tell_tasks(scene);
	until(&scene->loop, ended(scene) >= 200);
	assert_false(balancer_has_settled(scene->balancer));
	assert_int_equal(task->requests, 0);
	task->unready = false;
	until(&scene->loop, balancer_has_settled(scene->balancer));
	until(&scene->loop, task->requests > 0);
	/* And none once it is unhealthy: after its last check no request comes. */
	task->unready = true;
	until(&scene->loop,
		!balancer_has_settled(scene->balancer) ||
			kind_of_scene == BALANCER_HAPROXY);
	do {
		before = task->requests;
		until_idle(&scene->loop, 50);
	} while (task->requests > before);
	before = ended(scene);
	until(&scene->loop, ended(scene) >= before + 100);
	finish_traffic(scene);
	assert_int_equal(failed(scene), 0);
}

static void a_balancer_that_ends_is_seen(void **state)
{
	struct balancer_scene *scene = *state;
	struct err err = {0};

	open_tasks(scene);
	assert_true(balancer_running(scene->balancer));
	balancer_down(scene->balancer);
	scene->balancer = NULL;
	assert_null(balancer_up(
		&(struct balancer_options){
			.loop = &scene->loop,
			.programs = "/nowhere",
			.folder = "/dev/null/at/all",
			.part = &scene->part,
		},
		&err));
	assert_non_null(strstr(err.text, "balancer: "));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_balancer_without_backends_answers_503),
		SCENE(a_balancer_sends_requests_to_its_backends_in_turn),
		SCENE(backends_that_come_and_go_politely_lose_nothing),
		SCENE(a_backend_that_goes_without_a_word_loses_requests),
		SCENE(retries_hide_a_backend_that_is_gone),
		SCENE(a_backend_gets_requests_until_the_lag_is_over),
		SCENE(a_backend_gets_requests_once_it_is_healthy),
		SCENE(a_balancer_that_ends_is_seen),
	};
	int failures;

	own_network();
	kind_of_scene = BALANCER_OURS;
	failures = cmocka_run_group_tests_name("balancer", tests, NULL, NULL);
	if (access("/usr/sbin/haproxy", X_OK) != 0) {
		print_message("haproxy is not installed: its part is skipped\n");
		return failures;
	}
	kind_of_scene = BALANCER_HAPROXY;
	return failures + cmocka_run_group_tests_name("haproxy", tests, NULL, NULL);
}
