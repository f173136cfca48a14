#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "service/mcp/mcp_client.h"
#include "service/test/fake_http_mcp.h"

#define PATIENCE_MS 30000
#define LONG_NS     (60 * CLOCK_S)
#define PIECE_LEN   ((size_t)512 << 10)

/* Each callback stops the loop, so that the test can look at what it changed. */
struct http_scene {
	uv_loop_t loop;
	uv_timer_t patience, glance;
	struct reaper *reaper;
	struct fetch *fetch;
	struct fake_http_mcp fake;
	struct mcp_client *mcp;
	bool ready;
	struct buf tools; /* "a,b," */
	struct buf why;
	struct buf unexpected_output; /* a line each */
	struct buf results;           /* "+text;" or "-text;" */
	unsigned called, relisted, gone;
	long status;       /* of the end */
	struct buf ending; /* why it ended */
	struct buf steps;  /* "delete,drop," */
	bool destroy_when_ready, destroy_when_called, destroy_when_gone;
};

static void destroy(struct http_scene *scene)
{
	mcp_client_destroy(scene->mcp);
	scene->mcp = NULL;
}

static void keep_tools(struct http_scene *scene, const cJSON *tools)
{
	const cJSON *tool;

	buf_clear(&scene->tools);
	cJSON_ArrayForEach(tool, tools)
		buf_addf(&scene->tools, "%s,", json_text(tool, "name"));
}

