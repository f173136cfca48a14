/*
 * members - the form of a JSON document as a table: a row for each member of an object.
 * One table says what a reader accepts, and prints as a JSON Schema.
 */
#ifndef HARNESS_RESULTS_MEMBERS_H
#define HARNESS_RESULTS_MEMBERS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "lib/json.h"

enum member_kind {
	MEMBER_TEXT,
	MEMBER_WORD,   /* a text out of `words` */
	MEMBER_BOOL,   /* true or false */
	MEMBER_COUNT,  /* a whole number, not below 0 */
	MEMBER_WHOLE,  /* a whole number */
	MEMBER_NUMBER, /* any number, not below 0 */
	MEMBER_OBJECT, /* with `members`, and any others where `open` */
	MEMBER_LIST,   /* each item is an `item` */
};

struct member {
	const char *name; /* the row after the last one has none */
	enum member_kind kind;
	bool nullable; /* null says that it is not known */
	bool optional;
	bool open;
	const char *const *words; /* NULL-terminated */
	const struct member *members;
	const struct member *item;
};

/* Checks the document's root, an object. False: "FILE:LINE:COLUMN: cases[3].stop_ns:
 * expected a whole number, not a string". A member that is in no row is passed over. */
bool members_check(const struct json_doc *doc, const struct member *members,
	struct err *err) MUST_CHECK;

/* The JSON Schema of an object with these members, and with no others. Gives the caller
 * a tree to cJSON_Delete(). */
cJSON *members_schema(const struct member *members) MUST_CHECK;

#endif
