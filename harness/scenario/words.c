#include "harness/scenario/words.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/mem.h"

void words_add(struct words *words, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	words->word = mem_grown(words->word, words->count + 2, sizeof *words->word);
	words->word[words->count++] = buf_take(&text);
	words->word[words->count] = NULL;
}

void words_done(struct words *words)
{
	for (unsigned i = 0; i < words->count; i++)
		free(words->word[i]);
	free(words->word);
	*words = (struct words){0};
}

void words_field_done(void *out)
{
	words_done(out);
}

static void replace(struct words *words, struct words *with)
{
	words_done(words);
	*words = *with;
}

bool words_read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct words words = {0};
	const cJSON *item;

	if (!cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err,
			"%s: expected a list of strings, not %s",
			node->string ? node->string : "it", json_kind(node));
	cJSON_ArrayForEach(item, node) {
		if (!cJSON_IsString(item)) {
			words_done(&words);
			return json_doc_wrong(doc, item, err,
				"%s: expected a string, not %s",
				node->string ? node->string : "it", json_kind(item));
		}
		words_add(&words, "%s", item->valuestring);
	}
	replace(out, &words);
	return true;
}

/* A number or a boolean is what people write there too. */
bool words_read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	struct words words = {0};
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
			words_done(&words);
			return json_doc_wrong(doc, item, err,
				"%s.%s: expected a string, not %s",
				node->string ? node->string : "it", item->string,
				json_kind(item));
		}
		words_add(&words, "%s=%s", item->string,
			number ? number : item->valuestring);
	}
	replace(out, &words);
	return true;
}

cJSON *words_list_schema(void)
{
	return cJSON_Parse("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}");
}

cJSON *words_pairs_schema(void)
{
	return cJSON_Parse("{\"type\":\"object\",\"additionalProperties\":"
			   "{\"type\":[\"string\",\"number\",\"boolean\"]}}");
}
