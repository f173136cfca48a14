#include "mock-agent/messages/message_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/messages/message_request.h"

/* A message, and what it answers. */
struct said {
	cJSON *body;
	struct conversation conversation;
	struct message message;
};

static void say(struct said *said, const char *more)
{
	SCOPED(mem_free) char *text = mem_textf(
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
		"\"say \\\"hi\\\"\"}]%s}",
		more);

	said->body = json_parse(text, strlen(text));
	assert_non_null(said->body);
	conversation_begin(&said->conversation);
	message_request_fill(&said->conversation, said->body);
	message_compose(&said->message, &said->conversation, &message_format.prefixes,
		&(struct tool_calls){0});
}

static void say_no_more(struct said *said)
{
	message_done(&said->message);
	conversation_done(&said->conversation);
	cJSON_Delete(said->body);
}

/* Some clients of the old version take no null there, the newer SDK's types demand the
 * member. */
static void citations_are_as_the_version_has_them(void **state UNUSED)
{
	for (int old = 0; old < 2; old++) {
		SCOPED(buf_done) struct buf text = {0};
		SCOPED(json_free) cJSON *whole = NULL;
		const cJSON *citations;
		struct said said;

		say(&said, "");
		said.conversation.is_old = old;
		message_format.whole(&said.message, &text);
		whole = json_parse(buf_text(&text), text.len);
		citations = json_at(whole, "content.0.citations");
		assert_non_null(citations);
		assert_true(old ? cJSON_IsArray(citations) : cJSON_IsNull(citations));
		assert_string_equal(
			cJSON_GetStringValue(json_at(whole, "content.0.text")),
			"You said: say \"hi\"");
		say_no_more(&said);
	}
}

/* The frames of a stream with one delta for each block, as a list of their data. */
static cJSON *frames_of(struct message *message)
{
	SCOPED(buf_done) struct buf text = {0};
	cJSON *list = cJSON_CreateArray(), *data;

	message_format.begin(message, &text);
	for (unsigned i = 0; i < message->block_count; i++) {
		struct block *block = &message->blocks[i];

		buf_clear(&message->delta_head);
		message_format.block_begin(message, block, &text);
		message_format.delta(message, block, block->text.text.data,
			block->text.text.len, &text);
		message_format.block_end(message, block, &text);
	}
	message_format.end(message, &text);
	for (const char *at = buf_text(&text); *at;) {
		const char *json = strstr(at, "\ndata: ") + strlen("\ndata: ");
		const char *end = strstr(json, "\n\n");

		data = json_parse(json, (size_t)(end - json));
		assert_non_null(data);
		/* The frame's name is the event's type. */
		assert_int_equal(strncmp(at, "event: ", 7), 0);
		assert_int_equal(strncmp(at + 7, json_text(data, "type"),
					 strlen(json_text(data, "type"))),
			0);
		cJSON_AddItemToArray(list, data);
		at = end + 2;
	}
	return list;
}

static void stream_has_its_frames_in_order(void **state UNUSED)
{
	static const struct {
		const char *type, *path, *text;
	} frames[] = {
		{"message_start", "message.role", "assistant"},
		{"ping", NULL, NULL},
		{"content_block_start", "content_block.type", "thinking"},
		{"content_block_delta", "delta.thinking", "I was asked: say \"hi\""},
		{"content_block_delta", "delta.type", "signature_delta"},
		{"content_block_stop", NULL, NULL},
		{"content_block_start", "content_block.type", "text"},
		{"content_block_delta", "delta.text", "You said: say \""},
		{"content_block_stop", NULL, NULL},
		{"message_delta", "delta.stop_sequence", "hi"},
		{"message_stop", NULL, NULL},
	};
	SCOPED(json_free) cJSON *list = NULL;
	struct said said;

	say(&said, ",\"thinking\":{\"type\":\"enabled\"},\"stop_sequences\":[\"hi\"]");
	list = frames_of(&said.message);
	assert_int_equal(cJSON_GetArraySize(list), COUNT(frames));
	for (unsigned i = 0; i < COUNT(frames); i++) {
		const cJSON *frame = cJSON_GetArrayItem(list, (int)i);

		assert_string_equal(json_text(frame, "type"), frames[i].type);
		if (frames[i].path)
			assert_string_equal(
				cJSON_GetStringValue(json_at(frame, frames[i].path)),
				frames[i].text);
	}
	assert_string_equal(cJSON_GetStringValue(json_at(
				    cJSON_GetArrayItem(list, 9), "delta.stop_reason")),
		"stop_sequence");
	say_no_more(&said);
}

static void usage_counts_what_was_said(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	SCOPED(json_free) cJSON *whole = NULL;
	const cJSON *usage;
	struct said said;

	say(&said, ",\"max_tokens\":2");
	said.message.input_tokens = 7;
	message_format.whole(&said.message, &text);
	whole = json_parse(buf_text(&text), text.len);
	usage = json_get(whole, "usage");
	assert_int_equal(json_int(usage, "input_tokens", 0), 7);
	assert_int_equal(json_int(usage, "output_tokens", 0), 2);
	assert_string_equal(json_text(whole, "stop_reason"), "max_tokens");
	assert_true(cJSON_IsNull(json_get(whole, "stop_sequence")));
	say_no_more(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(citations_are_as_the_version_has_them),
		cmocka_unit_test(stream_has_its_frames_in_order),
		cmocka_unit_test(usage_counts_what_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
