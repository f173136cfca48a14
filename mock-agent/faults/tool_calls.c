#include "mock-agent/faults/tool_calls.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static bool read_input(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	cJSON **input = out;

	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err,
			"tools.input: expected an object, not %s", json_kind(node));
	cJSON_Delete(*input);
	*input = cJSON_Duplicate(node, true);
	return true;
}

static void free_input(void *out)
{
	cJSON **input = out;

	cJSON_Delete(*input);
	*input = NULL;
}

static const struct field_type input_type = {
	.read = read_input,
	.done = free_input,
	.schema_text = "{\"type\": \"object\"}",
	.size = sizeof(cJSON *),
	.open = true,
};

static const struct field call_fields[] = {
	{"name", FIELD_TEXT, offsetof(struct tool_call, name), .required = true,
		.help = "the tool"},
	{"input", FIELD_OTHER, offsetof(struct tool_call, input), .type = &input_type,
		.help = "its input; by default one that fits its schema"},
	{"times", FIELD_INT, offsetof(struct tool_call, times), .preset = "1", .min = 1,
		.max = TOOL_CALLS_MAX, .help = "how often it is called"},
	{0},
};

static const struct field count_field = {"tools", FIELD_INT, .max = TOOL_CALLS_MAX};

static void tool_calls_done(void *out)
{
	struct tool_calls *calls = out;

	for (unsigned i = 0; i < calls->named_count; i++)
		fields_done(call_fields, &calls->named[i]);
	free(calls->named);
	*calls = (struct tool_calls){0};
}

static bool read_call(struct tool_calls *calls, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	struct tool_call *call = &calls->named[calls->named_count];

	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err,
			"tools: expected an object such as {\"name\": \"lookup\"}, not %s",
			json_kind(node));
	calls->named_count++;
	fields_preset(call_fields, call);
	return fields_read(call_fields, call, doc, node, "tools", err);
}

static bool read_calls(struct tool_calls *calls, const struct json_doc *doc,
	const cJSON *node, struct err *err)
{
	const int count = cJSON_IsArray(node) ? cJSON_GetArraySize(node) : 1;
	const cJSON *call;
	struct err why;

	if (cJSON_IsNumber(node))
		return field_read(&count_field, &calls->count, node, &why) ||
			json_doc_wrong(doc, node, err, "tools: %s", why.text);
	if (!cJSON_IsObject(node) && !cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"tools: expected a count, a call such as {\"name\": \"lookup\"}, "
			"or a list of calls, not %s",
			json_kind(node));
	if (count > TOOL_CALLS_MAX)
		return json_doc_wrong(
			doc, node, err, "tools: more than %d", TOOL_CALLS_MAX);
	calls->named = mem_zeroed((size_t)count * sizeof *calls->named + 1);
	if (cJSON_IsObject(node))
		return read_call(calls, doc, node, err);
	cJSON_ArrayForEach(call, node) {
		if (!read_call(calls, doc, call, err))
			return false;
	}
	return true;
}

static bool read_tool_calls(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct tool_calls calls = {0};

	if (!read_calls(&calls, doc, node, err)) {
		tool_calls_done(&calls);
		return false;
	}
	tool_calls_done(out);
	*(struct tool_calls *)out = calls;
	return true;
}

static cJSON *schema(void)
{
	cJSON *schema = cJSON_CreateObject(), *list = cJSON_CreateObject();
	cJSON *count = cJSON_CreateObject();
	cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");

	cJSON_AddStringToObject(count, "type", "integer");
	cJSON_AddNumberToObject(count, "minimum", 0);
	cJSON_AddNumberToObject(count, "maximum", TOOL_CALLS_MAX);
	cJSON_AddItemToArray(any, count);
	cJSON_AddItemToArray(any, fields_schema(call_fields));
	cJSON_AddStringToObject(list, "type", "array");
	cJSON_AddNumberToObject(list, "maxItems", TOOL_CALLS_MAX);
	cJSON_AddItemToObject(list, "items", fields_schema(call_fields));
	cJSON_AddItemToArray(any, list);
	return schema;
}

const struct field_type tool_calls_type = {
	.read = read_tool_calls,
	.done = tool_calls_done,
	.schema = schema,
	.size = sizeof(struct tool_calls),
	.open = true,
};

const struct tool_call *tool_calls_next(const struct tool_calls *calls, int64_t made,
	tool_offered_fn *offered, const void *tools)
{
	for (unsigned i = 0; i < calls->named_count; i++) {
		const struct tool_call *call = &calls->named[i];

		if (!offered(tools, call->name))
			continue;
		if (made < call->times)
			return call;
		made -= call->times;
	}
	return NULL;
}

bool tool_starts_agent(const char *name)
{
	static const char *const names[] = {"Agent", "Task"};

	for (unsigned i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}
