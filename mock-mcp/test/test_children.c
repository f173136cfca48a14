#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cc.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "mock-mcp/children.h"
#include "mock-mcp/test/scene.h"
#include "test/support/until.h"

static pid_t nth_child(struct mcp_scene *scene, pid_t parent, unsigned nth)
{
	return (pid_t)json_int(
		scene_event(scene, parent, "mcp.child", nth), "child", 0);
}

static const cJSON *start_of(struct mcp_scene *scene, pid_t pid)
{
	return scene_event(scene, pid, "process.start", 1);
}

/* 'S', 'Z', ...; 0 when there is no such process. */
static char process_state(pid_t pid)
{
	char path[64], line[1024], state = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(line, sizeof line, file))
		state = strrchr(line, ')')[2];
	fclose(file);
	return state;
}

static void children_are_ready_before_the_first_answer(void **state)
{
	struct mcp_scene *scene = scene_begin(
		state, "{\"name\": \"skills\", \"children\": {\"count\": 3}}");

	scene_ping(scene);
	assert_int_equal(scene_count(scene, 0, "process.start"), 4);
	assert_int_equal(scene_count(scene, 0, "mcp.child"), 3);
	for (unsigned i = 1; i <= 3; i++) {
		pid_t child = nth_child(scene, scene_pid(scene), i);
		const cJSON *made = scene_event(scene, 0, "mcp.child", i);
		const cJSON *start = start_of(scene, child);

		assert_string_equal(json_text(made, "kind"), "same");
		assert_string_equal(json_text(made, "name"), "skills");
		assert_string_equal(json_text(made, "session"), SCENE_ROOM);
		assert_string_equal(json_text(start, "role"), "mock-mcp-child");
		assert_string_equal(json_text(start, "name"), "skills");
		assert_int_equal(json_int(start, "pid", 0), child);
		assert_true(scene_has_line(scene, child));
	}
}

static void children_are_in_the_session_of_their_kind(void **state)
{
	static const char *const kinds[] = {"same", "own", "daemon"};

	for (unsigned i = 0; i < COUNT(kinds); i++) {
		char behavior[96];
		struct mcp_scene *scene;
		pid_t server, child;
		int64_t parent;

		snprintf(behavior, sizeof behavior,
			"{\"children\": {\"count\": 1, \"session\": \"%s\"}}",
			kinds[i]);
		scene = scene_begin(state, behavior);
		scene_ping(scene);
		server = scene_pid(scene);
		child = nth_child(scene, server, 1);
		parent = json_int(start_of(scene, child), "ppid", 0);
		assert_string_equal(
			json_text(scene_event(scene, 0, "mcp.child", 1), "kind"),
			kinds[i]);
		/* The test is the subreaper of what daemonises. */
		assert_int_equal(parent, i == 2 ? getpid() : server);
		assert_int_equal(getsid(child) == getsid(server), i == 0);
		assert_int_equal(getpgid(child) == getpgid(server), i == 0);
		assert_int_equal(
			getsid(child) == child, i == 1); /* a daemon leads none */
		scene_end(state);
	}
}

static void children_of_depth_3_is_a_chain(void **state)
{
	struct mcp_scene *scene =
		scene_begin(state, "{\"children\": {\"count\": 2, \"depth\": 3}}");
	pid_t server;

	scene_ping(scene);
	server = scene_pid(scene);
	assert_int_equal(scene_count(scene, 0, "process.start"), 1 + 2 * 3);
	assert_int_equal(scene_count(scene, server, "mcp.child"), 2);
	for (unsigned i = 1; i <= 2; i++) {
		pid_t parent = server, child = nth_child(scene, server, i);

		for (int depth = 1; depth <= 3; depth++) {
			assert_int_equal(
				json_int(start_of(scene, child), "ppid", 0), parent);
			parent = child;
			if (depth < 3)
				child = nth_child(scene, child, 1);
		}
		assert_int_equal(scene_count(scene, child, "mcp.child"), 0);
	}
}

