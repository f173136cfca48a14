#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "mock-agent/test/mock_program.h"
#include "test/support/http2_client.h"
#include "test/support/until.h"

#define QUESTION                                                                       \
	"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","          \
	"\"content\":\"hi\"}]}"

static const char *const api_headers[] = {"authorization", "Bearer test",
	"anthropic-version", "2026-10-21", "anthropic-beta",
	"managed-agents-2026-04-01", "content-type", "application/json", NULL};

static int32_t ask(struct http2_client *client, const char *method, const char *path,
	const char *body)
{
	int32_t id = http2_ask_with(client, method, path, api_headers, body != NULL);

	http2_answer(client, id)->upload = body;
	http2_answer(client, id)->upload_len = body ? strlen(body) : 0;
	return id;
}

static int32_t open_stream(struct http2_client *client, const char *session)
{
	SCOPED(mem_free) char *path = session_path(session, "/events/stream");
	int32_t id = ask(client, "GET", path, NULL);

	until(NULL, (http2_turn(client), http2_answer(client, id)->status == 200));
	return id;
}

/* A session is its stream, and not the connection that it shares. */
static void a_session_that_is_reset_takes_no_other_with_it(void **state UNUSED)
{
	SCOPED(mem_free) char *first = NULL;
	SCOPED(mem_free) char *second = NULL;
	SCOPED(mem_free) char *archive = NULL;
	struct mock_program mock;
	struct http2_client client;
	int32_t broken, other, end;

	mock_start(&mock,
		"{\"rules\": [{\"session\": 1, \"first_byte\": {\"fault\": \"reset\"}}]}");
	first = mock_open_session(&mock, 1);
	second = mock_open_session(&mock, 2);
	http2_open(&client, http_dial(mock.port), 0);
	broken = open_stream(&client, first);
	other = open_stream(&client, second);
	assert_int_equal(mock_say(&mock, first, "hello"), 200);
	until(NULL, http2_done(&client, broken));
	assert_int_equal(http2_answer(&client, broken)->code, NGHTTP2_INTERNAL_ERROR);
	assert_int_equal(mock_say(&mock, second, "hello"), 200);
	until(NULL, http2_says(&client, other, "session.status_idle"));
	archive = session_path(second, "/archive");
	end = ask(&client, "POST", archive, "{}");
	until(NULL, http2_done(&client, end));
	assert_int_equal(http2_answer(&client, end)->status, 200);
	until(NULL, http2_done(&client, other));
	assert_int_equal(http2_answer(&client, other)->code, NGHTTP2_NO_ERROR);
	assert_int_equal(client.goaways, 0);
	assert_false(client.over);
	http2_close(&client);
	mock_stop(&mock);
}

/* What a client sees of each fault of its request. */
static void a_fault_strikes_one_request(void **state UNUSED)
{
	static const struct {
		const char *fault;
		bool never; /* no answer */
		int status;
		uint32_t code;
		const char *words;
	} rows[] = {
		{"hang", true, 0, 0, ""},
		{"half_close", true, 0, 0, ""},
		{"reset", false, 0, NGHTTP2_INTERNAL_ERROR, ""},
		{"error", false, 500, NGHTTP2_NO_ERROR, "request_id"},
		{"truncate", false, 200, NGHTTP2_CANCEL, "{\"id\":\"msg_"},
		{"malform", false, 200, NGHTTP2_NO_ERROR, "<html>"},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *behavior =
			mem_textf("{\"messages\": {\"fault\": \"%s\"}}", rows[i].fault);
		struct mock_program mock;
		struct http2_client client;
		struct http2_answer *answer;
		int32_t struck, other;

		mock_start(&mock, behavior);
		http2_open(&client, http_dial(mock.port), 0);
		struck = ask(&client, "POST", "/v1/messages", QUESTION);
		http2_turn(&client);
		mock_wait_event(&mock, "agent.fault");
		if (!rows[i].never)
			until(NULL, http2_done(&client, struck));
		other = ask(&client, "GET", "/v1/models", NULL);
		until(NULL, http2_done(&client, other));
		answer = http2_answer(&client, struck);
		if (answer->closed == rows[i].never ||
			answer->status != rows[i].status ||
			answer->code != rows[i].code ||
			!strstr(buf_text(&answer->body), rows[i].words))
			fail_msg("%s: %d, code %u: %s", rows[i].fault, answer->status,
				answer->code, buf_text(&answer->body));
		assert_int_equal(http2_answer(&client, other)->status, 200);
		http2_close(&client);
		mock_stop(&mock);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_is_reset_takes_no_other_with_it),
		cmocka_unit_test(a_fault_strikes_one_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
