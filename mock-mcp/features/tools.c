#include "mock-mcp/features/tools.h"

#include <math.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"
#include "lib/suggest.h"
#include "mock-mcp/crash.h"

#define TOOLS_MAX 64

static const struct tool_table *const tables[] = {
	&tool_table_small,
	&tool_table_rich,
	&tool_table_asking,
};

static unsigned table_count(bool all)
{
	return all ? COUNT(tables) : 1;
}

static bool has_all(const struct call *call)
{
	return call->peer->options.behavior->features == MCP_FEATURES_ALL;
}

/* tools/list */

static cJSON *param_schema(const struct tool_param *param)
{
	static const char *const names[] = {
		[TOOL_PARAM_TEXT] = "string",
		[TOOL_PARAM_NUMBER] = "number",
		[TOOL_PARAM_WHOLE] = "integer",
		[TOOL_PARAM_NUMBERS] = "array",
	};
	cJSON *schema = json_fill(NULL, "{'type': %s, 'description': %s}",
		names[param->kind], param->help);

	if (param->min != 0 || param->max != 0)
		json_fill(schema, "{'minimum': %g, 'maximum': %g}", param->min,
			param->max);
	if (param->kind == TOOL_PARAM_NUMBERS)
		json_fill(schema, "{'items': {'type': 'number'}, 'minItems': %d}", 1);
	if (param->header)
		json_fill(schema, "{'x-mcp-header': %s}", param->header);
	return schema;
}

static cJSON *params_schema(const struct tool *tool)
{
	cJSON *schema =
		json_fill(NULL, "{'type': 'object', 'additionalProperties': false}");
	cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
	cJSON *required = cJSON_AddArrayToObject(schema, "required");

	for (const struct tool_param *param = tool->params; param->name; param++) {
		cJSON_AddItemToObject(properties, param->name, param_schema(param));
		if (!param->optional)
			cJSON_AddItemToArray(required, cJSON_CreateString(param->name));
	}
	return schema;
}

static cJSON *describe(const struct tool *tool)
{
	cJSON *node = json_fill(
		NULL, "{'name': %s, 'description': %s}", tool->name, tool->help);

	cJSON_AddItemToObject(node, "inputSchema",
		tool->schema ? cJSON_CreateRaw(tool->schema) : params_schema(tool));
	if (tool->output_schema)
		cJSON_AddItemToObject(
			node, "outputSchema", cJSON_CreateRaw(tool->output_schema));
	return node;
}

/* Also of other lists: an empty cursor counts as none. */
static bool has_cursor(const cJSON *params)
{
	return json_get(params, "cursor") != NULL;
}

void tools_list(struct call *call, const cJSON *params)
{
	struct peer *peer = call->peer;
	const struct peer_transport *transport = peer->options.transport;
	cJSON *result = cJSON_CreateObject(), *list;

	if (has_cursor(params)) {
		cJSON_Delete(result);
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"tools/list: params.cursor: there is only one page", NULL);
		return;
	}
	list = cJSON_AddArrayToObject(result, "tools");
	for (unsigned i = 0; i < table_count(has_all(call)); i++)
		for (unsigned j = 0; j < tables[i]->count; j++)
			cJSON_AddItemToArray(list, describe(&tables[i]->tools[j]));
	call_answer_cacheable(call, result);
	if (!peer->listed && transport->listed)
		transport->listed(peer->options.arg);
	peer->listed = true;
}

/* tools/call */

const struct tool *tools_find(const char *name, bool all)
{
	for (unsigned i = 0; i < table_count(all); i++)
		for (unsigned j = 0; j < tables[i]->count; j++)
			if (!strcmp(tables[i]->tools[j].name, name))
				return &tables[i]->tools[j];
	return NULL;
}

static const char *suggest(const char *name, bool all)
{
	const char *names[TOOLS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < table_count(all); i++)
		for (unsigned j = 0; j < tables[i]->count && count < TOOLS_MAX; j++)
			names[count++] = tables[i]->tools[j].name;
	return suggest_name(name, names, count);
}

static bool check_numbers(const char *name, const cJSON *list, struct err *err)
{
	const cJSON *node;

	if (!cJSON_IsArray(list) || !list->child)
		return err_set(err, "%s: expected a list of numbers", name);
	cJSON_ArrayForEach(node, list)
		if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble))
			return err_set(err, "%s: expected a list of numbers", name);
	return true;
}

