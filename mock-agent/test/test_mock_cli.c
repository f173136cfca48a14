#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/cli/cli_arguments.h"
#include "mock-agent/cli/reply_stream.h"
#include "test/support/ledger_reader.h"
#include "test/support/program.h"
#include "test/support/temp_dir.h"

#define PATIENCE_MS 30000
#define INITIALIZE                                                                     \
	"{\"type\":\"control_request\",\"request_id\":\"1\","                          \
	"\"request\":{\"subtype\":\"initialize\"}}"
#define INTERRUPT                                                                      \
	"{\"type\":\"control_request\",\"request_id\":\"2\","                          \
	"\"request\":{\"subtype\":\"interrupt\"}}"
#define HELLO                                                                          \
	"{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"hello\"}}"
#define DEAF                                                                           \
	"{\\\"on_eof\\\": \\\"ignore\\\", \\\"on_int\\\": \\\"ignore\\\", "            \
	"\\\"on_term\\\": \\\"ignore\\\"}"

/* mock-cli with pipes like an SDK's and a ledger like the harness's; and, where a turn is
 * to hang, a mock-agent that does not answer. */
struct cli_scene {
	char *folder;
	struct ledger_reader *ledger;
	struct program cli, api;
	int in, out;
	struct buf read; /* of stdout, behind the lines that were given */
	struct buf line;
};

static int begin(void **state)
{
	struct cli_scene *scene = mem_zeroed(sizeof *scene);
	SCOPED(mem_free) char *path = NULL, *address = NULL;

	scene->folder = temp_dir_create();
	path = mem_textf("%s/ledger", scene->folder);
	address = mem_textf("unix:%s", path);
	scene->ledger = ledger_reader_create(path);
	setenv("STOPBENCH_LEDGER", address, 1);
	setenv("SESSION_ROOM", "7", 1);
	unsetenv("MOCK_CLI_BEHAVIOR");
	unsetenv("ANTHROPIC_BASE_URL");
	scene->in = scene->out = -1;
	*state = scene;
	return 0;
}

static int end(void **state)
{
	struct cli_scene *scene = *state;

	ledger_reader_kill_peers(scene->ledger);
	program_kill(&scene->cli);
	program_kill(&scene->api);
	ledger_reader_destroy(scene->ledger);
	if (scene->in >= 0)
		close(scene->in);
	if (scene->out >= 0)
		close(scene->out);
	temp_dir_remove(scene->folder);
	buf_done(&scene->read);
	buf_done(&scene->line);
	free(scene);
	return 0;
}

/* mcp: the behavior of its one MCP server, escaped for JSON within JSON; NULL: none. */
static void start(struct cli_scene *scene, const char *behavior, const char *mcp)
{
	SCOPED(mem_free) char *program = program_path("bin/mock-cli");
	SCOPED(mem_free) char *config = mcp
		? mem_textf("{\"mcpServers\":{\"skills\":{\"command\":\"%s/mock-mcp\","
			    "\"args\":[\"--behavior\",\"%s\"]}}}",
			  program_folder(), mcp)
		: mem_text("{\"mcpServers\":{}}");
	const char *const argv[] = {program, "--output-format", "stream-json",
		"--verbose", "--unknown-flag=1", "--mcp-config", config,
		"--session-id=s", NULL};
	int in[2], out[2];

	if (behavior)
		setenv("MOCK_CLI_BEHAVIOR", behavior, 1);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	program_start(
		&scene->cli, argv, (struct program_fds){.in = in[0], .out = out[1]});
	close(in[0]);
	close(out[1]);
	scene->in = in[1];
	scene->out = out[0];
}

/* A mock-agent whose answers hang. */
static void hang_the_model(struct cli_scene *scene)
{
	SCOPED(mem_free) char *program = program_path("bin/mock-agent");
	const char *const argv[] = {
		program, "--behavior", "{\"first_byte\": {\"fault\": \"hang\"}}", NULL};
	const cJSON *listening = NULL;
	SCOPED(mem_free) char *url = NULL;

	program_start(&scene->api, argv, (struct program_fds){0});
	while (!listening) {
		ledger_reader_turn(scene->ledger, PATIENCE_MS);
		listening = ledger_reader_find(scene->ledger, 0, "agent.listening", 1);
	}
	url = mem_textf(
		"http://127.0.0.1:%d/room/7", (int)json_int(listening, "port", 0));
	setenv("ANTHROPIC_BASE_URL", url, 1);
}