static void on_ready(void *arg, const cJSON *tools, const char *why)
{
	struct http_scene *scene = arg;

	scene->ready = tools != NULL;
	buf_adds(&scene->why, why ? why : "");
	keep_tools(scene, tools);
	if (scene->destroy_when_ready)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_relisted(void *arg, const cJSON *tools)
{
	struct http_scene *scene = arg;

	scene->relisted++;
	keep_tools(scene, tools);
	uv_stop(&scene->loop);
}

static void on_step(void *arg, enum mcp_step step)
{
	struct http_scene *scene = arg;

	buf_addf(&scene->steps, "%s,", mcp_step_names[step]);
}

static void on_gone(void *arg, const struct mcp_end *end)
{
	struct http_scene *scene = arg;

	assert_false(end->is_process);
	scene->gone++;
	scene->status = end->http_status;
	buf_adds(&scene->ending, end->why);
	if (scene->destroy_when_gone)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_unexpected_output(void *arg, const char *line)
{
	struct http_scene *scene = arg;

	buf_addf(&scene->unexpected_output, "%.90s\n", line);
	uv_stop(&scene->loop);
}

static const struct mcp_client_events events = {.ready = on_ready,
	.relisted = on_relisted,
	.step = on_step,
	.gone = on_gone,
	.unexpected_output = on_unexpected_output};

static void on_called(void *arg, const cJSON *content, bool is_error)
{
	struct http_scene *scene = arg;

	scene->called++;
	buf_addf(&scene->results, "%c%s;", is_error ? '-' : '+',
		json_text(json_at(content, "0"), "text"));
	if (scene->destroy_when_called)
		destroy(scene);
	uv_stop(&scene->loop);
}

static void on_impatience(uv_timer_t *timer)
{
	const struct http_scene *scene = timer->data;

	fail_msg("waited %d ms in vain; the server saw %s", PATIENCE_MS,
		buf_text(&scene->fake.journal));
}

/* The fake server's part changes without a callback of ours. */
static void on_glance(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static int set_up(void **state)
{
	struct http_scene *scene = mem_zeroed(sizeof *scene);
	struct err err;

	assert_int_equal(uv_loop_init(&scene->loop), 0);
	uv_timer_init(&scene->loop, &scene->patience);
	uv_timer_init(&scene->loop, &scene->glance);
	scene->patience.data = scene;
	uv_timer_start(&scene->patience, on_impatience, PATIENCE_MS, 0);
	uv_timer_start(&scene->glance, on_glance, 5, 5);
	scene->reaper = reaper_create(&scene->loop, NULL, NULL, &err);
	scene->fetch = fetch_create(&scene->loop, 4, &err);
	assert_true(fake_http_mcp_init(&scene->fake, &scene->loop, &err));
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct http_scene *scene = *state;

	assert_string_equal(buf_text(&scene->fake.wrong), "");
	mcp_client_destroy(scene->mcp);
	fetch_destroy(scene->fetch);
	reaper_destroy(scene->reaper);
	fake_http_mcp_done(&scene->fake);
	uv_close((uv_handle_t *)&scene->patience, NULL);
	uv_close((uv_handle_t *)&scene->glance, NULL);
	while (uv_run(&scene->loop, UV_RUN_DEFAULT))
		continue;
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	buf_done(&scene->tools);
	buf_done(&scene->why);
	buf_done(&scene->unexpected_output);
	buf_done(&scene->results);
	buf_done(&scene->ending);
	buf_done(&scene->steps);
	free(scene);
	return 0;
}

static void start(struct http_scene *scene, int64_t start_ns, int64_t call_ns)
{
	SCOPED(mem_free)
	char *url = mem_textf("http://127.0.0.1:%u/mcp", web_port(scene->fake.web));
	struct mcp_client_spec spec = {
		.name = "skills",
		.http.fetch = scene->fetch,
		.http.url = url,
		.http.headers = (const char *const[]){"Authorization: "
						      "Bearer " FAKE_TOKEN,
			NULL},
		.start_ns = start_ns,
		.call_ns = call_ns,
	};
	struct err err;

	scene->mcp = mcp_client_start(
		&scene->loop, scene->reaper, &spec, &events, scene, &err);
	assert_non_null(scene->mcp);
}

static void turn(struct http_scene *scene)
{
	uv_run(&scene->loop, UV_RUN_DEFAULT);
}

static void start_ready(struct http_scene *scene, int64_t call_ns)
{
	start(scene, LONG_NS, call_ns);
	while (!scene->ready && scene->why.len == 0)
		turn(scene);
	assert_string_equal(buf_text(&scene->why), "");
}

static void call(struct http_scene *scene, const char *tool)
{
	unsigned called = scene->called;

	mcp_client_call(scene->mcp, tool, NULL, on_called, scene);
	assert_int_equal(scene->called, called); /* never from inside */
}

static void await_calls(struct http_scene *scene, unsigned count)
{
	while (scene->called < count)
		turn(scene);
}

static void await_journal(struct http_scene *scene, const char *what, unsigned times)
{
	while (fake_http_mcp_count(&scene->fake, what) < times)
		turn(scene);
}

static void await_gone(struct http_scene *scene)
{
	while (!scene->gone)
		turn(scene);
}

static void http_handshake_is_in_order(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.slow_initialized = true;
	start(scene, LONG_NS, LONG_NS);
	await_journal(scene, "POST notifications/initialized;", 1);
	for (unsigned i = 0; i < 3; i++)
		turn(scene);
	assert_string_equal(buf_text(&scene->fake.journal),
		"POST initialize;POST notifications/initialized;");
	fake_http_mcp_let_go(&scene->fake);
	while (!scene->ready)
		turn(scene);
	assert_string_equal(buf_text(&scene->tools), "echo,");
	await_journal(scene, "GET;", 1);
	assert_int_equal(mcp_client_pid(scene->mcp), 0);
}

static void http_answers_may_be_streams(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.streams = true;
	start_ready(scene, LONG_NS);
	assert_string_equal(buf_text(&scene->tools), "echo,");
}

static void http_server_may_be_stateless(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.stateless = scene->fake.no_listening = true;
	start_ready(scene, LONG_NS);
	call(scene, "echo");
	await_calls(scene, 1);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_gone(scene);
	assert_string_equal(buf_text(&scene->results), "+hello;");
	assert_int_equal(fake_http_mcp_count(&scene->fake, "DELETE"), 0);
	assert_int_equal(fake_http_mcp_count(&scene->fake, "GET"), 1);
	assert_string_equal(buf_text(&scene->steps), "");
}

#define FAILED "-MCP server skills: "

static const struct row {
	const char *tool;
	const char *result;
} rows[] = {
	{"echo", "+hello;"},
	{"stream", "+hello;"},
	{"open", "+hello;"},
	{"ping", "+hello;"},
	{"batch", "+hello;"},
	{"resume", "+hello;"},
	{"bad", FAILED "HTTP 400: error -32000: not with *****************;"},
	{"broken", FAILED "HTTP 500;"},
	{"redirect", FAILED "HTTP 307: a redirect, which is not followed;"},
	{"nothing", FAILED "its answer does not hold one to this request;"},
	{"garbage", FAILED "its answer does not hold one to this request;"},
	{"other", FAILED "its answer does not hold one to this request;"},
	{"half", FAILED "its answer does not hold one to this request;"},
	{"huge", FAILED "its answer is over 8 MiB;"},
	{"echo", "+hello;"},
};

static void http_calls_give_what_the_table_says(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	for (size_t i = 0; i < COUNT(rows); i++) {
		call(scene, rows[i].tool);
		await_calls(scene, 1);
		if (strcmp(buf_text(&scene->results), rows[i].result) != 0)
			fail_msg("%s: got %s", rows[i].tool, buf_text(&scene->results));
		scene->called = 0;
		buf_clear(&scene->results);
	}
	assert_int_equal(fake_http_mcp_count(&scene->fake, "POST answer;"), 1);
	assert_int_equal(fake_http_mcp_count(&scene->fake, "POST initialize;"), 1);
	assert_null(strstr(buf_text(&scene->unexpected_output), FAKE_TOKEN));
}

static void http_server_may_know_no_initialize(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.modern = true;
	start_ready(scene, 300 * CLOCK_MS);
	assert_string_equal(buf_text(&scene->tools), "echo,");
	call(scene, "stream");
	await_calls(scene, 1);
	call(scene, "\xc3\xa9");
	await_calls(scene, 2);
	call(scene, "asks");
	await_calls(scene, 3);
	call(scene, "silent");
	await_calls(scene, 4);
	assert_string_equal(buf_text(&scene->results),
		"+hello;+hello;" FAILED
		"it asks for input, which nobody can give;" FAILED
		"no answer in time;");
	await_journal(scene, "left;", 1);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_gone(scene);
	assert_string_equal(buf_text(&scene->fake.journal),
		"POST initialize;POST server/discover;POST tools/list;"
		"POST tools/call stream;POST tools/call \xc3\xa9;POST tools/call asks;"
		"POST tools/call silent;left;");
}

/* It is not asked for again, though its stream could be resumed. */
static void http_event_over_its_ceiling_fails_the_call(void **state)
{
	struct http_scene *scene = *state;
	char *piece = mem_zeroed(PIECE_LEN);

	memset(piece, 'x', PIECE_LEN);
	start_ready(scene, LONG_NS);
	call(scene, "huge event");
	await_journal(scene, "POST tools/call huge event;", 1);
	while (!scene->called) {
		if (scene->fake.held)
			web_stream_add(scene->fake.held, piece, PIECE_LEN);
		turn(scene);
	}
	free(piece);
	assert_string_equal(
		buf_text(&scene->results), FAILED "its answer is over 8 MiB;");
	assert_int_equal(fake_http_mcp_count(&scene->fake, "tools/call"), 1);
	assert_true(fake_http_mcp_count(&scene->fake, "GET;") <= 1);
}

static void http_call_is_sent_once_though_it_is_broken_off(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	call(scene, "reset");
	await_calls(scene, 1);
	assert_non_null(strstr(buf_text(&scene->results), FAILED));
	assert_int_equal(fake_http_mcp_count(&scene->fake, "tools/call"), 1);
}

static void http_session_that_has_ended_is_begun_again(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	scene->fake.lost_times = 1;
	scene->fake.tools = 1;
	call(scene, "echo");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results), "+hello;");
	while (!scene->relisted)
		turn(scene);
	assert_string_equal(buf_text(&scene->tools), "echo,tool1,");
	assert_int_equal(scene->fake.sessions, 2);
	assert_non_null(
		strstr(buf_text(&scene->unexpected_output), "a new handshake\n"));
}

static void http_session_that_has_ended_may_be_a_bad_request(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	scene->fake.lost_times = 1;
	scene->fake.lost_is_bad_request = true;
	call(scene, "echo");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results), "+hello;");
	assert_int_equal(scene->fake.sessions, 2);
}

