/*
 * json_index - finds nodes of a document by a text, in constant time.
 *
 * For lists of any length, in which each entry is looked up for another one: a walk for
 * each would take the square of their number. A zeroed one is empty.
 */
#ifndef LIB_JSON_INDEX_H
#define LIB_JSON_INDEX_H

#include <stdbool.h>

#include <cjson/cJSON.h>

struct json_index {
	struct json_index_entry *by_text; /* owned */
};

void json_index_done(struct json_index *index);

/* Both keep text and node. A NULL text is nothing's. */
/* False: the text has a node already, which stays. */
bool json_index_add(struct json_index *index, const char *text, const cJSON *node);
/* In place of the node that it has. */
void json_index_replace(struct json_index *index, const char *text, const cJSON *node);

void json_index_remove(struct json_index *index, const char *text);

/* NULL: there is none. Borrowed from the document. */
const cJSON *json_index_find(const struct json_index *index, const char *text);

#endif
