/*
 * fields - a struct described by a table, which is its parser, its defaults, its help
 * text and its JSON Schema at once.
 *
 *   static const struct field stop_fields[] = {
 *       {"grace", FIELD_DURATION, offsetof(struct stop, grace_ns), .preset = "10s",
 *           .help = "time from the stop signal to SIGKILL"},
 *       {0},
 *   };
 *
 * The struct is read from a JSON object here, or from environment and flags by
 * settings.h. Errors of JSON begin with file:line:column and end with the nearest known
 * name where one is near.
 */
#ifndef LIB_FIELDS_H
#define LIB_FIELDS_H

#include "lib/buf.h"
#include "lib/fields_value.h" /* the rows of the table */
#include "lib/json.h"

typedef void fields_wrong_fn(void *arg, const struct err *err);

/* A fields_wrong_fn: keeps the first of the errors in arg, a struct err that is empty
 * at the beginning. */
void fields_keep_first(void *arg, const struct err *err);

/* Fills out, whatever it held, with the presets, and frees nothing; but a FIELD_OTHER
 * whose type has no size is read over what out holds: begin with zeroed memory. A wrong
 * preset is our mistake: it is printed, then abort() is called. */
void fields_preset(const struct field *fields, void *out);

/* Reads the members of object over what out holds; absent members keep their value.
 * `what` names the object in errors ("stop"; "" for the whole document). Hands each
 * wrong member to `wrong` in the order of the text, and returns their number. Where
 * it is not 0, out is read in part, and good for fields_done(). */
unsigned fields_read_all(const struct field *fields, void *out,
	const struct json_doc *doc, const cJSON *object, const char *what,
	fields_wrong_fn *wrong, void *arg) MUST_CHECK;

/* The same; err is the first wrong member. */
bool fields_read(const struct field *fields, void *out, const struct json_doc *doc,
	const cJSON *object, const char *what, struct err *err) MUST_CHECK;

/* Frees texts and what .type->done frees. Accepts zeroed memory. */
void fields_done(const struct field *fields, void *out);

/* Is "a.b" a path of this table? If not, err says which part is unknown, and the
 * nearest name. */
bool fields_knows(const struct field *fields, const char *path, struct err *err);

/* {"type":"object","properties":{...},"additionalProperties":false}, the caller's. */
cJSON *fields_schema(const struct field *fields) MUST_CHECK;
cJSON *field_schema_duration(void) MUST_CHECK;
cJSON *field_schema_choice(const char *const *choices) MUST_CHECK;

/* Appends "  stop.grace   10s   time from ..." for each field, nested ones too, for
 * --help, in lines as wide as argp's. `prefix` comes before the names ("stop", or "").
 */
void fields_help(const struct field *fields, const char *prefix, struct buf *text);

#endif