static void http_session_that_ends_again_and_again_fails_the_call(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	scene->fake.lost_times = 100;
	call(scene, "echo");
	call(scene, "echo");
	await_calls(scene, 2);
	assert_string_equal(buf_text(&scene->results),
		FAILED "the server has ended the session;" FAILED
		       "the server has ended the session;");
	assert_true(scene->fake.sessions <= 5);
}

static void http_session_that_cannot_be_begun_again_ends(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	scene->fake.lost_times = 1;
	scene->fake.refuse_initialize = true;
	call(scene, "echo");
	await_gone(scene);
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results), FAILED "initialize: HTTP 503;");
}

static void http_tells_the_server_that_a_call_took_too_long(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, 200 * CLOCK_MS);
	call(scene, "silent");
	await_calls(scene, 1);
	assert_string_equal(buf_text(&scene->results), FAILED "no answer in time;");
	await_journal(scene, "POST notifications/cancelled;", 1);
	await_journal(scene, "left;", 1);
	call(scene, "echo");
	await_calls(scene, 2);
	assert_non_null(strstr(buf_text(&scene->results), "+hello;"));
}

static void http_hears_what_the_server_says_unasked(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	await_journal(scene, "GET;", 1);
	scene->fake.tools = 2;
	fake_http_mcp_say(&scene->fake,
		"{\"jsonrpc\":\"2.0\",\"method\":"
		"\"notifications/tools/list_changed\"}");
	while (!scene->relisted)
		turn(scene);
	assert_string_equal(buf_text(&scene->tools), "echo,tool1,tool2,");
	fake_http_mcp_say(&scene->fake, "nonsense");
	while (scene->unexpected_output.len == 0)
		turn(scene);
	assert_string_equal(buf_text(&scene->unexpected_output), "nonsense\n");
}