static void children_outlive_a_server_that_is_killed(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"children\": {\"count\": 1}}");
	pid_t server, child;

	scene_ping(scene);
	server = scene_pid(scene);
	child = nth_child(scene, server, 1);
	kill(server, SIGKILL);
	assert_true(WIFSIGNALED(scene_status(scene)));
	scene_await_cut(scene, server); /* the child does not hold it up */
	assert_int_equal(scene_count(scene, server, "process.exit"), 0);
	assert_true(scene_has_line(scene, child));
	kill(child, SIGKILL);
	scene_await_cut(scene, child);
	assert_int_equal(scene_count(scene, child, "process.exit"), 0);
}

static void children_outlive_a_server_that_exits(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"children\": {\"count\": 1}}");
	pid_t child;

	scene_ping(scene);
	child = nth_child(scene, scene_pid(scene), 1);
	scene_send_eof(scene);
	assert_true(WIFEXITED(scene_status(scene)));
	scene_await_cut(scene, scene_pid(scene));
	assert_true(scene_has_line(scene, child));
}

static void children_end_at_a_signal(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct mcp_scene *scene = scene_begin(state, "{\"children\": {\"count\": 2}}");

	scene_ping(scene);
	for (unsigned i = 0; i < 2; i++) {
		pid_t child = nth_child(scene, scene_pid(scene), i + 1);

		kill(child, signals[i]);
		scene_await_cut(scene, child);
		assert_int_equal(json_int(scene_event(scene, child, "mcp.signal", 1),
					 "signal", 0),
			signals[i]);
		assert_int_equal(json_int(scene_event(scene, child, "process.exit", 1),
					 "code", -1),
			0);
	}
}

static void children_may_ignore_sigterm(void **state)
{
	struct mcp_scene *scene = scene_begin(
		state, "{\"children\": {\"count\": 1, \"ignore_term\": true}}");
	pid_t child;

	scene_ping(scene);
	child = nth_child(scene, scene_pid(scene), 1);
	kill(child, SIGTERM);
	scene_event(scene, child, "mcp.signal", 1);
	kill(child, SIGTERM);
	scene_event(scene, child, "mcp.signal", 2);
	assert_true(scene_has_line(scene, child));
	kill(child, SIGINT);
	scene_event(scene, child, "process.exit", 1);
}

static void children_end_after_their_lifetime(void **state)
{
	struct mcp_scene *scene = scene_begin(
		state, "{\"children\": {\"count\": 1, \"lifetime\": \"100ms\"}}");
	int64_t deadline = until_deadline(), lived;
	pid_t child;

	scene_ping(scene);
	child = nth_child(scene, scene_pid(scene), 1);
	scene_await_cut(scene, child);
	lived = json_int(scene_event(scene, child, "process.exit", 1), "ns", 0) -
		json_int(start_of(scene, child), "ns", 0);
	assert_true(lived >= 100 * CLOCK_MS);
	while (kill(child, 0) == 0) /* the server waits for it */
		assert_true(clock_now() < deadline);
	assert_int_equal(errno, ESRCH);
	scene_ping(scene);
}

static void children_with_stdio_keep_stdout_open(void **state)
{
	struct mcp_scene *scene = scene_begin(
		state, "{\"children\": {\"count\": 1, \"depth\": 2, \"stdio\": true}}");
	pid_t child, grandchild;

	scene_ping(scene);
	child = nth_child(scene, scene_pid(scene), 1);
	grandchild = nth_child(scene, child, 1);
	scene_send_eof(scene);
	assert_true(WIFEXITED(scene_status(scene)));
	kill(child, SIGKILL);
	scene_await_cut(scene, child);
	scene_idle(scene, 100);
	assert_true(scene_stdout(scene) >= 0); /* not at its end yet */
	kill(grandchild, SIGKILL);
	assert_null(scene_line(scene));
}

static void children_without_stdio_close_stdout(void **state)
{
	struct mcp_scene *scene =
		scene_begin(state, "{\"children\": {\"count\": 1, \"depth\": 2}}");
	pid_t child;

	scene_ping(scene);
	child = nth_child(scene, scene_pid(scene), 1);
	scene_send_eof(scene);
	assert_null(scene_line(scene));
	assert_true(scene_has_line(scene, child));
}

static void assert_at(pid_t pid, int fd, const char *where)
{
	char path[64], at[256];
	ssize_t len;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	len = readlink(path, at, sizeof at - 1);
	assert_true(len > 0);
	at[len] = '\0';
	if (!strstr(at, where))
		fail_msg("%s is %s, not %s", path, at, where);
}

