/*
 * strlist - a list of strings in a scenario: a JSON array, or an object as NAME=value.
 */
#ifndef LIB_STRLIST_H
#define LIB_STRLIST_H

#include <stdbool.h>

#include "lib/json.h"

/* NULL-terminated; word is NULL when empty. All owned. */
struct strlist {
	char **item;
	unsigned count;
};

void strlist_add(struct strlist *words, const char *format, ...) PRINTF(2, 3);
void strlist_done(struct strlist *words);

/* Readers and schemas for fields.h; `out` is a struct strlist, replaced on success. */
bool strlist_read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
cJSON *strlist_list_schema(void);
bool strlist_read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
cJSON *strlist_pairs_schema(void);
void strlist_field_done(void *out);

#endif
