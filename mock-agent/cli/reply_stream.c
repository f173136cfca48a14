#include "mock-agent/cli/reply_stream.h"

#include <string.h>

#include "lib/json.h"

#define DATA "data:"

struct reader {
	cJSON *message; /* NULL: it has not begun */
	cJSON *block;   /* the last one, in the message */
	struct buf text;
	bool ended;
};

static cJSON *content_of(const struct reader *reader)
{
	return cJSON_GetObjectItemCaseSensitive(reader->message, "content");
}

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

static void add_delta(struct reader *reader, const cJSON *delta)
{
	static const char *const keys[] = {"text", "partial_json", "thinking"};

	for (size_t i = 0; i < COUNT(keys); i++) {
		const char *text = json_text(delta, keys[i]);

		if (text)
			buf_adds(&reader->text, text);
	}
}

/* The deltas of a block are whole: a tool's input is JSON, "" an empty object. */
static void end_block(struct reader *reader)
{
	const char *type = json_text(reader->block, "type");
	cJSON *input;

	if (type && strcmp(type, "tool_use") == 0) {
		input = json_parse(buf_text(&reader->text), reader->text.len);
		if (input || reader->text.len == 0)
			put(reader->block, "input",
				input ? input : cJSON_CreateObject());
	} else if (type && reader->text.len > 0) {
		put(reader->block, strcmp(type, "thinking") == 0 ? type : "text",
			cJSON_CreateString(buf_text(&reader->text)));
	}
	buf_clear(&reader->text);
}

static void begin_block(struct reader *reader, const cJSON *event)
{
	reader->block = cJSON_Duplicate(json_get(event, "content_block"), true);
	buf_clear(&reader->text);
	cJSON_AddItemToArray(content_of(reader), reader->block);
}

static void take_delta(struct reader *reader, const cJSON *event)
{
	const cJSON *reason = json_get(json_get(event, "delta"), "stop_reason");
	const cJSON *usage = json_get(event, "usage");

	if (reason)
		put(reader->message, "stop_reason", cJSON_Duplicate(reason, true));
	if (usage)
		put(reader->message, "usage", cJSON_Duplicate(usage, true));
}

/* False: it is an error. */
static bool read_event(struct reader *reader, const cJSON *event, struct err *err)
{
	const char *type = json_text(event, "type");
	bool begun = reader->message != NULL;

	if (!type)
		return true;
	if (strcmp(type, "error") == 0) {
		const char *why = json_text(json_get(event, "error"), "message");

		return err_set(err, "%.200s", why ? why : "error");
	}
	if (strcmp(type, "message_start") == 0 && !begun)
		reader->message = cJSON_Duplicate(json_get(event, "message"), true);
	else if (strcmp(type, "content_block_start") == 0 && begun)
		begin_block(reader, event);
	else if (strcmp(type, "content_block_delta") == 0 && reader->block)
		add_delta(reader, json_get(event, "delta"));
	else if (strcmp(type, "content_block_stop") == 0 && reader->block)
		end_block(reader);
	else if (strcmp(type, "message_delta") == 0 && begun)
		take_delta(reader, event);
	else if (strcmp(type, "message_stop") == 0)
		reader->ended = begun;
	return true;
}

static bool read_lines(struct reader *reader, const struct buf *body, struct err *err)
{
	const char *line = buf_text(body);
	bool ok = true;

	while (ok && *line) {
		size_t len = strcspn(line, "\n");

		if (strncmp(line, DATA, strlen(DATA)) == 0) {
			SCOPED(json_free) cJSON *event =
				json_parse(line + strlen(DATA), len - strlen(DATA));

			ok = read_event(reader, event, err);
		}
		line += len + (line[len] == '\n');
	}
	return ok;
}

cJSON *reply_stream_read(const struct buf *body, struct err *err)
{
	struct reader reader = {0};
	bool ok = read_lines(&reader, body, err);

	buf_done(&reader.text);
	if (ok && reader.ended && content_of(&reader))
		return reader.message;
	if (ok)
		err_set(err, "the stream ended before its message did");
	cJSON_Delete(reader.message);
	return NULL;
}
