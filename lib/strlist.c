#include "lib/strlist.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/mem.h"

void strlist_add(struct strlist *words, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	words->item = mem_grown(words->item, words->count + 2, sizeof *words->item);
	words->item[words->count++] = buf_take(&text);
	words->item[words->count] = NULL;
}

void strlist_done(struct strlist *words)
{
	for (unsigned i = 0; i < words->count; i++)
		free(words->item[i]);
	free(words->item);
	*words = (struct strlist){0};
}

void strlist_field_done(void *out)
{
	strlist_done(out);
}

static void replace(struct strlist *words, struct strlist *with)
{
	strlist_done(words);
	*words = *with;
}

bool strlist_read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist words = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"%s: expected a list of strings, not %s",
			node->string ? node->string : "it", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!cJSON_IsString(item)) {
			strlist_done(&words);
			return json_doc_wrong(doc, item, err,
				"%s: expected a string, not %s",
				node->string ? node->string : "it", json_kind(item));
		}
		strlist_add(&words, "%s", item->valuestring);
	}
	replace(out, &words);
	return true;
}

/* A number or a boolean is what people write there too. */
bool strlist_read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct strlist words = {0};
	const cJSON *item;

	if (!cJSON_IsObject(node))
		return json_doc_wrong(doc, node, err,
			"%s: expected an object such as {\"NAME\": \"value\"}, not %s",
			node->string ? node->string : "it", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		SCOPED(mem_free) char *number =
			cJSON_IsNumber(item) || cJSON_IsBool(item) ? json_print(item)
								   : NULL;

		if (!number && !cJSON_IsString(item)) {
			strlist_done(&words);
			return json_doc_wrong(doc, item, err,
				"%s.%s: expected a string, not %s",
				node->string ? node->string : "it", item->string,
				json_kind(item));
		}
		strlist_add(&words, "%s=%s", item->string,
			number ? number : item->valuestring);
	}
	replace(out, &words);
	return true;
}

cJSON *strlist_list_schema(void)
{
	return cJSON_Parse("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
}

cJSON *strlist_pairs_schema(void)
{
	return cJSON_Parse("{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":[\"string\",\"number\",\"boolean\"]}}");
}
