#include <math.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "mock-mcp/features/resources.h"
#include "mock-mcp/features/samples.h"
#include "mock-mcp/features/subscriptions.h"
#include "mock-mcp/features/tool.h"

#define PAUSE_NS     (50 * CLOCK_MS)
#define STEP_NS      (100 * CLOCK_MS) /* of count_slowly */
#define RECONNECT_NS (100 * CLOCK_MS)

/* Answers of one text */

static bool simple_text(
	UNUSED const cJSON *arguments, struct buf *answer, UNUSED struct err *err)
{
	return buf_adds(answer, "This is a simple text response for testing.");
}

static bool fail(
	UNUSED const cJSON *arguments, UNUSED struct buf *answer, struct err *err)
{
	return err_set(err, "This tool intentionally returns an error for testing");
}

static bool accept_anything(
	UNUSED const cJSON *arguments, struct buf *answer, UNUSED struct err *err)
{
	return buf_adds(answer, "The arguments were accepted.");
}

static bool greet_region(
	const cJSON *arguments, struct buf *answer, UNUSED struct err *err)
{
	return buf_addf(answer, "Hello, %s!", json_text(arguments, "region"));
}

/* Both as text and as data, for clients that know only one of them. */
static void describe_numbers(struct call *call, const cJSON *params)
{
	const cJSON *list = json_get(json_get(params, "arguments"), "numbers"), *node;
	double least = INFINITY, most = -INFINITY, mean = 0;
	SCOPED(mem_free) char *text = NULL;
	cJSON *result, *structured;
	int count = 0;

	cJSON_ArrayForEach(node, list) {
		least = fmin(least, node->valuedouble);
		most = fmax(most, node->valuedouble);
		mean += (node->valuedouble - mean) / ++count;
	}
	structured =
		json_fill(NULL, "{'count': %d, 'least': %g, 'most': %g, 'mean': %g}",
			count, least, most, mean);
	text = json_print(structured);
	result = json_fill(NULL, "{'content': [{'type': 'text', 'text': %s}]}", text);
	cJSON_AddItemToObject(result, "structuredContent", structured);
	call_answer(call, result);
}

/* What takes a while */

static void log_step(struct call *call)
{
	static const char *const lines[] = {"Tool execution started",
		"Tool processing data", "Tool execution completed"};

	call_log(call, "info", lines[call->steps]);
	if (++call->steps < COUNT(lines))
		call_wait(call, PAUSE_NS, log_step);
	else
		tool_answer_text(call, "Tool with logging executed successfully");
}

static void log_lines(struct call *call, UNUSED const cJSON *params)
{
	log_step(call);
}

static void progress_step(struct call *call)
{
	call_progress(call, 50.0 * call->steps, 100);
	if (++call->steps < 3)
		call_wait(call, PAUSE_NS, progress_step);
	else
		tool_answer_text(call, "Tool with progress executed successfully");
}

static void progress(struct call *call, UNUSED const cJSON *params)
{
	progress_step(call);
}

static void count_step(struct call *call)
{
	SCOPED(json_free) cJSON *params = json_parse(call->held, strlen(call->held));
	int64_t steps = json_int(json_get(params, "arguments"), "steps", 1);

	if (call->steps >= steps) {
		tool_answer_text(call, "Done.");
		return;
	}
	call_progress(call, ++call->steps, (double)steps);
	call_wait(call, STEP_NS, count_step);
}

static void count_slowly(struct call *call, const cJSON *params)
{
	if (call->held || call_hold_params(call, params))
		count_step(call);
	else
		call_refuse(
			call, JSONRPC_INTERNAL_ERROR, "too much is under way", NULL);
}

static void on_reconnected(struct call *call)
{
	tool_answer_text(call, "Reconnection test completed successfully");
}

static void reconnect(struct call *call, UNUSED const cJSON *params)
{
	call_interrupt(call);
	call_wait(call, RECONNECT_NS, on_reconnected);
}

/* Changes that others hear of */

static void change_tools(struct call *call, UNUSED const cJSON *params)
{
	subscriptions_list_changed(call->peer->options.peers, SUBSCRIPTION_TOOLS);
	tool_answer_text(call, "The tools were announced as changed.");
}

static void change_prompts(struct call *call, UNUSED const cJSON *params)
{
	subscriptions_list_changed(call->peer->options.peers, SUBSCRIPTION_PROMPTS);
	tool_answer_text(call, "The prompts were announced as changed.");
}

static void touch(struct call *call, UNUSED const cJSON *params)
{
	struct peers *peers = call->peer->options.peers;

	peers->updates++;
	subscriptions_updated(peers, RESOURCES_WATCHED);
	tool_answer_text(call, "The resource " RESOURCES_WATCHED " was touched.");
}

