#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-mcp/test/scene.h"
#include "test/support/until.h"

static void stdout_lines_prints_garbage_between_its_answers(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"stdout\": \"garbage\"}");

	for (int i = 0; i < 12; i++) {
		SCOPED(json_free) cJSON *garbage = NULL, *answer = NULL;
		const char *line;

		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", i);
		line = scene_line(scene);
		garbage = json_parse(line, strlen(line));
		assert_null(garbage);
		answer = scene_answer(scene);
		assert_int_equal(json_int(answer, "id", -1), i);
	}
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

static void stdout_flood_does_not_hinder_requests_and_signals(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"stdout\": \"flood\"}");
	unsigned notifications = 0;
	bool answered = false;

	while (notifications < 5000 || !answered) {
		SCOPED(json_free) cJSON *message = scene_answer(scene);
		const char *method = json_text(message, "method");

		if (method) {
			assert_string_equal(method, "notifications/message");
			notifications++;
		} else {
			assert_string_equal(json_text(message, "id"), "p");
			answered = true;
		}
		if (notifications == 1000)
			scene_send(scene,
				"{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
	}
	scene_read(scene, false);
	kill(scene_pid(scene), SIGTERM);
	scene_event(scene, 0, "mcp.signal", 1);
	scene_expect_exit(scene, 0);
}

static int unread(const struct mcp_scene *scene)
{
	int bytes = 0;

	assert_int_equal(ioctl(scene_stdout(scene), FIONREAD, &bytes), 0);
	return bytes;
}

/* More than half of a pipe's pages are full to the last byte when all are taken. */
static void await_full_stdout(struct mcp_scene *scene)
{
	int64_t deadline = until_deadline();
	int size = fcntl(scene_stdout(scene), F_GETPIPE_SZ);

	while (unread(scene) < size / 2) {
		assert_true(clock_now() < deadline);
		scene_idle(scene, 1);
	}
}

static void stdout_fill_blocks_until_it_is_read(void **state)
{
	struct mcp_scene *scene = scene_connect(state,
		"{\"stdout\": \"fill\", \"on_term\": \"ignore\", \"on_eof\": \"ignore\"}");

	scene_read(scene, false);
	await_full_stdout(scene);
	kill(scene_pid(scene), SIGTERM);
	scene_send_eof(scene);
	scene_idle(scene, 200);
	assert_int_equal(scene_count(scene, 0, "mcp.signal"), 0);
	assert_int_equal(scene_count(scene, 0, "mcp.eof"), 0);
	scene_read(scene, true);
	scene_event(scene, 0, "mcp.signal", 1);
	scene_event(scene, 0, "mcp.eof", 1);
	kill(scene_pid(scene), SIGKILL);
	scene_expect_killed(scene, SIGKILL);
}

static void stdout_fill_blocks_at_eof(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"stdout\": \"fill\"}");
	size_t burst = 0;

	while (burst < (size_t)2 << 20)
		burst += strlen(scene_line(scene)) + 1;
	scene_read(scene, false);
	scene_send_eof(scene);
	scene_event(scene, 0, "mcp.eof", 1);
	await_full_stdout(scene);
	kill(scene_pid(scene), SIGTERM);
	scene_idle(scene, 200);
	assert_int_equal(scene_count(scene, 0, "mcp.signal"), 0);
	assert_int_equal(scene_count(scene, 0, "process.exit"), 0);
	scene_close_stdout(scene); /* a client's other way out */
	scene_expect_exit(scene, 0);
}

static void stdout_close_leaves_the_server_running(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"stdout\": \"close\"}");

	assert_null(scene_line(scene));
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"unheard\"}}}");
	scene_event(scene, 0, "mcp.tool.end", 1);
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"

static void stdout_partial_is_half_a_line_and_then_nothing(void **state)
{
	static const char whole[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
	struct mcp_scene *scene = scene_connect(state, "{\"stdout\": \"partial\"}");
	const char *rest;

	scene_send(scene, PING("1"));
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"x\"}}}");
	scene_event(scene, 0, "mcp.tool.end", 1);
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
	rest = scene_rest(scene);
	assert_int_equal(strlen(rest), strlen(whole) / 2);
	assert_memory_equal(rest, whole, strlen(rest));
}

