#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "mock-mcp/rpc/call.h"
#include "mock-mcp/test/scene.h"

#define CALL(id, tool, arguments)                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"    \
	"\"name\":\"" tool "\",\"arguments\":" arguments "}}"

static void calls_take_their_time_and_others_are_answered(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"tool\": \"150ms\"}");
	SCOPED(json_free) cJSON *answer = NULL;
	const cJSON *begin;
	int64_t took;

	scene_greet(scene);
	scene_send(scene, CALL("1", "echo", "{\"text\":\"late\"}"));
	scene_ping(scene);
	answer = scene_answer(scene);
	assert_string_equal(
		json_at(answer, "result.content.0.text")->valuestring, "late");
	begin = scene_event(scene, 0, "mcp.tool.begin", 1);
	assert_string_equal(json_text(begin, "tool"), "echo");
	assert_string_equal(json_text(begin, "session"), SCENE_ROOM);
	took = scene_event_ns(scene, "mcp.tool.end") -
		scene_event_ns(scene, "mcp.tool.begin");
	assert_true(took >= 150 * CLOCK_MS);
}

static void calls_forget_one_that_is_cancelled(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"hang_tools\": true}");
	SCOPED(json_free) cJSON *answer = NULL;

	scene_greet(scene);
	scene_send(scene, CALL("\"c\"", "echo", "{\"text\":\"never\"}"));
	scene_event(scene, 0, "mcp.tool.begin", 1);
	scene_send(scene, CALL("\"c\"", "echo", "{\"text\":\"again\"}"));
	answer = scene_answer(scene);
	assert_int_equal(json_int(json_get(answer, "error"), "code", 0), -32600);
	assert_int_equal(scene_count(scene, 0, "mcp.tool.end"), 0);
	scene_send(scene,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
		"\"params\":{\"requestId\":\"c\",\"reason\":\"enough\"}}");
	scene_event(scene, 0, "mcp.tool.end", 1);
	scene_ping(scene);
	scene_send(scene, CALL("\"c\"", "echo", "{\"text\":\"free again\"}"));
	scene_event(scene, 0, "mcp.tool.begin", 2);
}

static void calls_turn_away_what_is_past_their_bound(void **state)
{
	struct mcp_scene *scene = scene_begin(state, "{\"hang_tools\": true}");
	SCOPED(json_free) cJSON *answer = NULL;

	scene_greet(scene);
	for (int i = 0; i <= PEER_CALLS_MAX; i++)
		scene_sendf(scene, CALL("%d", "add", "{\"a\":1,\"b\":1}"), i);
	answer = scene_answer(scene);
	assert_int_equal(json_int(answer, "id", -1), PEER_CALLS_MAX);
	assert_int_equal(json_int(json_get(answer, "error"), "code", 0), -32603);
	scene_ping(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			calls_take_their_time_and_others_are_answered, scene_end),
		cmocka_unit_test_teardown(
			calls_forget_one_that_is_cancelled, scene_end),
		cmocka_unit_test_teardown(
			calls_turn_away_what_is_past_their_bound, scene_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
