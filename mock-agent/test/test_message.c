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
			&(struct message_prefixes){"msg", "toolu"},
			&(struct tool_calls){.count = rows[i].tools});
		assert_int_equal(message.block_count, 1);
		if ((block->kind == BLOCK_TOOL) != (rows[i].tool != NULL) ||
			(rows[i].tool && strcmp(block->tool, rows[i].tool) != 0))
			fail_msg("%s: %s", rows[i].why, buf_text(&block->text.text));
		if (!rows[i].tool)
			assert_string_equal(buf_text(&block->text.text), rows[i].reply);
	}
}

#define ASK   "\"model\":\"m\",\"messages\":[" QUESTION "]"
#define OFFER ASK ",\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}]"

/* What a client can ask of the answer. */
static void message_is_as_the_client_asks(void **state UNUSED)
{
	static const struct {
		const char *body; /* inside its braces */
		int64_t tools;
		const char *kinds; /* of the blocks: t, T (thinking), u (use) */
		const char *last;  /* the text of the last block, or its tool's name */
		enum message_stop stop;
	} rows[] = {
		{ASK, 0, "t", "You said: one", MESSAGE_STOP_END},
		{ASK ",\"max_tokens\":2", 0, "t", "You said", MESSAGE_STOP_LENGTH},
		{ASK ",\"max_tokens\":3", 0, "t", "You said: on", MESSAGE_STOP_LENGTH},
		{ASK ",\"max_tokens\":4", 0, "t", "You said: one", MESSAGE_STOP_END},
		{ASK ",\"max_tokens\":9007199254740992000", 0, "t", "You said: one",
			MESSAGE_STOP_END},
		{ASK ",\"stop_sequences\":[\"one\",\"said\"]", 0, "t", "You ",
			MESSAGE_STOP_SEQUENCE},
		{ASK ",\"stop_sequences\":[\"You\"]", 0, "", NULL,
			MESSAGE_STOP_SEQUENCE},
		{ASK ",\"stop_sequences\":[\"one\"],\"max_tokens\":1", 0, "t", "You ",
			MESSAGE_STOP_LENGTH},
		{ASK ",\"thinking\":{\"type\":\"enabled\"}", 0, "Tt", "You said: one",
			MESSAGE_STOP_END},
		{ASK ",\"thinking\":{\"type\":\"disabled\"}", 0, "t", "You said: one",
			MESSAGE_STOP_END},
		{OFFER ",\"thinking\":{\"type\":\"adaptive\"}", 1, "Tu", "a",
			MESSAGE_STOP_TOOL},
		{OFFER ",\"tool_choice\":{\"type\":\"any\"}", 0, "u", "a",
			MESSAGE_STOP_TOOL},
		{OFFER ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"b\"}", 0, "u",
			"b", MESSAGE_STOP_TOOL},
		{OFFER ",\"tool_choice\":{\"type\":\"none\"}", 2, "t", "You said: one",
			MESSAGE_STOP_END},
		{ASK ",\"output_config\":{\"format\":{\"type\":\"json_schema\","
		     "\"schema\":{\"properties\":{\"s\":{}},\"required\":[\"s\"]}}}",
			0, "t", "{\"s\":\"one\"}", MESSAGE_STOP_END},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *text = mem_textf("{%s}", rows[i].body);
		SCOPED(json_free) cJSON *body = json_parse(text, strlen(text));
		SCOPED(conversation_done) struct conversation conversation;
		SCOPED(message_done) struct message message;
		const struct block *last;
		char kinds[MESSAGE_BLOCKS_MAX + 1] = {0};

		assert_non_null(body);
		conversation_begin(&conversation);
		message_request_fill(&conversation, body);
		message_compose(&message, &conversation,
			&(struct message_prefixes){"msg", "toolu"},
			&(struct tool_calls){.count = rows[i].tools});
		for (unsigned at = 0; at < message.block_count; at++)
			kinds[at] = "Ttu"[message.blocks[at].kind];
		if (strcmp(kinds, rows[i].kinds) != 0 || message.stop != rows[i].stop)
			fail_msg("%s: %s, %d", text, kinds, (int)message.stop);
		if (!rows[i].last)
			continue;
		last = &message.blocks[message.block_count - 1];
		assert_string_equal(
			last->tool ? last->tool : buf_text(&last->text.text),
			rows[i].last);
	}
}

/* A client that offers "Agent", "Bash" and "find" asks again after each result. */
static void message_calls_what_the_behavior_names(void **state UNUSED)
{
	char nobody[] = "nobody", find[] = "find", agent[] = "Agent";
	struct tool_call two[] = {{nobody, NULL, 1}, {find, NULL, 2}, {agent, NULL, 1}};
	const struct {
		struct tool_calls calls;
		const char *asked; /* one after another */
	} rows[] = {
		{{.count = 0}, ""},
		{{.count = 3}, "Bash find Bash "}, /* never Agent, by a count */
		{{.named = two, .named_count = 3}, "find find Agent "},
		{{.named = two, .named_count = 1}, ""},
	};

	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(buf_done) struct buf asked = {0};

		for (unsigned answered = 0; answered < 9; answered++) {
			SCOPED(conversation_done) struct conversation conversation;
			SCOPED(message_done) struct message message;

			conversation_begin(&conversation);
			conversation_ask(&conversation, mem_text("hi"));
			conversation_add_tool(&conversation, "Agent", NULL);
			conversation_add_tool(&conversation, "Bash", NULL);
			conversation_add_tool(&conversation, "find", NULL);
			for (unsigned at = 0; at < answered; at++)
				conversation_add_result(
					&conversation, "x", "ok", false);
			message_compose(&message, &conversation,
				&(struct message_prefixes){"msg", "toolu"},
				&rows[i].calls);
			if (message.blocks[0].kind != BLOCK_TOOL)
				break;
			buf_addf(&asked, "%s ", message.blocks[0].tool);
		}
		assert_string_equal(buf_text(&asked), rows[i].asked);
	}
}

static void named_call_has_its_input(void **state UNUSED)
{
	SCOPED(json_free) cJSON *input = json_parse("{\"id\":7}", 8);
	char name[] = "find";
	struct tool_call call = {name, input, 1};
	SCOPED(conversation_done) struct conversation conversation;
	SCOPED(message_done) struct message message;

	conversation_begin(&conversation);
	conversation_add_tool(&conversation, "find", NULL);
	message_compose(&message, &conversation,
		&(struct message_prefixes){"msg", "toolu"},
		&(struct tool_calls){.named = &call, .named_count = 1});
	assert_string_equal(buf_text(&message.blocks[0].text.text), "{\"id\":7}");
}

/* The data of a picture is no text. */
static void tokens_are_of_what_is_said(void **state UNUSED)
{
	static const char *const bodies[] = {
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
		"\"metadata\":{\"user_id\":\"a long text that nobody says\"}}",
		"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
		"\"system\":\"be good and say little\"}",
	};
	int64_t tokens[COUNT(bodies)];

	for (unsigned i = 0; i < COUNT(bodies); i++) {
		SCOPED(json_free) cJSON *body =
			json_parse(bodies[i], strlen(bodies[i]));

		tokens[i] = message_request_tokens(body);
	}
	assert_true(tokens[0] > 0);
	assert_int_equal(tokens[1], tokens[0]);
	assert_true(tokens[2] > tokens[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_calls_the_next_tool_or_replies),
		cmocka_unit_test(message_is_as_the_client_asks),
		cmocka_unit_test(message_calls_what_the_behavior_names),
		cmocka_unit_test(named_call_has_its_input),
		cmocka_unit_test(tokens_are_of_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
