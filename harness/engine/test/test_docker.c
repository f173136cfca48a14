#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/engine/docker/images.h"
#include "harness/engine/test/engine_fixture.h"
#include "harness/engine/test/scenes.h"
#include "lib/cc.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/wait.h"

#define PLAIN                                                                          \
	&(struct engine_fixture_spec)                                                  \
	{                                                                              \
		0                                                                      \
	}

static bool is_required(void)
{
	const char *require = getenv("STOPBENCH_REQUIRE_DOCKER");

	return require && strcmp(require, "1") == 0;
}

static int set_up(void **state)
{
	struct err err = {0};

	*state = engine_fixture_open("docker", &err);
	if (*state)
		return 0;
	print_message("engine docker: %s\n", err.text);
	return is_required() ? -1 : 0;
}

static int tear_down(void **state)
{
	engine_fixture_close(*state);
	return 0;
}

static struct engine_fixture *engine_fixture_of(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static struct docker_engine *docker_of(struct engine_fixture *fixture)
{
	return (struct docker_engine *)fixture->engine;
}

/* A call of another client of the daemon. */
static long ask_daemon(
	struct engine_fixture *fixture, const char *method, const char *path)
{
	struct err err;
	long status;
	bool ok = docker_api_call(docker_of(fixture)->api,
		&(struct docker_call){
			.method = method, .path = path, .status = &status},
		&err);

	return ok || status >= 400 ? status : -1;
}

static long ask_about(struct engine_fixture *fixture, const char *method,
	const char *what, const char *id)
{
	SCOPED(mem_free) char *path = mem_textf("/containers/%s%s", id, what);

	return ask_daemon(fixture, method, path);
}

/* --- what is left behind --- */

struct sweep {
	unsigned said;
	char line[256];
};

static const char *over; /* is_over() has no argument for it */

static bool is_over(const char *run_id)
{
	return over && strcmp(run_id, over) == 0;
}

static void on_said(void *arg, const char *line)
{
	struct sweep *sweep = arg;

	sweep->said++;
	snprintf(sweep->line, sizeof sweep->line, "%s", line);
}

/* Removes what this run left. */
static int sweep_run(
	struct engine_fixture *fixture, const char *run_id, struct sweep *sweep)
{
	struct err err = {0};
	int removed;

	*sweep = (struct sweep){0};
	over = run_id;
	removed = engine_clean(fixture->engine, is_over, on_said, sweep, &err);
	over = NULL;
	if (removed < 0)
		fail_msg("%s", err.text);
	assert_int_equal(removed, sweep->said);
	return removed;
}

static void docker_cleans_what_is_over_and_nothing_else(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	SCOPED(mem_free) char *network = NULL;
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, NULL);
	network = engine_network(fixture->engine, &err);
	assert_non_null(network);
	assert_int_equal(sweep_run(fixture, "another run", &sweep), 0);
	assert_true(fixture->subject->running);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 2);
	assert_non_null(strstr(sweep.line, network));
	assert_non_null(strstr(sweep.line, fixture->run_id));
	engine_fixture_await_end(fixture);
	assert_int_equal(ask_about(fixture, "GET", "/json", fixture->subject->id), 404);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

static void docker_keeps_a_container_stopped(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *id = NULL;
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, "term=ignore", NULL);
	id = mem_text(fixture->subject->id);
	subject_keep(fixture->subject);
	fixture->subject = NULL;
	assert_int_equal(ask_about(fixture, "POST", "/wait", id), 200);
	assert_int_equal(ask_about(fixture, "POST", "/stop", id), 304);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 1);
}

static void docker_leaves_nothing_after_down(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct sweep sweep;

	engine_fixture_up(fixture, PLAIN, NULL);
	subject_down(fixture->subject);
	fixture->subject = NULL;
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

/* --- up --- */

static void docker_network_knows_its_containers_by_name(void **state)
{
	static const char *const asking[] = {
		"puppet", "resolve=mock-agent", "end=0", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	SCOPED(mem_free) char *network = engine_network(fixture->engine, &err);
	SCOPED(mem_free) char *wanted = NULL;
	struct subject *other;
	struct sweep sweep;

	assert_non_null(network);
	engine_fixture_up(fixture,
		&(struct engine_fixture_spec){.network = network, .name = "mock-agent"},
		NULL);
	assert_non_null(strchr(fixture->subject->address, '.'));
	assert_string_not_equal(fixture->subject->address, "127.0.0.1");
	wanted = mem_textf("mock-agent is %s", fixture->subject->address);
	other = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.network = network}, asking, &err);
	if (!other)
		fail_msg("%s", err.text);
	engine_fixture_await_line(fixture, wanted);
	subject_down(other);
	subject_down(fixture->subject);
	fixture->subject = NULL;
	engine_network_remove(fixture->engine, network);
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

static void docker_runs_on_the_hosts_network_by_default(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);

	engine_fixture_up(fixture, PLAIN, "resolve=localhost", NULL);
	assert_string_equal(fixture->subject->address, "127.0.0.1");
	engine_fixture_await_line(fixture, "localhost is 127.0.0.1");
}