static void http_listens_again_when_the_stream_ends(void **state)
{
	struct http_scene *scene = *state;
	const char *retry = "retry: 10\n\n";

	start_ready(scene, LONG_NS);
	await_journal(scene, "GET;", 1);
	web_stream_add(scene->fake.listening, retry, strlen(retry));
	web_stream_end(scene->fake.listening);
	await_journal(scene, "GET;", 2);
	web_reset(scene->fake.listening);
	await_journal(scene, "GET;", 3);
}

static void http_stop_deletes_the_session(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	await_journal(scene, "GET;", 1);
	call(scene, "silent");
	await_journal(scene, "POST tools/call silent;", 1);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	assert_int_equal(scene->called, 0);
	await_gone(scene);
	assert_string_equal(buf_text(&scene->results), FAILED "shutting down;");
	assert_string_equal(buf_text(&scene->steps), "delete,");
	assert_int_equal(scene->status, 200);
	await_journal(scene, "POST notifications/cancelled;", 1);
	assert_int_equal(fake_http_mcp_count(&scene->fake, "DELETE;"), 1);
	while (scene->fake.listening)
		turn(scene);
}

static void http_stop_takes_any_answer_to_its_delete(void **state)
{
	struct http_scene *scene = *state;

	start_ready(scene, LONG_NS);
	scene->fake.delete_status = 405;
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_gone(scene);
	assert_string_equal(buf_text(&scene->steps), "delete,");
	assert_int_equal(scene->status, 405);
	assert_string_equal(buf_text(&scene->ending), "HTTP 405");
}

static void http_stop_waits_for_a_delete_no_longer_than_its_step(void **state)
{
	struct http_scene *scene = *state;
	int64_t began_ns = clock_now();

	start_ready(scene, LONG_NS);
	scene->fake.hang_delete = true;
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_journal(scene, "DELETE;", 1);
	mcp_client_stop(scene->mcp, 100 * CLOCK_MS, LONG_NS);
	await_gone(scene);
	assert_true(clock_now() - began_ns >= 100 * CLOCK_MS);
	assert_string_equal(buf_text(&scene->steps), "delete,drop,");
	assert_string_equal(
		buf_text(&scene->ending), "it did not answer DELETE in time");
	assert_int_equal(scene->status, 0);
}

