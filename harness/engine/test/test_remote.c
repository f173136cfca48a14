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
#include "harness/engine/test/daemon.h"
#include "lib/buf.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"
#include "test/support/temp_dir.h"
#include "test/support/until.h"

#define PATIENCE_NS (20 * CLOCK_S)

struct remote_scene {
	uv_loop_t loop;
	struct daemon daemon;
	struct engine *engine;
	struct subject *subject;
	struct buf log;
	unsigned stopping; /* how often a stop by somebody else began */
};

static int set_up(void **state)
{
	struct remote_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	daemon_open(&scene->daemon, &scene->loop);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct remote_scene *scene = *state;

	subject_down(scene->subject);
	engine_destroy(scene->engine);
	daemon_close(&scene->daemon);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->log);
	free(scene);
	return 0;
}

static void on_log(void *arg, int64_t ns UNUSED, const char *line, size_t len)
{
	struct remote_scene *scene = arg;

	buf_add(&scene->log, line, len);
	buf_adds(&scene->log, "|");
}

static bool open_engine(struct remote_scene *scene, struct err *err)
{
	scene->engine = engine_create(&scene->loop, "docker",
		&(struct engine_options){.run_id = "run", .programs = "/nowhere"}, err);
	return scene->engine != NULL;
}

static bool bring_up(struct remote_scene *scene, struct err *err)
{
	static const char *const env[] = {NULL};

	if (!open_engine(scene, err))
		return false;
	scene->subject = engine_up(scene->engine,
		&(struct subject_spec){
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
	return ((const struct remote_scene *)arg)->subject->stopped;
}

static const struct stop_facts *stop(struct remote_scene *scene)
{
	struct err err = {0};

	if (!bring_up(scene, &err) || !subject_stop(scene->subject, &err))
		fail_msg("%s", err.text);
	assert_int_equal(wait_until(&scene->loop, is_stopped, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
	if (!subject_inspect(scene->subject, &err))
		fail_msg("%s", err.text);
	return &scene->subject->facts;
}

/* --- times --- */

#define ENDED(code, finished)                                                          \
	"{\"Running\":false,\"ExitCode\":" #code ",\"FinishedAt\":\"" finished "\"}"

static void stop_after_4_s(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_send_event(daemon, "kill", "15", "1795389768654579866");
	daemon_end_container(daemon, ENDED(0, "2026-11-22T23:22:53.164580001Z"));
	daemon_send_event(daemon, "die", NULL, "1795389773200000000");
	daemon_send_event(daemon, "stop", NULL, "1795389773220000000");
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void remote_time_is_a_difference_of_the_daemons_clock(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;

	scene->daemon.on_stop = stop_after_4_s;
	facts = stop(scene);
	/* To the nanosecond: a double would have lost the last three digits. */
	assert_int_equal(facts->exit_ns - facts->signal_ns, 4510000135);
	assert_int_equal(facts->signal_source, STAMP_ENGINE);
	assert_int_equal(facts->exit_source, STAMP_ENGINE);
	assert_int_equal(facts->signal_error_ns + facts->exit_error_ns, 5 * CLOCK_MS);
	assert_true(facts->signal_ns >= facts->asked_ns);
	assert_int_equal(facts->exit_code, 0);
	assert_int_equal(facts->kill_source, STAMP_NONE);
	assert_int_equal(facts->signal_delivery, DELIVERY_UNKNOWN);
	assert_false(facts->wait_status_known);
	assert_false(facts->exited_before_stop);
	assert_int_equal(facts->oom_kills, -1);
}

static void remote_processes_are_not_looked_at(void **state)
{
	struct remote_scene *scene = *state;
	struct err err = {0};
	const struct engine_capabilities *capabilities;

	/* The daemon reports pid 1, which is not our process 1. */
	assert_true(bring_up(scene, &err));
	assert_int_equal(scene->subject->pid, 0);
	assert_true(scene->subject->running);
	assert_string_equal(scene->subject->address, "127.0.0.1");
	capabilities = &scene->engine->capabilities;
	assert_int_equal(capabilities->signal, STAMP_ENGINE);
	assert_false(capabilities->snapshots);
	assert_non_null(strstr(capabilities->note, "another machine"));
}

static void stop_with_a_kill(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_send_event(daemon, "kill", "15", "1795389768654579866");
	daemon_send_event(daemon, "kill", "9", "1795389778684579866");
	daemon_end_container(daemon, ENDED(137, "2026-11-22T23:22:58.690000000Z"));
	daemon_send_event(daemon, "stop", NULL, "1795389779000000000");
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void remote_kill_is_proven_by_its_event(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;

	scene->daemon.on_stop = stop_with_a_kill;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_source, STAMP_ENGINE);
	assert_true(facts->kill_by_engine);
	assert_int_equal(facts->kill_ns - facts->signal_ns, 10030000000);
	assert_true(facts->exit_ns >= facts->kill_ns);
}

static void stop_without_a_word(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_end_container(daemon, ENDED(137, "2026-11-22T23:22:58.690000000Z"));
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void podmans_137_has_no_proof(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;
	int64_t began_ns = clock_now();

	scene->daemon.about = "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.24\","
			      "\"Components\":[{\"Name\":\"Podman Engine\"}]}";
	scene->daemon.on_stop = stop_without_a_word;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_source, STAMP_NONE);
	assert_false(facts->kill_by_engine);
	assert_int_equal(facts->signal_ns, 0);
	/* Podman sends no event, and none is waited for. */
	assert_true(clock_now() - began_ns < 3 * CLOCK_S);
}

static void remote_stop_waits_a_while_for_late_events(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;
	int64_t began_ns = clock_now();

	scene->daemon.on_stop = stop_without_a_word;
	facts = stop(scene);
	assert_true(clock_now() - began_ns >= 3 * CLOCK_S);
	assert_false(facts->stuck);
	assert_int_equal(facts->exit_code, 137);
	assert_int_equal(facts->kill_source, STAMP_NONE);
}

static void stop_and_cut_the_events(
	struct daemon *daemon, struct web_exchange *exchange)
{
	web_reset(daemon->events);
	stop_without_a_word(daemon, exchange);
}

static void remote_stop_survives_the_end_of_the_events(void **state)
{
	struct remote_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;

	scene->daemon.on_stop = stop_and_cut_the_events;
	assert_int_equal(stop(scene)->exit_code, 137);
	assert_string_not_equal(scene->subject->facts.unobserved, "");
	json = subject_engine_events(scene->subject);
	assert_non_null(json_text(json, "events_ended"));
}

static void refuse_to_stop(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_reply(exchange, 500, "{\"message\":\"cannot stop: permission denied\"}");
	daemon_end_container(daemon, ENDED(1, "2026-11-22T23:22:58.690000000Z"));
}

static void remote_stop_tells_why_it_was_refused(void **state)
{
	struct remote_scene *scene = *state;
	SCOPED(json_free) cJSON *json = NULL;
	const struct stop_facts *facts;

	scene->daemon.on_stop = refuse_to_stop;
	facts = stop(scene);
	assert_int_equal(facts->exit_code, 1);
	assert_int_equal(facts->signal_ns, 0);
	json = subject_engine_events(scene->subject);
	assert_string_equal(json_text(json, "stop_error"),
		"cannot stop: permission denied (HTTP 500)");
}

/* --- the log --- */

static void stop_and_lose_the_tail(struct daemon *daemon, struct web_exchange *exchange)
{
	SCOPED(buf_done) struct buf frames = {0};

	daemon_add_frame(&frames, 1, "one\ntw");
	daemon_add_frame(&frames, 2, "aaa\n");
	/* A header in pieces, a frame in pieces. */
	for (size_t i = 0; i < frames.len; i++)
		web_stream_add(daemon->follow, frames.data + i, 1);
	stop_after_4_s(daemon, exchange);
}

static void remote_log_is_whole_where_following_lost_its_tail(void **state)
{
	struct remote_scene *scene = *state;
	SCOPED(buf_done) struct buf frames = {0};

	daemon_add_frame(&frames, 2, "aaa\nbb");
	daemon_add_frame(&frames, 1, "one\n");
	daemon_add_frame(&frames, 1, "two\nthree");
	daemon_add_frame(&frames, 2, "b\n");
	scene->daemon.whole_log = frames.data;
	scene->daemon.whole_log_len = frames.len;
	scene->daemon.on_stop = stop_and_lose_the_tail;
	stop(scene);
	assert_string_equal(buf_text(&scene->log), "one|aaa|two|bbb|three|");
}

/* --- words --- */

static void remote_up_tells_in_the_daemons_words(void **state)
{
	struct remote_scene *scene = *state;
	struct err err = {0};

	scene->daemon.create_status = 409;
	scene->daemon.create_answer = "{\"message\":\"Conflict. The name is in use\"}";
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
	struct remote_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};
		bool opened;

		scene->daemon.about = rows[i].about;
		opened = open_engine(scene, &err);
		if (opened != (rows[i].path != NULL))
			fail_msg("%s: %s", rows[i].why, err.text);
		if (opened)
			assert_string_equal(scene->daemon.last_path, rows[i].path);
		else
			assert_non_null(strstr(err.text, "1.25 is needed"));
		engine_destroy(scene->engine);
		scene->engine = NULL;
	}
}

/* --- somebody else's container --- */

static void stop_by_int(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_send_event(daemon, "kill", "2", "1795389768654579866");
	daemon_end_container(daemon, ENDED(0, "2026-11-22T23:22:53.164580001Z"));
	daemon_send_event(daemon, "stop", NULL, "1795389773220000000");
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void kill_ends_it(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_send_event(daemon, "kill", "2", "1795389768654579866");
	daemon_end_container(daemon, ENDED(0, "2026-11-22T23:22:53.164580001Z"));
	web_reply(exchange, 204, NULL, NULL, 0);
}

/* Only SIGKILL ends it. */
static void deaf_to_int(struct daemon *daemon, struct web_exchange *exchange)
{
	bool kills = strstr(buf_text(&daemon->stops), "signal=9");

	daemon_send_event(daemon, "kill", kills ? "9" : "2",
		kills ? "1795389769664579866" : "1795389768654579866");
	if (kills)
		daemon_end_container(
			daemon, ENDED(137, "2026-11-22T23:22:49.690000000Z"));
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void has_ended(struct daemon *daemon UNUSED, struct web_exchange *exchange)
{
	web_reply(exchange, 304, NULL, NULL, 0);
}

static bool attach(struct remote_scene *scene, int64_t grace_ns, const char *signal,
	struct err *err)
{
	if (!open_engine(scene, err))
		return false;
	scene->subject = engine_attach(scene->engine,
		&(struct attach_spec){
			.name = "shop",
			.grace_ns = grace_ns,
			.stop_signal = signal,
			.log = on_log,
			.arg = scene,
		},
		err);
	return scene->subject != NULL;
}

#define OLD "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"

/* A /stop takes a signal from 1.42 on; before that there are steps. */
static void remote_container_is_stopped_as_docker_stop_does_it(void **state)
{
	static const struct {
		const char *about, *signal;
		int64_t grace_ns;
		daemon_stop_fn *on_stop, *on_kill;
		const char *stops, *why;
	} rows[] = {
		{OLD, NULL, ATTACH_OWN_GRACE, stop_after_4_s, NULL,
			"/v1.41/containers/ID/stop t=- signal=-\n",
			"its grace is the daemon's to know"},
		{OLD, NULL, 3 * CLOCK_S, stop_after_4_s, NULL,
			"/v1.41/containers/ID/stop t=3 signal=-\n", "a grace"},
		{OLD, NULL, ATTACH_NO_GRACE_NS, stop_after_4_s, NULL,
			"/v1.41/containers/ID/stop t=-1 signal=-\n",
			"no SIGKILL at all"},
		{"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.24\"}", "SIGINT",
			3 * CLOCK_S, stop_by_int, NULL,
			"/v1.42/containers/ID/stop t=3 signal=2\n", "a signal"},
		{"{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "SIGINT",
			3 * CLOCK_S, stop_by_int, NULL,
			"/v1.44/containers/ID/stop t=3 signal=2\n",
			"it has forgotten 1.42"},
		{OLD, "SIGINT", 3 * CLOCK_S, has_ended, kill_ends_it,
			"/v1.41/containers/ID/kill t=- signal=2\n"
			"/v1.41/containers/ID/stop t=10 signal=-\n",
			"in steps"},
		{OLD, "SIGINT", 1 * CLOCK_S, has_ended, deaf_to_int,
			"/v1.41/containers/ID/kill t=- signal=2\n"
			"/v1.41/containers/ID/kill t=- signal=9\n"
			"/v1.41/containers/ID/stop t=10 signal=-\n",
			"SIGKILL when the grace is over"},
	};
	struct remote_scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct daemon *daemon = &scene->daemon;
		struct err err = {0};

		daemon->about = rows[i].about;
		daemon->on_stop = rows[i].on_stop;
		daemon->on_kill = rows[i].on_kill;
		daemon->state = NULL;
		buf_clear(&daemon->stops);
		if (!attach(scene, rows[i].grace_ns, rows[i].signal, &err) ||
			!subject_stop(scene->subject, &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		if (wait_until(&scene->loop, is_stopped, scene,
			    clock_now() + PATIENCE_NS, NULL) != WAIT_SO ||
			strcmp(buf_text(&daemon->stops), rows[i].stops) != 0)
			fail_msg("%s: %s", rows[i].why, buf_text(&daemon->stops));
		assert_true(subject_inspect(scene->subject, &err));
		assert_true(scene->subject->facts.signal_ns > 0);
		subject_detach(scene->subject);
		scene->subject = NULL;
		engine_destroy(scene->engine);
		scene->engine = NULL;
	}
}

/* Newer daemons send "stop" before "die". */
static void stop_and_remove(struct daemon *daemon, struct web_exchange *exchange)
{
	daemon_send_event(daemon, "kill", "15", "1795389768654579866");
	daemon_send_event(daemon, "stop", NULL, "1795389773220000000");
	daemon_end_container(daemon, ENDED(0, "2026-11-22T23:22:53.164580001Z"));
	web_reply(exchange, 204, NULL, NULL, 0);
}

static void remote_container_that_is_removed_has_its_end_in_an_event(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;
	struct err err = {0};

	scene->daemon.host_config = "{\"AutoRemove\":true}";
	scene->daemon.removes_it = true;
	scene->daemon.on_stop = stop_and_remove;
	if (!attach(scene, ATTACH_OWN_GRACE, NULL, &err) ||
		!subject_stop(scene->subject, &err))
		fail_msg("%s", err.text);
	assert_true(scene->subject->about->auto_remove);
	assert_int_equal(wait_until(&scene->loop, is_stopped, scene,
				 clock_now() + 200 * CLOCK_MS, NULL),
		WAIT_DEADLINE);
	daemon_send_event(&scene->daemon, "die", "3", "1795389773154579866");
	assert_int_equal(wait_until(&scene->loop, is_stopped, scene,
				 clock_now() + PATIENCE_NS, NULL),
		WAIT_SO);
	if (!subject_inspect(scene->subject, &err))
		fail_msg("%s", err.text);
	facts = &scene->subject->facts;
	assert_int_equal(facts->exit_code, 3);
	assert_string_equal(facts->unobserved, "");
	assert_int_equal(facts->exit_source, STAMP_ENGINE);
	assert_int_equal(facts->exit_ns - facts->signal_ns, 4500000000);
	subject_detach(scene->subject);
	scene->subject = NULL;
}

/* --- stops by somebody else --- */

static void on_stopping(void *arg)
{
	struct remote_scene *scene = arg;

	scene->stopping++;
	assert_true(scene->subject->facts.asked_ns > 0);
}

static void follow(struct remote_scene *scene)
{
	struct err err;

	if (!open_engine(scene, &err))
		fail_msg("%s", err.text);
	scene->subject = engine_attach(scene->engine,
		&(struct attach_spec){
			.name = "shop",
			.grace_ns = ATTACH_OWN_GRACE,
			.log = on_log,
			.stopping = on_stopping,
			.arg = scene,
		},
		&err);
	if (!scene->subject)
		fail_msg("%s", err.text);
	until(&scene->loop, scene->daemon.events && scene->daemon.wait);
}

static void await_stopped(struct remote_scene *scene)
{
	struct err err;

	until(&scene->loop, scene->subject->stopped);
	if (!subject_inspect(scene->subject, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&scene->daemon.stops), "");
}

/* The daemon removes it at its end: its "die" event has the exit code. */
static void remote_stop_by_somebody_else_is_told(void **state)
{
	struct remote_scene *scene = *state;
	const struct stop_facts *facts;
	SCOPED(buf_done) struct buf frames = {0};

	follow(scene);
	assert_int_equal(scene->stopping, 0);
	scene->daemon.removes_it = true;
	daemon_send_event(&scene->daemon, "kill", "15", "1000000000000000000");
	until(&scene->loop, scene->stopping == 1 && scene->daemon.follow);
	daemon_add_frame(&frames, 1, "bye\n");
	web_stream_add(scene->daemon.follow, frames.data, frames.len);
	daemon_send_event(&scene->daemon, "die", "7", "1000000004000000000");
	until(&scene->loop, scene->log.len > 0);
	daemon_end_container(&scene->daemon, "{}");
	await_stopped(scene);
	facts = &scene->subject->facts;
	assert_int_equal(facts->exit_code, 7);
	assert_int_equal(facts->exit_ns - facts->signal_ns, 4 * CLOCK_S);
	assert_false(facts->no_stop);
	assert_int_equal(scene->stopping, 1);
	assert_string_equal(buf_text(&scene->log), "bye|");
}

static void remote_end_without_a_stop_is_told(void **state)
{
	struct remote_scene *scene = *state;

	follow(scene);
	daemon_send_event(&scene->daemon, "kill", "1", "1000000000000000000");
	daemon_send_event(&scene->daemon, "die", "3", "1000000001000000000");
	daemon_end_container(&scene->daemon, "{}");
	until(&scene->loop, scene->daemon.follow);
	web_stream_end(scene->daemon.follow);
	await_stopped(scene);
	assert_true(scene->subject->facts.no_stop);
	assert_true(scene->subject->facts.exited_before_stop);
	assert_int_equal(scene->subject->facts.exit_code, 3);
	assert_int_equal(scene->stopping, 0);
}

/* What it was told before is no part of a stop that comes later. */
static void remote_past_is_let_go_of(void **state)
{
	struct remote_scene *scene = *state;
	cJSON *events;

	follow(scene);
	for (int i = 0; i < 100; i++)
		daemon_send_event(
			&scene->daemon, "exec_die", "0", "1000000000000000000");
	daemon_send_event(&scene->daemon, "kill", "15", "1000000000000000000");
	until(&scene->loop, scene->stopping == 1);
	events = subject_engine_events(scene->subject);
	assert_int_equal(cJSON_GetArraySize(json_get(events, "events")), 101);
	cJSON_Delete(events);
	subject_trim(scene->subject, clock_now());
	events = subject_engine_events(scene->subject);
	assert_int_equal(cJSON_GetArraySize(json_get(events, "events")), 0);
	cJSON_Delete(events);
}

/* --- */

static void remote_container_is_left_as_it_is(void **state)
{
	struct remote_scene *scene = *state;
	struct err err = {0};

	if (!attach(scene, ATTACH_OWN_GRACE, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(scene->subject->about->grace_ns, 10 * CLOCK_S);
	scene->daemon.last_path[0] = '\0';
	subject_detach(scene->subject);
	scene->subject = NULL;
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	assert_string_equal(scene->daemon.last_path, "");
}

/* --- images --- */

static char *make_programs(void)
{
	static const char *const names[] = {
		"service", "mock-mcp", "mock-mcp-http", "mock-agent", "mock-cli"};
	char *folder = temp_dir_create();

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

static void remote_import_fails_behind_its_200(void **state)
{
	struct remote_scene *scene = *state;
	char *folder = make_programs();
	SCOPED(mem_free) char *image = NULL;
	struct err err = {0};

	scene->daemon.import_answer = "{\"status\":\"Importing\"}\r\n"
				      "{\"error\":\"no space left on device\"}\r\n";
	assert_true(open_engine(scene, &err));
	scene->engine->options.programs = folder;
	image = docker_images_load(
		(struct docker_engine *)scene->engine, OWN_IMAGE_SERVICE, &err);
	temp_dir_remove(folder);
	assert_null(image);
	assert_non_null(strstr(err.text, "no space left on device"));
	assert_non_null(strstr(err.text, "stopbench-service"));
}

static void on_image(void *arg, const char *line)
{
	buf_addf(arg, "%s\n", line);
}

static void remote_images_are_all_tagged_latest(void **state)
{
	static const char *const names[] = {
		"stopbench-programs", "stopbench-service", "stopbench-mock-agent"};
	struct remote_scene *scene = *state;
	char *folder = make_programs();
	SCOPED(buf_done) struct buf said = {0};
	struct err err = {0};

	scene->daemon.import_answer = "{\"status\":\"sha256:1234\"}\r\n";
	assert_true(open_engine(scene, &err));
	scene->engine->options.programs = folder;
	if (engine_images(scene->engine, on_image, &said, &err) != COUNT(names))
		fail_msg("%s", err.text);
	temp_dir_remove(folder);
	for (size_t i = 0; i < COUNT(names); i++) {
		SCOPED(mem_free)
		char *tagged = mem_textf("/tag %s:latest\n", names[i]);
		SCOPED(mem_free)
		char *line = mem_textf("%s:latest (%s:", names[i], names[i]);

		assert_non_null(strstr(buf_text(&scene->daemon.tags), tagged));
		assert_non_null(strstr(buf_text(&said), line));
	}
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
		SCENE(remote_container_is_stopped_as_docker_stop_does_it),
		SCENE(remote_container_that_is_removed_has_its_end_in_an_event),
		SCENE(remote_container_is_left_as_it_is),
		SCENE(remote_stop_by_somebody_else_is_told),
		SCENE(remote_end_without_a_stop_is_told),
		SCENE(remote_past_is_let_go_of),
		SCENE(remote_import_fails_behind_its_200),
		SCENE(remote_images_are_all_tagged_latest),
	};
#undef SCENE

	return cmocka_run_group_tests_name("docker, remote", tests, NULL, NULL);
}
