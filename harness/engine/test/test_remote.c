/* A Docker daemon on another machine, as the harness sees it: here, a script on a port
 * of the loopback interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/engine/docker/images.h"
#include "harness/engine/wait.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/web.h"

#define ID          "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PATIENCE_NS (20 * CLOCK_S)

struct scene;
typedef void act_fn(struct scene *scene, struct web_exchange *exchange);

struct scene {
	uv_loop_t loop;
	struct web *web;
	char *host_before;
	struct engine *engine;
	struct subject *subject;
	struct buf log;
	char last_path[256];

	/* The script. */
	const char *about;
	const char *state; /* of the container, when it has ended; NULL: it runs */
	const char *create_answer;
	unsigned create_status;
	act_fn *on_stop;
	const char *import_answer;
	const char *whole_log;
	size_t whole_log_len;

	/* Under way, NULL when they are not. */
	struct web_exchange *events, *follow, *wait;
};

static void reply(struct web_exchange *exchange, unsigned status, const char *json)
{
	web_reply(exchange, status, "application/json", json, strlen(json));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void answer_json(struct scene *scene, struct web_exchange *exchange)
{
	SCOPED(mem_free) char *json = mem_textf("{\"Id\":\"" ID "\",\"State\":%s}",
		scene->state ? scene->state : "{\"Running\":true,\"Pid\":1}");

	reply(exchange, 200, json);
}

static void answer_log(struct scene *scene, struct web_exchange *exchange)
{
	if (!web_query(exchange, "follow")) {
		web_reply(exchange, 200, "application/octet-stream", scene->whole_log,
			scene->whole_log_len);
		return;
	}
	scene->follow = exchange;
	web_stream_begin(exchange, 200, "application/octet-stream");
}

static void answer_wait(struct scene *scene, struct web_exchange *exchange)
{
	if (scene->state)
		reply(exchange, 200, "{\"StatusCode\":0}");
	else
		scene->wait = exchange;
}

static void on_request(void *arg, struct web_exchange *exchange)
{
	struct scene *scene = arg;
	const char *path = web_path(exchange);

	snprintf(scene->last_path, sizeof scene->last_path, "%s", path);
	if (strcmp(path, "/version") == 0) {
		reply(exchange, 200, scene->about);
	} else if (ends_with(path, "/info")) {
		reply(exchange, 200,
			"{\"Name\":\"elsewhere\",\"KernelVersion\":\"1.0\"}");
	} else if (ends_with(path, "/containers/create")) {
		reply(exchange, scene->create_status, scene->create_answer);
	} else if (ends_with(path, "/images/create")) {
		reply(exchange, 200, scene->import_answer);
	} else if (strstr(path, "/images/")) {
		reply(exchange, 404, "{\"message\":\"No such image\"}");
	} else if (ends_with(path, "/events")) {
		scene->events = exchange;
		web_stream_begin(exchange, 200, "application/json");
	} else if (ends_with(path, "/logs")) {
		answer_log(scene, exchange);
	} else if (ends_with(path, "/json")) {
		answer_json(scene, exchange);
	} else if (ends_with(path, "/wait")) {
		answer_wait(scene, exchange);
	} else if (ends_with(path, "/stop")) {
		scene->on_stop(scene, exchange);
	} else {
		web_reply(exchange, 204, NULL, NULL, 0);
	}
}

static void on_over(void *arg, struct web_exchange *exchange, enum web_end end)
{
	struct scene *scene = arg;
	struct web_exchange **places[] = {&scene->events, &scene->follow, &scene->wait};

	(void)end;
	for (size_t i = 0; i < COUNT(places); i++) {
		if (*places[i] == exchange)
			*places[i] = NULL;
	}
}

/* --- the daemon's side --- */

static void send_event(struct scene *scene, const char *action, const char *signal,
	const char *nanoseconds)
{
	SCOPED(mem_free) char *line = mem_textf(
		"{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"" ID
		"\",\"Attributes\":{%s%s%s}},\"timeNano\":%s}\n",
		action, signal ? "\"signal\":\"" : "", signal ? signal : "",
		signal ? "\"" : "", nanoseconds);

	/* In two pieces: a stream has no respect for lines. */
	web_stream_add(scene->events, line, 20);
	web_stream_add(scene->events, line + 20, strlen(line) - 20);
}

/* "stdout" is stream 1, "stderr" 2. */
static void add_frame(struct buf *frames, char stream, const char *text)
{
	size_t len = strlen(text);
	const char header[8] = {stream, 0, 0, 0, 0, 0, (char)(len >> 8), (char)len};

	buf_add(frames, header, sizeof header);
	buf_adds(frames, text);
}

static void end_container(struct scene *scene, const char *state)
{
	scene->state = state;
	if (scene->wait)
		reply(scene->wait, 200, "{\"StatusCode\":0}");
	if (scene->follow)
		web_stream_end(scene->follow);
}

/* --- ours --- */

static int set_up(void **state)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	SCOPED(mem_free) char *address = NULL;
	struct err err = {0};

	uv_loop_init(&scene->loop);
	scene->web = web_create(&scene->loop,
		&(struct web_options){
			.host = "127.0.0.1",
			.body_ceiling = 64 << 20,
			.handle = on_request,
			.over = on_over,
			.arg = scene,
		},
		&err);
	assert_non_null(scene->web);
	scene->host_before = mem_text(getenv("DOCKER_HOST"));
	address = mem_textf("tcp://127.0.0.1:%d", web_port(scene->web));
	setenv("DOCKER_HOST", address, 1);
	scene->about = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}";
	scene->create_answer = "{\"Id\":\"" ID "\"}";
	scene->create_status = 201;
	scene->whole_log = "";
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	subject_down(scene->subject);
	engine_destroy(scene->engine);
	web_destroy(scene->web);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	if (scene->host_before)
		setenv("DOCKER_HOST", scene->host_before, 1);
	else
		unsetenv("DOCKER_HOST");
	free(scene->host_before);
	buf_done(&scene->log);
	free(scene);
	return 0;
}