static void docker_refuses_a_fraction_of_a_second(void **state)
{
	static const char *const argv[] = {"puppet", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.grace_ns = 1500 * CLOCK_MS}, argv, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "1.50s"));
	assert_non_null(strstr(err.text, "whole seconds"));
}

static void docker_names_a_missing_image(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	struct sweep sweep;

	assert_false(engine_prepare(fixture->engine, "no/such-image:7", &err));
	assert_non_null(strstr(err.text, "no/such-image:7"));
	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.image = "no/such-image:7"}, NULL, &err);
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "no/such-image:7"));
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

/* A mock-mcp of this test alone: its image exists nowhere else. */
static void make_unique(struct engine_fixture *fixture)
{
	SCOPED(mem_free) char *path = mem_textf("%s/mock-mcp", fixture->programs);
	FILE *file;

	assert_int_equal(remove(path), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n# %s\n", fixture->run_id);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void docker_runs_an_images_own_command(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct docker_engine *docker = docker_of(fixture);
	SCOPED(mem_free) char *image = NULL, *again = NULL, *path = NULL;
	struct err err = {0};

	make_unique(fixture);
	image = docker_images_load(docker, OWN_IMAGE_SERVICE, &err);
	again = docker_images_load(docker, OWN_IMAGE_SERVICE, &err);
	assert_non_null(image);
	assert_string_equal(image, again);
	assert_true(engine_prepare(fixture->engine, image, &err));
	/* The service of the fixture is a puppet. */
	fixture->subject = engine_fixture_try(
		fixture, &(struct engine_fixture_spec){.image = image}, NULL, &err);
	if (!fixture->subject)
		fail_msg("%s", err.text);
	engine_fixture_await_line(fixture, "ready");
	subject_down(fixture->subject);
	fixture->subject = NULL;
	path = mem_textf("/images/%s?force=1", image);
	assert_int_equal(ask_daemon(fixture, "DELETE", path), 200);
}

/* An image like that of a foreign service, made from ours; the caller's. */
static char *commit_image(struct engine_fixture *fixture)
{
	SCOPED(json_free)
	cJSON *config =
		cJSON_Parse("{\"StopSignal\":\"SIGQUIT\","
			    "\"Entrypoint\":[\"puppet\",\"quit=3\",\"term=4\"]}");
	char *image = mem_textf("stopbench-test-%s", fixture->run_id);
	SCOPED(mem_free) char *path = NULL;
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, NULL);
	path = mem_textf(
		"/commit?container=%s&repo=%s&tag=latest", fixture->subject->id, image);
	if (!docker_api_call(docker_of(fixture)->api,
		    &(struct docker_call){
			    .method = "POST", .path = path, .json = config},
		    &err))
		fail_msg("%s", err.text);
	subject_down(fixture->subject);
	fixture->subject = NULL;
	/* Whose "ready" is none of the next one's. */
	buf_clear(&fixture->log);
	return image;
}

static void remove_committed(struct engine_fixture *fixture, const char *image)
{
	SCOPED(mem_free) char *path = mem_textf("/images/%s?force=1", image);

	subject_down(fixture->subject);
	fixture->subject = NULL;
	assert_int_equal(ask_daemon(fixture, "DELETE", path), 200);
}

static void docker_sends_the_images_own_stop_signal(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *image = commit_image(fixture);
	const struct stop_facts *facts;
	struct err err = {0};

	fixture->subject = engine_fixture_try(
		fixture, &(struct engine_fixture_spec){.image = image}, NULL, &err);
	if (!fixture->subject)
		fail_msg("%s", err.text);
	engine_fixture_await_line(fixture, "ready");
	facts = engine_fixture_stop(fixture);
	assert_int_equal(facts->exit_code, 3);
	assert_int_equal(facts->stop_signal, SIGQUIT);
	assert_int_not_equal(facts->signal_source, STAMP_NONE);
	remove_committed(fixture, image);
}

