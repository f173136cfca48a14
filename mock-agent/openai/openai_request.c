#include "mock-agent/openai/openai_request.h"

#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/json_index.h"
#include "lib/mem.h"
#include "mock-agent/openai/openai_error.h"

#define MODEL_MAX     256 /* bytes */
#define PARAM_SIZE    64
#define TOOL_NAME_MAX 64 /* letters */
#define TOOL_NAME_CHARS                                                                \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* Numbers */

static const struct number_range {
	const char *name;
	bool whole;
	double min, max;
} ranges[] = {
	{"temperature", false, 0, 2},
	{"top_p", false, 0, 1},
	{"presence_penalty", false, -2, 2},
	{"frequency_penalty", false, -2, 2},
	{"top_logprobs", true, 0, 20},
};

static bool refuse_number(
	struct api_request *request, const struct number_range *range, double given)
{
	const bool above = given > range->max;
	const char *kind = range->whole ? "integer" : "decimal";
	SCOPED(mem_free) char *code =
		mem_textf("%s_%s_value", kind, above ? "above_max" : "below_min");

	return openai_refuse(request, range->name, code,
		"Invalid '%s': %s %s value. Expected a value %s %g, but got %g instead.",
		range->name, kind, above ? "above maximum" : "below minimum",
		above ? "<=" : ">=", above ? range->max : range->min, given);
}

static bool check_number(struct api_request *request, const struct number_range *range)
{
	const cJSON *node = json_get(request->body, range->name);
	int64_t whole;

	if (!node || cJSON_IsNull(node))
		return true;
	if (!cJSON_IsNumber(node) || (range->whole && !json_whole(node, &whole)))
		return openai_refuse_type(request, range->name,
			range->whole ? "an integer" : "a decimal", node);
	return (node->valuedouble >= range->min && node->valuedouble <= range->max) ||
		refuse_number(request, range, node->valuedouble);
}

static bool check_numbers(struct api_request *request)
{
	for (unsigned i = 0; i < COUNT(ranges); i++) {
		if (!check_number(request, &ranges[i]))
			return false;
	}
	return true;
}

static bool read_max(struct conversation *conversation, struct api_request *request,
	const struct openai_request *where)
{
	for (unsigned i = 0; i < COUNT(where->max) && where->max[i]; i++) {
		const struct number_range range = {
			where->max[i], true, (double)where->max_least, 1e9};

		if (!check_number(request, &range))
			return false;
		if (conversation->max_tokens == 0)
			conversation->max_tokens =
				json_int(request->body, range.name, 0);
	}
	return true;
}

/* Tools */

static bool check_tool_name(struct api_request *request, const struct cJSON *tool,
	const char *path, int index)
{
	const char *name = json_text(tool, "name");
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "tools[%d]%s%s.name", index, *path ? "." : "",
		path);
	if (!name)
		return openai_refuse_missing(request, param);
	if (*name && strlen(name) <= TOOL_NAME_MAX &&
		strspn(name, TOOL_NAME_CHARS) == strlen(name))
		return true;
	return openai_refuse(request, param, "invalid_value",
		"Invalid '%s': string does not match pattern. Expected a string that "
		"matches the pattern '^[a-zA-Z0-9_-]+$'.",
		param);
}

static const cJSON *members_of(const cJSON *object, const char *path)
{
	return *path ? json_get(object, path) : object;
}

static bool refuse_tool_type(struct api_request *request, int index)
{
	char param[PARAM_SIZE];

	snprintf(param, sizeof param, "tools[%d].type", index);
	return openai_refuse_missing(request, param);
}

/* The mock calls functions; tools of other types are those of the hosted API itself. */
static bool read_tools(struct conversation *conversation, struct api_request *request,
	const struct openai_request *where)
{
	const cJSON *tools = json_get(request->body, "tools");
	const cJSON *tool;
	int index = 0;

	if (tools && !cJSON_IsNull(tools) && !cJSON_IsArray(tools))
		return openai_refuse_type(
			request, "tools", "an array of objects", tools);
	cJSON_ArrayForEach(tool, tools) {
		const cJSON *function = members_of(tool, where->tools);

		if (!json_text(tool, "type"))
			return refuse_tool_type(request, index);
		if (api_format_is(tool, "type", "function")) {
			if (!check_tool_name(request, function, where->tools, index))
				return false;
			conversation_add_tool(conversation, json_text(function, "name"),
				json_get(function, "parameters"));
		}
		index++;
	}
	return true;
}

static bool has_tool(const struct conversation *conversation, const char *name)
{
	for (unsigned i = 0; i < conversation->tool_count; i++) {
		if (strcmp(conversation->tools[i].name, name) == 0)
			return true;
	}
	return false;
}

/* "none", "auto" or "required", which allowed_tools calls its mode. */
static bool read_mode(struct conversation *conversation, struct api_request *request,
	const char *param, const char *mode)
{
	static const struct {
		const char *name;
		enum tool_choice choice;
	} modes[] = {
		{"auto", TOOL_CHOICE_AUTO},
		{"none", TOOL_CHOICE_NONE},
		{"required", TOOL_CHOICE_ANY},
	};

	for (unsigned i = 0; i < COUNT(modes); i++) {
		if (strcmp(modes[i].name, mode) == 0) {
			conversation->choice = modes[i].choice;
			return true;
		}
	}
	return openai_refuse(request, param, "invalid_value",
		"Invalid value: '%s'. Supported values are: 'none', 'auto', and "
		"'required'.",
		mode);
}

