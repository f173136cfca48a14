#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/mcp/mcp_client.h"
#include "service/test/fake_mcp.h"

#define PATIENCE_MS 30000
#define LONG_NS     (60 * CLOCK_S)

static const char *program; /* this one */

/* Each callback stops the loop, so that the test can look at what it changed. */
struct mcp_client_scene {
	uv_loop_t loop;
	uv_timer_t patience;
	struct reaper *reaper;
	struct mcp_client *mcp;
	bool ready, failed;
	struct buf tools; /* "a,b," */
	struct buf why;
	struct buf unexpected_output; /* a line each */
	struct buf results;           /* "+text;" or "-text;" */
	unsigned called, gone;
	int status;
	enum mcp_step steps[4];
	unsigned step_count;
	unsigned relisted;
	bool destroy_when_ready, destroy_when_called, destroy_when_relisted;
};

static void destroy(struct mcp_client_scene *scene)
{
	mcp_client_destroy(scene->mcp);
	scene->mcp = NULL;
}

static void on_ready(void *arg, const cJSON *tools, const char *why)
{
	struct mcp_client_scene *scene = arg;
	const cJSON *tool;

	assert_false(scene->ready || scene->failed);
	scene->ready = tools != NULL;
	scene->failed = !tools;
	assert_true(tools ? !why : why != NULL);
	buf_adds(&scene->why, why ? why : "");
	cJSON_ArrayForEach(tool, tools)
		buf_addf(&scene->tools, "%s,", json_text(tool, "name"));
	if (scene->destroy_when_ready)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_relisted(void *arg, const cJSON *tools)
{
	struct mcp_client_scene *scene = arg;
	const cJSON *tool;

	assert_true(scene->ready);
	scene->relisted++;
	buf_clear(&scene->tools);
	cJSON_ArrayForEach(tool, tools)
		buf_addf(&scene->tools, "%s,", json_text(tool, "name"));
	if (scene->destroy_when_relisted)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_step(void *arg, enum mcp_step step)
{
	struct mcp_client_scene *scene = arg;

	assert_true(scene->step_count < COUNT(scene->steps));
	scene->steps[scene->step_count++] = step;
}

static void on_gone(void *arg, const struct mcp_end *end)
{
	struct mcp_client_scene *scene = arg;

	scene->gone++;
	scene->status = end->status;
	uv_stop(&scene->loop);
}

static void on_unexpected_output(void *arg, const char *line)
{
	struct mcp_client_scene *scene = arg;

	buf_addf(&scene->unexpected_output, "%.60s\n", line);
	uv_stop(&scene->loop);
}

static const struct mcp_client_events events = {.ready = on_ready,
	.relisted = on_relisted,
	.step = on_step,
	.gone = on_gone,
	.unexpected_output = on_unexpected_output};

/* One text is told as it is, all else as JSON. */
static void on_called(void *arg, const cJSON *content, bool is_error)
{
	struct mcp_client_scene *scene = arg;
	const char *text = json_text(json_at(content, "0"), "text");
	SCOPED(mem_free) char *json = json_print(content);

	scene->called++;
	buf_addf(&scene->results, "%c%s;", is_error ? '-' : '+',
		text && cJSON_GetArraySize(content) == 1 ? text : json);
	if (scene->destroy_when_called)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_impatience(UNUSED uv_timer_t *timer)
{
	fail_msg("waited %d ms in vain", PATIENCE_MS);
}

static int set_up(void **state)
{
	struct mcp_client_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	uv_timer_init(&scene->loop, &scene->patience);
	uv_timer_start(&scene->patience, on_impatience, PATIENCE_MS, 0);
	scene->reaper = reaper_create(&scene->loop, NULL, NULL, &err);
	assert_non_null(scene->reaper);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct mcp_client_scene *scene = *state;

	mcp_client_destroy(scene->mcp);
	reaper_destroy(scene->reaper);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	while (uv_run(&scene->loop, UV_RUN_DEFAULT))
		continue;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->tools);
	buf_done(&scene->why);
	buf_done(&scene->unexpected_output);
	buf_done(&scene->results);
	free(scene);
	return 0;
}

static void start(struct mcp_client_scene *scene, const char *manner, int64_t start_ns,
	int64_t call_ns)
{
	struct mcp_client_spec spec = {
		.name = "skills",
		.stdio.argv = (const char *const[]){program, "serve", manner, NULL},
		.start_ns = start_ns,
		.call_ns = call_ns,
	};
	struct err err;

	scene->mcp = mcp_client_start(
		&scene->loop, scene->reaper, &spec, &events, scene, &err);
	assert_non_null(scene->mcp);
}

static void start_ready(
	struct mcp_client_scene *scene, const char *manner, int64_t call_ns)
{
	start(scene, manner, LONG_NS, call_ns);
	while (!scene->ready && !scene->failed)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(buf_text(&scene->why), "");
}

static void call(struct mcp_client_scene *scene, const char *tool)
{
	SCOPED(json_free) cJSON *arguments = cJSON_CreateObject();
	unsigned called = scene->called;

	cJSON_AddStringToObject(arguments, "text", "hello");
	mcp_client_call(scene->mcp, tool, arguments, on_called, scene);
	assert_int_equal(scene->called, called); /* never from inside */
}

static void await_calls(struct mcp_client_scene *scene, unsigned count)
{
	while (scene->called < count)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void await_unexpected_output(struct mcp_client_scene *scene, const char *part)
{
	while (!strstr(buf_text(&scene->unexpected_output), part))
		uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void mcp_is_ready_with_the_tools_of_all_pages(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "pages", LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "a,b,");
	assert_true(mcp_client_pid(scene->mcp) > 0);
}

static void mcp_accepts_an_older_version(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "old", LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "echo,");
}

static void mcp_without_tools_is_ready_with_none(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "no-list", LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "");
}

static const struct handshake {
	const char *manner;
	int64_t start_ns;
	const char *why;
} handshakes[] = {
	{"unknown", LONG_NS, "initialize: it speaks MCP 1999-01-01, we do not"},
	{"versionless", LONG_NS, "initialize: its answer has no protocolVersion"},
	{"refuse", LONG_NS, "initialize: error -32600: go away"},
	{"list-error", LONG_NS, "tools/list: error -32603: broken"},
	{"bad-list", LONG_NS, "tools/list: its answer has no tools"},
	{"endless", LONG_NS, "tools/list: it has no last page"},
	{"mute", 300 * CLOCK_MS, "initialize: no answer in time"},
	{"exit", LONG_NS, "it exited with code 4"},
	{"close", LONG_NS, "initialize: it closed its stdout"},
};

static void mcp_says_why_a_handshake_fails(void **state)
{
	for (size_t i = 0; i < COUNT(handshakes); i++) {
		struct mcp_client_scene *scene;

		set_up(state);
		scene = *state;
		start(scene, handshakes[i].manner, handshakes[i].start_ns, LONG_NS);
		call(scene, "echo"); /* waits for a server that is never ready */
		while (!scene->failed && !scene->ready)
			uv_run(&scene->loop, UV_RUN_DEFAULT);
		assert_string_equal(buf_text(&scene->why), handshakes[i].why);
		await_calls(scene, 1);
		assert_non_null(
			strstr(buf_text(&scene->results), "-MCP server skills: "));
		tear_down(state);
	}
}

static void mcp_keeps_calls_until_it_is_ready(void **state)
{
	struct mcp_client_scene *scene = *state;

	start(scene, "polite", LONG_NS, LONG_NS);
	call(scene, "echo");
	await_calls(scene, 1);
	assert_true(scene->ready);
	assert_string_equal(buf_text(&scene->results), "+hello;");
}

#define BROKEN "-MCP server skills: its answer is not JSON that we can read;"

static const struct row {
	const char *tool;
	const char *result;
	const char *why;
} rows[] = {
	{"echo", "+hello;", "arguments reach the tool"},
	{"parts",
		"+[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"source\":"
		"{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}},"
		"{\"type\":\"text\",\"text\":\"b\"}];",
		"an image stays one"},
	{"fail", "-no;", "isError is an error with the tool's own words"},
	{"error", "-MCP server skills: error -32602: bad;", "an error of JSON-RPC"},
	{"empty", "-MCP server skills: its answer has no content;", "half a result"},
	{"garbage", "+after the garbage;", "garbage does not end the conversation"},
	{"long", "+after the long line;", "nor does a line without end"},
	{"twice", "+once;", "one answer is enough"},
	{"nul", BROKEN, "a text may not hold \\u0000"},
	{"bytes", BROKEN, "nor what is no UTF-8"},
	{"surrogate", BROKEN, "nor half a pair"},
	{"newline", BROKEN, "a message may not be two lines"},
	{"deep", BROKEN, "nor nest without end"},
	{"huge", "-MCP server skills: its answer is over 8 MiB;",
		"whose id was not read: it is the only call"},
	{"echo", "+hello;", "and the conversation goes on"},
	{"ask",
		"+{\"id\":\"a\",\"result\":{}}{\"id\":7,\"error\":{\"code\":-32601,"
		"\"message\":\"Method not found\"}};",
		"what the server asks is answered"},
};

static void mcp_calls_give_what_the_table_says(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	for (size_t i = 0; i < COUNT(rows); i++) {
		call(scene, rows[i].tool);
		await_calls(scene, 1);
		if (strcmp(buf_text(&scene->results), rows[i].result) != 0)
			fail_msg("%s: got %s", rows[i].why, buf_text(&scene->results));
		scene->called = 0;
		buf_clear(&scene->results);
	}
}

/* Nobody can tell whose the huge answer is, and the other one comes whole. */
static void mcp_blames_no_call_that_a_broken_answer_may_not_be_for(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", 2 * CLOCK_S);
	call(scene, "huge");
	call(scene, "surrogate");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results), BROKEN);
	await_calls(scene, 2);
	assert_string_equal(buf_text(&scene->results),
		BROKEN "-MCP server skills: no answer in time;");
}

