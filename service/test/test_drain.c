/*
 * The drain of a service without sessions, in this process: the order of its phases.
 * test_service_stop.c and test_service_force.c show how sessions are stopped.
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
#include "lib/web.h"
#include "service/agent/agent_client.h"
#include "service/config.h"
#include "service/drain.h"
#include "service/http_api.h"
#include "service/spawn_queue.h"
#include "service/mcp/tool_registry.h"
#include "service/metrics.h"
#include "service/service.h"
#include "service/sessions.h"
#include "service/store.h"

struct drain_scene {
	struct service service;
	uv_timer_t patience;
	int log;
	unsigned done;
};

static void on_done(void *arg)
{
	struct drain_scene *scene = arg;

	scene->done++;
}

static void on_orphan(UNUSED void *arg, UNUSED pid_t pid, UNUSED int status)
{
}

/* Makes the loop turn without other events. */
static void on_patience(UNUSED uv_timer_t *timer)
{
}

static struct drain_scene *build(const char *flag, const char *other)
{
	struct drain_scene *scene = mem_zeroed(sizeof *scene);
	const char *argv[] = {"service", "--port=0", "--agent-url=http://127.0.0.1:9",
		"--grace=1m", flag, other, NULL};
	struct service *service = &scene->service;
	struct err err = {0};

	scene->log = memfd_create("log", MFD_CLOEXEC);
	log_to(scene->log);
	uv_loop_init(&scene->service.loop);
	uv_timer_init(&scene->service.loop, &scene->patience);
	uv_timer_start(&scene->patience, on_patience, 5, 5);
	assert_true(config_read(&scene->service.config, flag ? other ? 6 : 5 : 4,
		(char **)(uintptr_t)argv, &err));
	service->reaper = reaper_create(&service->loop, on_orphan, NULL, &err);
	service->store = store_open(":memory:", &err);
	service->agent = agent_client_create(&service->loop,
		&(struct agent_client_options){
			.url = service->config.agent_url,
			.model = "none",
			.name = "none",
			.connections = 1,
			.request_ns = CLOCK_S,
		},
		&err);
	assert_non_null(service->reaper);
	assert_non_null(service->store);
	assert_non_null(service->agent);
	service->mcp = (struct mcp_host){
		.loop = &service->loop,
		.config = &service->config.mcp,
		.reaper = service->reaper,
		.spawn_queue = spawn_queue_create(&service->loop),
		.tools = tool_registry_create(&service->config.mcp, service->store),
		.metrics = &service->metrics,
	};
	service->sessions = sessions_create(service);
	service->http_api = http_api_create(service, &err);
	assert_non_null(service->http_api);
	service->drain = drain_create(service, on_done, scene);
	return scene;
}

static void raze(struct drain_scene *scene)
{
	http_api_destroy(scene->service.http_api);
	sessions_destroy(scene->service.sessions);
	agent_client_destroy(scene->service.agent);
	spawn_queue_destroy(scene->service.mcp.spawn_queue);
	drain_close(scene->service.drain);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_run(&scene->service.loop, UV_RUN_DEFAULT);
	reaper_destroy(scene->service.reaper);
	uv_run(&scene->service.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->service.loop), 0);
	drain_destroy(scene->service.drain);
	tool_registry_destroy(scene->service.mcp.tools);
	store_close(scene->service.store);
	config_done(&scene->service.config);
	log_to(STDERR_FILENO);
	close(scene->log);
	free(scene);
}

static void await_done(struct drain_scene *scene)
{
	int64_t until_ns = clock_now() + 30 * CLOCK_S;

	while (!scene->done && clock_now() < until_ns)
		uv_run(&scene->service.loop, UV_RUN_ONCE);
	assert_int_equal(scene->done, 1);
}

/* The caller's to free(). */
static char *read_log(const struct drain_scene *scene)
{
	SCOPED(buf_done) struct buf text = {0};
	char piece[4096];
	ssize_t len;

	lseek(scene->log, 0, SEEK_SET);
	while ((len = read(scene->log, piece, sizeof piece)) > 0)
		buf_add(&text, piece, (size_t)len);
	return mem_text(buf_text(&text));
}

static void expect_order(const struct drain_scene *scene, const char *const *words)
{
	SCOPED(mem_free) char *text = read_log(scene);
	const char *at = text;

	for (; *words; words++) {
		at = strstr(at, *words);
		if (!at)
			fail_msg("%s is missing or too early in:\n%s", *words, text);
	}
}