static void docker_puts_the_command_behind_the_images_entrypoint(void **state)
{
	static const char *const command[] = {"say=1", "quit=5", NULL};
	static const char *const entrypoint[] = {"puppet", "quit=6", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *image = commit_image(fixture);
	const struct engine_fixture_spec units[] = {
		{.image = image},
		{.image = image, .entrypoint = entrypoint},
	};
	const char *const *commands[] = {command, NULL};
	const int codes[] = {5, 6};
	struct err err = {0};

	for (size_t i = 0; i < COUNT(units); i++) {
		fixture->subject =
			engine_fixture_try(fixture, &units[i], commands[i], &err);
		if (!fixture->subject)
			fail_msg("%s", err.text);
		engine_fixture_await_line(fixture, i == 0 ? "line 1ready" : "ready");
		assert_int_equal(engine_fixture_stop(fixture)->exit_code, codes[i]);
		subject_down(fixture->subject);
		fixture->subject = NULL;
	}
	remove_committed(fixture, image);
}

/* --- the folder --- */

static void docker_mounts_the_folder_read_only(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *path = mem_textf("%s/touched", fixture->case_folder);
	SCOPED(mem_free) char *touch = mem_textf("touch=%s", path);

	engine_fixture_up(fixture, PLAIN, touch, NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_int_equal(access(path, F_OK), -1);
}

/* The run's folder is closed to other users of the host (0700); the mount begins below
 * it. */
static void docker_lets_another_user_reach_the_ledger(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	char path[128], connect_to[160];
	int fd = engine_fixture_listen(fixture, path, sizeof path);

	snprintf(connect_to, sizeof connect_to, "connect=%s", path);
	engine_fixture_up(fixture, PLAIN, "uid=1000", connect_to, NULL);
	engine_fixture_await_line(fixture, "connected");
	close(fd);
}

static void docker_says_what_to_do_when_the_daemon_lacks_the_folder(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	assert_null(engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.run_folder = "/tmp/stopbench-nowhere/x"},
		(const char *const[]){"puppet", NULL}, &err));
	assert_non_null(strstr(err.text, "does not see the folder"));
	assert_non_null(strstr(err.text, "TMPDIR"));
}

