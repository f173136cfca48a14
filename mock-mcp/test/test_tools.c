#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "mock-mcp/test/scene.h"

#define CALL(id, tool, arguments)                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"    \
	"\"name\":\"" tool "\",\"arguments\":" arguments "}}"

struct use {
	const char *call;
	const char *text;
	bool is_error;
	const char *why;
};

static const struct use uses[] = {
	{CALL("1", "echo", "{\"text\":\"h\u00e9 \\\"\\n\"}"), "h\u00e9 \"\n", false,
		"everything comes back"},
	{CALL("1", "add", "{\"a\":2,\"b\":40.5}"), "42.5", false, "fractions"},
	{CALL("1", "add", "{\"a\":1e308,\"b\":1e308}"), "the sum is too large", true,
		"doubles end"},
	{CALL("1", "add", "{\"a\":2}"), "b: missing", true, "a required argument"},
	{CALL("1", "add", "{\"a\":2,\"b\":\"3\"}"), "b: expected a number", true,
		"no strings for numbers"},
	{CALL("1", "add", "{\"a\":2,\"b\":3,\"c\":4}"), "c: no such argument", true,
		"no further ones"},
	{CALL("1", "compound", "{\"principal\":1000,\"rate\":5,\"years\":10}"),
		"1628.89 after 10 years at 5%: interest 628.89", false,
		"1000 * 1.05^10"},
	{CALL("1", "compound",
		 "{\"principal\":1000,\"rate\":12,\"years\":1,\"times_per_year\":12}"),
		"1126.83 after 1 years at 12%: interest 126.83", false,
		"1000 * 1.01^12"},
	{CALL("1", "compound",
		 "{\"principal\":1,\"rate\":5,\"years\":1,\"times_per_year\":1.5}"),
		"times_per_year: expected a whole number", true, "once and a half"},
	{CALL("1", "compound", "{\"principal\":1,\"rate\":5,\"years\":-1}"),
		"years: expected 0 to 10000", true, "no way back"},
	{CALL("1", "word_count", "{\"text\":\" two w\u00f6rds\\n\"}"),
		"2 words, 11 characters, 1 line ends", false, "characters, not bytes"},
	{CALL("1", "word_count", "{\"text\":\"\"}"),
		"0 words, 0 characters, 0 line ends", false, "nothing"},
};

static void tools_work(void **state)
{
	struct mcp_scene *scene = scene_begin(state, NULL);

	scene_greet(scene);
	for (unsigned i = 0; i < COUNT(uses); i++) {
		SCOPED(json_free) cJSON *answer = NULL;
		const cJSON *result;

		scene_send(scene, uses[i].call);
		answer = scene_answer(scene);
		result = json_get(answer, "result");
		if (!result ||
			strcmp(json_at(result, "content.0.text")->valuestring,
				uses[i].text))
			fail_msg("%s: %s", uses[i].why, cJSON_PrintUnformatted(answer));
		assert_int_equal(json_bool(result, "isError", false), uses[i].is_error);
	}
	scene_event(scene, 0, "mcp.tool.end", COUNT(uses));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(tools_work, scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