static bool check_argument(
	const struct tool_param *param, const cJSON *node, struct err *err)
{
	double value;

	if (!node)
		return param->optional || err_set(err, "%s: missing", param->name);
	if (param->kind == TOOL_PARAM_TEXT)
		return cJSON_IsString(node) ||
			err_set(err, "%s: expected a string", param->name);
	if (param->kind == TOOL_PARAM_NUMBERS)
		return check_numbers(param->name, node, err);
	value = node->valuedouble;
	if (!cJSON_IsNumber(node) || !isfinite(value))
		return err_set(err, "%s: expected a number", param->name);
	if (param->kind == TOOL_PARAM_WHOLE && value != trunc(value))
		return err_set(err, "%s: expected a whole number", param->name);
	if ((param->min != 0 || param->max != 0) &&
		(value < param->min || value > param->max))
		return err_set(err, "%s: expected %g to %g", param->name, param->min,
			param->max);
	return true;
}

static bool check_arguments(
	const struct tool *tool, const cJSON *arguments, struct err *err)
{
	const struct tool_param *param;
	const cJSON *node;

	if (tool->schema)
		return true;
	for (param = tool->params; param->name; param++)
		if (!check_argument(param, json_get(arguments, param->name), err))
			return false;
	cJSON_ArrayForEach(node, arguments) {
		for (param = tool->params; param->name; param++)
			if (!strcmp(param->name, node->string))
				break;
		if (!param->name)
			return err_set(err, "%.64s: no such argument", node->string);
	}
	return true;
}

void tool_answer_text(struct call *call, const char *text)
{
	call_answer(call,
		json_fill(NULL, "{'content': [{'type': 'text', 'text': %s}]}", text));
}

static void answer_error(struct call *call, const char *why)
{
	call_answer(call,
		json_fill(NULL,
			"{'content': [{'type': 'text', 'text': %s}], 'isError': true}",
			why));
}

static void answer_content(struct call *call, const char *content)
{
	cJSON *result = cJSON_CreateObject();

	cJSON_AddRawToObject(result, "content", content);
	call_answer(call, result);
}

static void start(struct call *call, const struct tool *tool, const cJSON *params)
{
	const cJSON *arguments = json_get(params, "arguments");
	SCOPED(buf_done) struct buf answer = {0};
	struct err err = {0};

	if (!check_arguments(tool, arguments, &err))
		answer_error(call, err.text);
	else if (tool->begin)
		tool->begin(call, params);
	else if (tool->inputs)
		inputs_ask(call, params, tool->inputs, NULL);
	else if (tool->content)
		answer_content(call, tool->content);
	else if (tool->run(arguments, &answer, &err))
		tool_answer_text(call, buf_text(&answer));
	else
		answer_error(call, err.text);
}

/* The time of the call is over: what it was asked is in call->held. */
static void on_due(struct call *call)
{
	SCOPED(json_free) cJSON *params = json_parse(call->held, strlen(call->held));
	const struct tool *tool = tools_find(call->tool, has_all(call));

	start(call, tool, params);
}

static void run(struct call *call, const struct tool *tool, const cJSON *params)
{
	const struct peer_options *options = &call->peer->options;
	int64_t after;

	call->tool = mem_text(tool->name);
	log_event("mcp.tool.begin", LOG_IDENTITY(&options->identity), "tool",
		LOG_TEXT(tool->name));
	crash_at(options->behavior, MCP_AT_TOOL);
	if (options->behavior->hang_tools)
		return;
	after = latency_draw(&options->behavior->tool, options->rng);
	if (after == 0)
		start(call, tool, params);
	else if (call_hold_params(call, params))
		call_wait(call, after, on_due);
	else
		call_refuse(
			call, JSONRPC_INTERNAL_ERROR, "too much is under way", NULL);
}

static void refuse_unknown(struct call *call, const char *name)
{
	const char *near = suggest(name, has_all(call));
	SCOPED(mem_free) char *why = mem_textf("Unknown tool: %s%s%s%s", name,
		near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");

	call_refuse(call, JSONRPC_INVALID_PARAMS, why, NULL);
}

void tools_call(struct call *call, const cJSON *params)
{
	const cJSON *arguments = json_get(params, "arguments");
	const char *name = json_text(params, "name");
	const struct tool *tool = name ? tools_find(name, has_all(call)) : NULL;

	if (!name)
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"tools/call: expected params.name (a string)", NULL);
	else if (!tool)
		refuse_unknown(call, name);
	else if (arguments && !cJSON_IsObject(arguments))
		call_refuse(call, JSONRPC_INVALID_PARAMS,
			"tools/call: expected params.arguments (an object)", NULL);
	else
		run(call, tool, params);
}

void tools_help(struct buf *text)
{
	const struct tool_table *small = tables[0];

	for (unsigned i = 0; i < small->count; i++)
		buf_addf(text, "  %-12s %s\n", small->tools[i].name,
			small->tools[i].help);
}
