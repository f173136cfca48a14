#include "mock-agent/session/reply.h"

#include <string.h>

#include "lib/json.h"
#include "mock-agent/session/schema_sample.h"

#define PROMPT_MAX (REPLY_CEILING / 2)

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t reply_whole_len(const char *text, size_t most)
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
	buf_adds(&reply->text, REPLY_OPENING);
	buf_add(&reply->text, prompt, reply_whole_len(prompt, PROMPT_MAX));
}

void reply_begin_with(struct reply *reply, const char *text)
{
	*reply = (struct reply){0};
	buf_init(&reply->text, REPLY_CEILING);
	buf_add(&reply->text, text, reply_whole_len(text, REPLY_CEILING));
}

void reply_shorten(struct reply *reply, size_t most)
{
	buf_cut(&reply->text, reply_whole_len(buf_text(&reply->text), most));
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

cJSON *reply_tool_input(const cJSON *schema, const char *prompt)
{
	cJSON *input = schema ? schema_sample(schema, prompt) : cJSON_CreateObject();

	if (cJSON_IsObject(input))
		return input;
	cJSON_Delete(input);
	return cJSON_CreateObject();
}
