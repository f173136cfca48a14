#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "mock-mcp/behavior.h"

static bool read_text(struct mcp_behavior *behavior, const char *text, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	return json_doc_parse(&doc, "behavior.json", text, strlen(text), err) &&
		mcp_behavior_read(behavior, &doc, doc.root, err);
}

static bool check(const char *text, struct err *err)
{
	SCOPED(json_doc_done) struct json_doc doc = {0};

	return json_doc_parse(&doc, "behavior.json", text, strlen(text), err) &&
		mcp_behavior_check(&doc, doc.root, err);
}

static void must_read(struct mcp_behavior *behavior, const char *text)
{
	struct err err = {0};

	if (!read_text(behavior, text, &err))
		fail_msg("%s", err.text);
}

static void defaults_are_a_good_server(void **state UNUSED)
{
	struct mcp_behavior behavior;

	memset(&behavior, 0xa5, sizeof behavior);
	mcp_behavior_preset(&behavior);
	must_read(&behavior, "{}");
	assert_string_equal(behavior.name, "mock-mcp");
	assert_int_equal(behavior.on_eof.kind, REACTION_EXIT);
	assert_int_equal(behavior.on_int.kind, REACTION_EXIT);
	assert_int_equal(behavior.on_term.kind, REACTION_EXIT);
	assert_int_equal(latency_draw(&behavior.on_eof.after, &(struct rng){{0}}), 0);
	assert_int_equal(latency_draw(&behavior.start, &(struct rng){{0}}), 0);
	assert_int_equal(latency_draw(&behavior.tool, &(struct rng){{0}}), 0);
	assert_int_equal(behavior.exit_code, 0);
	assert_false(behavior.hang_tools);
	assert_true(behavior.read_stdin);
	assert_int_equal(behavior.stdout_mode, MCP_STDOUT_NORMAL);
	assert_int_equal(behavior.children.count, 0);
	assert_int_equal(behavior.children.depth, 1);
	assert_int_equal(behavior.zombies, 0);
	assert_int_equal(behavior.crash, MCP_NEVER);
	mcp_behavior_done(&behavior);
}

static void every_member_is_read(void **state UNUSED)
{
	struct mcp_behavior behavior;
	struct rng rng = {{1, 2, 3}};

	mcp_behavior_preset(&behavior);
	must_read(&behavior,
		"{\"name\": \"financial\", \"start\": \"20ms\", \"on_eof\": \"ignore\","
		" \"on_int\": \"spin\", \"on_term\": {\"exit_after\": \"50ms\"},"
		" \"exit_code\": 7, \"tool\": {\"distribution\": \"empirical\","
		" \"values\": [\"3ms\"]}, \"hang_tools\": false, \"read_stdin\": false,"
		" \"stdin_rate\": {\"bytes\": 64, \"every\": \"5ms\"},"
		" \"stderr\": \"flood\", \"stdout\": \"fill\", \"children\": {\"count\": 2, \"depth\": 3,"
		" \"stdio\": true, \"session\": \"daemon\", \"ignore_term\": true,"
		" \"lifetime\": \"2s\"}, \"zombies\": 4, \"crash\": \"term\"}");
	assert_string_equal(behavior.name, "financial");
	assert_int_equal(latency_draw(&behavior.start, &rng), 20 * CLOCK_MS);
	assert_int_equal(behavior.on_eof.kind, REACTION_IGNORE);
	assert_int_equal(behavior.on_int.kind, REACTION_SPIN);
	assert_int_equal(behavior.on_term.kind, REACTION_EXIT);
	assert_int_equal(latency_draw(&behavior.on_term.after, &rng), 50 * CLOCK_MS);
	assert_int_equal(behavior.exit_code, 7);
	assert_int_equal(latency_draw(&behavior.tool, &rng), 3 * CLOCK_MS);
	assert_false(behavior.hang_tools);
	assert_false(behavior.read_stdin);
	assert_int_equal(behavior.stdin_rate.bytes, 64);
	assert_int_equal(behavior.stdin_rate.every_ns, 5 * CLOCK_MS);
	assert_int_equal(behavior.stderr_mode, MCP_STDERR_FLOOD);
	assert_int_equal(behavior.stdout_mode, MCP_STDOUT_FILL);
	assert_int_equal(behavior.children.count, 2);
	assert_int_equal(behavior.children.depth, 3);
	assert_true(behavior.children.stdio);
	assert_int_equal(behavior.children.session, MCP_CHILD_DAEMON);
	assert_true(behavior.children.ignore_term);
	assert_int_equal(behavior.children.lifetime_ns, 2 * CLOCK_S);
	assert_int_equal(behavior.zombies, 4);
	assert_int_equal(behavior.crash, MCP_AT_TERM);
	mcp_behavior_done(&behavior);
}

static void second_reading_keeps_absent_members(void **state UNUSED)
{
	struct mcp_behavior behavior;
	struct rng rng = {{0}};

	mcp_behavior_preset(&behavior);
	must_read(&behavior,
		"{\"exit_code\": 3, \"on_eof\": {\"exit_after\": {\"distribution\":"
		" \"empirical\", \"values\": [\"1s\"]}}, \"children\": {\"count\": 5}}");
	must_read(&behavior, "{\"on_eof\": \"exit\", \"children\": {\"depth\": 2}}");
	assert_int_equal(behavior.exit_code, 3);
	assert_int_equal(behavior.on_eof.kind, REACTION_EXIT);
	assert_int_equal(latency_draw(&behavior.on_eof.after, &rng), 0);
	assert_int_equal(behavior.children.count, 5);
	assert_int_equal(behavior.children.depth, 2);
	must_read(&behavior, "{\"children\": {\"count\": 0, \"depth\": 2}}");
	must_read(&behavior, "{\"hang_tools\": false, \"tool\": \"1s\"}");
	must_read(&behavior, "{\"hang_tools\": true, \"children\": {}}");
	mcp_behavior_done(&behavior);
}

