#include "lib/strlist.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

void strlist_add(struct strlist *list, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_addv(&text, format, args);
	va_end(args);
	list->item = mem_grown(list->item, list->count + 2, sizeof *list->item);
	list->item[list->count++] = buf_take(&text);
	list->item[list->count] = NULL;
}

void strlist_put(struct strlist *list, const char *pair)
{
	size_t name_len = strcspn(pair, "=") + 1;

	for (unsigned i = 0; i < list->count; i++) {
		if (strncmp(list->item[i], pair, name_len) == 0) {
			free(list->item[i]);
			list->item[i] = mem_text(pair);
			return;
		}
	}
	strlist_add(list, "%s", pair);
}

void strlist_done(struct strlist *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct strlist){0};
}

/* Both forms. In that of an object, numbers and booleans are values, too. */
static bool read_items(struct strlist *list, const struct json_doc *doc,
	const cJSON *node, bool pairs, struct err *err)
{
	const char *name = node->string ? node->string : "it";
	const cJSON *item;

	if (pairs ? !cJSON_IsObject(node) : !cJSON_IsArray(node))
		return json_doc_wrong(doc, node, err, "%s: expected %s, not %s", name,
			pairs ? "an object such as {\"NAME\": \"value\"}"
			      : "a list of strings",
			json_kind(node));
	cJSON_ArrayForEach(item, node) {
		bool printed = pairs && (cJSON_IsNumber(item) || cJSON_IsBool(item));
		SCOPED(mem_free) char *text = printed ? json_print(item) : NULL;
		const char *key = pairs ? item->string : "";

		if (!printed && !cJSON_IsString(item))
			return json_doc_wrong(doc, item, err,
				"%s%s%s: expected a string, not %s", name,
				pairs ? "." : "", key, json_kind(item));
		strlist_add(list, "%s%s%s", key, pairs ? "=" : "",
			printed ? text : item->valuestring);
	}
	return true;
}

static bool read_over(struct strlist *out, const struct json_doc *doc,
	const cJSON *node, bool pairs, struct err *err)
{
	struct strlist list = {0};
	bool ok = read_items(&list, doc, node, pairs, err);

	strlist_done(ok ? out : &list);
	if (ok)
		*out = list;
	return ok;
}

static bool read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_over(out, doc, node, false, err);
}

static bool read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err)
{
	return read_over(out, doc, node, true, err);
}

static void done(void *out)
{
	strlist_done(out);
}

const struct field_type strlist_type = {
	.read = read_list, .done = done, .schema_text = STRLIST_SCHEMA};
const struct field_type strlist_pairs_type = {.read = read_pairs,
	.done = done,
	.schema_text = STRLIST_PAIRS_SCHEMA,
	.open = true};
