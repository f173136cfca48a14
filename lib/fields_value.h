/*
 * fields_value - a row of a table of fields, and its one value: in JSON, and in a text
 * that a user writes.
 */
#ifndef LIB_FIELDS_VALUE_H
#define LIB_FIELDS_VALUE_H

#include <stddef.h>
#include <stdint.h>

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

/* Reads one value, of any kind but FIELD_OBJECT and FIELD_OTHER, into out: from JSON,
 * or from text as a user writes it in a flag. An error has neither place nor name. */
bool field_read(const struct field *field, void *out, const cJSON *node,
	struct err *err) MUST_CHECK;
bool field_parse(const struct field *field, void *out, const char *text,
	struct err *err) MUST_CHECK;

/* Gives the caller the preset as JSON; NULL where there is none. */
cJSON *field_preset_json(const struct field *field) MUST_CHECK;

#endif