static void http_stop_ends_a_session_that_is_just_beginning(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.hold_initialize = true;
	start(scene, LONG_NS, LONG_NS);
	await_journal(scene, "POST initialize;", 1);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	for (unsigned i = 0; i < 3; i++)
		turn(scene);
	assert_int_equal(fake_http_mcp_count(&scene->fake, "DELETE;"), 0);
	fake_http_mcp_let_go(&scene->fake);
	await_gone(scene);
	assert_int_equal(fake_http_mcp_count(&scene->fake, "DELETE;"), 1);
	assert_false(scene->ready);
	buf_clear(&scene->fake.wrong); /* it has no version yet */
}

static void http_stop_gives_up_a_handshake_in_time(void **state)
{
	struct http_scene *scene = *state;

	scene->fake.hold_initialize = true;
	start(scene, LONG_NS, LONG_NS);
	await_journal(scene, "POST initialize;", 1);
	mcp_client_stop(scene->mcp, 50 * CLOCK_MS, LONG_NS);
	await_gone(scene);
	assert_string_equal(buf_text(&scene->steps), "drop,");
}

static void http_says_that_nobody_listens(void **state)
{
	struct http_scene *scene = *state;

	web_destroy(scene->fake.web);
	scene->fake.web = NULL;
	turn(scene);
	{
		struct mcp_client_spec spec = {
			.name = "skills",
			.http.fetch = scene->fetch,
			.http.url = "http://127.0.0.1:1/mcp",
			.start_ns = LONG_NS,
			.call_ns = LONG_NS,
		};
		struct err err;

		scene->mcp = mcp_client_start(
			&scene->loop, scene->reaper, &spec, &events, scene, &err);
	}
	while (scene->why.len == 0)
		turn(scene);
	assert_non_null(strstr(buf_text(&scene->why), "initialize: Failed to connect"));
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_gone(scene);
}

static void http_client_may_be_destroyed_by_its_events(void **state)
{
	struct http_scene *scene = *state;

	scene->destroy_when_called = true;
	start_ready(scene, LONG_NS);
	call(scene, "stream");
	call(scene, "batch");
	await_calls(scene, 1);
	assert_null(scene->mcp);
	scene->ready = false;
	scene->destroy_when_ready = true;
	start(scene, LONG_NS, LONG_NS);
	while (scene->mcp)
		turn(scene);
	scene->ready = scene->destroy_when_ready = false;
	scene->destroy_when_gone = true;
	start_ready(scene, LONG_NS);
	mcp_client_stop(scene->mcp, LONG_NS, LONG_NS);
	await_gone(scene);
	assert_null(scene->mcp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(http_handshake_is_in_order),
		TEST(http_answers_may_be_streams),
		TEST(http_server_may_be_stateless),
		TEST(http_calls_give_what_the_table_says),
		TEST(http_server_may_know_no_initialize),
		TEST(http_event_over_its_ceiling_fails_the_call),
		TEST(http_call_is_sent_once_though_it_is_broken_off),
		TEST(http_session_that_has_ended_is_begun_again),
		TEST(http_session_that_has_ended_may_be_a_bad_request),
		TEST(http_session_that_ends_again_and_again_fails_the_call),
		TEST(http_session_that_cannot_be_begun_again_ends),
		TEST(http_tells_the_server_that_a_call_took_too_long),
		TEST(http_hears_what_the_server_says_unasked),
		TEST(http_listens_again_when_the_stream_ends),
		TEST(http_stop_deletes_the_session),
		TEST(http_stop_takes_any_answer_to_its_delete),
		TEST(http_stop_waits_for_a_delete_no_longer_than_its_step),
		TEST(http_stop_ends_a_session_that_is_just_beginning),
		TEST(http_stop_gives_up_a_handshake_in_time),
		TEST(http_says_that_nobody_listens),
		TEST(http_client_may_be_destroyed_by_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
