#include "harness/rollout/traffic.h"
#include "lib/test/blunt_server.h"
#include "test/support/until.h"

#define CLIENTS 4

/* Clients, and a server in the same loop that does what their path says. */
struct traffic_scene {
	uv_loop_t loop;
	struct blunt_server server;
	struct load_request_part part;
	struct traffic *traffic;
};

static int set_up(void **state)
{
	struct traffic_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	server_open(&scene->server, &scene->loop, NULL);
	fields_preset(load_request_fields, &scene->part);
	scene->part.concurrency = CLIENTS;
	scene->part.pause_ns = CLOCK_MS;
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct traffic_scene *scene = *state;

	traffic_destroy(scene->traffic);
	server_close(&scene->server);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->server.last);
	fields_done(load_request_fields, &scene->part);
	free(scene);
	return 0;
}

static void begin(struct traffic_scene *scene, const char *path)
{
	SCOPED(mem_free)
	char *base = mem_textf("http://127.0.0.1:%d", scene->server.port);
	struct err err = {0};

	scene->part.path = mem_text(path);
	scene->traffic = traffic_create(&scene->loop, &scene->part, base, &err);
	if (!scene->traffic)
		fail_msg("%s", err.text);
	traffic_begin(scene->traffic);
}

static unsigned ended(const struct traffic_scene *scene)
{
	unsigned count;

	(void)!traffic_records(scene->traffic, &count);
	return count;
}

static void finish(struct traffic_scene *scene)
{
	traffic_hold(scene->traffic);
	until(&scene->loop, traffic_is_quiet(scene->traffic));
}

static void traffic_goes_on_over_new_and_reused_connections(void **state)
{
	struct traffic_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count, reused = 0;

	begin(scene, "/plain");
	until(&scene->loop, traffic_flows(scene->traffic));
	until(&scene->loop, ended(scene) >= 100 * CLIENTS);
	finish(scene);
	records = traffic_records(scene->traffic, &count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(records[i].class, TRAFFIC_FINISHED);
		assert_int_equal(records[i].status, 200);
		assert_true(records[i].ended_ns >= records[i].sent_ns);
		assert_true(i == 0 || records[i].ended_ns >= records[i - 1].ended_ns);
		reused += records[i].reused;
	}
	assert_int_equal(scene->server.requests, count);
	/* All but the reusing clients' first. */
	assert_int_equal(scene->server.accepted, count - reused);
	assert_true(reused > count / 4 && reused < count);
}

/* A client goes on after each, and the class is exact, over new and reused connections. */
static void traffic_has_a_class_for_each_end(void **state)
{
	static const struct {
		const char *path;
		enum traffic_class class;
		const char *why;
	} rows[] = {
		{"/plain", TRAFFIC_FINISHED, "whole"},
		{"/empty", TRAFFIC_FINISHED, "204 is a good answer"},
		{"/last", TRAFFIC_FINISHED, "closed behind the answer"},
		{"/busy", TRAFFIC_TURNED_AWAY, "503 with Retry-After"},
		{"/busy-nonsense", TRAFFIC_TURNED_AWAY, "whatever its value"},
		{"/missing", TRAFFIC_WRONG, "404"},
		{"/leave", TRAFFIC_RESET, "an end before the answer"},
		{"/reset", TRAFFIC_RESET, "a reset before the answer"},
		{"/half-head", TRAFFIC_LOST, "cut within the head"},
		{"/half-body", TRAFFIC_LOST, "cut within the body"},
		{"/half-body-reset", TRAFFIC_LOST, "reset within the body"},
		{"/half-chunks", TRAFFIC_LOST, "no last chunk"},
		{"/hang", TRAFFIC_UNANSWERED, "no answer in time"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct traffic_scene *scene;
		const struct traffic_record *records;
		unsigned count;

		print_message("%s\n", rows[i].why);
		assert_int_equal(set_up(state), 0);
		scene = *state;
		scene->part.within_ns = strcmp(rows[i].path, "/hang") == 0
			? 20 * CLOCK_MS
			: 10 * CLOCK_S;
		begin(scene, rows[i].path);
		until(&scene->loop, ended(scene) >= 3 * CLIENTS);
		finish(scene);
		records = traffic_records(scene->traffic, &count);
		for (unsigned j = 0; j < count; j++)
			assert_int_equal(records[j].class, rows[i].class);
		assert_int_equal(traffic_first(scene->traffic, rows[i].class) != NULL,
			rows[i].class != TRAFFIC_FINISHED);
		assert_int_equal(traffic_flows(scene->traffic),
			rows[i].class == TRAFFIC_FINISHED);
		tear_down(state);
	}
}

static void traffic_to_a_closed_port_is_refused(void **state)
{
	struct traffic_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	server_close(&scene->server);
	until(&scene->loop, !uv_is_active(&scene->server.listener.handle));
	until_idle(&scene->loop, 5);
	begin(scene, "/plain");
	until(&scene->loop, ended(scene) >= 2 * CLIENTS);
	finish(scene);
	records = traffic_records(scene->traffic, &count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(records[i].class, TRAFFIC_REFUSED);
	assert_non_null(strstr(
		traffic_first(scene->traffic, TRAFFIC_REFUSED), "new connection"));
}

static void an_answer_without_its_text_is_lost(void **state)
{
	struct traffic_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	scene->part.contains = mem_text("goodbye");
	begin(scene, "/plain");
	until(&scene->loop, ended(scene) >= CLIENTS);
	finish(scene);
	records = traffic_records(scene->traffic, &count);
	assert_int_equal(records[0].class, TRAFFIC_LOST);
	assert_non_null(strstr(traffic_first(scene->traffic, TRAFFIC_LOST),
		"the answer ended without \"goodbye\""));
}

/* The server takes the second request of a connection and resets it. */
static void ask_twice(struct traffic_scene *scene, const char *method)
{
	scene->part.concurrency = 1;
	scene->part.connections = LOAD_CONNECTIONS_REUSED;
	scene->part.method = mem_text(method);
	begin(scene, "/once");
	until(&scene->loop, ended(scene) >= 2);
	finish(scene);
}

static void an_idempotent_request_is_repeated_and_counted(void **state)
{
	struct traffic_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	ask_twice(scene, "GET");
	records = traffic_records(scene->traffic, &count);
	assert_int_equal(records[1].class, TRAFFIC_FINISHED);
	assert_int_equal(records[1].repeats, 1);
	assert_false(records[1].reused);
	assert_int_equal(records[0].repeats, 0);
}

static void a_post_is_not_repeated(void **state)
{
	struct traffic_scene *scene = *state;
	const struct traffic_record *records;
	unsigned count;

	ask_twice(scene, "POST");
	records = traffic_records(scene->traffic, &count);
	assert_int_equal(records[1].class, TRAFFIC_RESET);
	assert_int_equal(records[1].repeats, 0);
	assert_true(records[1].reused);
	assert_non_null(
		strstr(traffic_first(scene->traffic, TRAFFIC_RESET), "client 1 at "));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(traffic_goes_on_over_new_and_reused_connections),
		cmocka_unit_test(traffic_has_a_class_for_each_end),
		SCENE(traffic_to_a_closed_port_is_refused),
		SCENE(an_answer_without_its_text_is_lost),
		SCENE(an_idempotent_request_is_repeated_and_counted),
		SCENE(a_post_is_not_repeated),
	};

	return cmocka_run_group_tests_name("traffic", tests, NULL, NULL);
}