static void mcp_calls_run_side_by_side(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	call(scene, "echo");
	call(scene, "fail");
	call(scene, "echo");
	await_calls(scene, 3);
	assert_string_equal(buf_text(&scene->results), "+hello;-no;+hello;");
}

static void mcp_hands_on_what_is_no_message(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	call(scene, "garbage");
	await_calls(scene, 1);
	await_unexpected_output(scene, "serving\n");
	await_unexpected_output(scene, "no JSON\n");
	await_unexpected_output(scene, "{\"neither\":1}\n");
	await_unexpected_output(scene, "[]\n");
	await_unexpected_output(scene, "{\"id\":9999,\"result\":{}}\n");
	call(scene, "long");
	await_unexpected_output(scene, "a line over 8 MiB was dropped: xxx");
}

static void mcp_tells_the_server_that_a_call_took_too_long(void **state)
{
	struct mcp_client_scene *scene = *state;
	int64_t began_ns = clock_now();

	start_ready(scene, "polite", 200 * CLOCK_MS);
	call(scene, "silent");
	await_calls(scene, 1);
	assert_true(clock_now() - began_ns >= 200 * CLOCK_MS);
	assert_string_equal(
		buf_text(&scene->results), "-MCP server skills: no answer in time;");
	await_unexpected_output(scene, "{\"method\":\"notifications/cancelled\"");
	scene->called = 0;
	call(scene, "echo"); /* and it goes on */
	await_calls(scene, 1);
	assert_non_null(strstr(buf_text(&scene->results), "+hello;"));
}