/* -1 when nobody listens. */
static int connect_to(const struct drain_scene *scene)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(web_port(scene->service.http_api->web)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Asks /ready on a connection: the status. By then the loop has done what it had to. */
static int ask_ready(struct drain_scene *scene, int fd)
{
	static const char request[] = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";
	int64_t until_ns = clock_now() + 30 * CLOCK_S;
	char answer[1024];
	ssize_t len = -1;

	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	while (len < 0 && clock_now() < until_ns) {
		uv_run(&scene->service.loop, UV_RUN_ONCE);
		len = recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT);
	}
	assert_true(len > 12);
	answer[len] = '\0';
	return atoi(answer + strlen("HTTP/1.1 "));
}

static void drain_goes_through_its_phases_in_order(UNUSED void **state)
{
	static const char *const words[] = {"\"shutdown.begin\"", "Shutting down",
		"\"phase\":\"drain\"", "\"phase\":\"disconnect\"",
		"\"phase\":\"flush\"", "\"shutdown.complete\"", "Shutdown complete",
		NULL};
	struct drain_scene *scene = build(NULL, NULL);
	struct stop_stats stop;
	bool known = false;
	struct err err = {0};

	drain_signal(scene->service.drain, SIGTERM);
	assert_int_equal(scene->done, 0); /* never from inside */
	await_done(scene);
	assert_int_equal(drain_complete(scene->service.drain), 0);
	expect_order(scene, words);
	assert_true(store_find_stop(scene->service.store, &stop, &known, &err));
	assert_true(known);
	assert_true(stop.took_ns > 0);
	assert_int_equal(stop.sessions, 0);
	assert_int_equal(stop.failed, 0);
	raze(scene);
}

static void drain_stops_listening_at_once(UNUSED void **state)
{
	struct drain_scene *scene = build(NULL, NULL);
	int before = connect_to(scene);

	assert_true(before >= 0);
	assert_int_equal(ask_ready(scene, before), 200);
	drain_signal(scene->service.drain, SIGTERM);
	assert_int_equal(ask_ready(scene, before), 503);
	assert_int_equal(connect_to(scene), -1);
	await_done(scene);
	close(before);
	raze(scene);
}

static void drain_goes_on_listening_while_it_delays(UNUSED void **state)
{
	struct drain_scene *scene = build("--drain-delay=200ms", NULL);
	int64_t began_ns = clock_now();
	int during;

	drain_signal(scene->service.drain, SIGTERM);
	during = connect_to(scene);
	assert_true(during >= 0);
	assert_int_equal(ask_ready(scene, during), 503);
	assert_int_equal(scene->done, 0);
	close(during);
	await_done(scene);
	assert_true(clock_now() - began_ns >= 200 * CLOCK_MS);
	assert_int_equal(connect_to(scene), -1);
	raze(scene);
}

static void drain_delays_no_longer_when_it_is_asked_again(UNUSED void **state)
{
	static const char *const words[] = {"\"shutdown.begin\"", "\"phase\":\"drain\"",
		"\"shutdown.forced\"", "second signal", "\"phase\":\"flush\"", NULL};
	struct drain_scene *scene = build("--drain-delay=1h", NULL);
	int during;

	drain_signal(scene->service.drain, SIGTERM);
	during = connect_to(scene);
	assert_true(during >= 0);
	assert_int_equal(ask_ready(scene, during), 503);
	assert_int_equal(scene->done, 0);
	drain_signal(scene->service.drain, SIGTERM);
	await_done(scene);
	close(during);
	assert_int_equal(drain_complete(scene->service.drain), 0);
	expect_order(scene, words);
	drain_signal(scene->service.drain, SIGTERM); /* too late to mean anything */
	raze(scene);
}

static void drain_delays_no_longer_than_work_may_take(UNUSED void **state)
{
	struct drain_scene *scene = build("--drain-delay=1h", "--turn-budget=50ms");

	drain_signal(scene->service.drain, SIGTERM);
	await_done(scene);
	assert_int_equal(drain_complete(scene->service.drain), 0);
	raze(scene);
}

static void drain_needs_no_sessions_to_be_sequential_or_patient(UNUSED void **state)
{
	static const char *const flags[] = {
		"--disconnect=sequential", "--disconnect=none"};

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct drain_scene *scene = build(flags[i], NULL);

		drain_signal(scene->service.drain, SIGTERM);
		await_done(scene);
		assert_int_equal(drain_complete(scene->service.drain), 0);
		raze(scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain_goes_through_its_phases_in_order),
		cmocka_unit_test(drain_stops_listening_at_once),
		cmocka_unit_test(drain_goes_on_listening_while_it_delays),
		cmocka_unit_test(drain_delays_no_longer_when_it_is_asked_again),
		cmocka_unit_test(drain_delays_no_longer_than_work_may_take),
		cmocka_unit_test(drain_needs_no_sessions_to_be_sequential_or_patient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