/* Forgets the tools that the list does not name. */
static void keep_tools(struct conversation *conversation, const cJSON *allowed,
	const struct openai_request *where)
{
	SCOPED(json_index_done) struct json_index names = {0};
	const cJSON *entry;
	unsigned kept = 0;

	cJSON_ArrayForEach(entry, allowed)
		json_index_add(&names,
			json_text(members_of(entry, where->tools), "name"), entry);
	for (unsigned i = 0; i < conversation->tool_count; i++) {
		if (json_index_find(&names, conversation->tools[i].name))
			conversation->tools[kept++] = conversation->tools[i];
	}
	conversation->tool_count = kept;
}

static bool read_named(struct conversation *conversation, struct api_request *request,
	const cJSON *choice, const struct openai_request *where)
{
	const char *name = json_text(members_of(choice, where->tools), "name");

	if (!name)
		return openai_refuse_missing(request,
			*where->tools ? "tool_choice.function.name"
				      : "tool_choice.name");
	if (!has_tool(conversation, name))
		return openai_refuse(request, "tool_choice", NULL,
			"Tool choice '%s' not found in 'tools' parameter.", name);
	conversation->choice = TOOL_CHOICE_NAMED;
	conversation->chosen = name;
	return true;
}

static bool read_choice(struct conversation *conversation, struct api_request *request,
	const struct openai_request *where)
{
	const cJSON *choice = json_get(request->body, "tool_choice");
	const cJSON *allowed;

	if (!choice || cJSON_IsNull(choice))
		return true;
	if (cJSON_IsString(choice)) {
		if (!read_mode(
			    conversation, request, "tool_choice", choice->valuestring))
			return false;
		if (conversation->choice != TOOL_CHOICE_ANY ||
			cJSON_GetArraySize(json_get(request->body, "tools")) > 0)
			return true;
		return openai_refuse(request, "tool_choice", NULL,
			"Invalid value for 'tool_choice': 'tool_choice' is only "
			"allowed when 'tools' are specified.");
	}
	if (!cJSON_IsObject(choice))
		return openai_refuse_type(
			request, "tool_choice", "a string or an object", choice);
	if (api_format_is(choice, "type", "function"))
		return read_named(conversation, request, choice, where);
	if (!api_format_is(choice, "type", "allowed_tools"))
		return true; /* a tool of the hosted API's own */
	allowed = *where->tools ? json_get(choice, "allowed_tools") : choice;
	keep_tools(conversation, json_get(allowed, "tools"), where);
	return read_mode(conversation, request, "tool_choice.mode",
		json_text(allowed, "mode") ? json_text(allowed, "mode") : "auto");
}

/* The format of the text */

static bool says_json(const cJSON *node)
{
	SCOPED(mem_free) char *text = node ? json_print(node) : NULL;

	return text && strcasestr(text, "json");
}

/* What a json_object is filled with: any object would do. It becomes part of the body,
 * under a name that no client uses. */
static const cJSON *any_object(struct api_request *request)
{
	json_fill(request->body,
		"{'any object': {'type': 'object', 'properties': {'answer': "
		"{'type': 'string'}}, 'required': ['answer']}}");
	return json_get(request->body, "any object");
}

static bool read_text_format(struct conversation *conversation,
	struct api_request *request, const struct openai_request *where)
{
	const cJSON *format = json_at(request->body, where->format);
	const cJSON *schema = members_of(format, where->json_of);
	SCOPED(mem_free) char *param = NULL;

	if (!format || cJSON_IsNull(format) || api_format_is(format, "type", "text"))
		return true;
	if (api_format_is(format, "type", "json_object")) {
		if (!says_json(json_get(request->body, where->messages)) &&
			!says_json(json_get(request->body, "instructions")))
			return openai_refuse(request, where->messages, NULL,
				"'%s' must contain the word 'json' in some form, to "
				"use '%s' of type 'json_object'.",
				where->messages, where->format);
		conversation->schema = any_object(request);
		return true;
	}
	param = mem_textf(
		"%s.%s", where->format, *where->json_of ? where->json_of : "schema");
	if (!api_format_is(format, "type", "json_schema"))
		return openai_refuse(request, where->format, "invalid_value",
			"Invalid value: '%s'. Supported values are: 'json_object', "
			"'json_schema', and 'text'.",
			json_text(format, "type") ? json_text(format, "type") : "");
	conversation->schema = json_get(schema, "schema");
	return conversation->schema || openai_refuse_missing(request, param);
}

/* It is part of each delta. */
static bool check_model(struct api_request *request)
{
	return strlen(json_text(request->body, "model")) <= MODEL_MAX ||
		openai_refuse(request, "model", "string_above_max_length",
			"Invalid 'model': string too long. Expected a string with "
			"maximum length %d.",
			MODEL_MAX);
}

bool openai_request_read(struct conversation *conversation, struct api_request *request,
	const struct openai_request *where)
{
	conversation->model = json_text(request->body, "model");
	conversation->streams = json_bool(request->body, "stream", false);
	conversation->user = json_text(request->body, "user");
	if (!conversation->user)
		conversation->user = json_text(request->body, "safety_identifier");
	return check_model(request) && check_numbers(request) &&
		read_max(conversation, request, where) &&
		read_tools(conversation, request, where) &&
		read_choice(conversation, request, where) &&
		read_text_format(conversation, request, where);
}

char *openai_request_text(const cJSON *content)
{
	return cJSON_IsString(content) || cJSON_IsArray(content)
		? api_format_content_text(content)
		: NULL;
}
