#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/version.h"
#include "mock-mcp/test/scene.h"
#include "test/support/until.h"

/* We adopt its orphans. */
static void assert_ends(pid_t pid)
{
	int64_t deadline = until_deadline();

	while (waitpid(pid, NULL, WNOHANG) == 0)
		assert_true(clock_now() < deadline);
}

static void server_exits_0_at_the_end_of_stdin(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"name\": \"skills\"}");
	const cJSON *start = scene_event(scene, 0, "process.start", 1), *eof;

	assert_string_equal(json_text(start, "role"), "mock-mcp");
	assert_string_equal(json_text(start, "name"), "skills");
	assert_int_equal(json_int(start, "pid", 0), scene_pid(scene));
	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
	eof = scene_event(scene, 0, "mcp.eof", 1);
	assert_string_equal(json_text(eof, "name"), "skills");
	assert_string_equal(json_text(eof, "session"), SCENE_ROOM);
	assert_null(scene_line(scene));
	assert_string_equal(scene_errors(scene), "");
}

static void server_exits_before_any_message(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);

	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
}

static void server_answers_what_it_read_before_it_exits(void **state)
{
	enum { PINGS = 20000 }; /* several times what a pipe holds */
	struct mcp_scene *scene = scene_begin(state, NULL);

	scene_read(scene, false);
	for (int i = 0; i < PINGS; i++)
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", i);
	scene_send_eof(scene);
	scene_event(scene, 0, "mcp.eof", 1);
	scene_read(scene, true);
	scene_expect_exit(scene, 0);
	for (int i = 0; i < PINGS; i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", -1), i);
	}
	assert_null(scene_line(scene));
}

static void server_exits_with_its_code_whatever_ends_it(void **state)
{
	static const int causes[] = {0, SIGTERM, SIGINT};

	for (unsigned i = 0; i < COUNT(causes); i++) {
		struct mcp_scene *scene = scene_connect(state, "{\"exit_code\": 7}");

		if (causes[i])
			kill(scene_pid(scene), causes[i]);
		else
			scene_send_eof(scene);
		scene_expect_exit(scene, 7);
		if (causes[i])
			assert_int_equal(
				json_int(scene_event(scene, 0, "mcp.signal", 1),
					"signal", 0),
				causes[i]);
		scene_end(state);
	}
}

static void server_logs_signals_that_it_ignores(void **state)
{
	struct mcp_scene *scene = scene_connect(state,
		"{\"on_eof\": \"ignore\", \"on_int\": "
		"\"ignore\", \"on_term\": \"ignore\"}");

	scene_send_eof(scene);
	scene_event(scene, 0, "mcp.eof", 1);
	kill(scene_pid(scene), SIGINT);
	scene_event(scene, 0, "mcp.signal", 1);
	kill(scene_pid(scene), SIGTERM);
	scene_event(scene, 0, "mcp.signal", 2);
	kill(scene_pid(scene), SIGTERM);
	scene_event(scene, 0, "mcp.signal", 3);
	assert_true(scene_has_line(scene, scene_pid(scene)));
	kill(scene_pid(scene), SIGKILL);
	scene_expect_killed(scene, SIGKILL);
}

static void server_exits_after_a_while(void **state)
{
	struct mcp_scene *scene =
		scene_connect(state, "{\"on_eof\": {\"exit_after\": \"150ms\"}}");
	int64_t took;

	scene_send_eof(scene);
	scene_expect_exit(scene, 0);
	took = scene_event_ns(scene, "process.exit") - scene_event_ns(scene, "mcp.eof");
	assert_true(took >= 150 * CLOCK_MS);
}

static void server_exits_by_the_earlier_of_two_reactions(void **state)
{
	struct mcp_scene *scene = scene_connect(state,
		"{\"on_eof\": {\"exit_after\": \"1h\"}, "
		"\"on_int\": {\"exit_after\": \"2h\"}, \"on_term\": {\"exit_after\": \"5ms\"}}");

	scene_send_eof(scene);
	scene_event(scene, 0, "mcp.eof", 1);
	kill(scene_pid(scene), SIGINT);
	scene_event(scene, 0, "mcp.signal", 1);
	kill(scene_pid(scene), SIGTERM);
	scene_expect_exit(scene, 0);
}