static void stdout_partial_continues_after_a_while(void **state)
{
	struct mcp_scene *scene = scene_connect(
		state, "{\"stdout\": \"partial\", \"rest_after\": \"300ms\"}");
	int64_t began_ns = clock_now();

	for (int i = 0; i < 3; i++)
		scene_sendf(scene, PING("%d"), i);
	for (int i = 0; i < 3; i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", -1), i);
		assert_true(clock_now() - began_ns >= 300 * CLOCK_MS);
	}
	scene_ping(scene);
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

static void stdin_is_read_at_its_rate(void **state)
{
	struct mcp_scene *scene = scene_begin(
		state, "{\"stdin_rate\": {\"bytes\": 10, \"every\": \"20ms\"}}");
	int64_t began_ns = clock_now(), reads = strlen(PING("1")) / 10;

	scene_send(scene, PING("1"));
	cJSON_Delete(scene_answer(scene));
	assert_true(clock_now() - began_ns >= reads * 20 * CLOCK_MS);
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

static size_t read_some(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char piece[65536];
	ssize_t len;

	assert_int_equal(poll(&wait, 1, UNTIL_PATIENCE_S * 1000), 1);
	len = read(fd, piece, sizeof piece);
	assert_true(len > 0);
	return (size_t)len;
}

static void stderr_flood_hinders_nothing(void **state)
{
	struct mcp_scene *scene;
	size_t size = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	scene = scene_begin_with_stderr(state, "{\"stderr\": \"flood\"}", fds[1]);
	close(fds[1]);
	scene_greet(scene);
	scene_list(scene);
	while (size < (size_t)1 << 20) /* many times what the pipe holds */
		size += read_some(fds[0]);
	scene_ping(scene);
	scene_send_eof(scene); /* with a pipe that is full */
	scene_expect_exit(scene, 0);
	close(fds[0]);
}

static void stdout_lines_loses_nothing_when_it_is_read_late(void **state)
{
	struct mcp_scene *scene = scene_connect(state, NULL);
	enum { REQUESTS = 9000 }; /* some 13 MB of answers */

	scene_read(scene, false);
	for (int i = 0; i < REQUESTS; i++)
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/list\"}", i);
	await_full_stdout(scene);
	scene_read(scene, true);
	for (int i = 0; i < REQUESTS; i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", -1), i);
		assert_string_equal(json_at(answer, "result.tools.3.name")->valuestring,
			"word_count");
	}
	scene_ping(scene);
}

/* 14 answers of 1 MiB, of which the server keeps no more than it must. */
static void unread_stdout_stops_the_reading_of_stdin(void **state)
{
	enum { ANSWERS = 14, SIZE = 1 << 20 };
	struct mcp_scene *scene = scene_connect(state, NULL);
	SCOPED(mem_free) char *text = mem_zeroed(SIZE + 1);

	memset(text, 'x', SIZE);
	scene_read(scene, false);
	for (int i = 0; i < ANSWERS; i++)
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\","
			"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"%s\"}}}",
			i, text);
	scene_event(scene, 0, "mcp.tool.end", 5);
	scene_idle(scene, 200);
	assert_true(scene_count(scene, 0, "mcp.tool.end") <= 6);
	scene_read(scene, true);
	for (int i = 0; i < ANSWERS; i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", -1), i);
		assert_string_equal(
			json_at(answer, "result.content.0.text")->valuestring, text);
	}
}

#ifndef __SANITIZE_ADDRESS__
/* In kB, what others share counted in part. */
static long memory_of(pid_t pid)
{
	SCOPED(mem_free) char *path = mem_textf("/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	char line[256];
	long size = 0;

	assert_non_null(file);
	while (size == 0 && fgets(line, sizeof line, file))
		if (!strncmp(line, "Pss:", 4))
			size = strtol(line + 4, NULL, 10);
	fclose(file);
	return size;
}

/* Thousands run side by side. */
static void large_answer_leaves_a_small_server(void **state)
{
	enum { SIZE = 3 << 20 };
	struct mcp_scene *scene = scene_connect(state, NULL);
	SCOPED(mem_free) char *text = mem_zeroed(SIZE + 1);

	memset(text, 'x', SIZE);
	scene_sendf(scene,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"%s\"}}}",
		text);
	assert_true(strlen(scene_line(scene)) > SIZE);
	scene_ping(scene);
	assert_in_range(memory_of(scene_pid(scene)), 1, 2 << 10);
}

static void server_holds_the_memory_of_its_behavior(void **state)
{
	struct mcp_scene *scene = scene_connect(
		state, "{\"memory_mib\": 48, \"children\": {\"count\": 1}}");
	pid_t child =
		(pid_t)json_int(scene_event(scene, 0, "mcp.child", 1), "child", 0);

	assert_in_range(memory_of(scene_pid(scene)), 48 << 10, 52 << 10);
	assert_in_range(memory_of(child), 1, 2 << 10);
}
#endif

static void full_stdout_does_not_hinder_signals(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"on_int\": \"ignore\"}");

	scene_read(scene, false);
	for (int i = 0; i < 5000; i++)
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/list\"}", i);
	await_full_stdout(scene);
	kill(scene_pid(scene), SIGINT);
	scene_event(scene, 0, "mcp.signal", 1);
	kill(scene_pid(scene), SIGTERM);
	scene_expect_exit(scene, 0); /* though nobody takes the answers */
}

static void stdout_lines_drops_lines_when_its_reader_is_gone(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"on_term\": \"ignore\"}");

	scene_close_stdout(scene);
	for (int i = 0; i < 3; i++) {
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\","
			"\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"\"}}}",
			i);
		scene_event(scene, 0, "mcp.tool.end", (unsigned)i + 1);
	}
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			stdout_lines_prints_garbage_between_its_answers, scene_end),
		cmocka_unit_test_teardown(
			stdout_flood_does_not_hinder_requests_and_signals, scene_end),
		cmocka_unit_test_teardown(
			stdout_fill_blocks_until_it_is_read, scene_end),
		cmocka_unit_test_teardown(stdout_fill_blocks_at_eof, scene_end),
		cmocka_unit_test_teardown(
			stdout_close_leaves_the_server_running, scene_end),
		cmocka_unit_test_teardown(
			stdout_lines_loses_nothing_when_it_is_read_late, scene_end),
		cmocka_unit_test_teardown(
			unread_stdout_stops_the_reading_of_stdin, scene_end),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test_teardown(
			large_answer_leaves_a_small_server, scene_end),
		cmocka_unit_test_teardown(
			server_holds_the_memory_of_its_behavior, scene_end),
#endif
		cmocka_unit_test_teardown(
			full_stdout_does_not_hinder_signals, scene_end),
		cmocka_unit_test_teardown(
			stdout_lines_drops_lines_when_its_reader_is_gone, scene_end),
		cmocka_unit_test_teardown(
			stdout_partial_is_half_a_line_and_then_nothing, scene_end),
		cmocka_unit_test_teardown(
			stdout_partial_continues_after_a_while, scene_end),
		cmocka_unit_test_teardown(stdin_is_read_at_its_rate, scene_end),
		cmocka_unit_test_teardown(stderr_flood_hinders_nothing, scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
