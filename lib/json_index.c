#include "lib/json_index.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "lib/mem.h"

struct json_index_entry {
	const char *text;
	const cJSON *node;
	UT_hash_handle hh;
};

static void remove_entry(struct json_index *index, struct json_index_entry *entry)
{
	HASH_DEL(index->by_text, entry);
	free(entry);
}

void json_index_done(struct json_index *index)
{
	struct json_index_entry *entry, *next;

	HASH_ITER(hh, index->by_text, entry, next)
		remove_entry(index, entry);
}

static struct json_index_entry *find_entry(
	const struct json_index *index, const char *text)
{
	struct json_index_entry *entry = NULL;

	if (text)
		HASH_FIND_STR(index->by_text, text, entry);
	return entry;
}

bool json_index_add(struct json_index *index, const char *text, const cJSON *node)
{
	struct json_index_entry *entry;

	if (find_entry(index, text))
		return false;
	if (!text)
		return true;
	entry = mem_zeroed(sizeof *entry);
	entry->text = text;
	entry->node = node;
	HASH_ADD_KEYPTR(hh, index->by_text, text, strlen(text), entry);
	return true;
}

void json_index_replace(struct json_index *index, const char *text, const cJSON *node)
{
	struct json_index_entry *entry = find_entry(index, text);

	if (entry)
		entry->node = node;
	else
		json_index_add(index, text, node);
}

void json_index_remove(struct json_index *index, const char *text)
{
	struct json_index_entry *entry = find_entry(index, text);

	if (entry)
		remove_entry(index, entry);
}

const cJSON *json_index_find(const struct json_index *index, const char *text)
{
	const struct json_index_entry *entry = find_entry(index, text);

	return entry ? entry->node : NULL;
}
