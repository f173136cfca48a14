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

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/json.h"

enum field_kind {
	FIELD_BOOL = 1, /* bool */
	FIELD_INT,      /* int64_t, within [min, max] */
	FIELD_NUMBER,   /* double, within [least, most] */
	FIELD_DURATION, /* int64_t, ns, at most max, written "250ms" */
	FIELD_TEXT,     /* char *, owned */
	FIELD_CHOICE,   /* int: index into .choices */
	FIELD_OBJECT,   /* a struct embedded at offset, described by .fields */
	FIELD_OTHER,    /* what .type describes */
};

/* A kind of value that its owner reads. */
struct field_type {
	/* Reads node over what out, the address at offset, holds. NULL: any value is
	 * right, and is stored nowhere. */
	bool (*read)(void *out, const struct json_doc *doc, const cJSON *node,
		struct err *err);
	void (*done)(void *out); /* frees what read() took; NULL: nothing */
	const char *schema_text; /* its JSON Schema; NULL: what schema() gives */
	cJSON *(*schema)(void);  /* gives its JSON Schema to the caller; NULL: any */
	size_t size;             /* what fields_preset() zeroes first; 0: nothing */
	bool open;               /* fields_knows() accepts every key below it */
};

struct field {
	const char *name; /* NULL ends the table */
	enum field_kind kind;
	size_t offset;
	/* The default as a user would write it, without quotes; of FIELD_OTHER JSON, or
	 * a string where it is no JSON. NULL: 0. */
	const char *preset;
	const char *help;
	int64_t min, max;              /* FIELD_INT, FIELD_DURATION; both 0: any */
	double least, most;            /* FIELD_NUMBER */
	const char *const *choices;    /* FIELD_CHOICE: NULL-terminated */
	const struct field *fields;    /* FIELD_OBJECT */
	const struct field_type *type; /* FIELD_OTHER */
	bool required;                 /* an object without this key is an error */
	bool secret; /* settings.h: environment only, its value is never reported */
};

typedef void fields_wrong_fn(void *arg, const struct err *err);

/* A fields_wrong_fn: keeps the first of the errors in arg, a struct err that is empty at
 * the beginning. */
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

/* Reads one value, of any kind but FIELD_OBJECT and FIELD_OTHER, into out: from JSON, or
 * from text as a user writes it in a flag. An error has neither place nor name. */
bool field_read(const struct field *field, void *out, const cJSON *node,
	struct err *err) MUST_CHECK;
bool field_parse(const struct field *field, void *out, const char *text,
	struct err *err) MUST_CHECK;

/* Gives the caller the preset as JSON; NULL where there is none. */
cJSON *field_preset_json(const struct field *field) MUST_CHECK;

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
 * --help, in lines as wide as argp's. `prefix` comes before the names ("stop", or ""). */
void fields_help(const struct field *fields, const char *prefix, struct buf *text);

#endif