/* A line of /proc/PID/status, as a mask. */
static uint64_t read_mask(pid_t pid, const char *name)
{
	char path[64], line[256];
	uint64_t mask = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (!strncmp(line, name, strlen(name)))
			mask = strtoull(line + strlen(name) + 1, NULL, 16);
	fclose(file);
	return mask;
}

static uint64_t bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static long processor_ticks(pid_t pid)
{
	char path[64], line[1024];
	unsigned long ticks = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	fclose(file);
	assert_int_equal(
		sscanf(strrchr(line, ')'),
			") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu", &ticks),
		1);
	return (long)ticks;
}

static void server_that_spins_ends_by_sigkill_only(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"on_eof\": \"spin\"}");
	pid_t pid = scene_pid(scene);
	int64_t deadline = until_deadline();
	long ticks;

	scene_send_eof(scene);
	scene_event(scene, 0, "mcp.eof", 1);
	while (!(read_mask(pid, "SigBlk") & bit(SIGTERM)))
		assert_true(clock_now() < deadline);
	ticks = processor_ticks(pid);
	kill(pid, SIGTERM);
	kill(pid, SIGINT);
	while (processor_ticks(pid) < ticks + 5) {
		assert_true(clock_now() < deadline);
		scene_idle(scene, 10);
	}
	assert_true(read_mask(pid, "ShdPnd") & bit(SIGTERM));
	assert_int_equal(scene_count(scene, 0, "mcp.signal"), 0);
	kill(pid, SIGKILL);
	scene_expect_killed(scene, SIGKILL);
}

static void server_crashes_at_its_crash_point(void **state)
{
	static const char *const rows[][3] = {
		{"start", "process.start", "mcp.initialized"},
		{"initialize", "process.start", "mcp.initialized"},
		{"tool", "mcp.tool.begin", "mcp.tool.end"},
		{"eof", "mcp.eof", "process.exit"},
		{"term", "mcp.signal", "process.exit"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{\"crash\": \"%s\"}", rows[i][0]);
		struct mcp_scene *scene = scene_begin(state, behavior);

		if (i >= 1)
			scene_ping(scene);
		if (i == 1)
			scene_send(scene,
				"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
				"\"initialize\",\"params\":{\"protocolVersion\":"
				"\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{}}}");
		if (i >= 2)
			scene_greet(scene);
		if (i == 2)
			scene_send(scene,
				"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
				"\"tools/call\",\"params\":{\"name\":\"echo\","
				"\"arguments\":{\"text\":\"\"}}}");
		if (i == 3)
			scene_send_eof(scene);
		if (i == 4)
			kill(scene_pid(scene), SIGTERM);
		scene_expect_killed(scene, SIGABRT);
		scene_event(scene, 0, rows[i][1], 1);
		assert_int_equal(scene_count(scene, 0, rows[i][2]), 0);
		assert_null(scene_line(scene));
		scene_end(state);
	}
}

#define MODERN_LIST                                                                    \
	"{\"jsonrpc\":\"2.0\",\"id\":\"list\",\"method\":\"tools/list\",\"params\":{"  \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","       \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}}}"

static void server_crashes_at_the_first_request_of_a_stateless_client(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"crash\": \"initialize\"}");

	scene_ping(scene);
	scene_send(scene, MODERN_LIST);
	scene_expect_killed(scene, SIGABRT);
	assert_null(scene_line(scene));
}