/* The only child of a server that tells stderr. */
static pid_t child_told_on_stderr(struct mcp_scene *scene)
{
	const char *told;

	scene_ping(scene);
	told = strstr(scene_errors(scene), "\"child\":");
	assert_non_null(told);
	return (pid_t)strtol(told + strlen("\"child\":"), NULL, 10);
}

/* Without a ledger as well: stderr is a pipe of the client's, too. */
static void children_keep_all_of_stdio_or_nothing(void **state)
{
	struct mcp_scene *scene = scene_begin_with(
		state, "{\"children\": {\"count\": 1}}", "--ledger=", NULL);
	pid_t child = child_told_on_stderr(scene);

	for (int fd = 0; fd < 3; fd++)
		assert_at(child, fd, "/dev/null");
	kill(child, SIGKILL);
	scene_end(state);
	scene = scene_begin_with(state,
		"{\"children\": {\"count\": 1, \"stdio\": true}}", "--ledger=", NULL);
	child = child_told_on_stderr(scene);
	assert_at(child, STDIN_FILENO, "pipe:");
	assert_at(child, STDOUT_FILENO, "pipe:");
	assert_at(child, STDERR_FILENO, "/stderr");
	kill(child, SIGKILL);
}

static void children_that_are_not_waited_for_stay_zombies(void **state)
{
	struct mcp_scene *scene = scene_begin(state,
		"{\"zombies\": 3, \"children\": "
		"{\"count\": 1, \"lifetime\": \"1ms\"}}");
	pid_t server;
	unsigned zombies = 0;

	scene_ping(scene);
	server = scene_pid(scene);
	for (unsigned i = 1; i <= 4; i++) {
		const cJSON *made = scene_event(scene, server, "mcp.child", i);
		pid_t child = nth_child(scene, server, i);

		if (strcmp(json_text(made, "kind"), "zombie"))
			continue;
		zombies++;
		assert_int_equal(process_state(child), 'Z');
		assert_int_equal(json_int(scene_event(scene, child, "process.exit", 1),
					 "code", -1),
			0);
	}
	assert_int_equal(zombies, 3);
}

/* They can't reach the ledger. */
static void children_that_do_not_start_are_an_error(void **state UNUSED)
{
	struct log_identity identity = {.name = "test"};
	struct children_lifeline line = {
		.ledger = "unix:/nonexistent/ledger", .fd = -1};
	struct mcp_behavior behavior;
	struct err err = {0};

	mcp_behavior_preset(&behavior);
	behavior.children.count = 2;
	assert_null(children_create(&behavior, &identity, &line, &err));
	assert_string_equal(err.text, "children: 0 of 2 came up");
	behavior.children.count = 0;
	behavior.zombies = 1;
	assert_null(children_create(&behavior, &identity, &line, &err));
	assert_string_equal(err.text, "zombies: 0 of 1 came up");
	for (int i = 0; i < 3; i++)
		assert_true(wait(NULL) > 0);
	mcp_behavior_done(&behavior);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			children_are_ready_before_the_first_answer, scene_end),
		cmocka_unit_test_teardown(
			children_are_in_the_session_of_their_kind, scene_end),
		cmocka_unit_test_teardown(children_of_depth_3_is_a_chain, scene_end),
		cmocka_unit_test_teardown(
			children_outlive_a_server_that_is_killed, scene_end),
		cmocka_unit_test_teardown(
			children_outlive_a_server_that_exits, scene_end),
		cmocka_unit_test_teardown(children_end_at_a_signal, scene_end),
		cmocka_unit_test_teardown(children_may_ignore_sigterm, scene_end),
		cmocka_unit_test_teardown(children_end_after_their_lifetime, scene_end),
		cmocka_unit_test_teardown(
			children_with_stdio_keep_stdout_open, scene_end),
		cmocka_unit_test_teardown(
			children_without_stdio_close_stdout, scene_end),
		cmocka_unit_test_teardown(
			children_keep_all_of_stdio_or_nothing, scene_end),
		cmocka_unit_test_teardown(
			children_that_are_not_waited_for_stay_zombies, scene_end),
		cmocka_unit_test(children_that_do_not_start_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
