/*
 * json - documents that know where everything stands in their text, and reads
 * that name what was missing.
 *
 * cJSON parses; its nodes carry no position, so the document keeps its text and
 * finds a node's line and column by counting: the n-th value of the tree is the
 * n-th value of the text. Duplicate keys, trailing garbage, nesting over 100 and
 * whatever else RFC 8259 does not allow are errors; so is \u0000, which would end
 * a C string early. Lookups are case-sensitive throughout.
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
	char *name; /* what errors call it: a path, "--set", ... */
	char *text; /* NULL: made by hand, nothing in it has a place */
	cJSON *root;
};

/* "NAME:LINE:COLUMN: what" on a syntax error. */
bool json_doc_read(struct json_doc *doc, const char *path, struct err *err) MUST_CHECK;
bool json_doc_parse(struct json_doc *doc, const char *name, const char *text,
	size_t len, struct err *err) MUST_CHECK;

/* What a flag gives: the text itself, or the path of a file with it. A text that begins
 * like an object, an array or a string, and nothing at all, is no path. `name` is what
 * errors call the text. */
bool json_doc_given(struct json_doc *doc, const char *name, const char *given,
	struct err *err) MUST_CHECK;
void json_doc_done(struct json_doc *doc);

/* err becomes "NAME:LINE:COLUMN: what ...", the place being that of the node's key
 * (of the value itself in an array or at the root); "NAME: what" when the node is
 * not of this text, or the tree has no longer as many values as the text. Lines and
 * columns count from 1, columns in characters. Returns false. */
bool json_doc_wrong(const struct json_doc *doc, const cJSON *node, struct err *err,
	const char *format, ...) PRINTF(4, 5);

/* What the text has for node, to free(): of a number it is more than cJSON's double knows.
 * NULL where json_doc_wrong() has no place for it. */
char *json_doc_text(const struct json_doc *doc, const cJSON *node) MUST_CHECK;

/* "a string", "an object", "true", "nothing" (NULL): to say what is there instead. */
const char *json_kind(const cJSON *node);

/* Parses wire text: exactly one value, nothing behind it. The same rules hold, but of
 * duplicate keys the first counts. NULL when it is not JSON. Gives the caller a tree
 * to cJSON_Delete(). */
cJSON *json_parse(const char *text, size_t len) MUST_CHECK;

/* False: node is no whole number, or none that fits. From 2^53 on a number that was
 * parsed has the precision of a double; one of json_add_int() has all its digits. */
bool json_whole(const cJSON *node, int64_t *value) MUST_CHECK;

/* cJSON prints a double with 15 digits where that is near enough: 1000000000000000
 * becomes 1e+15, and 2^53 loses its last digit. A value that cJSON would not print
 * exactly becomes raw text in the tree. */
void json_add_int(cJSON *object, const char *key, int64_t value);

/* A copy that prints each of its whole numbers exactly. NULL stays NULL. Gives the
 * caller a tree to cJSON_Delete(). */
cJSON *json_copy_exact(const cJSON *tree);

/* NULL (or the fallback) when the key is absent or of another type; json_int() takes
 * what json_whole() does. Borrowed. */
const cJSON *json_get(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
int64_t json_int(const cJSON *object, const char *key, int64_t fallback);
bool json_bool(const cJSON *object, const char *key, bool fallback);

/* Follows "a.b.c"; array members by number, from 0. NULL when it leads nowhere.
 * Borrowed. */
const cJSON *json_at(const cJSON *root, const char *path);

/* Puts value at "a.b.c", making objects on the way; takes value, also on failure
 * (a step through something that is neither object nor array member). */
bool json_put_at(
	cJSON *root, const char *path, cJSON *value, struct err *err) MUST_CHECK;

/* Compact text to free(). */
char *json_print(const cJSON *node) MUST_CHECK;

/* For SCOPED(json_free) cJSON *tree = ...; */
void json_free(cJSON **tree);

#endif
