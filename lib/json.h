/*
 * json - documents that can say where each value stands in their text, and typed reads.
 *
 * cJSON parses. Its nodes carry no position, so a document keeps its text and finds the
 * line and column of a node by counting: the n-th value of the tree is the n-th value
 * of the text. Duplicate keys, trailing garbage, nesting over 100 and whatever else RFC
 * 8259 forbids are errors; so is \u0000, which would end a C string early. Lookups are
 * case-sensitive.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "lib/err.h"

#define JSON_FILE_CEILING ((size_t)4 << 20)

struct json_doc {
	char *name; /* in errors: a path, "--set", ... */
	char *text; /* NULL: there is none, so no node has a place */
	cJSON *root;
};

/* "NAME:LINE:COLUMN: what" on a syntax error. */
bool json_doc_read(struct json_doc *doc, const char *path, struct err *err) MUST_CHECK;
bool json_doc_parse(struct json_doc *doc, const char *name, const char *text,
	size_t len, struct err *err) MUST_CHECK;

/* Reads the value of a flag: JSON text, or the path of a file. A value that is empty,
 * or begins like an object, an array or a string, is text. Errors call the text `name`.
 */
bool json_doc_given(struct json_doc *doc, const char *name, const char *given,
	struct err *err) MUST_CHECK;
void json_doc_done(struct json_doc *doc);

/* Sets err to "NAME:LINE:COLUMN: what ..." with the place of the node's key (of the
 * value itself in an array or at the root); to "NAME: what" when the node is not in
 * this text, or the tree no longer has as many values as the text. Lines and columns
 * count from 1, columns in characters. Returns false. */
bool json_doc_wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...) PRINTF(4, 5);

/* The line of the node's key, as json_doc_wrong() has it; 0: it finds no place. */
unsigned json_doc_line(const struct json_doc *doc, const cJSON *node);

/* The text of node, to free(): it has all the digits of a number. NULL where
 * json_doc_wrong() finds no place. */
char *json_doc_text(const struct json_doc *doc, const cJSON *node) MUST_CHECK;

/* A copy of node, which stands in doc's text, that prints each of its whole numbers with
 * the digits of that text, also those that a double cannot hold. Gives the caller a tree
 * to cJSON_Delete(). */
cJSON *json_doc_copy(const struct json_doc *doc, const cJSON *node) MUST_CHECK;

/* "a string", "an object", "true", "nothing" (NULL): for errors of the wrong type. */
const char *json_kind(const cJSON *node);

/* Is it exactly one value? By the same rules, but names may repeat. */
bool json_is_valid(const char *text, size_t len);

/* Parses exactly one value, by the same rules, but of duplicate keys the first counts.
 * NULL: it is not JSON. Gives the caller a tree to cJSON_Delete(). */
cJSON *json_parse(const char *text, size_t len) MUST_CHECK;

/* False: node is no whole number, or none that fits. From 2^53 on a number that was
 * parsed has the precision of a double; one of json_add_int() has all its digits. */
bool json_whole(const cJSON *node, int64_t *value) MUST_CHECK;

/* cJSON prints a double with 15 digits where that is near enough: 1000000000000000
 * becomes 1e+15, and 2^53 loses its last digit. A value that cJSON would not print
 * exactly becomes raw text in the tree. */
void json_add_int(cJSON *object, const char *key, int64_t value);

/* Adds a text of any origin, as valid UTF-8; NULL and "" become null. */
void json_add_text(cJSON *object, const char *key, const char *text);

/* A copy that prints each of its whole numbers exactly. NULL stays NULL. Gives the
 * caller a tree to cJSON_Delete(). */
cJSON *json_copy_exact(const cJSON *tree);

/* Give NULL or the fallback when the key is absent or has another type. json_int()
 * takes what json_whole() takes. Borrowed. */
const cJSON *json_get(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);

/* The value at "a.b.c"; array members by number, from 0. NULL: there is none. Borrowed.
 */
const cJSON *json_at(const cJSON *root, const char *path);

/* Puts value at "a.b.c" and makes missing objects on the way. Takes value, also on
 * failure: a step of the path is neither in an object nor a member of an array. */
bool json_put_at(
	cJSON *root, const char *path, cJSON *value, struct err *err) MUST_CHECK;

/* Compact text to free(). */
char *json_print(const cJSON *node) MUST_CHECK;

/* Text for a file or terminal, to free(): what is not inert (utf8.h) is written as
 * \uXXXX, so that a reader of the JSON gets it back. `lines`: as cJSON_Print() breaks
 * them. */
char *json_print_inert(const cJSON *node, bool lines) MUST_CHECK;

/* For SCOPED(json_free) cJSON *tree = ...; */
void json_free(cJSON **tree);

#endif
