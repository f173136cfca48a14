#include "mock-agent/session/reply.h"

#include <string.h>

#include "lib/json.h"

#define SCHEMA_DEPTH_MAX 8
#define TEXT_MAX         200 /* bytes of the prompt in a tool's input */
#define PROMPT_MAX       (REPLY_CEILING / 2)

static cJSON *schema_value(const cJSON *schema, const char *prompt, unsigned depth);

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

/* The length of the whole characters in the first `most` bytes. */
static size_t whole_len(const char *text, size_t most)
{
	size_t len = strnlen(text, most);

	while (len == most && len > 0 && !begins_character(text[len]))
		len = --most;
	return len;
}

void reply_begin(struct reply *reply, const char *prompt)
{
	*reply = (struct reply){0};
	buf_init(&reply->text, REPLY_CEILING);
	buf_addf(&reply->text, "You said: %.*s", (int)whole_len(prompt, PROMPT_MAX),
		prompt);
}

void reply_begin_with(struct reply *reply, const char *text)
{
	*reply = (struct reply){0};
	buf_init(&reply->text, REPLY_CEILING);
	buf_add(&reply->text, text, whole_len(text, REPLY_CEILING));
}

void reply_add_result(
	struct reply *reply, const char *tool, const char *text, bool failed)
{
	buf_addf(&reply->text, "\n%s %s: %s", tool, failed ? "failed" : "answered",
		text);
}

void reply_done(struct reply *reply)
{
	buf_done(&reply->text);
	*reply = (struct reply){0};
}

void reply_cut(struct reply *reply, int64_t parts)
{
	for (size_t i = 0; i < reply->text.len; i++)
		reply->characters += begins_character(reply->text.data[i]);
	reply->parts = (unsigned)(parts < (int64_t)reply->characters
			? parts
			: (int64_t)reply->characters);
}

const char *reply_next(struct reply *reply, size_t *len)
{
	const char *text = buf_text(&reply->text);
	size_t from = reply->at, left;

	if (reply->given == reply->parts)
		return NULL;
	left = reply->characters * (reply->given + 1) / reply->parts -
		reply->characters * reply->given / reply->parts;
	reply->given++;
	while (reply->at < reply->text.len &&
		(left > 0 || !begins_character(text[reply->at])))
		left -= begins_character(text[reply->at++]);
	*len = reply->at - from;
	return text + from;
}

cJSON *reply_custom_tools(const cJSON *tools)
{
	cJSON *custom = cJSON_CreateArray();
	const cJSON *tool;

	cJSON_ArrayForEach(tool, tools) {
		const char *type = json_text(tool, "type");

		if (!json_text(tool, "name") || (type && strcmp(type, "custom") != 0))
			continue;
		/* cJSON has no reference to something const, and changes nothing. */
		cJSON_AddItemReferenceToArray(custom, (cJSON *)(uintptr_t)tool);
	}
	return custom;
}

static cJSON *object_value(const cJSON *schema, const char *prompt, unsigned depth)
{
	cJSON *object = cJSON_CreateObject();
	const cJSON *properties = json_get(schema, "properties");
	const cJSON *required;

	cJSON_ArrayForEach(required, json_get(schema, "required")) {
		const char *name = cJSON_GetStringValue(required);

		if (name && !json_get(object, name))
			cJSON_AddItemToObject(object, name,
				schema_value(
					json_get(properties, name), prompt, depth + 1));
	}
	return object;
}

static cJSON *text_value(const cJSON *schema, const char *prompt)
{
	int64_t max = json_int(schema, "maxLength", TEXT_MAX);
	SCOPED(buf_done) struct buf text = {0};

	if (max < 0 || max > TEXT_MAX)
		max = TEXT_MAX;
	buf_add(&text, prompt, whole_len(prompt, (size_t)max));
	for (int64_t min = json_int(schema, "minLength", 0);
		(int64_t)text.len < min && min <= TEXT_MAX;)
		buf_adds(&text, "x");
	return cJSON_CreateString(buf_text(&text));
}

static cJSON *array_value(const cJSON *schema, const char *prompt, unsigned depth)
{
	cJSON *array = cJSON_CreateArray();
	int64_t count = json_int(schema, "minItems", 0);

	for (int64_t i = 0; i < count && i < SCHEMA_DEPTH_MAX; i++)
		cJSON_AddItemToArray(array,
			schema_value(json_get(schema, "items"), prompt, depth + 1));
	return array;
}

/* The first of {"type": ["string", "null"]}. */
static const char *schema_type(const cJSON *schema)
{
	const cJSON *type = json_get(schema, "type");

	if (cJSON_IsArray(type))
		type = type->child;
	if (cJSON_IsString(type))
		return type->valuestring;
	return json_get(schema, "properties") ? "object" : "string";
}

static cJSON *schema_value(const cJSON *schema, const char *prompt, unsigned depth)
{
	const cJSON *choices = json_get(schema, "enum");
	const cJSON *fixed = json_get(schema, "const");
	const char *type = schema_type(schema);

	if (!fixed)
		fixed = json_get(schema, "default");
	if (!fixed && choices)
		fixed = choices->child;
	if (fixed)
		return cJSON_Duplicate(fixed, true);
	if (depth > SCHEMA_DEPTH_MAX || strcmp(type, "null") == 0)
		return cJSON_CreateNull();
	if (strcmp(type, "object") == 0)
		return object_value(schema, prompt, depth);
	if (strcmp(type, "array") == 0)
		return array_value(schema, prompt, depth);
	if (strcmp(type, "boolean") == 0)
		return cJSON_CreateTrue();
	if (strcmp(type, "number") == 0 || strcmp(type, "integer") == 0) {
		const cJSON *bound = json_get(schema, "minimum");

		if (!cJSON_IsNumber(bound))
			bound = json_get(schema, "maximum");
		return cJSON_CreateNumber(
			cJSON_IsNumber(bound) ? bound->valuedouble : 1);
	}
	return text_value(schema, prompt);
}

cJSON *reply_tool_input(const cJSON *schema, const char *prompt)
{
	return object_value(schema, prompt, 0);
}
