/*
 * The drain of a service without sessions, in this process: what comes in which order.
 * How sessions go down is told by test_service_stop.c and test_service_force.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "service/agent/agent_client.h"
#include "service/config.h"
#include "service/drain.h"
#include "service/http_api.h"
#include "service/mcp/spawn_queue.h"
#include "service/mcp/tool_registry.h"
#include "service/metrics.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"

struct scene {
	uv_loop_t loop;
	uv_timer_t patience;
	struct config config;
	struct metrics metrics;
	struct service service;
	struct sessions *sessions;
	struct http_api *http_api;
	struct drain *drain;
	int log;
	unsigned done;
};

static void on_done(void *arg)
{
	struct scene *scene = arg;

	scene->done++;
}

static void on_orphan(void *arg, pid_t pid, int status)
{
	(void)arg;
	(void)pid;
	(void)status;
}

/* Whatever else happens, the loop turns. */
static void on_patience(uv_timer_t *timer)
{
	(void)timer;
}

static struct scene *build(const char *flag, const char *other)
{
	struct scene *scene = mem_zeroed(sizeof *scene);
	const char *argv[] = {"service", "--port=0", "--agent-url=http://127.0.0.1:9",
		"--grace=1m", flag, other, NULL};
	struct service *service = &scene->service;
	struct err err = {0};

	scene->log = memfd_create("log", MFD_CLOEXEC);
	log_to(scene->log);
	uv_loop_init(&scene->loop);
	uv_timer_init(&scene->loop, &scene->patience);
	uv_timer_start(&scene->patience, on_patience, 5, 5);
	assert_true(config_read(&scene->config, flag ? other ? 6 : 5 : 4,
		(char **)(uintptr_t)argv, &err));
	*service = (struct service){
		.loop = &scene->loop,
		.config = &scene->config,
		.reaper = reaper_create(&scene->loop, on_orphan, NULL, &err),
		.store = store_open(":memory:", &err),
		.metrics = &scene->metrics,
		.agent = agent_client_create(&scene->loop,
			&(struct agent_client_options){
				.url = scene->config.agent_url,
				.model = "none",
				.name = "none",
				.connections = 1,
				.request_ns = CLOCK_S,
			},
			&err),
	};
	assert_non_null(service->reaper);
	assert_non_null(service->store);
	assert_non_null(service->agent);
	service->spawn_queue = spawn_queue_create(&scene->loop);
	service->tools = tool_registry_create(&scene->config.servers, service->store);
	scene->sessions = sessions_create(service);
	scene->http_api = http_api_create(service, scene->sessions, &err);
	assert_non_null(scene->http_api);
	scene->drain =
		drain_create(service, scene->sessions, scene->http_api, on_done, scene);
	return scene;
}

static void raze(struct scene *scene)
{
	http_api_destroy(scene->http_api);
	sessions_destroy(scene->sessions);
	agent_client_destroy(scene->service.agent);
	spawn_queue_destroy(scene->service.spawn_queue);
	drain_close(scene->drain);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	reaper_destroy(scene->service.reaper);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	drain_destroy(scene->drain);
	tool_registry_destroy(scene->service.tools);
	store_close(scene->service.store);
	config_done(&scene->config);
	log_to(STDERR_FILENO);
	close(scene->log);
	free(scene);
}

static void await_done(struct scene *scene)
{
	int64_t until_ns = clock_now() + 30 * CLOCK_S;

	while (!scene->done && clock_now() < until_ns)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_int_equal(scene->done, 1);
}

static void let_pass(struct scene *scene, int64_t ns)
{
	int64_t until_ns = clock_now() + ns;

	while (clock_now() < until_ns)
		uv_run(&scene->loop, UV_RUN_ONCE);
}

/* The caller's to free(). */
static char *read_log(const struct scene *scene)
{
	SCOPED(buf_done) struct buf text = {0};
	char piece[4096];
	ssize_t len;

	lseek(scene->log, 0, SEEK_SET);
	while ((len = read(scene->log, piece, sizeof piece)) > 0)
		buf_add(&text, piece, (size_t)len);
	return mem_text(buf_text(&text));
}