static void await_relisting(struct mcp_client_scene *scene, unsigned times)
{
	while (scene->relisted < times)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void mcp_reads_the_tools_again_when_they_have_changed(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "echo,");
	call(scene, "grow");
	await_relisting(scene, 1);
	assert_string_equal(buf_text(&scene->tools), "echo,tool1,");
	call(scene, "grow");
	await_relisting(scene, 2);
	assert_string_equal(buf_text(&scene->tools), "echo,tool1,tool2,");
	/* A list that makes no sense leaves us with the last that did. */
	call(scene, "break list");
	await_unexpected_output(scene, "tools/list: its answer has no tools\n");
	assert_int_equal(scene->relisted, 2);
	await_calls(scene, 3);
	assert_string_equal(buf_text(&scene->results), "+grown;+grown;+broken;");
}

static void mcp_reads_the_tools_again_that_changed_while_they_were_read(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "restless", LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "echo,");
	await_relisting(scene, 1); /* said twice, and read once */
	assert_string_equal(buf_text(&scene->tools), "echo,tool1,");
	call(scene, "echo");
	await_calls(scene, 1);
	assert_int_equal(scene->relisted, 1);
}

static void mcp_may_be_destroyed_when_its_tools_have_changed(void **state)
{
	struct mcp_client_scene *scene = *state;

	scene->destroy_when_relisted = true;
	start_ready(scene, "polite", LONG_NS);
	call(scene, "grow");
	call(scene, "grow");
	await_relisting(scene, 1);
	assert_null(scene->mcp);
}

static void mcp_fails_calls_when_the_server_exits(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	call(scene, "die");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results),
		"-MCP server skills: it exited with code 3;");
	assert_int_equal(scene->gone, 1);
	assert_int_equal(WEXITSTATUS(scene->status), 3);
	scene->called = 0;
	call(scene, "echo");
	await_calls(scene, 1);
	assert_non_null(strstr(buf_text(&scene->results), "exited with code 3;-"));
}

static void mcp_fails_calls_when_the_server_is_killed(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	call(scene, "crash");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results),
		"-MCP server skills: it was killed by signal 9;");
	assert_true(WIFSIGNALED(scene->status));
}

static void mcp_fails_calls_when_the_server_closes_its_stdout(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "polite", LONG_NS);
	call(scene, "close");
	await_calls(scene, 1);
	assert_string_equal(
		buf_text(&scene->results), "-MCP server skills: it closed its stdout;");
	assert_int_equal(scene->gone, 0);
}

