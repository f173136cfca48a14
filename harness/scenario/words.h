/*
 * words - a list of strings in a scenario: a JSON array, or an object as NAME=value.
 */
#ifndef HARNESS_SCENARIO_WORDS_H
#define HARNESS_SCENARIO_WORDS_H

#include <stdbool.h>

#include "lib/json.h"

/* NULL-terminated; word is NULL when empty. All owned. */
struct words {
	char **word;
	unsigned count;
};

void words_add(struct words *words, const char *format, ...) PRINTF(2, 3);
void words_done(struct words *words);

/* Readers and schemas for fields.h; `out` is a struct words, replaced on success. */
bool words_read_list(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
cJSON *words_list_schema(void);
bool words_read_pairs(
	void *out, const struct json_doc *doc, const cJSON *node, struct err *err);
cJSON *words_pairs_schema(void);
void words_field_done(void *out);

#endif