static void on_log(void *arg, int64_t ns, const char *line, size_t len)
{
	struct scene *scene = arg;

	(void)ns;
	buf_add(&scene->log, line, len);
	buf_adds(&scene->log, "|");
}

static bool open_engine(struct scene *scene, struct err *err)
{
	scene->engine = engine_create(&scene->loop, "docker",
		&(struct engine_options){.run_id = "run", .programs = "/nowhere"}, err);
	return scene->engine != NULL;
}

static bool bring_up(struct scene *scene, struct err *err)
{
	static const char *const env[] = {NULL};

	if (!open_engine(scene, err))
		return false;
	scene->subject = engine_up(scene->engine,
		&(struct unit){
			.name = "service",
			.image = "somebody/else:1",
			.env = env,
			.run_folder = "/tmp",
			.stop_signal = "SIGTERM",
			.grace_ns = 10 * CLOCK_S,
			.log = on_log,
			.arg = scene,
		},
		err);
	return scene->subject != NULL;
}

static bool is_stopped(const void *arg)
{
	return subject_stopped(((const struct scene *)arg)->subject);
}

static const struct stop_facts *stop(struct scene *scene)
{
	struct err err = {0};

	if (!bring_up(scene, &err) || !subject_stop(scene->subject, &err))
		fail_msg("%s", err.text);
	assert_int_equal(wait_until(&scene->loop, is_stopped, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
	if (!subject_inspect(scene->subject, &err))
		fail_msg("%s", err.text);
	return subject_facts(scene->subject);
}

/* --- times --- */

#define ENDED(code, finished)                                                          \
	"{\"Running\":false,\"ExitCode\":" #code ",\"FinishedAt\":\"" finished "\"}"

static void stop_after_4_s(struct scene *scene, struct web_exchange *exchange)
{
	send_event(scene, "kill", "15", "1795389768654579866");
	end_container(scene, ENDED(0, "2026-11-22T23:22:53.164580001Z"));
	send_event(scene, "die", NULL, "1795389773200000000");
	send_event(scene, "stop", NULL, "1795389773220000000");
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void remote_time_is_a_difference_of_the_daemons_clock(void **state)
{
	struct scene *scene = *state;
	const struct stop_facts *facts;

	scene->on_stop = stop_after_4_s;
	facts = stop(scene);
	/* To the nanosecond: a double would have lost the last three digits. */
	assert_int_equal(facts->exit_ns - facts->signal_ns, 4510000135);
	assert_int_equal(facts->signal_witness, WITNESS_ENGINE);
	assert_int_equal(facts->exit_witness, WITNESS_ENGINE);
	assert_int_equal(facts->signal_error_ns + facts->exit_error_ns, 5 * CLOCK_MS);
	assert_true(facts->signal_ns >= facts->asked_ns);
	assert_int_equal(facts->exit_code, 0);
	assert_int_equal(facts->kill_witness, WITNESS_NONE);
	assert_int_equal(facts->signal_fate, FATE_UNKNOWN);
	assert_false(facts->wait_status_known);
	assert_false(facts->exited_before_stop);
	assert_int_equal(facts->oom_kills, -1);
}

static void remote_processes_are_not_looked_at(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};
	const struct engine_sight *sight;

	/* It says that PID 1 is our process 1: it is not. */
	assert_true(bring_up(scene, &err));
	assert_int_equal(subject_pid(scene->subject), 0);
	assert_true(subject_running(scene->subject));
	assert_string_equal(subject_address(scene->subject), "127.0.0.1");
	sight = engine_sight(scene->engine);
	assert_int_equal(sight->signal, WITNESS_ENGINE);
	assert_false(sight->snapshots);
	assert_non_null(strstr(sight->note, "another machine"));
}

static void stop_with_a_kill(struct scene *scene, struct web_exchange *exchange)
{
	send_event(scene, "kill", "15", "1795389768654579866");
	send_event(scene, "kill", "9", "1795389778684579866");
	end_container(scene, ENDED(137, "2026-11-22T23:22:58.690000000Z"));
	send_event(scene, "stop", NULL, "1795389779000000000");
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void remote_kill_is_proven_by_its_event(void **state)
{
	struct scene *scene = *state;
	const struct stop_facts *facts;

	scene->on_stop = stop_with_a_kill;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_witness, WITNESS_ENGINE);
	assert_true(facts->kill_by_engine);
	assert_int_equal(facts->kill_ns - facts->signal_ns, 10030000000);
	assert_true(facts->exit_ns >= facts->kill_ns);
}

static void stop_without_a_word(struct scene *scene, struct web_exchange *exchange)
{
	end_container(scene, ENDED(137, "2026-11-22T23:22:58.690000000Z"));
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void podmans_137_has_no_proof(void **state)
{
	struct scene *scene = *state;
	const struct stop_facts *facts;
	int64_t began_ns = clock_now();

	scene->about = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.24\","
		       "\"Components\":[{\"Name\":\"Podman Engine\"}]}";
	scene->on_stop = stop_without_a_word;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_witness, WITNESS_NONE);
	assert_false(facts->kill_by_engine);
	assert_int_equal(facts->signal_ns, 0);
	/* No event will come: none is waited for. */
	assert_true(clock_now() - began_ns < 3 * CLOCK_S);
}

static void remote_stop_waits_a_while_for_late_events(void **state)
{
	struct scene *scene = *state;
	const struct stop_facts *facts;
	int64_t began_ns = clock_now();

	scene->on_stop = stop_without_a_word;
	facts = stop(scene);
	assert_true(clock_now() - began_ns >= 3 * CLOCK_S);
	assert_false(facts->stuck);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_witness, WITNESS_NONE);
}

static void stop_and_cut_the_events(struct scene *scene, struct web_exchange *exchange)
{
	web_reset(scene->events);
	stop_without_a_word(scene, exchange);
}

static void remote_stop_survives_the_end_of_the_events(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	scene->on_stop = stop_and_cut_the_events;
	assert_int_equal(stop(scene)->exit_code, 137);
	json = subject_engine_events(scene->subject);
	assert_non_null(json_text(json, "events_ended"));
}

static void refuse_to_stop(struct scene *scene, struct web_exchange *exchange)
{
	reply(exchange, 500, "{\"message\":\"cannot stop: permission denied\"}");
	end_container(scene, ENDED(1, "2026-11-22T23:22:58.690000000Z"));
}

static void remote_stop_tells_why_it_was_refused(void **state)
{
	struct scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;
	const struct stop_facts *facts;

	scene->on_stop = refuse_to_stop;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 1);
	assert_int_equal(facts->signal_ns, 0);
	json = subject_engine_events(scene->subject);
	assert_string_equal(json_text(json, "stop_error"),
		"cannot stop: permission denied (HTTP 500)");
}

