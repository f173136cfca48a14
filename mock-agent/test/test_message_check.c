#include "mock-agent/messages/message_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"

#define SAYS(messages)     "\"max_tokens\":9,\"messages\":[" messages "]"
#define USER(content)      "{\"role\":\"user\",\"content\":" content "}"
#define ASSISTANT(content) "{\"role\":\"assistant\",\"content\":" content "}"
#define SYSTEM             "{\"role\":\"system\",\"content\":\"be good\"}"
#define HI                 USER("\"hi\"")
#define USE(id)            "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"t\",\"input\":{}}"
#define RESULT(id)         "{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\"}"
#define TOOL(name)         "{\"name\":\"" name "\",\"input_schema\":{\"type\":\"object\"}}"
#define WITH(members)      SAYS(HI) "," members

/* What is wrong; NULL: nothing. */
static const struct {
	const char *members; /* behind the model */
	const char *wrong;
} rows[] = {
	{SAYS(HI), NULL},
	{SAYS(SYSTEM "," HI "," SYSTEM), NULL},
	{SAYS(HI "," ASSISTANT("\"\"")), NULL}, /* the last one, to be continued */
	{SAYS(HI "," ASSISTANT("\"\"") "," HI), "messages.1: all messages must have"},
	{SAYS(USER("[]")), "messages.0: all messages must have non-empty content"},
	{SAYS(USER("\" \\n\"")), "non-whitespace"},
	{SAYS(USER("[{\"type\":\"text\",\"text\":\"\"}]")), "must be non-empty"},
	{SAYS(USER("[{\"type\":\"text\"}]")), "messages.0.content.0.text.text: Field"},
	{SAYS(USER("[{\"text\":\"x\"}]")), "messages.0.content.0.type: Field required"},
	{SAYS(USER("[{\"type\":\"smell\"}]")),
		"messages.0.content.0: Input tag 'smell'"},
	{SAYS(USER("7")), "messages.0.content: Input should be a valid list"},
	{SAYS("{\"role\":\"user\"}"), "messages.0.content: Field required"},
	{SAYS(HI ",{\"role\":\"tool\",\"content\":\"x\"}"),
		"messages.1.role: Unexpected"},
	{SAYS("{\"content\":\"x\"}"), "messages.0.role: Field required"},
	{SAYS("7"), "messages.0: Input should be a valid dictionary"},
	{SAYS(ASSISTANT("\"hi\"") "," HI), "first message must use the \"user\" role"},
	{SAYS(""), "at least one message is required"},
	{"\"max_tokens\":9,\"messages\":{}", "messages: Input should be a valid list"},
	{"\"max_tokens\":9", "messages: Field required"},

	{SAYS(HI "," ASSISTANT("[" USE("a") "," USE("b") "]") "," SYSTEM "," USER(
		 "[" RESULT("b") "]") "," USER("[" RESULT("a") "]") "," SYSTEM),
		NULL}, /* messages of one role in a row are one */
	{SAYS(HI "," ASSISTANT("[" USE("a") "]") "," HI),
		"messages.1: `tool_use` ids were found without `tool_result` blocks "
		"immediately after: a."},
	{SAYS(HI "," ASSISTANT("[" USE("a") "]")), "messages.1: `tool_use` ids were"},
	{SAYS(HI "," ASSISTANT("[" USE("a") "]") "," USER("[" RESULT(
		 "a") "]") "," ASSISTANT("\"x\"") "," USER("[" RESULT("a") "]")),
		"messages.4.content.0: unexpected"}, /* of the run before */
	{SAYS(HI "," ASSISTANT("\"x\"") "," USER("[" RESULT("a") "]")),
		"messages.2.content.0: unexpected `tool_use_id` found in `tool_result` "
		"blocks: a."},
	{SAYS(USER("[" RESULT("a") "]")), "messages.0.content.0: unexpected"},
	{SAYS(HI "," ASSISTANT("[" USE("a") "]") "," USER("[" RESULT(
		 "a") "]") "," ASSISTANT("\"x\"") "," USER("[" RESULT("a") "]")),
		"messages.4.content.0: unexpected"}, /* it was answered before */
	{SAYS(USER("[" USE("a") "]")), "`tool_use` blocks can only be in `assistant`"},

	{WITH("\"max_tokens\":9"), NULL},
	{"\"messages\":[" HI "]", "max_tokens: Field required"},
	{"\"max_tokens\":0,\"messages\":[" HI "]",
		"max_tokens: Input should be greater"},
	{"\"max_tokens\":1.5,\"messages\":[" HI "]",
		"max_tokens: Input should be a valid"},
	{WITH("\"temperature\":1.01"),
		"temperature: Input should be less than or equal"},
	{WITH("\"temperature\":\"hot\""),
		"temperature: Input should be a valid number"},
	{WITH("\"temperature\":null"), NULL},
	{WITH("\"top_p\":-0.5"), "top_p: Input should be greater than or equal to 0"},
	{WITH("\"stop_sequences\":[\" \"]"), "stop_sequences: each stop sequence must"},
	{WITH("\"stop_sequences\":[7]"),
		"stop_sequences: Input should be a valid string"},
	{WITH("\"stop_sequences\":\"x\""),
		"stop_sequences: Input should be a valid list"},

	{WITH("\"tools\":[" TOOL("a") "," TOOL("b") ",{\"type\":\"bash_20250124\","
						    "\"name\":\"bash\"}]"),
		NULL},
	{WITH("\"tools\":[" TOOL("a b") "]"),
		"tools.0.custom.name: String should match"},
	{WITH("\"tools\":[" TOOL("") "]"), "tools.0.custom.name: String should match"},
	{WITH("\"tools\":[" TOOL("a") "," TOOL("a") "]"), "Tool names must be unique"},
	{WITH("\"tools\":[{\"name\":\"a\"}]"), "tools.0.custom.input_schema: Field"},
	{WITH("\"tools\":[{\"name\":\"a\",\"input_schema\":{\"type\":\"string\"}}]"),
		"tools.0.custom.input_schema.type: Input should be 'object'"},
	{WITH("\"tools\":[7]"), "tools.0: Input should be a valid dictionary"},
	{WITH("\"tool_choice\":{\"type\":\"none\"}"), NULL},
	{WITH("\"tool_choice\":{\"type\":\"any\"}"), "while providing tools"},
	{WITH("\"tools\":[" TOOL("a") "],\"tool_choice\":{\"type\":\"must\"}"),
		"tool_choice: Input tag 'must'"},
	{WITH("\"tools\":[" TOOL("a") "],\"tool_choice\":{\"type\":\"tool\",\"name\":"
				      "\"b\"}"),
		"tool_choice: Tool 'b' not found"},

	{"\"max_tokens\":2000,\"messages\":[" HI "],\"thinking\":{\"type\":\"enabled\","
	 "\"budget_tokens\":1024}",
		NULL},
	{WITH("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}"),
		"`max_tokens` must be greater than `thinking.budget_tokens`"},
	{WITH("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":9}"),
		"thinking.enabled.budget_tokens: Input should be greater"},
	{WITH("\"thinking\":{\"type\":\"enabled\"}"), "budget_tokens: Field required"},
	{WITH("\"thinking\":{\"type\":\"adaptive\"},\"temperature\":0.5"),
		"`temperature` may only be set to 1"},
	{WITH("\"thinking\":{\"type\":\"adaptive\"},\"tools\":[" TOOL(
		 "a") "],\"tool_choice\":{\"type\":\"any\"}"),
		"Thinking may not be enabled when tool_choice forces tool use"},
	{WITH("\"output_config\":{\"format\":{\"type\":\"json_schema\"}}"),
		"output_config.format.schema: Field required"},
	{WITH("\"output_config\":{\"format\":{\"type\":\"xml\"}}"),
		"output_config.format.type: Input should be 'json_schema'"},
	{WITH("\"output_config\":{\"format\":null}"), NULL},
};