struct behavior_refusal {
	const char *text;
	const char *error;
	const char *why;
};

#define HERE     "behavior.json:1:2: "
#define EXPECTED "expected \"exit\", \"ignore\", \"spin\" or {\"exit_after\": \"50ms\"}"

static const struct behavior_refusal refusals[] = {
	{"{\"hang_tools\": true,\n\"tool\": \"1s\"}",
		"behavior.json:2:1: tool: with hang_tools a call never returns",
		"a call ends or never ends"},
	{"{\"children\": {\"depth\": 3}}",
		HERE "children: without a count there is none",
		"depth without children"},
	{"[]", "behavior.json:1:1: behavior: expected an object",
		"the whole is an object"},
	{"{\n  \"nam\": \"x\"\n}",
		"behavior.json:2:3: behavior.nam: no such key; did you mean \"name\"?",
		"unknown keys are never skipped, and the near one is named"},
	{"{\"on_eof\": \"ignroe\"}",
		HERE "on_eof: " EXPECTED ", not \"ignroe\"; did you mean \"ignore\"?",
		"reactions have names"},
	{"{\"on_eof\": \"sleep\"}", HERE "on_eof: " EXPECTED ", not \"sleep\"",
		"nothing is near"},
	{"{\n\t\"on_term\": 5\n}", "behavior.json:2:2: on_term: " EXPECTED,
		"a reaction is a string or an object"},
	{"{\"on_int\": {}}", HERE "on_int: " EXPECTED,
		"an object without a time says nothing"},
	{"{\"on_int\": {\"exit_afer\": \"1s\"}}",
		"behavior.json:1:13: on_int.exit_afer: no such key; did you mean "
		"\"exit_after\"?",
		"keys within a reaction are checked, too"},
	{"{\"on_int\": {\"exit_after\": \"soon\"}}",
		"behavior.json:1:13: ", "and their times"},
	{"{\"exit_code\": 256}", HERE "behavior.exit_code: ", "exit codes are bytes"},
	{"{\"children\": {\"count\": 65}}",
		"behavior.json:1:15: behavior.children.count: ",
		"every bound is explicit"},
	{"{\"children\": {\"depth\": 0}}",
		"behavior.json:1:15: behavior.children.depth: ",
		"a child is a generation"},
	{"{\"stdin_rate\": {\"bytes\": 8}}",
		HERE "stdin_rate: bytes and every go together", "a rate needs a time"},
	{"{\"stdin_rate\": {\"every\": \"1s\"}}",
		HERE "stdin_rate: bytes and every go together",
		"and a number of bytes"},
	{"{\"rest_after\": \"1s\"}",
		HERE "rest_after goes with \"stdout\": \"partial\" alone",
		"a whole line has no rest"},
	{"{\"stderr\": \"fill\"}", HERE "behavior.stderr: ", "stderr has choices too"},
	{"{\"zombies\": -1}", HERE "behavior.zombies: ", "a count is not negative"},
	{"{\"stdout\": \"flod\"}", HERE "behavior.stdout: ", "choices have names"},
	{"{\"start\": 20}", HERE, "a time without a unit"},
	{"{\"read_stdin\": \"no\"}",
		HERE "behavior.read_stdin: ", "no strings for booleans"},
	{"{\"crash\": \"never\", \"crash\": \"eof\"}",
		"behavior.json:1:20: ", "a key that is said twice"},
	{"{\"name\": }", "behavior.json:1:10: ", "no JSON at all"},
};

static void errors_have_a_place_and_a_reason(void **state UNUSED)
{
	for (unsigned i = 0; i < COUNT(refusals); i++) {
		const struct behavior_refusal *row = &refusals[i];
		struct mcp_behavior behavior;
		struct err err = {0};

		mcp_behavior_preset(&behavior);
		if (check(row->text, &err) || read_text(&behavior, row->text, &err))
			fail_msg("was read: %s (%s)", row->text, row->why);
		if (strncmp(err.text, row->error, strlen(row->error)))
			fail_msg("%s: \"%s\" instead of \"%s\"", row->why, err.text,
				row->error);
		mcp_behavior_done(&behavior);
	}
}

static void behavior_has_a_schema(void **state UNUSED)
{
	SCOPED(json_free) cJSON *schema = mcp_behavior_schema();
	const cJSON *forms = json_at(schema, "properties.on_eof.oneOf");

	assert_non_null(json_at(schema, "properties.children.properties.count"));
	assert_int_equal(cJSON_GetArraySize(forms), 2);
	assert_string_equal(json_at(forms, "0.enum.2")->valuestring, "spin");
	assert_string_equal(json_at(forms, "1.required.0")->valuestring, "exit_after");
	assert_non_null(json_at(forms, "1.properties.exit_after"));
	assert_string_equal(
		json_at(schema, "properties.on_eof.default")->valuestring, "exit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_a_good_server),
		cmocka_unit_test(every_member_is_read),
		cmocka_unit_test(second_reading_keeps_absent_members),
		cmocka_unit_test(errors_have_a_place_and_a_reason),
		cmocka_unit_test(behavior_has_a_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