static void docker_has_a_shell_in_our_image(void **state)
{
	static const char *const argv[] = {"sh", "-c", "echo $0 $PATH; exit 5", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	assert_non_null(fixture->subject);
	engine_fixture_await_end(fixture);
	assert_int_equal(engine_fixture_stop(fixture)->exit_code, 5);
	assert_true(engine_fixture_has_line(fixture, "sh /bin"));
}

static bool is_healthy(const void *arg)
{
	return ((const struct engine_fixture *)arg)->subject->healthy;
}

/* The daemon takes them all; a terminal's log has no frames. */
static void docker_gives_a_container_its_options(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(strlist_done) struct strlist tmpfs = {0}, test = {0};
	/* (No port of those that connections in TIME-WAIT may have.) */
	struct published_port port = {
		.host_port = 18470, .port = 80, .protocol = "tcp"};
	char user[] = "1000:1000", folder[] = "/srv", restart[] = "on-failure:2";
	struct container_options options = {
		.ports = {.item = &port, .count = 1},
		.mem_limit = 64 << 20,
		.nano_cpus = 500000000,
		.pids_limit = 50,
		.user = user,
		.working_dir = folder,
		.read_only = true,
		.ulimits = {.item = {{"nofile", 7, 64, 64}}, .count = 1},
		.tty = true,
		.restart = restart,
	};

	strlist_add(&tmpfs, "/run:mode=1777");
	strlist_add(&test, "CMD");
	strlist_add(&test, "puppet");
	strlist_add(&test, "end=0");
	options.tmpfs = tmpfs;
	options.healthcheck =
		(struct healthcheck){.test = test, .interval_ns = 100 * CLOCK_MS};
	engine_fixture_up(fixture, &(struct engine_fixture_spec){.container = &options},
		"term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(fixture->subject->has_healthcheck);
	assert_string_not_equal(fixture->subject->address, SUBJECT_LOOPBACK);
	assert_int_equal(wait_until(&fixture->loop, is_healthy, fixture,
				 clock_now() + 20 * CLOCK_S, NULL),
		WAIT_SO);
	assert_int_equal(engine_fixture_stop(fixture)->exit_code, 0);
}

static void docker_says_that_a_volumes_path_is_missing(void **state)
{
	static const char *const argv[] = {"puppet", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	char source[] = "/no/such/folder", target[] = "/data";
	struct volume volume = {source, target, false};
	const struct container_options options = {
		.volumes = {.item = &volume, .count = 1}};
	struct err err = {0};

	fixture->subject = engine_fixture_try(fixture,
		&(struct engine_fixture_spec){.container = &options}, argv, &err);
	assert_null(fixture->subject);
	assert_non_null(
		strstr(err.text, "source path does not exist: /no/such/folder"));
}

static void docker_leaves_nothing_when_interrupted(void **state)
{
	static const char *const argv[] = {"puppet", NULL};
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};
	struct sweep sweep;

	fixture->interrupted = true;
	fixture->subject = engine_fixture_try(fixture, PLAIN, argv, &err);
	fixture->interrupted = false;
	assert_null(fixture->subject);
	assert_non_null(strstr(err.text, "interrupted"));
	assert_int_equal(sweep_run(fixture, fixture->run_id, &sweep), 0);
}

/* --- the stop --- */

static void docker_reports_the_daemons_own_words(void **state)
{
	static const char *const actions[] = {"create", "start", "kill", "die", "stop"};
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(json_free) cJSON *json = NULL;
	SCOPED(mem_free) char *text = NULL;
	const char *digits;

	engine_fixture_up(fixture, PLAIN, "term=0", NULL);
	engine_fixture_await_line(fixture, "ready");
	engine_fixture_stop(fixture);
	json = subject_engine_events(fixture->subject);
	text = json_print(json);
	for (size_t i = 0; i < COUNT(actions); i++) {
		SCOPED(mem_free) char *wanted =
			mem_textf("\"Action\":\"%s\"", actions[i]);

		assert_non_null(strstr(text, wanted));
	}
	digits = strstr(text, "\"timeNano\":");
	assert_non_null(digits);
	assert_int_equal(strspn(digits + strlen("\"timeNano\":"), "0123456789"), 19);
	assert_string_equal(json_text(json_get(json, "state"), "Status"), "exited");
}

static void docker_tells_the_kill_of_another_client_by_its_time(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	const struct stop_facts *facts;
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=ignore", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(subject_stop(fixture->subject, &err));
	assert_int_equal(
		ask_about(fixture, "POST", "/kill", fixture->subject->id), 204);
	facts = engine_fixture_settle(fixture);
	assert_int_equal(facts->exit_code, 137);
	assert_true(facts->kill_by_engine);
	assert_int_not_equal(facts->kill_source, STAMP_NONE);
	assert_true(facts->kill_ns < facts->asked_ns + 5 * CLOCK_S);
}

static bool is_stopped(const void *arg)
{
	return ((const struct subject *)arg)->stopped;
}

static void docker_survives_the_removal_of_its_container(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=ignore", NULL);
	engine_fixture_await_line(fixture, "ready");
	assert_true(subject_stop(fixture->subject, &err));
	assert_int_equal(
		ask_about(fixture, "DELETE", "?force=1", fixture->subject->id), 204);
	assert_int_equal(wait_until(&fixture->loop, is_stopped, fixture->subject,
				 clock_now() + ENGINE_FIXTURE_PATIENCE_NS, NULL),
		WAIT_SO);
	assert_false(subject_inspect(fixture->subject, &err));
	assert_non_null(strstr(err.text, "No such container"));
	/* By its "die" event. */
	assert_int_equal(fixture->subject->facts.exit_code, 137);
	assert_non_null(
		strstr(fixture->subject->facts.unobserved, "No such container"));
}

/* --- somebody else's container --- */

static void on_attached_log(void *arg, int64_t ns, const char *line, size_t len UNUSED)
{
	assert_true(ns > 0);
	buf_addf(arg, "%s|", line);
}

static void docker_attaches_to_a_container_that_runs(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(buf_done) struct buf log = {0};
	struct subject *attached;
	struct err err = {0};

	engine_fixture_up(fixture, PLAIN, "term=3", "say=5", NULL);
	engine_fixture_await_line(fixture, "line 5ready");
	attached = engine_attach(fixture->engine,
		&(struct attach_spec){
			.name = fixture->subject->id,
			.grace_ns = ATTACH_OWN_GRACE,
			.log = on_attached_log,
			.arg = &log,
		},
		&err);
	if (!attached)
		fail_msg("%s", err.text);
	assert_int_equal(attached->pid, fixture->subject->pid);
	assert_int_equal(attached->about->grace_ns, 10 * CLOCK_S);
	assert_true(subject_stop(attached, &err));
	assert_int_equal(wait_until(&fixture->loop, is_stopped, attached,
				 clock_now() + ENGINE_FIXTURE_PATIENCE_NS, NULL),
		WAIT_SO);
	assert_true(subject_inspect(attached, &err));
	assert_int_equal(attached->facts.exit_code, 3);
	/* The last line, and what comes after it, once. */
	assert_string_equal(buf_text(&log), "line 5ready|");
	subject_detach(attached);
	assert_int_equal(ask_about(fixture, "GET", "/json", fixture->subject->id), 200);
}

/* --- the daemon --- */

static void docker_says_how_it_looked_for_the_daemon(void **state UNUSED)
{
	static const struct {
		const char *host, *words, *why;
	} rows[] = {
		{"ssh://me@there", "only unix:///PATH and tcp://HOST:PORT",
			"no such scheme"},
		{"unix://relative", "only unix:///PATH and tcp://HOST:PORT",
			"not a path"},
		{"tcp://", "expected tcp://HOST:PORT", "no host"},
		{"tcp://host:1/path", "expected tcp://HOST:PORT", "more than a host"},
		{"unix:///nowhere/docker.sock",
			"no Docker daemon at unix:///nowhere/docker.sock",
			"nothing there"},
		{"tcp://127.0.0.1:1", "no Docker daemon answers at tcp://127.0.0.1:1",
			"nobody listens"},
	};
	SCOPED(mem_free) char *before = mem_text(getenv("DOCKER_HOST"));
	uv_loop_t loop;

	uv_loop_init(&loop);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = {0};

		setenv("DOCKER_HOST", rows[i].host, 1);
		assert_null(docker_create(&loop,
			&(struct engine_options){.run_id = "none", .programs = "/"},
			&err));
		if (!strstr(err.text, rows[i].words))
			fail_msg("%s: %s", rows[i].why, err.text);
	}
	if (before)
		setenv("DOCKER_HOST", before, 1);
	else
		unsetenv("DOCKER_HOST");
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void docker_says_that_its_own_image_has_no_other_programs(void **state)
{
	static const char *const commands[][2] = {
		{"no-such-program", NULL}, {"/no/such/program", NULL}};
	struct engine_fixture *fixture = engine_fixture_of(state);

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct err err = {0};

		fixture->subject = engine_fixture_try(
			fixture, &(struct engine_fixture_spec){0}, commands[i], &err);
		assert_null(fixture->subject);
		assert_non_null(strstr(err.text, commands[i][0]));
		assert_non_null(strstr(err.text, "name its image"));
	}
}

static void docker_names_a_program_that_is_missing(void **state)
{
	struct engine_fixture *fixture = engine_fixture_of(state);
	SCOPED(mem_free) char *path = mem_textf("%s/mock-mcp", fixture->programs);
	struct err err = {0};

	assert_int_equal(remove(path), 0);
	assert_null(docker_images_load(docker_of(fixture), OWN_IMAGE_PROGRAMS, &err));
	assert_non_null(strstr(err.text, path));
}

/* The image of the puppets is ours alone. */
static void remove_image(void)
{
	struct err err;
	struct engine_fixture *fixture = engine_fixture_open("docker", &err);

	if (fixture) {
		SCOPED(mem_free) char *path =
			mem_textf("/images/%s?force=1", fixture->engine->own_image);

		ask_daemon(fixture, "DELETE", path);
	}
	engine_fixture_close(fixture);
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(docker_cleans_what_is_over_and_nothing_else),
		SCENE(docker_keeps_a_container_stopped),
		SCENE(docker_leaves_nothing_after_down),
		SCENE(docker_network_knows_its_containers_by_name),
		SCENE(docker_runs_on_the_hosts_network_by_default),
		SCENE(docker_refuses_a_fraction_of_a_second),
		SCENE(docker_names_a_missing_image),
		SCENE(docker_runs_an_images_own_command),
		SCENE(docker_sends_the_images_own_stop_signal),
		SCENE(docker_puts_the_command_behind_the_images_entrypoint),
		SCENE(docker_mounts_the_folder_read_only),
		SCENE(docker_lets_another_user_reach_the_ledger),
		SCENE(docker_says_what_to_do_when_the_daemon_lacks_the_folder),
		SCENE(docker_has_a_shell_in_our_image),
		SCENE(docker_gives_a_container_its_options),
		SCENE(docker_says_that_a_volumes_path_is_missing),
		SCENE(docker_leaves_nothing_when_interrupted),
		SCENE(docker_reports_the_daemons_own_words),
		SCENE(docker_tells_the_kill_of_another_client_by_its_time),
		SCENE(docker_survives_the_removal_of_its_container),
		SCENE(docker_attaches_to_a_container_that_runs),
		cmocka_unit_test(docker_says_how_it_looked_for_the_daemon),
		SCENE(docker_says_that_its_own_image_has_no_other_programs),
		SCENE(docker_names_a_program_that_is_missing),
	};
#undef SCENE
	int failed = scenes_run("docker", is_required());

	failed += cmocka_run_group_tests_name("docker alone", tests, NULL, NULL);
	remove_image();
	return failed;
}
