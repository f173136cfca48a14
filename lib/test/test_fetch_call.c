#include "lib/test/fetch_scene.h"

#include <unistd.h>

/* Every way for a call to end, on a new connection and on a warm one. */
static void fetch_names_how_a_call_ended(void **state)
{
	static const struct {
		const char *path;
		enum fetch_end end;
		long status;
		const char *body, *why;
	} rows[] = {
		{"/plain", FETCH_ANSWERED, 200, "hello", "the usual"},
		{"/missing", FETCH_ANSWERED, 404, "no such thing",
			"an error is an answer"},
		{"/empty", FETCH_ANSWERED, 204, "", "nothing can be an answer"},
		{"/moved", FETCH_ANSWERED, 302, "", "redirects are not followed"},
		{"/patience", FETCH_ANSWERED, 200, "ok", "behind a 100 Continue"},
		{"/until-the-end", FETCH_ANSWERED, 200, "all", "as long as it lasts"},
		{"/last", FETCH_ANSWERED, 200, "bye", "closed behind the answer"},
		{"/whole-reset", FETCH_ANSWERED, 200, "whole",
			"reset behind the answer"},
		{"/leave", FETCH_BROKEN, 0, "", "closed without a word"},
		{"/reset", FETCH_BROKEN, 0, "", "reset without a word"},
		{"/half-head", FETCH_BROKEN, 200, "", "closed within the head"},
		{"/half-body", FETCH_BROKEN, 200, "half", "closed within the body"},
		{"/half-body-reset", FETCH_BROKEN, 200, "half",
			"reset within the body"},
		{"/half-chunks", FETCH_BROKEN, 200, "half",
			"closed before the last chunk"},
		{"/garbage", FETCH_FAILED, 0, "", "no HTTP"},
	};
	struct fetch_scene *scene = *state;

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		bool warm = i % 2;
		unsigned before = scene->server.requests;

		print_message("%s%s\n", rows[i / 2].why, warm ? ", warm" : "");
		if (warm)
			get(scene, "/plain");
		ask(scene, rows[i / 2].path, (struct fetch_request){.fresh = !warm});
		wait_done(scene, scene->done + 1);
		assert_int_equal(scene->result.end, rows[i / 2].end);
		assert_int_equal(scene->result.status, rows[i / 2].status);
		assert_string_equal(buf_text(&scene->body), rows[i / 2].body);
		assert_int_equal(scene->result.reused, warm);
		assert_true(scene->result.sent);
		assert_int_equal(
			scene->why[0] == '\0', rows[i / 2].end == FETCH_ANSWERED);
		/* Nothing was ever sent twice. */
		assert_int_equal(scene->server.requests, before + 1 + warm);
	}
}

static void add_header_line(void *arg, const char *name, const char *value)
{
	buf_addf(arg, "%s: %s;", name, value);
}

static void on_done_with_headers(void *arg, const struct fetch_result *result)
{
	struct fetch_scene *scene = arg;

	assert_int_equal(fetch_status(scene->call), result->status);
	fetch_each_header(scene->call, add_header_line, &scene->data);
	assert_string_equal(fetch_header(scene->call, "retry-after"), "7");
	scene->done++;
}

static void fetch_gives_every_header_of_the_answer(void **state)
{
	struct fetch_scene *scene = *state;
	SCOPED(mem_free)
	char *url = mem_textf("http://127.0.0.1:%d/busy-ms", scene->server.port);
	struct fetch_request request = {.url = url,
		.all_heads = true,
		.done = on_done_with_headers,
		.arg = scene};

	scene->call = start(scene, &request);
	wait_done(scene, 1);
	assert_string_equal(buf_text(&scene->data),
		"Retry-After: 7;Retry-After-Ms: 1.5;Content-Length: 0;");
}

static void fetch_gives_the_time_to_wait_before_a_retry(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/busy");
	assert_int_equal(scene->result.retry_after_ns, 7 * CLOCK_S);
	get(scene, "/busy-ms");
	assert_int_equal(scene->result.retry_after_ns, 3 * CLOCK_MS / 2);
	get(scene, "/busy-nonsense");
	assert_int_equal(scene->result.retry_after_ns, 0);
	get(scene, "/plain");
	assert_int_equal(scene->result.retry_after_ns, 0);
}