/* --- the log --- */

static void stop_and_lose_the_tail(struct scene *scene, struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf frames = {0};

	add_frame(&frames, 1, "one\ntw");
	add_frame(&frames, 2, "aaa\n");
	/* A header in pieces, a frame in pieces. */
	for (size_t i = 0; i < frames.len; i++)
		web_stream_add(scene->follow, frames.data + i, 1);
	stop_after_4_s(scene, exchange);
}

static void remote_log_is_whole_where_following_lost_its_tail(void **state)
{
	struct scene *scene = *state;
	SCOPED(buf_done) struct buf frames = {0};

	add_frame(&frames, 2, "aaa\nbb");
	add_frame(&frames, 1, "one\n");
	add_frame(&frames, 1, "two\nthree");
	add_frame(&frames, 2, "b\n");
	scene->whole_log = frames.data;
	scene->whole_log_len = frames.len;
	scene->on_stop = stop_and_lose_the_tail;
	stop(scene);
	assert_string_equal(buf_text(&scene->log), "one|aaa|two|bbb|three|");
}

/* --- words --- */

static void remote_up_tells_in_the_daemons_words(void **state)
{
	struct scene *scene = *state;
	struct err err = {0};

	scene->create_status = 409;
	scene->create_answer = "{\"message\":\"Conflict. The name is in use\"}";
	assert_false(bring_up(scene, &err));
	assert_non_null(strstr(err.text, "Conflict. The name is in use (HTTP 409)"));
	assert_non_null(strstr(err.text, "somebody/else:1"));
}

