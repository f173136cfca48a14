#include "mock-agent/test/openai_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct http_answer openai_call(struct mock_program *mock, const char *method,
	const char *path, const char *body)
{
	struct http_client client;
	struct http_answer answer;

	http_open(&client, mock->port);
	http_send(&client, method, path, CREDENTIAL, body);
	answer = http_answer(&client);
	http_close(&client);
	return answer;
}

const char *openai_text(const struct http_answer *answer, const char *path)
{
	return cJSON_GetStringValue(json_at(answer->body, path));
}

char *openai_stream(struct mock_program *mock, const char *path, const char *body)
{
	struct http_client client;
	struct buf text = {0};

	http_open(&client, mock->port);
	http_send(&client, "POST", path, CREDENTIAL, body);
	assert_int_equal(http_read_all(&client, HTTP_PATIENCE_MS), HTTP_EOF);
	assert_true(http_body(&client, &text));
	http_close(&client);
	return buf_take(&text);
}

void openai_assert_order(const char *text, const char *const *parts)
{
	for (; *parts; parts++) {
		const char *found = strstr(text, *parts);

		if (!found)
			fail_msg("no %s in what is left: %s", *parts, text);
		text = found + strlen(*parts);
	}
}

unsigned openai_count(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		count++;
	}
	return count;
}

static void assert_text(
	const char *why, const cJSON *error, const char *name, const char *expected)
{
	const char *text = json_text(error, name);

	if (!expected ? !cJSON_IsNull(json_get(error, name))
		      : !text || strcmp(text, expected) != 0)
		fail_msg("%s: %s is %s, not %s", why, name, text ? text : "null",
			expected ? expected : "null");
}

void openai_assert_refused(
	struct mock_program *mock, const char *path, const struct refusal *row)
{
	struct http_answer answer = openai_call(mock, "POST", path, row->body);
	const cJSON *error = json_get(answer.body, "error");

	if (answer.status != row->status)
		fail_msg("%s: %d, not %d", row->why, answer.status, row->status);
	assert_text(row->why, error, "type", "invalid_request_error");
	assert_text(row->why, error, "param", row->param);
	assert_text(row->why, error, "code", row->code);
	assert_true(strlen(json_text(error, "message")) > 5);
	http_answer_done(&answer);
}
