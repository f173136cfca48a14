#include "service/test/journal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "lib/json.h"
#include "lib/mem.h"

struct journal_entry {
	struct journal_entry *prev, *next;
	char *line;
	cJSON *json;
};

void journal_add(void *arg, char *line, size_t len, bool cut)
{
	struct journal *journal = arg;
	struct journal_entry *entry = mem_zeroed(sizeof *entry);

	assert(!cut);
	(void)cut;
	entry->line = mem_text(line);
	entry->json = json_parse(line, len);
	DL_APPEND(journal->entries, entry);
	journal->count++;
	if (getenv("JOURNAL_TELLS"))
		fprintf(stderr, "%s\n", line);
}

void journal_clear(struct journal *journal)
{
	while (journal->entries) {
		struct journal_entry *entry = journal->entries;

		DL_DELETE(journal->entries, entry);
		cJSON_Delete(entry->json);
		free(entry->line);
		free(entry);
	}
	journal->count = 0;
}

void journal_tell(const struct journal *journal)
{
	const struct journal_entry *entry;

	for (entry = journal->entries; entry; entry = entry->next)
		fprintf(stderr, "%s\n", entry->line);
}

static bool is_named(const struct journal_entry *entry, const char *name)
{
	const char *event = json_text(entry->json, "event");

	return event && strcmp(event, name) == 0;
}

static bool reads(const cJSON *member, const char *value)
{
	SCOPED(mem_free) char *text = NULL;

	if (cJSON_IsString(member))
		return strcmp(member->valuestring, value) == 0;
	text = member ? json_print(member) : NULL;
	return text && strcmp(text, value) == 0;
}

const cJSON *journal_find(const struct journal *journal, const char *name, unsigned nth)
{
	const struct journal_entry *entry;

	for (entry = journal->entries; entry; entry = entry->next)
		if (is_named(entry, name) && --nth == 0)
			return entry->json;
	return NULL;
}

unsigned journal_count(const struct journal *journal, const char *name, const char *key,
	const char *value)
{
	const struct journal_entry *entry;
	unsigned count = 0;

	for (entry = journal->entries; entry; entry = entry->next)
		count += is_named(entry, name) &&
			(!key || reads(json_get(entry->json, key), value));
	return count;
}

const char *journal_mentions(const struct journal *journal, const char *text)
{
	const struct journal_entry *entry;

	for (entry = journal->entries; entry; entry = entry->next)
		if (strstr(entry->line, text))
			return entry->line;
	return NULL;
}