/* Whoever begins, and whatever follows on its heels. */
static void server_answers_nothing_before_it_has_started(void **state)
{
	static const char *const lines[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":\"0\",\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"initialize\",\"params\":"
		"{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":"
		"{}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"method\":\"tools/list\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"3\",\"method\":\"no/such\"}",
	};
	int64_t begin_ns = clock_now();
	struct mcp_scene *scene = scene_begin(state, "{\"start\": \"200ms\"}");
	SCOPED(json_free) cJSON *list = NULL;

	scene_send(scene, MODERN_LIST);
	list = scene_answer(scene);
	assert_true(clock_now() - begin_ns >= 200 * CLOCK_MS);
	assert_string_equal(json_text(list, "id"), "list");
	scene_end(state);

	begin_ns = clock_now();
	scene = scene_begin(state, "{\"start\": \"200ms\"}");
	for (unsigned i = 0; i < COUNT(lines); i++)
		scene_send(scene, lines[i]);
	for (unsigned i = 0; i < COUNT(lines); i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_true(clock_now() - begin_ns >= 200 * CLOCK_MS);
		assert_int_equal(json_text(answer, "id")[0], '0' + (int)i);
	}
	scene_ping(scene);
}

/* 12 MB: more than it holds. */
static void server_answers_early_messages_after_its_start(void **state)
{
	enum { REQUESTS = 12, SIZE = 1 << 20 };
	struct mcp_scene *scene = scene_begin(state, "{\"start\": \"300ms\"}");
	SCOPED(mem_free) char *text = mem_zeroed(SIZE + 1);

	memset(text, 'x', SIZE);
	for (int i = 0; i < REQUESTS; i++)
		scene_sendf(scene,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\",\"params\":{"
			"\"x\":\"%s\"}}",
			i, text);
	for (int i = 0; i < REQUESTS; i++) {
		SCOPED(json_free) cJSON *answer = scene_answer(scene);

		assert_int_equal(json_int(answer, "id", -1), i);
	}
}

static void server_exits_during_its_start(void **state)
{
	static const int causes[] = {0, SIGTERM};

	for (unsigned i = 0; i < COUNT(causes); i++) {
		struct mcp_scene *scene = scene_begin(state, "{\"start\": \"1h\"}");

		scene_event(scene, 0, "process.start", 1);
		scene_send(scene, MODERN_LIST);
		if (causes[i])
			kill(scene_pid(scene), causes[i]);
		else
			scene_send_eof(scene);
		scene_expect_exit(scene, 0);
		assert_null(scene_line(scene));
		scene_end(state);
	}
}

static void server_without_read_stdin_reads_no_more(void **state)
{
	struct mcp_scene *scene = scene_connect(state, "{\"read_stdin\": false}");

	scene_send(scene, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
	scene_send_eof(scene);
	scene_idle(scene, 200);
	assert_int_equal(scene_count(scene, 0, "mcp.eof"), 0);
	kill(scene_pid(scene), SIGTERM);
	scene_expect_exit(scene, 0);
	assert_null(scene_line(scene)); /* nor did it answer the ping */
}

/* Whatever it is told to ignore, and wherever it hangs. */
static void server_ends_when_its_ledger_closes(void **state)
{
	static const char *const rows[][2] = {
		{"\"on_eof\": \"ignore\", \"on_term\": \"ignore\"", "mcp.eof"},
		{"\"on_eof\": \"spin\"", "mcp.eof"},
		{"\"stdout\": \"fill\"", NULL}, /* blocks, and tells nothing */
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{%s, \"children\": {\"count\": 1, \"depth\": 2, "
				  "\"session\": \"daemon\", \"ignore_term\": true}}",
				rows[i][0]);
		struct mcp_scene *scene = scene_begin(state, behavior);
		pid_t server = scene_pid(scene), child, grandchild;
		int status;

		scene_greet(scene);
		scene_list(scene);
		child = (pid_t)json_int(
			scene_event(scene, server, "mcp.child", 1), "child", 0);
		grandchild = (pid_t)json_int(
			scene_event(scene, child, "mcp.child", 1), "child", 0);
		scene_read(scene, rows[i][1] != NULL);
		scene_send_eof(scene);
		if (rows[i][1])
			scene_event(scene, 0, rows[i][1], 1);
		scene_idle(scene, 20);
		scene_close_ledger(scene);
		status = scene_status(scene);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_ends(child);
		assert_ends(grandchild);
		scene_end(state);
	}
}

static void server_logs_to_stderr_without_a_harness(void **state)
{
	struct mcp_scene *scene = scene_begin_with(state, NULL, "--ledger=", NULL);
	int status;

	scene_ping(scene);
	scene_send_eof(scene);
	status = scene_status(scene);
	assert_true(WIFEXITED(status));
	assert_non_null(strstr(scene_errors(scene), "\"event\":\"process.start\""));
	assert_non_null(strstr(scene_errors(scene), "\"event\":\"process.exit\""));
}

static void server_reports_a_wrong_behavior(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\n \"on_eoff\": 1}");
	int status = scene_status(scene);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	assert_non_null(strstr(scene_errors(scene),
		"mock-mcp: --behavior:2:2: behavior.on_eoff: no such key"));
	assert_int_equal(scene_count(scene, 0, "process.start"), 0);
}

