#include "mock-agent/messages/message_check.h"

#include <math.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_index.h"
#include "mock-agent/api_format.h"

#define TOOL_NAME_MAX  128
#define THINKING_LEAST 1024
#define INDEX          "messages.%d"
#define NAME_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* The messages */

/* The kinds of blocks that the SDKs know. */
static bool is_known(const char *type)
{
	static const char *const types[] = {"text", "image", "document",
		"search_result", "thinking", "redacted_thinking", "tool_use",
		"tool_result", "server_tool_use", "web_search_tool_result",
		"web_fetch_tool_result", "code_execution_tool_result",
		"bash_code_execution_tool_result",
		"text_editor_code_execution_tool_result", "tool_search_tool_result",
		"advisor_tool_result", "mcp_tool_use", "mcp_tool_result",
		"mcp_tool_listing", "container_upload", "compaction", "fallback",
		"tool_addition", "tool_removal", "tool_reference"};

	for (unsigned i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

/* Has a character that is no white space. */
static bool says_something(const char *text)
{
	return text && text[strspn(text, " \t\r\n")] != '\0';
}

static bool check_text_block(const cJSON *block, int message, int at, struct err *err)
{
	const char *text = json_text(block, "text");

	if (!text)
		return err_set(err, INDEX ".content.%d.text.text: Field required",
			message, at);
	if (!*text)
		return err_set(err, "messages: text content blocks must be non-empty");
	return says_something(text) ||
		err_set(err,
			"messages: text content blocks must contain non-whitespace "
			"text");
}

static bool check_block(
	const cJSON *block, const cJSON *message, int number, int at, struct err *err)
{
	static const struct {
		const char *type;
		const char *member; /* a text that it needs */
		const char *role;   /* of its message */
	} rows[] = {
		{"tool_use", "id", "assistant"},
		{"tool_use", "name", "assistant"},
		{"tool_result", "tool_use_id", "user"},
	};
	const char *type = json_text(block, "type");

	if (!type)
		return err_set(
			err, INDEX ".content.%d.type: Field required", number, at);
	if (!is_known(type))
		return err_set(err,
			INDEX ".content.%d: Input tag '%.60s' found using 'type' does "
			      "not match any of the expected tags",
			number, at, type);
	if (strcmp(type, "text") == 0)
		return check_text_block(block, number, at, err);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		if (strcmp(type, rows[i].type) != 0)
			continue;
		if (!json_text(block, rows[i].member))
			return err_set(err, INDEX ".content.%d.%s.%s: Field required",
				number, at, type, rows[i].member);
		if (!api_format_is(message, "role", rows[i].role))
			return err_set(err,
				"messages: `%s` blocks can only be in `%s` messages",
				type, rows[i].role);
	}
	return strcmp(type, "tool_use") != 0 ||
		cJSON_IsObject(json_get(block, "input")) ||
		err_set(err,
			INDEX ".content.%d.tool_use.input: Input should be a valid "
			      "dictionary",
			number, at);
}

static bool check_content(const cJSON *message, int number, struct err *err)
{
	const cJSON *content = json_get(message, "content"), *block;
	const char *text = cJSON_GetStringValue(content);
	int at = 0;

	if (!content)
		return err_set(err, INDEX ".content: Field required", number);
	if (!text && !cJSON_IsArray(content))
		return err_set(
			err, INDEX ".content: Input should be a valid list", number);
	if (text ? !*text : !content->child)
		return (!message->next &&
			       api_format_is(message, "role", "assistant")) ||
			err_set(err,
				INDEX ": all messages must have non-empty content "
				      "except for the optional final assistant "
				      "message",
				number);
	if (text)
		return says_something(text) ||
			err_set(err,
				"messages: text content blocks must contain "
				"non-whitespace text");
	cJSON_ArrayForEach(block, content) {
		if (!check_block(block, message, number, at++, err))
			return false;
	}
	return true;
}

static bool check_role(const cJSON *message, int number, struct err *err)
{
	const char *role = json_text(message, "role");

	if (!cJSON_IsObject(message))
		return err_set(
			err, INDEX ": Input should be a valid dictionary", number);
	if (!role)
		return err_set(err, INDEX ".role: Field required", number);
	return strcmp(role, "user") == 0 || strcmp(role, "assistant") == 0 ||
		strcmp(role, "system") == 0 ||
		err_set(err,
			INDEX ".role: Unexpected role \"%.40s\". Allowed roles are "
			      "\"user\" or \"assistant\".%s",
			number, role,
			strcmp(role, "tool") == 0
				? " For instructions on how to use tools, see "
				  "https://docs.claude.com/en/docs/tool-use."
				: "");
}

/* Tool uses and their results. A run is all messages of one role in a row, which the API
 * takes for one; system messages are part of any. */

/* Adds the blocks of the run that begins with `from`, by a member. */
static void index_run(struct json_index *index, const cJSON *from, const char *role,
	const char *type, const char *member)
{
	const cJSON *message, *block;

	for (message = from; message; message = message->next) {
		if (api_format_is(message, "role", "system"))
			continue;
		if (!api_format_is(message, "role", role))
			return;
		cJSON_ArrayForEach(block, json_get(message, "content")) {
			if (api_format_is(block, "type", type))
				json_index_add(index, json_text(block, member), block);
		}
	}
}

/* The first message behind this one with another role than the assistant's. */
static const cJSON *next_run(const cJSON *message)
{
	do
		message = message->next;
	while (message && !api_format_is(message, "role", "user"));
	return message;
}

/* A run of the assistant and the user's behind it; each is walked once. */
struct turn {
	struct json_index uses;
	struct json_index results;
};

static void turn_done(struct turn *turn)
{
	json_index_done(&turn->uses);
	json_index_done(&turn->results);
}

static void turn_begin(struct turn *turn, const cJSON *run)
{
	turn_done(turn);
	index_run(&turn->uses, run, "assistant", "tool_use", "id");
	index_run(&turn->results, next_run(run), "user", "tool_result", "tool_use_id");
}

/* `uses`: of the assistant's messages right before this one. */
static bool check_results(const cJSON *message, const struct json_index *uses,
	int number, struct err *err)
{
	const cJSON *block;
	int at = 0;

	cJSON_ArrayForEach(block, json_get(message, "content")) {
		const char *id = json_text(block, "tool_use_id");

		if (api_format_is(block, "type", "tool_result") &&
			!json_index_find(uses, id))
			return err_set(err,
				INDEX
				".content.%d: unexpected `tool_use_id` found in "
				"`tool_result` blocks: %.100s. Each `tool_result` "
				"block must have a corresponding `tool_use` block "
				"in the previous message.",
				number, at, id);
		at++;
	}
	return true;
}

/* `results`: of the user's messages right behind this one. */
static bool check_uses(const cJSON *message, const struct json_index *results,
	int number, struct err *err)
{
	const cJSON *block;

	cJSON_ArrayForEach(block, json_get(message, "content")) {
		const char *id = json_text(block, "id");

		if (api_format_is(block, "type", "tool_use") &&
			!json_index_find(results, id))
			return err_set(err,
				INDEX ": `tool_use` ids were found without "
				      "`tool_result` blocks immediately after: %.100s. "
				      "Each `tool_use` block must have a corresponding "
				      "`tool_result` block in the next message.",
				number, id);
	}
	return true;
}

static bool check_pairs(const cJSON *messages, struct err *err)
{
	SCOPED(turn_done) struct turn turn = {0};
	const cJSON *message;
	const char *before = "";
	int number = 0;

	cJSON_ArrayForEach(message, messages) {
		const char *role = json_text(message, "role");
		const bool assistant = strcmp(role, "assistant") == 0;

		if (assistant && strcmp(before, role) != 0)
			turn_begin(&turn, message);
		if (assistant ? !check_uses(message, &turn.results, number, err)
			      : !check_results(message, &turn.uses, number, err))
			return false;
		if (strcmp(role, "system") != 0)
			before = role;
		number++;
	}
	return true;
}

static bool check_messages(const cJSON *messages, struct err *err)
{
	const cJSON *message;
	int number = 0;

	if (!messages)
		return err_set(err, "messages: Field required");
	if (!cJSON_IsArray(messages))
		return err_set(err, "messages: Input should be a valid list");
	if (!messages->child)
		return err_set(err, "messages: at least one message is required");
	cJSON_ArrayForEach(message, messages) {
		if (!check_role(message, number, err) ||
			!check_content(message, number, err))
			return false;
		number++;
	}
	if (api_format_is(messages->child, "role", "assistant"))
		return err_set(
			err, "messages: first message must use the \"user\" role");
	return check_pairs(messages, err);
}

/* The tools */

static bool is_custom(const cJSON *tool)
{
	return !json_get(tool, "type") || api_format_is(tool, "type", "custom");
}

static const cJSON *find_tool(const cJSON *tools, const char *name)
{
	const cJSON *tool;

	cJSON_ArrayForEach(tool, tools) {
		if (name && api_format_is(tool, "name", name))
			return tool;
	}
	return NULL;
}

static bool check_tool(const cJSON *tool, int number, struct err *err)
{
	const char *name = json_text(tool, "name");

	if (!cJSON_IsObject(tool))
		return err_set(
			err, "tools.%d: Input should be a valid dictionary", number);
	if (!is_custom(tool))
		return true;
	if (!name)
		return err_set(err, "tools.%d.custom.name: Field required", number);
	if (!*name || strlen(name) > TOOL_NAME_MAX || name[strspn(name, NAME_LETTERS)])
		return err_set(err,
			"tools.%d.custom.name: String should match pattern "
			"'^[a-zA-Z0-9_-]{1,128}$'",
			number);
	if (!cJSON_IsObject(json_get(tool, "input_schema")))
		return err_set(
			err, "tools.%d.custom.input_schema: Field required", number);
	return json_get(json_get(tool, "input_schema"), "type") == NULL ||
		api_format_is(json_get(tool, "input_schema"), "type", "object") ||
		err_set(err,
			"tools.%d.custom.input_schema.type: Input should be 'object'",
			number);
}

static bool check_tools(const cJSON *tools, struct err *err)
{
	SCOPED(json_index_done) struct json_index names = {0};
	const cJSON *tool;
	int number = 0;

	if (tools && !cJSON_IsNull(tools) && !cJSON_IsArray(tools))
		return err_set(err, "tools: Input should be a valid list");
	cJSON_ArrayForEach(tool, tools) {
		if (!check_tool(tool, number++, err))
			return false;
		if (!json_index_add(&names, json_text(tool, "name"), tool))
			return err_set(err, "tools: Tool names must be unique.");
	}
	return true;
}

static bool check_choice(const cJSON *choice, const cJSON *tools, struct err *err)
{
	const char *type = json_text(choice, "type");
	const char *name = json_text(choice, "name");

	if (!choice || cJSON_IsNull(choice))
		return true;
	if (!type)
		return err_set(err, "tool_choice.type: Field required");
	if (strcmp(type, "auto") != 0 && strcmp(type, "any") != 0 &&
		strcmp(type, "tool") != 0 && strcmp(type, "none") != 0)
		return err_set(err,
			"tool_choice: Input tag '%.40s' found using 'type' does not "
			"match any of the expected tags: 'auto', 'any', 'tool', "
			"'none'",
			type);
	if (!cJSON_GetArraySize(tools))
		return strcmp(type, "none") == 0 ||
			err_set(err,
				"tool_choice: tool_choice may only be specified while "
				"providing tools.");
	if (strcmp(type, "tool") != 0)
		return true;
	if (!name)
		return err_set(err, "tool_choice.tool.name: Field required");
	return find_tool(tools, name) ||
		err_set(err, "tool_choice: Tool '%.100s' not found in provided tools",
			name);
}

/* The rest */

static bool check_range(
	const cJSON *body, const char *name, double least, double most, struct err *err)
{
	const cJSON *node = json_get(body, name);

	if (!node || cJSON_IsNull(node))
		return true;
	if (!cJSON_IsNumber(node))
		return err_set(err, "%s: Input should be a valid number", name);
	if (node->valuedouble < least)
		return err_set(err, "%s: Input should be greater than or equal to %g",
			name, least);
	return node->valuedouble <= most ||
		err_set(err, "%s: Input should be less than or equal to %g", name,
			most);
}

static bool check_max_tokens(const cJSON *body, struct err *err)
{
	const cJSON *node = json_get(body, "max_tokens");
	int64_t tokens;

	if (!node)
		return err_set(err, "max_tokens: Field required");
	if (!json_whole(node, &tokens))
		return err_set(err, "max_tokens: Input should be a valid integer");
	return tokens >= 1 ||
		err_set(err, "max_tokens: Input should be greater than or equal to 1");
}

static bool check_stops(const cJSON *stops, struct err *err)
{
	const cJSON *stop;

	if (stops && !cJSON_IsNull(stops) && !cJSON_IsArray(stops))
		return err_set(err, "stop_sequences: Input should be a valid list");
	cJSON_ArrayForEach(stop, stops) {
		if (!cJSON_IsString(stop))
			return err_set(
				err, "stop_sequences: Input should be a valid string");
		if (!says_something(stop->valuestring))
			return err_set(err,
				"stop_sequences: each stop sequence must contain "
				"non-whitespace");
	}
	return true;
}

static bool check_thinking(const cJSON *body, struct err *err)
{
	const cJSON *thinking = json_get(body, "thinking");
	const char *choice = json_text(json_get(body, "tool_choice"), "type");
	const cJSON *temperature = json_get(body, "temperature");
	int64_t budget = json_int(thinking, "budget_tokens", -1);

	if (!cJSON_IsObject(thinking) || api_format_is(thinking, "type", "disabled"))
		return true;
	if (!json_text(thinking, "type"))
		return err_set(err, "thinking.type: Field required");
	if (api_format_is(thinking, "type", "enabled")) {
		if (budget == -1)
			return err_set(
				err, "thinking.enabled.budget_tokens: Field required");
		if (budget < THINKING_LEAST)
			return err_set(err,
				"thinking.enabled.budget_tokens: Input should be "
				"greater than or equal to %d",
				THINKING_LEAST);
		if (budget >= json_int(body, "max_tokens", INT64_MAX))
			return err_set(err,
				"`max_tokens` must be greater than "
				"`thinking.budget_tokens`.");
	}
	if (cJSON_IsNumber(temperature) && fabs(temperature->valuedouble - 1) > 1e-9)
		return err_set(err,
			"`temperature` may only be set to 1 when thinking is enabled.");
	return !choice || (strcmp(choice, "any") != 0 && strcmp(choice, "tool") != 0) ||
		err_set(err,
			"Thinking may not be enabled when tool_choice forces tool use.");
}

static bool check_format(const cJSON *format, const char *name, struct err *err)
{
	if (!format || cJSON_IsNull(format))
		return true;
	if (!json_text(format, "type"))
		return err_set(err, "%s.type: Field required", name);
	if (!api_format_is(format, "type", "json_schema"))
		return err_set(err, "%s.type: Input should be 'json_schema'", name);
	return cJSON_IsObject(json_get(format, "schema")) ||
		err_set(err, "%s.schema: Field required", name);
}

bool message_check(const cJSON *body, bool answered, struct err *err)
{
	const char *model = json_text(body, "model");
	const cJSON *tools = json_get(body, "tools");

	if (!model)
		return err_set(err, "model: Field required");
	if (!*model)
		return err_set(err, "model: String should have at least 1 character");
	return (!answered || check_max_tokens(body, err)) &&
		check_messages(json_get(body, "messages"), err) &&
		check_tools(tools, err) &&
		check_choice(json_get(body, "tool_choice"), tools, err) &&
		check_range(body, "temperature", 0, 1, err) &&
		check_range(body, "top_p", 0, 1, err) &&
		check_range(body, "top_k", 0, HUGE_VAL, err) &&
		check_stops(json_get(body, "stop_sequences"), err) &&
		check_thinking(body, err) &&
		check_format(json_get(body, "output_format"), "output_format", err) &&
		check_format(json_at(body, "output_config.format"),
			"output_config.format", err);
}
