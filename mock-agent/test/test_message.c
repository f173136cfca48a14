#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "mock-agent/answer/message.h"
#include "mock-agent/messages/message_request.h"

#define QUESTION "{\"role\":\"user\",\"content\":\"one\"}"
#define USE(id, name)                                                                  \
	"{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"" id     \
	"\",\"name\":\"" name "\",\"input\":{}}]}"
#define RESULT(id, text)                                                               \
	"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"   \
	"\"" id "\",\"content\":\"" text "\"}]}"
#define SYSTEM "{\"role\":\"system\",\"content\":\"be good\"}"

static void message_calls_the_next_tool_or_replies(void **state UNUSED)
{
	static const struct {
		const char *messages;
		int64_t tools;
		const char *tool;  /* NULL: it speaks */
		const char *reply; /* then */
		const char *why;
	} rows[] = {
		{QUESTION, 0, NULL, "You said: one", "no tools are wanted"},
		{QUESTION, 2, "a", NULL, "the first one"},
		{QUESTION "," SYSTEM, 2, "a", NULL, "the system's word comes last"},
		{QUESTION "," USE("t1", "a") "," RESULT("t1", "x") "," SYSTEM, 2, "b",
			NULL, "the next one"},
		{QUESTION "," USE("t1", "a") "," RESULT("t1", "x") "," USE(
			 "t2", "b") "," RESULT("t2", "y"),
			3, "a", NULL, "round the list"},
		{QUESTION "," USE("t1", "a") "," RESULT("t1", "x"), 1, NULL,
			"You said: one\na answered: x", "enough"},
		{QUESTION "," USE("t1", "a") "," RESULT("t1",
			 "x") ","
			      "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
			      "\"text\":\"reminder\"},"
			      "{\"type\":\"text\",\"text\":\"two\"}]}",
			0, NULL, "You said: two", "a new question forgets the results"},
	};
	static const char tools[] =
		"[{\"name\":\"a\",\"input_schema\":{}},{\"name\":\"b\"}]";

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *text = mem_textf(
			"{\"messages\":[%s],\"tools\":%s}", rows[i].messages, tools);
		SCOPED(json_free) cJSON *body = json_parse(text, strlen(text));
		SCOPED(conversation_done) struct conversation conversation;
		SCOPED(message_done) struct message message;
		const struct block *block = &message.blocks[0];

		assert_non_null(body);
		conversation_begin(&conversation);
		message_request_fill(&conversation, body);
		message_compose(&message, &conversation,
			&(struct message_prefixes){"msg", "toolu"}, rows[i].tools);
		assert_int_equal(message.block_count, 1);
		if ((block->kind == BLOCK_TOOL) != (rows[i].tool != NULL) ||
			(rows[i].tool && strcmp(block->tool, rows[i].tool) != 0))
			fail_msg("%s: %s", rows[i].why, buf_text(&block->text.text));
		if (!rows[i].tool)
			assert_string_equal(buf_text(&block->text.text), rows[i].reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_calls_the_next_tool_or_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