static void server_prints_its_version(void **state)
{
	struct mcp_scene *scene = scene_begin_with(state, NULL, "--version", NULL);

	assert_string_equal(scene_line(scene), "mock-mcp " STOPBENCH_VERSION);
	assert_null(scene_line(scene));
	assert_int_equal(scene_status(scene), 0);
}

static void server_does_not_run_without_its_ledger(void **state)
{
	struct mcp_scene *scene = scene_begin_with(
		state, NULL, "--ledger=unix:/nonexistent/ledger", NULL);
	int status = scene_status(scene);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_non_null(strstr(
		scene_errors(scene), "mock-mcp: ledger unix:/nonexistent/ledger: "));
}

static void server_reads_behavior_from_a_file_and_its_name_from_a_flag(void **state)
{
	char path[] = "/tmp/mock-mcp-behavior.XXXXXX";
	SCOPED(mem_free) char *flag = NULL;
	static const char text[] = "{\"name\": \"x\", \"exit_code\": 9}";
	struct mcp_scene *scene;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	close(fd);
	flag = mem_textf("--behavior=%s", path);
	scene = scene_begin_with(state, NULL, flag, "--name=y");
	scene_send_eof(scene);
	scene_expect_exit(scene, 9);
	assert_string_equal(
		json_text(scene_event(scene, 0, "mcp.eof", 1), "name"), "y");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			server_exits_0_at_the_end_of_stdin, scene_end),
		cmocka_unit_test_teardown(server_exits_before_any_message, scene_end),
		cmocka_unit_test_teardown(
			server_answers_what_it_read_before_it_exits, scene_end),
		cmocka_unit_test_teardown(
			server_exits_with_its_code_whatever_ends_it, scene_end),
		cmocka_unit_test_teardown(
			server_logs_signals_that_it_ignores, scene_end),
		cmocka_unit_test_teardown(server_exits_after_a_while, scene_end),
		cmocka_unit_test_teardown(
			server_exits_by_the_earlier_of_two_reactions, scene_end),
		cmocka_unit_test_teardown(
			server_that_spins_ends_by_sigkill_only, scene_end),
		cmocka_unit_test_teardown(server_crashes_at_its_crash_point, scene_end),
		cmocka_unit_test_teardown(
			server_crashes_at_the_first_request_of_a_stateless_client,
			scene_end),
		cmocka_unit_test_teardown(
			server_answers_nothing_before_it_has_started, scene_end),
		cmocka_unit_test_teardown(
			server_answers_early_messages_after_its_start, scene_end),
		cmocka_unit_test_teardown(server_exits_during_its_start, scene_end),
		cmocka_unit_test_teardown(
			server_without_read_stdin_reads_no_more, scene_end),
		cmocka_unit_test_teardown(
			server_ends_when_its_ledger_closes, scene_end),
		cmocka_unit_test_teardown(
			server_logs_to_stderr_without_a_harness, scene_end),
		cmocka_unit_test_teardown(server_reports_a_wrong_behavior, scene_end),
		cmocka_unit_test_teardown(server_prints_its_version, scene_end),
		cmocka_unit_test_teardown(
			server_does_not_run_without_its_ledger, scene_end),
		cmocka_unit_test_teardown(
			server_reads_behavior_from_a_file_and_its_name_from_a_flag,
			scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