static void remote_version_is_agreed_on(void **state)
{
	static const struct {
		const char *about, *path, *why;
	} rows[] = {
		{"{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", "/v1.41/info",
			"the one that we were written for"},
		{"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "/v1.44/info",
			"it has forgotten ours"},
		{"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.24\"}", "/v1.41/info",
			"it is newer, and still speaks ours"},
		{"{\"ApiVersion\":\"1.30\"}", "/v1.30/info", "it is older"},
		{"{\"ApiVersion\":\"1.24\"}", NULL, "it is too old"},
		{"{}", NULL, "it is no daemon"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		bool opened;

		scene->about = rows[i].about;
		opened = open_engine(scene, &err);
		if (opened != (rows[i].path != NULL))
			fail_msg("%s: %s", rows[i].why, err.text);
		if (opened)
			assert_string_equal(scene->last_path, rows[i].path);
		else
			assert_non_null(strstr(err.text, "1.25 is needed"));
		engine_destroy(scene->engine);
		scene->engine = NULL;
	}
}

/* --- images --- */

static char *make_programs(void)
{
	static const char *const names[] = {"service", "mock-mcp", "mock-agent"};
	char *folder = mem_text("/tmp/stopbench-test-XXXXXX");

	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < COUNT(names); i++) {
		SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, names[i]);
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs("#!/bin/sh\n", file);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	return folder;
}

static void remove_programs(const char *folder)
{
	static const char *const names[] = {"service", "mock-mcp", "mock-agent"};

	for (size_t i = 0; i < COUNT(names); i++) {
		SCOPED(mem_free) char *path = mem_textf("%s/%s", folder, names[i]);

		unlink(path);
	}
	rmdir(folder);
}

static void remote_import_fails_behind_its_200(void **state)
{
	struct scene *scene = *state;
	SCOPED(mem_free) char *folder = make_programs();
	SCOPED(mem_free) char *image = NULL;
	struct err err = {0};

	scene->import_answer = "{\"status\":\"Importing\"}\r\n"
			       "{\"error\":\"no space left on device\"}\r\n";
	assert_true(open_engine(scene, &err));
	scene->engine->options.programs = folder;
	image = docker_images_load(
		(struct docker_engine *)scene->engine, DOCKER_IMAGE_SERVICE, &err);
	remove_programs(folder);
	assert_null(image);
	assert_non_null(strstr(err.text, "no space left on device"));
	assert_non_null(strstr(err.text, "stopbench-service"));
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(remote_time_is_a_difference_of_the_daemons_clock),
		SCENE(remote_processes_are_not_looked_at),
		SCENE(remote_kill_is_proven_by_its_event),
		SCENE(podmans_137_has_no_proof),
		SCENE(remote_stop_waits_a_while_for_late_events),
		SCENE(remote_stop_survives_the_end_of_the_events),
		SCENE(remote_stop_tells_why_it_was_refused),
		SCENE(remote_log_is_whole_where_following_lost_its_tail),
		SCENE(remote_up_tells_in_the_daemons_words),
		SCENE(remote_version_is_agreed_on),
		SCENE(remote_import_fails_behind_its_200),
	};
#undef SCENE

	return cmocka_run_group_tests_name("docker, remote", tests, NULL, NULL);
}
