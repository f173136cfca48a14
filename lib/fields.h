/*
 * fields - a JSON object described by a table, which is its parser, its defaults,
 * its help text and its JSON Schema at once.
 *
 *   static const struct field stop_fields[] = {
 *       {"grace", FIELD_DURATION, offsetof(struct stop, grace_ns), .preset = "10s",
 *           .help = "how long the engine waits before SIGKILL"},
 *       {0},
 *   };
 *
 * A key that the table lacks, a wrong type, a value out of range: an error with
 * file:line:column, and the nearest known name where one is near.
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
	FIELD_DURATION, /* int64_t, ns, written "250ms" */
	FIELD_TEXT,     /* char *, owned */
	FIELD_CHOICE,   /* int: index into .choices */
	FIELD_LATENCY,  /* struct latency */
	FIELD_OBJECT,   /* a struct embedded at offset, described by .fields */
	FIELD_OTHER,    /* .read does it */
};

struct field {
	const char *name; /* NULL ends the table */
	enum field_kind kind;
	size_t offset;
	/* the default, as it would be written less quotes; NULL: 0 */
	const char *preset;
	const char *help;
	int64_t min, max;           /* FIELD_INT; both 0: any */
	const char *const *choices; /* FIELD_CHOICE: NULL-terminated */
	const struct field *fields; /* FIELD_OBJECT */
	/* FIELD_OTHER: reads node into out (the address at offset), over what is there.
	 * Its preset is JSON, or a string where it is no JSON. */
	bool (*read)(void *out, const struct json_doc *doc, const cJSON *node,
		struct err *err);
	void (*done)(void *out); /* FIELD_OTHER: lets go of what read() took, or NULL */
	cJSON *(*schema)(void);  /* FIELD_OTHER: its JSON Schema, given to the caller */
	bool open; /* FIELD_OTHER: free keys below it, fields_knows() accepts any */
};

/* Fills out with the presets, letting go of nothing. A FIELD_OTHER is read over what
 * out holds, or left as it is without a preset: so begin with zeroed memory. A wrong
 * preset is our mistake: it says so and aborts. */
void fields_preset(const struct field *fields, void *out);

/* Reads what object says over what out holds. `what` names the object in errors
 * ("stop"; "" for the whole document). Members that are absent keep their value. After
 * a failure out is read in part, and good for fields_done(). */
bool fields_read(const struct field *fields, void *out, const struct json_doc *doc,
	const cJSON *object, const char *what, struct err *err) MUST_CHECK;

/* Lets go of texts, latencies and what .done knows. Accepts zeroed memory. */
void fields_done(const struct field *fields, void *out);

/* Is "a.b" a path of this table? When not, err says which part is unknown and what
 * is near. Below a latency every key is accepted: reading it will tell. */
bool fields_knows(const struct field *fields, const char *path, struct err *err);

/* {"type":"object","properties":{...},"additionalProperties":false}, the caller's. */
cJSON *fields_schema(const struct field *fields) MUST_CHECK;

/* "  stop.grace   10s   how long ..." each, nested objects too, for --help: lines as
 * wide as argp's. `prefix` is put in front of the names ("stop"; "" for none). */
void fields_help(const struct field *fields, const char *prefix, struct buf *text);

#endif