static void fetch_reads_a_large_answer_up_to_the_reset_behind_it(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/large-reset");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_int_equal(scene->body.len, LARGE);
}

static void fetch_does_not_repeat_on_another_idle_connection(void **state)
{
	struct fetch_scene *scene = *state;

	scene->server.crowd = 3;
	for (unsigned i = 0; i < 3; i++)
		ask(scene, "/crowd", (struct fetch_request){0});
	wait_done(scene, 3);
	assert_int_equal(scene->server.accepted, 3);
	ask(scene, "/reset", (struct fetch_request){.body = "once", .body_len = 4});
	wait_done(scene, 4);
	assert_int_equal(scene->result.end, FETCH_BROKEN);
	assert_true(scene->result.reused);
	assert_true(scene->result.sent);
	assert_int_equal(scene->server.requests, 4);
	assert_int_equal(scene->server.accepted, 3);
	get(scene, "/plain");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
}

/* The listener is gone as well, so that a repetition would be refused. */
static void fetch_broken_by_a_server_that_leaves_is_not_refused(void **state)
{
	struct fetch_scene *scene = *state;

	get(scene, "/plain");
	uv_close(&scene->server.listener.handle, NULL);
	get(scene, "/leave");
	assert_int_equal(scene->result.end, FETCH_BROKEN);
	assert_true(scene->result.sent);
	get(scene, "/plain");
	assert_int_equal(scene->result.end, FETCH_REFUSED);
	assert_false(scene->result.sent);
}

static void fetch_to_a_closed_port_is_refused(void **state)
{
	struct fetch_scene *scene = *state;
	const struct fetch_request requests[] = {
		{.url = "http://127.0.0.1:1/", .done = on_done, .arg = scene},
		{.url = "http://[::1]:1/", .done = on_done, .arg = scene},
		{.url = "http://localhost/",
			.socket = "/no/such/socket",
			.done = on_done,
			.arg = scene},
	};

	for (unsigned i = 0; i < COUNT(requests); i++) {
		start(scene, &requests[i]);
		wait_done(scene, i + 1);
		assert_int_equal(scene->result.end, FETCH_REFUSED);
		assert_int_equal(scene->result.status, 0);
		assert_false(scene->result.sent);
		assert_false(scene->result.reused);
		assert_string_not_equal(scene->why, "");
	}
}

static void fetch_of_nonsense_fails(void **state)
{
	struct fetch_scene *scene = *state;
	const struct fetch_request requests[] = {
		{.url = "http://", .done = on_done, .arg = scene},
		{.url = "ftp://127.0.0.1/", .done = on_done, .arg = scene},
		{.url = "file:///etc/hostname", .done = on_done, .arg = scene},
		{.url = "", .done = on_done, .arg = scene},
	};

	for (unsigned i = 0; i < COUNT(requests); i++) {
		start(scene, &requests[i]);
		wait_done(scene, i + 1);
		assert_int_equal(scene->result.end, FETCH_FAILED);
		assert_string_not_equal(scene->why, "");
	}
}

static void fetch_streams_a_body_as_it_arrives(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/drip", (struct fetch_request){.data = on_data});
	while (scene->pieces == 0)
		wait_event(scene);
	assert_int_equal(scene->done, 0);
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_string_equal(buf_text(&scene->data), "dripdripdripdripdrip");
	assert_int_equal(scene->body.len, 0);
}

static void fetch_collects_the_body_of_an_error(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/missing", (struct fetch_request){.data = on_data});
	wait_done(scene, 1);
	assert_int_equal(scene->result.status, 404);
	assert_int_equal(scene->pieces, 0);
	assert_string_equal(buf_text(&scene->body), "no such thing");
}

static void fetch_streams_what_came_before_the_end(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/half-body-reset", (struct fetch_request){.data = on_data});
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_BROKEN);
	assert_string_equal(buf_text(&scene->data), "half");
}