static void mcp_fails_a_call_that_the_server_does_not_read(void **state)
{
	struct mcp_client_scene *scene = *state;
	SCOPED(json_free) cJSON *arguments = cJSON_CreateObject();
	char *text = mem_zeroed(CHILD_UNSENT_MAX / 2);

	memset(text, 'x', CHILD_UNSENT_MAX / 2 - 1);
	cJSON_AddStringToObject(arguments, "text", text);
	free(text);
	start_ready(scene, "deaf", LONG_NS);
	for (int i = 0; i < 4; i++)
		mcp_client_call(scene->mcp, "echo", arguments, on_called, scene);
	await_calls(scene, 2);
	assert_non_null(
		strstr(buf_text(&scene->results), "it does not read its stdin"));
}

static void mcp_stop_fails_calls_and_tells_each_step(void **state)
{
	struct mcp_client_scene *scene = *state;

	start_ready(scene, "stubborn", LONG_NS);
	call(scene, "silent");
	mcp_client_stop(scene->mcp, 100 * CLOCK_MS, 100 * CLOCK_MS);
	assert_int_equal(scene->called, 0);
	while (!scene->gone)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_string_equal(
		buf_text(&scene->results), "-MCP server skills: shutting down;");
	await_unexpected_output(scene, "{\"method\":\"notifications/cancelled\"");
	assert_int_equal(scene->step_count, 3);
	assert_int_equal(scene->steps[0], MCP_STEP_EOF);
	assert_int_equal(scene->steps[2], MCP_STEP_KILL);
	assert_int_equal(WTERMSIG(scene->status), SIGKILL);
}

static void mcp_stop_ends_a_handshake_without_a_word(void **state)
{
	struct mcp_client_scene *scene = *state;

	start(scene, "mute", LONG_NS, LONG_NS);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	while (!scene->gone)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_false(scene->ready || scene->failed);
	assert_int_equal(WEXITSTATUS(scene->status), 0);
}

static void mcp_may_be_destroyed_when_it_is_ready(void **state)
{
	struct mcp_client_scene *scene = *state;

	scene->destroy_when_ready = true;
	start(scene, "polite", LONG_NS, LONG_NS);
	call(scene, "echo");
	while (scene->mcp)
		uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(scene->called, 0);
}

static void mcp_may_be_destroyed_when_a_call_ends(void **state)
{
	struct mcp_client_scene *scene = *state;

	scene->destroy_when_called = true;
	start_ready(scene, "polite", LONG_NS);
	call(scene, "echo");
	call(scene, "echo");
	call(scene, "die");
	await_calls(scene, 1);
	assert_null(scene->mcp);
	assert_string_equal(buf_text(&scene->results), "+hello;");
}

static void mcp_names_the_server_that_does_not_start(void **state)
{
	struct mcp_client_scene *scene = *state;
	struct mcp_client_spec spec = {
		.name = "skills",
		.stdio.argv = (const char *const[]){"/no/such/program", NULL},
		.start_ns = LONG_NS,
		.call_ns = LONG_NS,
	};
	struct err err;

	assert_null(mcp_client_start(
		&scene->loop, scene->reaper, &spec, &events, scene, &err));
	assert_non_null(strstr(err.text, "MCP server skills"));
	assert_non_null(strstr(err.text, "/no/such/program"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(mcp_is_ready_with_the_tools_of_all_pages),
		TEST(mcp_accepts_an_older_version),
		TEST(mcp_without_tools_is_ready_with_none),
		cmocka_unit_test(mcp_says_why_a_handshake_fails),
		TEST(mcp_keeps_calls_until_it_is_ready),
		TEST(mcp_calls_give_what_the_table_says),
		TEST(mcp_blames_no_call_that_a_broken_answer_may_not_be_for),
		TEST(mcp_calls_run_side_by_side),
		TEST(mcp_hands_on_what_is_no_message),
		TEST(mcp_tells_the_server_that_a_call_took_too_long),
		TEST(mcp_reads_the_tools_again_when_they_have_changed),
		TEST(mcp_reads_the_tools_again_that_changed_while_they_were_read),
		TEST(mcp_may_be_destroyed_when_its_tools_have_changed),
		TEST(mcp_fails_calls_when_the_server_exits),
		TEST(mcp_fails_calls_when_the_server_is_killed),
		TEST(mcp_fails_calls_when_the_server_closes_its_stdout),
		TEST(mcp_fails_a_call_that_the_server_does_not_read),
		TEST(mcp_stop_fails_calls_and_tells_each_step),
		TEST(mcp_stop_ends_a_handshake_without_a_word),
		TEST(mcp_may_be_destroyed_when_it_is_ready),
		TEST(mcp_may_be_destroyed_when_a_call_ends),
		TEST(mcp_names_the_server_that_does_not_start),
	};

	if (argc == 3)
		return fake_mcp_serve(argv[2]);
	program = argv[0];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