static void say(struct cli_scene *scene, const char *line)
{
	assert_int_equal(write(scene->in, line, strlen(line)), strlen(line));
	assert_int_equal(write(scene->in, "\n", 1), 1);
}

static void say_eof(struct cli_scene *scene)
{
	close(scene->in);
	scene->in = -1;
}

/* The next line of its stdout; NULL at the end. Borrowed until the next call. */
static const char *next_line(struct cli_scene *scene)
{
	for (;;) {
		const char *text = buf_text(&scene->read), *end_of = strchr(text, '\n');
		struct pollfd poller = {.fd = scene->out, .events = POLLIN};
		char piece[4096];
		ssize_t len;

		if (end_of) {
			buf_clear(&scene->line);
			buf_add(&scene->line, text, (size_t)(end_of - text));
			buf_drop(&scene->read, (size_t)(end_of - text) + 1);
			return buf_text(&scene->line);
		}
		assert_int_equal(poll(&poller, 1, PATIENCE_MS), 1);
		len = read(scene->out, piece, sizeof piece);
		if (len <= 0)
			return NULL;
		buf_add(&scene->read, piece, (size_t)len);
	}
}

/* The next line with this text; lines before it are passed over. */
static const char *await_line(struct cli_scene *scene, const char *text)
{
	const char *line;

	while ((line = next_line(scene)))
		if (strstr(line, text))
			return line;
	fail_msg("no line with %s", text);
	return NULL;
}

static const cJSON *await_event(struct cli_scene *scene, const char *name)
{
	const cJSON *event;

	while (!(event = ledger_reader_find(scene->ledger, 0, name, 1)))
		assert_true(ledger_reader_turn(scene->ledger, PATIENCE_MS));
	return event;
}

static void greet(struct cli_scene *scene)
{
	say(scene, INITIALIZE);
	assert_non_null(strstr(next_line(scene), "\"subtype\":\"success\""));
}

static int wait_code(struct cli_scene *scene)
{
	return program_code(program_wait(&scene->cli));
}

/* The number of events of this name with this value. */
static unsigned count(
	struct cli_scene *scene, const char *name, const char *key, const char *value)
{
	while (ledger_reader_turn(scene->ledger, 100))
		;
	return ledger_reader_count(scene->ledger, name, key, value);
}

/* --- what it says --- */

static void mock_cli_answers_as_the_cli_does(void **state)
{
	static const char *const lines[] = {"\"subtype\":\"init\"",
		"\"type\":\"assistant\"", "\"type\":\"result\""};
	struct cli_scene *scene = *state;

	start(scene, NULL, "{}");
	greet(scene);
	say(scene, HELLO);
	for (size_t i = 0; i < COUNT(lines); i++) {
		const char *line = next_line(scene);

		assert_non_null(strstr(line, lines[i]));
		assert_non_null(strstr(line, "\"session_id\":\"s\""));
		if (i == 0)
			assert_non_null(strstr(line, "mcp__skills__echo"));
		if (i == 2)
			assert_non_null(strstr(line, "\"result\":\"You said: hello\""));
	}
	say_eof(scene);
	assert_null(next_line(scene));
	assert_int_equal(wait_code(scene), 0);
}

static void mock_cli_says_its_version(void **state)
{
	SCOPED(mem_free) char *program = program_path("bin/mock-cli");
	SCOPED(mem_free) char *agent = program_path("bin/mock-agent");
	const char *const brief[] = {program, "-v", NULL};
	const char *const stdio[] = {agent, "--stdio", "--version", NULL};
	struct program_output one = program_run(brief), other = program_run(stdio);

	(void)state;
	assert_int_equal(one.code, 0);
	assert_string_equal(one.out, CLI_VERSION " (stopbench mock-cli)\n");
	assert_string_equal(one.out, other.out);
	program_output_done(&one);
	program_output_done(&other);
}

static void mock_cli_refuses_a_wrong_behavior(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, "{\"cli\": {\"on_eof\": \"ignroe\"}}", NULL);
	assert_int_equal(wait_code(scene), 2);
}

