/*
 * journal - what happened in a session: its last JOURNAL_MAX events, in order.
 *
 * A zeroed journal is a valid empty one.
 */
#ifndef MOCK_AGENT_JOURNAL_H
#define MOCK_AGENT_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_MAX 2000

struct journal_entry {
	int64_t number; /* from 1, without gaps */
	char *type;
	char *json;
};

struct journal {
	struct journal_entry *entries;
	size_t count;
	size_t room;
	int64_t last; /* number */
};

/* Copies type, takes json. Drops the oldest ones when full. */
void journal_add(struct journal *journal, const char *type, char *json);
void journal_done(struct journal *journal);

#endif
