/*
 * strlist - a list of strings, and how a scenario writes one: as a JSON array, or as an
 * object whose members become NAME=value.
 */
#ifndef LIB_STRLIST_H
#define LIB_STRLIST_H

#include "lib/fields.h"

/* Owned. The items end with NULL; an empty list has no items at all: item is NULL. */
struct strlist {
	char **item;
	unsigned count;
};

void strlist_add(struct strlist *list, const char *format, ...) PRINTF(2, 3);
/* Adds "NAME=value", in place of the pair of that name if there is one. Copies. */
void strlist_put(struct strlist *list, const char *pair);
void strlist_done(struct strlist *list);

/* Of a struct strlist in a table of fields: read from a JSON array of strings, or from
 * an object as "NAME=value" each. */
extern const struct field_type strlist_type, strlist_pairs_type;
#define STRLIST_SCHEMA "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define STRLIST_PAIRS_SCHEMA                                                           \
	"{\"type\":\"object\",\"additionalProperties\":"                               \
	"{\"type\":[\"string\",\"number\",\"boolean\"]}}"

#endif
