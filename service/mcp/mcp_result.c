#include "service/mcp/mcp_result.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/json_fill.h"
#include "lib/mem.h"

#define TEXT_CEILING ((size_t)16 << 20)

/* The blocks so far; text is the next one, while only texts follow. */
struct blocks {
	cJSON *all;
	struct buf text;
};

/* The images that the API takes. */
static const char *const images[] = {
	"image/png", "image/jpeg", "image/gif", "image/webp"};

static bool is_image(const char *type)
{
	for (size_t i = 0; type && i < COUNT(images); i++)
		if (strcmp(type, images[i]) == 0)
			return true;
	return false;
}

static void add_text_block(cJSON *all, const char *text)
{
	cJSON_AddItemToArray(
		all, json_fill(NULL, "{'type': 'text', 'text': %s}", text));
}

/* The API refuses an empty text. */
static void end_text(struct blocks *blocks)
{
	if (blocks->text.len > 0)
		add_text_block(blocks->all, buf_text(&blocks->text));
	buf_clear(&blocks->text);
}

static void add_text(struct blocks *blocks, const char *text)
{
	buf_addf(&blocks->text, "%s%s", blocks->text.len > 0 ? "\n" : "", text);
}

static void add_image(struct blocks *blocks, const char *type, const char *data)
{
	end_text(blocks);
	cJSON_AddItemToArray(blocks->all,
		json_fill(NULL,
			"{'type': 'image', 'source': {'type': 'base64',"
			" 'media_type': %s, 'data': %s}}",
			type, data));
}

/* "[audio audio/wav, not shown]" */
static void add_name_of(struct blocks *blocks, const cJSON *part, const cJSON *about)
{
	const char *type = json_text(part, "type");
	const char *uri = json_text(about, "uri");
	const char *mime = json_text(about, "mimeType");
	SCOPED(mem_free) char *name = mem_textf("[%.60s%s%.200s%s%.60s, not shown]",
		type ? type : "part", uri ? " " : "", uri ? uri : "", mime ? " " : "",
		mime ? mime : "");

	add_text(blocks, name);
}

static void add_part(struct blocks *blocks, const cJSON *part)
{
	const cJSON *resource = json_get(part, "resource");
	const char *text = json_text(resource ? resource : part, "text");
	const char *mime = json_text(part, "mimeType"), *data = json_text(part, "data");

	if (text)
		add_text(blocks, text);
	else if (data && *data && is_image(mime))
		add_image(blocks, mime, data);
	else
		add_name_of(blocks, part, resource ? resource : part);
}

cJSON *mcp_result_blocks(const cJSON *result)
{
	const cJSON *content = json_get(result, "content"), *part;
	const cJSON *structured = json_get(result, "structuredContent");
	SCOPED(mem_free) char *json = NULL;
	struct blocks blocks = {0};
	bool has_text = false;

	if (!cJSON_IsArray(content))
		content = NULL;
	if (!content && !structured)
		return NULL;
	blocks.all = cJSON_CreateArray();
	buf_init(&blocks.text, TEXT_CEILING);
	cJSON_ArrayForEach(part, content) {
		add_part(&blocks, part);
		has_text |= json_text(part, "text") != NULL;
	}
	if (structured && !has_text)
		add_text(&blocks, json = json_print(structured));
	end_text(&blocks);
	buf_done(&blocks.text);
	return blocks.all;
}

cJSON *mcp_result_text(const char *text)
{
	cJSON *all = cJSON_CreateArray();

	add_text_block(all, text);
	return all;
}