static void fetch_refuses_more_than_its_ceiling(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/plain", (struct fetch_request){.body_ceiling = 5});
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	ask(scene, "/plain", (struct fetch_request){.body_ceiling = 4});
	wait_done(scene, 2);
	assert_int_equal(scene->result.end, FETCH_FAILED);
	assert_int_equal(scene->result.status, 200);
	assert_non_null(strstr(scene->why, "ceiling"));
}

static void fetch_sends_the_request_it_was_given(void **state)
{
	static const char *const json[] = {
		"content-type: application/json", "X-Key: 7", NULL};
	static const struct {
		struct fetch_request request;
		const char *line, *has, *lacks;
		const char *why;
	} rows[] = {
		{{0}, "GET /sum", "Host: 127.0.0.1", "Content-Length", "nothing: GET"},
		{{.body = "{}", .body_len = 2}, "POST /sum", "Content-Length: 2",
			"Content-Type", "a body: POST, of no type"},
		{{.body = "{}", .body_len = 2, .headers = json}, "POST /sum",
			"content-type: application/json", "urlencoded",
			"with its type"},
		{{.headers = json}, "GET /sum", "X-Key: 7", "Expect", "headers"},
		{{.body = "", .body_len = 0}, "POST /sum", "Content-Length: 0",
			"Expect", "an empty body is one"},
		{{.method = "POST"}, "POST /sum", "Content-Length: 0", "Content-Type",
			"a POST has a length"},
		{{.method = "PUT", .body = "x", .body_len = 1}, "PUT /sum",
			"Content-Length: 1", "Expect", "another method with a body"},
		{{.method = "DELETE"}, "DELETE /sum", "Host", "Content-Length",
			"another method without"},
		{{.body = "a\0b", .body_len = 3}, "POST /sum", "Content-Length: 3",
			"Expect", "a body is bytes"},
	};
	struct fetch_scene *scene = *state;

	for (unsigned i = 0; i < COUNT(rows); i++) {
		const char *sent;

		print_message("%s\n", rows[i].why);
		ask(scene, "/sum", rows[i].request);
		wait_done(scene, i + 1);
		assert_int_equal(scene->result.end, FETCH_ANSWERED);
		sent = buf_text(&scene->server.last);
		assert_memory_equal(sent, rows[i].line, strlen(rows[i].line));
		assert_non_null(strstr(sent, rows[i].has));
		assert_null(strcasestr(sent, rows[i].lacks));
		assert_int_equal(strtoul(buf_text(&scene->body), NULL, 10),
			rows[i].request.body_len);
	}
}

static void fetch_head_has_no_body(void **state)
{
	struct fetch_scene *scene = *state;

	ask(scene, "/head", (struct fetch_request){.method = "HEAD"});
	wait_done(scene, 1);
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
	assert_int_equal(scene->body.len, 0);
	get(scene, "/plain");
	assert_true(scene->result.reused);
}

static void fetch_sends_nothing_of_the_request_before(void **state)
{
	static const char *const headers[] = {"X-Secret: 1", NULL};
	struct fetch_scene *scene = *state;

	ask(scene, "/sum",
		(struct fetch_request){.method = "PATCH",
			.headers = headers,
			.body = "much",
			.body_len = 4,
			.data = on_data,
			.body_ceiling = 1});
	wait_done(scene, 1);
	get(scene, "/plain");
	assert_string_equal(buf_text(&scene->body), "hello");
	assert_memory_equal(buf_text(&scene->server.last), "GET /plain", 10);
	assert_null(strstr(buf_text(&scene->server.last), "X-Secret"));
}

/* Larger than every socket buffer on the way. */
static void fetch_sends_a_large_body_whole(void **state)
{
	struct fetch_scene *scene = *state;
	const size_t len = (size_t)6 << 20;
	SCOPED(mem_free) char *body = mem_zeroed(len);
	unsigned sum = 0;
	char expected[64];

	for (size_t i = 0; i < len; i++) {
		body[i] = (char)(i * 7 % 251);
		sum = sum * 31 + (unsigned char)body[i];
	}
	snprintf(expected, sizeof expected, "%zu %u", len, sum);
	ask(scene, "/sum", (struct fetch_request){.body = body, .body_len = len});
	memset(body, 0, len); /* it was copied */
	wait_done(scene, 1);
	assert_string_equal(buf_text(&scene->body), expected);
	assert_null(strcasestr(buf_text(&scene->server.last), "Expect:"));
}

