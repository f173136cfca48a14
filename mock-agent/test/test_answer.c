#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/mem.h"
#include "mock-agent/test/mock_program.h"

#define DELTA "event: content_block_delta"

/* The most that a behavior can ask for, of the longest text. */
#define DELTAS 10000
#define LONG   ((size_t)600000)

static char *question_of(size_t len)
{
	SCOPED(mem_free) char *text = mem_zeroed(len + 1);

	memset(text, 'x', len);
	return mem_textf("{\"model\":\"m\",\"max_tokens\":1000000,\"stream\":true,"
			 "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
		text);
}

static void a_long_stream_is_whole(void **state UNUSED)
{
	SCOPED(mem_free) char *behavior = mem_textf("{\"chunks\": %d}", DELTAS);
	SCOPED(mem_free) char *question = question_of(LONG);
	SCOPED(buf_done) struct buf body = {0};
	struct mock_program mock;
	struct http_client line;
	unsigned deltas = 0;

	mock_start(&mock, behavior);
	http_open(&line, mock.port);
	mock_send(&line, "POST", "/v1/messages", question);
	assert_int_equal(http_read_all(&line, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_true(http_body(&line, &body));
	for (const char *at = body.data; (at = strstr(at, DELTA)); at += strlen(DELTA))
		deltas++;
	assert_int_equal(deltas, DELTAS);
	http_close(&line);
	mock_stop(&mock);
}

/* Without any latency, too. */
static void a_fault_comes_behind_what_was_before_it(void **state UNUSED)
{
	static const struct {
		const char *fault;
		enum http_end end;
	} rows[] = {
		{"hang", HTTP_SILENT},
		{"reset", HTTP_RESET},
		{"half_close", HTTP_EOF},
		{"error", HTTP_EOF},
		{"truncate", HTTP_EOF},
		{"malform", HTTP_EOF},
	};
	SCOPED(mem_free) char *question = question_of(9);

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{\"chunks\": 3, \"chunk\": {\"fault\": \"%s\"}}",
				rows[i].fault);
		struct mock_program mock;
		struct http_client line;

		mock_start(&mock, behavior);
		http_open(&line, mock.port);
		mock_send(&line, "POST", "/v1/messages", question);
		http_expect(&line, DELTA);
		mock_wait_event(&mock, "\"phase\":\"chunk\"");
		if (rows[i].end != HTTP_SILENT)
			assert_int_equal(
				http_read_all(&line, HTTP_PATIENCE_MS), rows[i].end);
		http_close(&line);
		mock_stop(&mock);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_stream_is_whole),
		cmocka_unit_test(a_fault_comes_behind_what_was_before_it),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