static void request_is_refused_in_the_hosted_words(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		SCOPED(mem_free) char *text =
			mem_textf("{\"model\":\"m\",%s}", rows[i].members);
		SCOPED(json_free) cJSON *body = json_parse(text, strlen(text));
		struct err err = {""};

		if (!body)
			fail_msg("no JSON: %s", text);
		if (message_check(body, true, &err) != (rows[i].wrong == NULL) ||
			(rows[i].wrong && !strstr(err.text, rows[i].wrong)))
			fail_msg("%s: \"%s\"", text, err.text);
	}
}

static void counting_needs_no_max_tokens(void **state UNUSED)
{
	static const char text[] = "{\"model\":\"m\",\"messages\":[" HI "]}";
	SCOPED(json_free) cJSON *body = json_parse(text, strlen(text));
	struct err err;

	assert_true(message_check(body, false, &err));
	assert_false(message_check(body, true, &err));
	assert_false(message_check(NULL, false, &err));
	assert_string_equal(err.text, "model: Field required");
}

/* A walk through all for each of them would not come to its end here. */
#define MANY 200000

/* As many of an item with a number in it. */
#define ADD_MANY(text, item)                                                           \
	for (int i_ = 0; i_ < MANY; i_++)                                              \
	buf_addf(text, "%s" item, i_ > 0 ? "," : "", i_)

static bool check_text(const struct buf *text, struct err *err)
{
	SCOPED(json_free) cJSON *body = json_parse(buf_text(text), text->len);

	assert_non_null(body);
	return message_check(body, true, err);
}

static void many_tools_are_checked(void **state UNUSED)
{
	SCOPED(buf_done) struct buf text = {0};
	struct err err = {""};

	buf_init(&text, (size_t)64 << 20);
	buf_adds(&text, "{\"model\":\"m\"," WITH("\"tools\":["));
	ADD_MANY(&text, TOOL("t%d"));
	buf_adds(&text, "]}");
	assert_true(check_text(&text, &err));
	buf_cut(&text, text.len - strlen("]}"));
	buf_adds(&text, "," TOOL("t0") "]}");
	assert_false(check_text(&text, &err));
	assert_string_equal(err.text, "tools: Tool names must be unique.");
}

/* `behind`: what follows the results. */
static bool check_uses(const char *behind, struct err *err)
{
	SCOPED(buf_done) struct buf text = {0};

	buf_init(&text, (size_t)64 << 20);
	buf_adds(&text, "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[" HI ",");
	ADD_MANY(&text, ASSISTANT("[" USE("%d") "]"));
	buf_adds(&text, ",{\"role\":\"user\",\"content\":[");
	ADD_MANY(&text, RESULT("%d"));
	buf_addf(&text, "]}%s]}", behind);
	return check_text(&text, err);
}

static void many_uses_are_checked(void **state UNUSED)
{
	struct err err = {""};

	assert_true(check_uses("", &err));
	assert_false(check_uses("," USER("[" RESULT("x") "]"), &err));
	assert_non_null(strstr(err.text,
		"messages.200002.content.0: unexpected `tool_use_id` found in "
		"`tool_result` blocks: x."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_refused_in_the_hosted_words),
		cmocka_unit_test(counting_needs_no_max_tokens),
		cmocka_unit_test(many_tools_are_checked),
		cmocka_unit_test(many_uses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