/* Gives a path to unlink() and free(). */
static char *write_file(size_t len, unsigned *sum)
{
	char *path = mem_text("/tmp/test_fetch.XXXXXX");
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	*sum = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)(i * 13 % 253);

		putc(byte, file);
		*sum = *sum * 31 + byte;
	}
	assert_int_equal(fclose(file), 0);
	return path;
}

static void fetch_uploads_a_file(void **state)
{
	static const size_t lens[] = {0, 1, 3000000};
	struct fetch_scene *scene = *state;

	for (unsigned i = 0; i < COUNT(lens); i++) {
		unsigned sum;
		SCOPED(mem_free) char *path = write_file(lens[i], &sum);
		char expected[64];

		snprintf(expected, sizeof expected, "%zu %u", lens[i], sum);
		ask(scene, "/sum", (struct fetch_request){.upload = path});
		wait_done(scene, i + 1);
		unlink(path);
		assert_int_equal(scene->result.end, FETCH_ANSWERED);
		assert_string_equal(buf_text(&scene->body), expected);
		assert_memory_equal(buf_text(&scene->server.last), "POST /sum", 9);
	}
	assert_int_equal(scene->server.accepted, 1);
}

static void fetch_upload_of_a_file_that_shrinks_fails(void **state)
{
	struct fetch_scene *scene = *state;
	unsigned sum;
	SCOPED(mem_free) char *path = write_file(1000, &sum);

	ask(scene, "/sum", (struct fetch_request){.upload = path});
	assert_int_equal(truncate(path, 500), 0);
	wait_done(scene, 1);
	unlink(path);
	assert_int_equal(scene->result.end, FETCH_FAILED);
	assert_non_null(strstr(scene->why, "shorter"));
}

static void fetch_upload_of_no_file_does_not_start(void **state)
{
	static const char *const paths[] = {"/no/such/file", "/dev", "/dev/zero"};
	struct fetch_scene *scene = *state;

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct fetch_request request = {
			.url = "http://127.0.0.1:1/",
			.upload = paths[i],
			.done = on_done,
			.arg = scene,
		};
		struct err err = {0};

		assert_null(fetch_start(scene->fetch, &request, &err));
		assert_non_null(strstr(err.text, paths[i]));
	}
	destroy(scene);
	assert_int_equal(scene->done, 0);
}

static void fetch_asks_no_proxy(void **state)
{
	struct fetch_scene *scene = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	get(scene, "/plain");
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(scene->result.end, FETCH_ANSWERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(fetch_gives_every_header_of_the_answer),
		SCENE(fetch_names_how_a_call_ended),
		SCENE(fetch_gives_the_time_to_wait_before_a_retry),
		SCENE(fetch_reads_a_large_answer_up_to_the_reset_behind_it),
		SCENE(fetch_does_not_repeat_on_another_idle_connection),
		SCENE(fetch_broken_by_a_server_that_leaves_is_not_refused),
		SCENE(fetch_to_a_closed_port_is_refused),
		SCENE(fetch_of_nonsense_fails),
		SCENE(fetch_streams_a_body_as_it_arrives),
		SCENE(fetch_collects_the_body_of_an_error),
		SCENE(fetch_streams_what_came_before_the_end),
		SCENE(fetch_refuses_more_than_its_ceiling),
		SCENE(fetch_sends_the_request_it_was_given),
		SCENE(fetch_head_has_no_body),
		SCENE(fetch_sends_nothing_of_the_request_before),
		SCENE(fetch_sends_a_large_body_whole),
		SCENE(fetch_uploads_a_file),
		SCENE(fetch_upload_of_a_file_that_shrinks_fails),
		SCENE(fetch_upload_of_no_file_does_not_start),
		SCENE(fetch_asks_no_proxy),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
