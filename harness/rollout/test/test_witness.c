#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/rollout/witness.h"
#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/web.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

/* A scripted witness at a unix socket, of another machine whose clock is an hour ahead. */
struct witness_scene {
	uv_loop_t loop;
	char *folder, *socket, *address;
	struct web *web;
	const char *instance;
	unsigned seq;               /* that the node says */
	unsigned status;            /* of the answer for the node */
	struct web_exchange *stops; /* the stream; NULL: none is open */
	unsigned streams;
	char since[32], label[64]; /* of the last one */

	struct witness *witness;
	unsigned stop_count;
	struct task_stop last;
};

#define AHEAD_NS (3600 * CLOCK_S)

static void answer_node(struct witness_scene *scene, struct web_exchange *exchange)
{
	SCOPED(mem_free)
	char *text = mem_textf(
		"{\"name\":\"n1\",\"boot_id\":\"elsewhere\",\"instance\":\"%s\",\"seq\":%u,"
		"\"clock_ns\":%lld}",
		scene->instance, scene->seq, (long long)(clock_now() + AHEAD_NS));

	if (scene->status == 403)
		snprintf(text, strlen(text), "{\"error\":\"a client certificate\"}");
	web_reply(exchange, scene->status, "application/json", text, strlen(text));
}

static void say(struct witness_scene *scene, const char *line)
{
	web_stream_add(scene->stops, line, strlen(line));
	web_stream_add(scene->stops, "\n", 1);
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct witness_scene *scene = arg;

	if (strcmp(exchange->path, "/v1/node") == 0) {
		answer_node(scene, exchange);
		return;
	}
	snprintf(scene->since, sizeof scene->since, "%s",
		web_query(exchange, "since", 0));
	snprintf(scene->label, sizeof scene->label, "%s",
		web_query(exchange, "label", 0));
	scene->stops = exchange;
	scene->streams++;
	web_stream_begin(exchange, 200, "application/x-ndjson");
	say(scene, "{\"watching\":{\"container\":\"c1\"}}");
	say(scene, "{\"heartbeat\":{\"clock_ns\":1}}");
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end UNUSED)
{
	struct witness_scene *scene = arg;

	if (scene->stops == exchange)
		scene->stops = NULL;
}

static void listen_again(struct witness_scene *scene)
{
	struct err err;

	scene->web = web_create(&scene->loop,
		&(struct web_options){
			.socket = scene->socket,
			.handle = on_request,
			.over = on_over,
			.arg = scene,
		},
		&err);
	if (!scene->web)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	struct witness_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->folder = temp_dir_create();
	scene->socket = mem_textf("%s/s", scene->folder);
	scene->address = mem_textf("unix://%s", scene->socket);
	scene->instance = "one";
	scene->seq = 7;
	scene->status = 200;
	listen_again(scene);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct witness_scene *scene = *state;

	witness_close(scene->witness);
	web_destroy(scene->web);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	task_stop_done(&scene->last);
	temp_dir_remove(scene->folder);
	free(scene->socket);
	free(scene->address);
	free(scene);
	return 0;
}

static void on_stop(void *arg, struct task_stop *stop)
{
	struct witness_scene *scene = arg;

	task_stop_done(&scene->last);
	scene->last = *stop;
	scene->stop_count++;
}

static bool open_on(
	struct witness_scene *scene, const char *address, bool daemon, struct err *err)
{
	scene->witness = witness_open(
		&(struct witness_options){
			.loop = &scene->loop,
			.address = address,
			.daemon = daemon,
			.label = "a=b&c",
			.programs = getenv("PROGRAMS"),
		},
		on_stop, scene, err);
	return scene->witness != NULL;
}

static void open_witness(struct witness_scene *scene)
{
	struct err err;

	if (!open_on(scene, scene->address, false, &err))
		fail_msg("%s", err.text);
}

/* A clean stop of container c1, an hour ahead, which took a second. */
static void say_stop(struct witness_scene *scene, unsigned seq, int64_t signal_ns)
{
	SCOPED(mem_free)
	char *line = mem_textf(
		"{\"stop\":{\"container\":\"c1\",\"labels\":{\"com.docker.swarm.task.id\":\"t9\"},"
		"\"signal_ns\":%lld,\"exit_ns\":%lld,\"error_ns\":5,\"seq\":%u,"
		"\"report\":{\"verdict\":\"clean\",\"reason\":\"1s\",\"exit_code\":0}}}",
		(long long)(signal_ns + AHEAD_NS),
		(long long)(signal_ns + AHEAD_NS + CLOCK_S), seq);

	say(scene, line);
}