static void mock_cli_ends_at_a_line_that_is_no_message(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, NULL, NULL);
	greet(scene);
	say(scene, "hello");
	assert_int_equal(wait_code(scene), 1);
}

static void mock_cli_starts_servers_that_come_with_initialize(void **state)
{
	struct cli_scene *scene = *state;
	SCOPED(mem_free) char *line = mem_textf(
		"{\"type\":\"control_request\",\"request_id\":\"1\",\"request\":"
		"{\"subtype\":\"initialize\",\"mcpServers\":{\"late\":{\"command\":"
		"\"%s/mock-mcp\"}}}}",
		program_folder());

	start(scene, NULL, NULL);
	say(scene, line);
	assert_non_null(strstr(next_line(scene), "\"mcp_servers_applied\":true"));
	say(scene, HELLO);
	assert_non_null(strstr(next_line(scene), "mcp__late__echo"));
}

/* --- how it ends --- */

static void mock_cli_ends_its_servers_as_the_cli_does(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, NULL, DEAF);
	await_event(scene, "mcp.initialized");
	say_eof(scene);
	assert_int_equal(wait_code(scene), 0);
	assert_int_equal(count(scene, "mcp.signal", "signal", "2"), 1);
	assert_int_equal(count(scene, "mcp.signal", "signal", "15"), 1);
	assert_int_equal(count(scene, "mcp.eof", NULL, NULL), 0);
	assert_int_equal(count(scene, "process.exit", NULL, NULL), 1); /* its own */
	assert_false(ledger_reader_is_open(scene->ledger, 0));
}

static void mock_cli_can_leave_its_servers(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, "{\"cli\": {\"leave_mcp\": true}}",
		"{\\\"on_eof\\\": \\\"ignore\\\"}");
	await_event(scene, "mcp.initialized");
	say_eof(scene);
	assert_int_equal(wait_code(scene), 0);
	await_event(scene, "mcp.eof");
	assert_int_equal(count(scene, "mcp.signal", NULL, NULL), 0);
	assert_true(ledger_reader_is_open(scene->ledger, 0));
}

static void mock_cli_ends_with_143_at_sigterm(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, NULL, "{}");
	greet(scene);
	kill(scene->cli.pid, SIGTERM);
	assert_int_equal(wait_code(scene), 143);
	assert_int_equal(count(scene, "cli.signal", "signal", "15"), 1);
}

static void mock_cli_ignores_eof_while_a_turn_runs(void **state)
{
	struct cli_scene *scene = *state;

	hang_the_model(scene);
	start(scene, NULL, NULL);
	greet(scene);
	say(scene, HELLO);
	await_event(scene, "agent.turn.begin");
	say_eof(scene);
	assert_true(json_bool(await_event(scene, "cli.eof"), "busy", false));
	assert_false(program_ended(&scene->cli));
	kill(scene->cli.pid, SIGTERM);
	assert_int_equal(wait_code(scene), 143);
}

static void mock_cli_can_be_told_to_abort_at_eof(void **state)
{
	struct cli_scene *scene = *state;

	hang_the_model(scene);
	start(scene, "{\"cli\": {\"busy_eof\": \"abort\"}}", NULL);
	greet(scene);
	say(scene, HELLO);
	await_event(scene, "agent.turn.begin");
	say_eof(scene);
	assert_int_equal(wait_code(scene), 0);
}

static void mock_cli_ends_with_1_after_an_interrupt(void **state)
{
	struct cli_scene *scene = *state;

	hang_the_model(scene);
	start(scene, NULL, NULL);
	greet(scene);
	say(scene, HELLO);
	await_event(scene, "agent.turn.begin");
	say(scene, INTERRUPT);
	await_line(scene, "\"still_queued\":[]");
	await_line(scene, "[Request interrupted by user]");
	await_line(scene, "\"subtype\":\"error_during_execution\"");
	say_eof(scene);
	assert_int_equal(wait_code(scene), 1);
	assert_int_equal(count(scene, "agent.turn.end", "why", "interrupted"), 1);
}

