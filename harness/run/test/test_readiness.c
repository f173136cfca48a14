#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/engine/engine.h"
#include "harness/run/readiness.h"
#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/loop_timer.h"
#include "lib/mem.h"

/* A child of the test stands for the subject's PID 1. */
struct readiness_scene {
	uv_loop_t loop;
	struct scenario scenario;
	struct evidence evidence;
	struct subject subject;
	struct readiness_options options;
	char *base;
	struct err err;
};

static int set_up(void **state)
{
	struct readiness_scene *scene = mem_zeroed(sizeof *scene);

	uv_loop_init(&scene->loop);
	scene->scenario.service.ready.within_ns = 20 * CLOCK_S;
	scene->evidence.began_ns = clock_now();
	scene->subject.running = true;
	scene->subject.address = mem_text(SUBJECT_LOOPBACK);
	scene->subject.facts.stop_signal = SIGTERM;
	scene->options = (struct readiness_options){
		.loop = &scene->loop,
		.scenario = &scene->scenario,
		.subject = &scene->subject,
		.evidence = &scene->evidence,
	};
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct readiness_scene *scene = *state;

	if (scene->subject.pid) {
		kill(-scene->subject.pid, SIGKILL);
		waitpid(scene->subject.pid, NULL, 0);
	}
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	evidence_done(&scene->evidence);
	strlist_done(&scene->scenario.service.command);
	free(scene->scenario.service.ready.text);
	free(scene->subject.address);
	free(scene->base);
	mem_free(state);
	return 0;
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Somebody else's program, in a process group of its own. It runs when this returns: until
 * its exec(2) it would have our descriptors, a listener among them. */
static void run(struct readiness_scene *scene, const char *script)
{
	int until_exec[2];
	char none;

	assert_int_equal(pipe2(until_exec, O_CLOEXEC), 0);
	strlist_add(&scene->scenario.service.command, "sh");
	scene->subject.pid = fork();
	if (scene->subject.pid == 0) {
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	setpgid(scene->subject.pid, scene->subject.pid);
	close(until_exec[1]);
	assert_int_equal(read(until_exec[0], &none, 1), 0);
	close(until_exec[0]);
}

static int64_t expect_ready(struct readiness_scene *scene)
{
	int64_t began_ns = clock_now();
	enum readiness_end end =
		readiness_await(&scene->options, &scene->base, &scene->err);

	if (end != READINESS_YES)
		print_error("%s\n", scene->err.text);
	assert_int_equal(end, READINESS_YES);
	return clock_now() - began_ns;
}

static void a_program_without_a_handler_is_ready_when_it_sleeps(void **state)
{
	struct readiness_scene *scene = *state;
	int64_t took_ns;

	run(scene, "exec sleep 60");
	took_ns = expect_ready(scene);
	assert_true(took_ns >= 200 * CLOCK_MS);
	assert_null(scene->base);
}

static void a_program_that_still_starts_its_children_has_not_settled(void **state)
{
	struct readiness_scene *scene = *state;

	run(scene, "for i in 1 2 3 4 5; do sleep 0.1; done; exec sleep 60");
	assert_true(expect_ready(scene) >= 500 * CLOCK_MS);
}

static void a_program_that_never_sleeps_is_ready_after_two_seconds(void **state)
{
	struct readiness_scene *scene = *state;
	int64_t began_ns;

	run(scene, "while :; do :; done");
	began_ns = clock_now();
	assert_int_equal(readiness_await(&scene->options, &scene->base, &scene->err),
		READINESS_UNSETTLED);
	assert_true(clock_now() - began_ns >= 2 * CLOCK_S);
}

static void add_log(struct readiness_scene *scene, const char *line)
{
	evidence_add_log(&scene->evidence, clock_now(), line, strlen(line));
}

static void on_listening(void *arg)
{
	add_log(arg, "{\"event\":\"service.listening\",\"port\":4300}");
}

static void our_service_is_ready_when_its_port_is_known_as_well(void **state)
{
	struct readiness_scene *scene = *state;
	struct loop_timer *later;

	scene->scenario.service.ready.kind = READY_LOG;
	scene->scenario.service.ready.text = mem_text("ready");
	add_log(scene, "ready");
	later = loop_timer_create(&scene->loop, on_listening, scene);
	loop_timer_set(later, 20 * CLOCK_MS);
	expect_ready(scene);
	loop_timer_destroy(later);
	assert_string_equal(scene->base, "http://127.0.0.1:4300");
}

static void on_ready_line(void *arg)
{
	add_log(arg, "ready");
}

static void a_line_that_comes_later_makes_it_ready(void **state)
{
	struct readiness_scene *scene = *state;
	struct loop_timer *later;

	scene->scenario.service.ready.kind = READY_LOG;
	scene->scenario.service.ready.text = mem_text("ready");
	strlist_add(&scene->scenario.service.command, "%s", "server");
	add_log(scene, "starts");
	later = loop_timer_create(&scene->loop, on_ready_line, scene);
	loop_timer_set(later, 20 * CLOCK_MS);
	expect_ready(scene);
	loop_timer_destroy(later);
	assert_null(scene->base);
}

/* Gives a listening socket, and its port. */
static int listen_somewhere(int64_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(listen(fd, 4), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void a_port_of_another_process_is_never_asked(void **state)
{
	struct readiness_scene *scene = *state;
	int fd = listen_somewhere(&scene->options.port);
	SCOPED(mem_free) char *me = mem_textf("pid %d", (int)getpid());

	run(scene, "exec sleep 60");
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(readiness_await(&scene->options, &scene->base, &scene->err),
		READINESS_NEVER);
	assert_non_null(strstr(scene->err.text, me));
	assert_int_equal(accept(fd, NULL, NULL), -1); /* no client came */
	close(fd);
}

static void on_healthy(void *arg)
{
	((struct readiness_scene *)arg)->subject.healthy = true;
}

static void a_container_is_ready_when_its_check_says_so(void **state)
{
	struct readiness_scene *scene = *state;
	struct loop_timer *later = loop_timer_create(&scene->loop, on_healthy, scene);
	int64_t began_ns = clock_now();

	strlist_add(&scene->scenario.service.command, "x");
	scene->scenario.service.ready.kind = READY_HEALTHY;
	scene->subject.has_healthcheck = true;
	loop_timer_set(later, 30 * CLOCK_MS);
	expect_ready(scene);
	loop_timer_destroy(later);
	assert_true(clock_now() - began_ns >= 30 * CLOCK_MS);
}

static void a_container_without_a_check_is_never_healthy(void **state)
{
	struct readiness_scene *scene = *state;

	scene->scenario.service.ready.kind = READY_HEALTHY;
	assert_int_equal(readiness_await(&scene->options, &scene->base, &scene->err),
		READINESS_NEVER);
	assert_string_equal(
		scene->err.text, "ready.healthy: the container has no health check");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_program_without_a_handler_is_ready_when_it_sleeps),
		SCENE(a_program_that_still_starts_its_children_has_not_settled),
		SCENE(a_program_that_never_sleeps_is_ready_after_two_seconds),
		SCENE(a_port_of_another_process_is_never_asked),
		SCENE(a_container_is_ready_when_its_check_says_so),
		SCENE(a_container_without_a_check_is_never_healthy),
		SCENE(our_service_is_ready_when_its_port_is_known_as_well),
		SCENE(a_line_that_comes_later_makes_it_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
