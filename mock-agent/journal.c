#include "mock-agent/journal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

#define FIRST_ROOM   16
#define DROP_AT_ONCE (JOURNAL_MAX / 4)

static void drop(struct journal *journal, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(journal->entries[i].type);
		free(journal->entries[i].json);
	}
	journal->count -= count;
	if (journal->count == 0)
		return;
	memmove(journal->entries, journal->entries + count,
		journal->count * sizeof *journal->entries);
}

void journal_add(struct journal *journal, const char *type, char *json)
{
	if (journal->count == JOURNAL_MAX)
		drop(journal, DROP_AT_ONCE);
	if (journal->count == journal->room) {
		journal->room = journal->room ? journal->room * 2 : FIRST_ROOM;
		journal->entries = mem_grown(
			journal->entries, journal->room, sizeof *journal->entries);
	}
	journal->entries[journal->count++] = (struct journal_entry){
		.number = ++journal->last,
		.type = mem_text(type),
		.json = json,
	};
}

void journal_done(struct journal *journal)
{
	drop(journal, journal->count);
	free(journal->entries);
	*journal = (struct journal){0};
}