static void mock_cli_can_ignore_eof_and_signals(void **state)
{
	struct cli_scene *scene = *state;

	start(scene,
		"{\"cli\": {\"on_eof\": \"ignore\", \"on_term\": \"ignore\", "
		"\"on_int\": \"ignore\"}}",
		NULL);
	greet(scene);
	kill(scene->cli.pid, SIGTERM);
	kill(scene->cli.pid, SIGINT);
	say_eof(scene);
	await_event(scene, "cli.eof");
	assert_int_equal(count(scene, "cli.signal", NULL, NULL), 2);
	assert_false(program_ended(&scene->cli));
}

static void mock_cli_can_freeze(void **state)
{
	struct cli_scene *scene = *state;
	siginfo_t info = {0};

	start(scene, "{\"cli\": {\"freeze\": \"turn\"}}", NULL);
	greet(scene);
	say(scene, HELLO);
	assert_int_equal(
		waitid(P_PID, (id_t)scene->cli.pid, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
}

static void mock_cli_can_crash(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, "{\"cli\": {\"crash\": \"eof\"}}", NULL);
	greet(scene);
	say_eof(scene);
	assert_int_equal(wait_code(scene), 128 + SIGABRT);
}

/* The rule is for SESSION_ROOM 7. */
static void mock_cli_has_the_behavior_of_its_session(void **state)
{
	struct cli_scene *scene = *state;

	start(scene, "{\"rules\": [{\"session\": 7, \"cli\": {\"exit_code\": 9}}]}",
		NULL);
	greet(scene);
	say_eof(scene);
	assert_int_equal(wait_code(scene), 9);
}

/* --- the answer of the API --- */

static void reply_stream_puts_the_message_together(void **state)
{
	static const char body[] =
		"event: message_start\ndata: {\"type\":\"message_start\",\"message\":"
		"{\"id\":\"m\",\"content\":[],\"stop_reason\":null}}\n\n"
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
		"{\"type\":\"text\",\"text\":\"\"}}\n\n"
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		"{\"type\":\"text_delta\",\"text\":\"Hel\"}}\r\n\r\n"
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		"{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n"
		"data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
		"data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":"
		"{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n\n"
		"data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
		"{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
		"data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
		"{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
		"data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
		"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
		"\"tool_use\"}}\n\n";
	static const char stop[] = "data: {\"type\":\"message_stop\"}\n\n";
	static const char error[] = "data: {\"type\":\"error\",\"error\":"
				    "{\"message\":\"Overloaded\"}}\n\n";
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(json_free) cJSON *message = NULL;
	struct err err = {0};

	(void)state;
	buf_adds(&text, body);
	assert_null(reply_stream_read(&text, &err));
	buf_adds(&text, error);
	assert_null(reply_stream_read(&text, &err));
	assert_non_null(strstr(err.text, "Overloaded"));
	buf_clear(&text);
	buf_addf(&text, "%s%s", body, stop);
	message = reply_stream_read(&text, &err);
	assert_non_null(message);
	assert_string_equal(json_at(message, "content.0.text")->valuestring, "Hello");
	assert_int_equal(json_int(json_at(message, "content.1.input"), "a", 0), 1);
	assert_string_equal(json_text(message, "stop_reason"), "tool_use");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(mock_cli_answers_as_the_cli_does),
		SCENE(mock_cli_says_its_version),
		SCENE(mock_cli_refuses_a_wrong_behavior),
		SCENE(mock_cli_ends_at_a_line_that_is_no_message),
		SCENE(mock_cli_starts_servers_that_come_with_initialize),
		SCENE(mock_cli_ends_its_servers_as_the_cli_does),
		SCENE(mock_cli_can_leave_its_servers),
		SCENE(mock_cli_ends_with_143_at_sigterm),
		SCENE(mock_cli_ignores_eof_while_a_turn_runs),
		SCENE(mock_cli_can_be_told_to_abort_at_eof),
		SCENE(mock_cli_ends_with_1_after_an_interrupt),
		SCENE(mock_cli_can_ignore_eof_and_signals),
		SCENE(mock_cli_can_freeze),
		SCENE(mock_cli_can_crash),
		SCENE(mock_cli_has_the_behavior_of_its_session),
		cmocka_unit_test(reply_stream_puts_the_message_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