#define IMAGE                                                                          \
	"{\"type\":\"image\",\"mimeType\":\"image/png\",\"data\":\"" SAMPLE_PNG "\"}"
#define AUDIO                                                                          \
	"{\"type\":\"audio\",\"mimeType\":\"audio/wav\",\"data\":\"" SAMPLE_WAV "\"}"
#define EMBEDDED                                                                       \
	"{\"type\":\"resource\",\"resource\":{\"uri\":\"test://embedded-resource\","   \
	"\"mimeType\":\"text/plain\",\"text\":\"This is an embedded resource "         \
	"content.\"}}"
#define MIXED                                                                          \
	"{\"type\":\"text\",\"text\":\"Multiple content types test:\"}," IMAGE         \
	",{\"type\":\"resource\",\"resource\":{\"uri\":"                               \
	"\"test://mixed-content-resource\",\"mimeType\":\"application/json\","         \
	"\"text\":\"{\\\"test\\\":\\\"data\\\",\\\"value\\\":123}\"}}"
#define LINK                                                                           \
	"{\"type\":\"resource_link\",\"uri\":\"test://static-text\",\"name\":"         \
	"\"Static text\"}"

/* Every part of it has to reach the client as it is. */
#define SCHEMA_2020_12                                                                 \
	"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":"      \
	"\"object\",\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":"      \
	"\"object\",\"properties\":{\"street\":{\"type\":\"string\"},\"city\":"        \
	"{\"type\":\"string\"}}}},\"properties\":{\"name\":{\"type\":\"string\"},"     \
	"\"address\":{\"$ref\":\"#/$defs/address\"},\"contactMethod\":{\"type\":"      \
	"\"string\",\"enum\":[\"phone\",\"email\"]},\"phone\":{\"type\":\"string\"},"  \
	"\"email\":{\"type\":\"string\"}},\"allOf\":[{\"anyOf\":[{\"required\":"       \
	"[\"phone\"]},{\"required\":[\"email\"]}]}],\"if\":{\"properties\":"           \
	"{\"contactMethod\":{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]}," \
	"\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"     \
	"\"additionalProperties\":false}"

#define NUMBERS_SCHEMA                                                                 \
	"{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\"},"       \
	"\"least\":{\"type\":\"number\"},\"most\":{\"type\":\"number\"},\"mean\":"     \
	"{\"type\":\"number\"}},\"required\":[\"count\",\"least\",\"most\",\"mean\"]}"

static const struct tool tools[] = {
	{"describe_numbers", "Count, least, most and mean of numbers, as data.",
		.begin = describe_numbers, .output_schema = NUMBERS_SCHEMA,
		.params = {{"numbers", TOOL_PARAM_NUMBERS, .help = "the numbers"}}},
	{"count_slowly", "Takes 100 ms a step, and reports its progress.",
		.begin = count_slowly,
		.params = {{"steps", TOOL_PARAM_WHOLE, .help = "how many", .min = 1,
			.max = 36000}}},
	{"touch_resource", "Changes the watched resource, which subscribers hear of.",
		.begin = touch},
	{"greet_region", "Greets a region, which over HTTP is in a header as well.",
		greet_region,
		.params = {{"region", TOOL_PARAM_TEXT, .help = "whom to greet",
			.header = "Region"}}},
	{"test_simple_text", "Gives a text.", .run = simple_text},
	{"test_image_content", "Gives a picture.", .content = "[" IMAGE "]"},
	{"test_audio_content", "Gives a sound.", .content = "[" AUDIO "]"},
	{"test_embedded_resource", "Gives a resource.", .content = "[" EMBEDDED "]"},
	{"test_multiple_content_types", "Gives a text, a picture and a resource.",
		.content = "[" MIXED "]"},
	{"test_resource_link", "Gives a link to a resource.", .content = "[" LINK "]"},
	{"test_error_handling", "Fails.", .run = fail},
	{"test_tool_with_logging", "Logs three lines.", .begin = log_lines},
	{"test_logging_tool", "Logs three lines, if the call asks for them.",
		.begin = log_lines},
	{"test_tool_with_progress", "Reports its progress three times.",
		.begin = progress},
	{"test_reconnection", "Ends the stream before its answer.", .begin = reconnect},
	{"json_schema_2020_12_tool", "Has a schema of many parts.", accept_anything,
		.schema = SCHEMA_2020_12},
	{"test_trigger_tool_change", "Announces that the tools changed.",
		.begin = change_tools},
	{"test_trigger_prompt_change", "Announces that the prompts changed.",
		.begin = change_prompts},
};

const struct tool_table tool_table_rich = {tools, COUNT(tools)};