static void witness_hands_over_a_stop_by_our_clock(void **state)
{
	struct witness_scene *scene = *state;
	const struct task_stop *stop = &scene->last;
	int64_t signal_ns = clock_now();

	open_witness(scene);
	assert_string_equal(witness_node(scene->witness), "n1");
	assert_string_equal(scene->label, "a=b&c");
	assert_true(witness_watches(scene->witness, "c1"));
	assert_false(witness_watches(scene->witness, "c2"));
	say(scene, "{\"watching\":{\"container\":\"c2\"}}");
	until(&scene->loop, witness_watches(scene->witness, "c2"));
	say_stop(scene, 8, signal_ns);
	until(&scene->loop, scene->stop_count == 1);
	assert_false(witness_watches(scene->witness, "c1"));
	assert_string_equal(stop->task, "t9");
	assert_string_equal(stop->node, "n1");
	assert_string_equal(stop->container, "c1");
	assert_int_equal(stop->source, TASK_STOP_WITNESS);
	assert_int_equal(stop->verdict, VERDICT_CLEAN);
	assert_int_equal(stop->exit_code, 0);
	assert_int_equal(stop->exit_ns - stop->signal_ns, CLOCK_S);
	/* To what the round trips cost. */
	assert_true(stop->error_ns > 5 && stop->error_ns < CLOCK_S);
	assert_true(llabs(stop->signal_ns - signal_ns) <= stop->error_ns);
	assert_non_null(stop->report);
	assert_null(witness_trouble(scene->witness));
}

static void witness_asks_for_what_it_missed_when_the_connection_breaks(void **state)
{
	struct witness_scene *scene = *state;

	open_witness(scene);
	assert_string_equal(scene->since, "7");
	say_stop(scene, 9, clock_now());
	until(&scene->loop, scene->stop_count == 1);
	web_destroy(scene->web);
	listen_again(scene);
	until(&scene->loop, scene->streams == 2);
	assert_string_equal(scene->since, "9");
	say(scene, "{\"heartbeat\":{\"seq\":12}}");
	say_stop(scene, 13, clock_now());
	until(&scene->loop, scene->stop_count == 2);
	web_reset(scene->stops);
	until(&scene->loop, scene->streams == 3);
	assert_string_equal(scene->since, "13");
	assert_null(witness_trouble(scene->witness));
}

static void witness_says_what_is_lost(void **state)
{
	struct witness_scene *scene = *state;

	open_witness(scene);
	say(scene, "{\"lost\":{\"from\":8,\"to\":9}}");
	until(&scene->loop, witness_trouble(scene->witness));
	assert_string_equal(witness_trouble(scene->witness),
		"it does not remember 2 of its stops any more");
}

static void witness_knows_one_that_was_started_anew(void **state)
{
	struct witness_scene *scene = *state;

	open_witness(scene);
	web_destroy(scene->web);
	scene->instance = "two";
	listen_again(scene);
	until(&scene->loop, scene->streams == 2);
	assert_string_equal(scene->since, "0");
	assert_string_equal(witness_trouble(scene->witness),
		"it was started anew: stops in between are not known");
}

static void witness_that_cannot_be_asked_is_an_error(void **state)
{
	struct witness_scene *scene = *state;
	static const struct {
		const char *address; /* NULL: the scripted one */
		unsigned status;
		const char *text, *why;
	} rows[] = {
		{"unix:///nowhere/s", 200,
			"the witness at unix:///nowhere/s: ", "nobody"},
		{"http://127.0.0.1:1", 200,
			"expected unix:///PATH or https://HOST:PORT", "plain TCP"},
		{"https://127.0.0.1:1", 200, "needs a folder with ca.pem",
			"no certificate"},
		{NULL, 403, "HTTP 403 a client certificate", "not allowed"},
		{NULL, 404, "HTTP 404", "somebody else's server"},
	};

	unsetenv("DOCKER_CERT_PATH");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		const char *address =
			rows[i].address ? rows[i].address : scene->address;

		scene->status = rows[i].status;
		if (open_on(scene, address, false, &err) ||
			!strstr(err.text, rows[i].text))
			fail_msg("%s: %s", rows[i].why, err.text);
	}
}

/* --- of a daemon --- */

static void witness_of_a_daemon_that_is_not_there_says_so(void **state)
{
	struct witness_scene *scene = *state;
	struct err err = {0};

	assert_false(open_on(scene, "unix:///nowhere/docker.sock", true, &err));
	if (!strstr(err.text, "no Docker daemon at unix:///nowhere/docker.sock"))
		fail_msg("%s", err.text);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(witness_hands_over_a_stop_by_our_clock),
		SCENE(witness_asks_for_what_it_missed_when_the_connection_breaks),
		SCENE(witness_says_what_is_lost),
		SCENE(witness_knows_one_that_was_started_anew),
		SCENE(witness_that_cannot_be_asked_is_an_error),
		SCENE(witness_of_a_daemon_that_is_not_there_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
