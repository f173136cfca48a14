/*
 * journal - the events that everybody told, in the order in which they were heard.
 */
#ifndef SERVICE_TEST_JOURNAL_H
#define SERVICE_TEST_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

struct journal_entry;

/* Zeroed, it is empty. */
struct journal {
	struct journal_entry *entries;
	unsigned count;
};

/* For lines_init(); arg is the journal. With JOURNAL_TELLS in the environment, stderr
 * hears of it too. */
void journal_add(void *arg, char *line, size_t len, bool cut);
void journal_clear(struct journal *journal);
void journal_tell(const struct journal *journal); /* all, to stderr */

/* The nth (from 1) of that name, or NULL. Borrowed. */
const cJSON *journal_find(
	const struct journal *journal, const char *name, unsigned nth);

/* How many of that name, where member `key` reads so; of all, when key is NULL. */
unsigned journal_count(const struct journal *journal, const char *name, const char *key,
	const char *value);

/* The first line with this text anywhere in it, or NULL. Borrowed. */
const char *journal_mentions(const struct journal *journal, const char *text);

#endif