static void expect_order(const struct scene *scene, const char *const *words)
{
	SCOPED(mem_free) char *text = read_log(scene);
	const char *at = text;

	for (; *words; words++) {
		at = strstr(at, *words);
		if (!at)
			fail_msg("%s does not come in time in:\n%s", *words, text);
	}
}

/* -1 when nobody listens. */
static int connect_to(const struct scene *scene)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(http_api_port(scene->http_api)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static void drain_goes_through_its_phases_in_order(void **state)
{
	static const char *const words[] = {"\"shutdown.begin\"", "Shutting down",
		"\"phase\":\"drain\"", "\"phase\":\"disconnect\"",
		"\"phase\":\"flush\"", "\"shutdown.complete\"", "Shutdown complete",
		NULL};
	struct scene *scene = build(NULL, NULL);
	struct store_stop stop;
	bool known = false;
	struct err err = {0};

	(void)state;
	drain_signal(scene->drain, SIGTERM);
	assert_int_equal(scene->done, 0); /* never from inside */
	await_done(scene);
	assert_int_equal(drain_complete(scene->drain), 0);
	expect_order(scene, words);
	assert_true(store_find_stop(scene->service.store, &stop, &known, &err));
	assert_true(known);
	assert_true(stop.took_ns > 0);
	assert_int_equal(stop.sessions, 0);
	assert_int_equal(stop.failed, 0);
	raze(scene);
}

static void drain_closes_the_door_at_once(void **state)
{
	struct scene *scene = build(NULL, NULL);
	int before = connect_to(scene);

	(void)state;
	assert_true(before >= 0);
	let_pass(scene, 10 * CLOCK_MS);
	drain_signal(scene->drain, SIGTERM);
	let_pass(scene, 10 * CLOCK_MS);
	assert_int_equal(connect_to(scene), -1);
	await_done(scene);
	close(before);
	raze(scene);
}

static void drain_keeps_the_door_open_while_it_delays(void **state)
{
	struct scene *scene = build("--drain-delay=200ms", NULL);
	int64_t began_ns = clock_now();
	int during;

	(void)state;
	drain_signal(scene->drain, SIGTERM);
	let_pass(scene, 10 * CLOCK_MS);
	assert_int_equal(scene->done, 0);
	during = connect_to(scene);
	assert_true(during >= 0);
	close(during);
	await_done(scene);
	assert_true(clock_now() - began_ns >= 200 * CLOCK_MS);
	assert_int_equal(connect_to(scene), -1);
	raze(scene);
}

static void drain_delays_no_longer_when_it_is_asked_again(void **state)
{
	static const char *const words[] = {"\"shutdown.begin\"", "\"phase\":\"drain\"",
		"\"shutdown.forced\"", "second signal", "\"phase\":\"flush\"", NULL};
	struct scene *scene = build("--drain-delay=1h", NULL);

	(void)state;
	drain_signal(scene->drain, SIGTERM);
	let_pass(scene, 10 * CLOCK_MS);
	drain_signal(scene->drain, SIGTERM);
	await_done(scene);
	assert_int_equal(drain_complete(scene->drain), 0);
	expect_order(scene, words);
	drain_signal(scene->drain, SIGTERM); /* too late to mean anything */
	raze(scene);
}

static void drain_delays_no_longer_than_work_may_take(void **state)
{
	struct scene *scene = build("--drain-delay=1h", "--turn-budget=50ms");

	(void)state;
	drain_signal(scene->drain, SIGTERM);
	await_done(scene);
	assert_int_equal(drain_complete(scene->drain), 0);
	raze(scene);
}

static void drain_needs_no_sessions_to_be_sequential_or_patient(void **state)
{
	static const char *const flags[] = {
		"--disconnect=sequential", "--disconnect=none"};

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		struct scene *scene = build(flags[i], NULL);

		drain_signal(scene->drain, SIGTERM);
		await_done(scene);
		assert_int_equal(drain_complete(scene->drain), 0);
		raze(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain_goes_through_its_phases_in_order),
		cmocka_unit_test(drain_closes_the_door_at_once),
		cmocka_unit_test(drain_keeps_the_door_open_while_it_delays),
		cmocka_unit_test(drain_delays_no_longer_when_it_is_asked_again),
		cmocka_unit_test(drain_delays_no_longer_than_work_may_take),
		cmocka_unit_test(drain_needs_no_sessions_to_be_sequential_or_patient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
