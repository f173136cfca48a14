/*
 * settings - what a program is told by environment and flags.
 *
 * One row is parser, default, help text and start-up report at once. A row named
 * "GRACE" is the environment variable GRACE and the flag --grace; the flag wins. A
 * program that runs in environments which others made has a prefix for its variables:
 * with "MOCK_" it is MOCK_GRACE and --grace. '_' in a name is '-' in its flag. An empty variable says nothing, as a compose file
 * leaves it for what its user did not set; an empty flag says "".
 */
#ifndef LIB_SETTINGS_H
#define LIB_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"

enum setting_kind {
	SETTING_TEXT = 1, /* char *, owned; NULL when preset is NULL and nobody said */
	SETTING_INT,      /* int64_t within [min, max] */
	SETTING_DURATION, /* int64_t, ns, written "250ms" */
	SETTING_CHOICE,   /* int: index into .choices */
	SETTING_BOOL,     /* bool: 1/0, true/false, yes/no, on/off; bare flag: true */
};

struct setting {
	const char *name; /* NULL ends the table */
	enum setting_kind kind;
	size_t offset;
	const char *preset; /* as it would be written; NULL: 0 */
	const char *help;
	int64_t min, max;           /* SETTING_INT; both 0: any */
	const char *const *choices; /* SETTING_CHOICE: NULL-terminated */
	bool secret; /* SETTING_TEXT: never reported, never a flag: environment only */
};

/* Fills out, whatever it held, from presets, environment and argv with argp. `prefix` is
 * that of the variables' names, "" for none. `about` is the text above the options in --help. --help and --usage print and exit(0), and so
 * does --version where the program sets argp_program_version; an unknown flag or an
 * argument too many prints why and exits with 2. A bad value is an error that begins
 * with its flag's or variable's name; nothing is owned then. A wrong preset is our
 * mistake: it says so and aborts. */
bool settings_read(const struct setting *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err) MUST_CHECK;
void settings_done(const struct setting *settings, void *out);

/* One event "setting" per row, with its "name" and "value": a number, true or false,
 * or a text; a secret's is "(set)" or null. */
void settings_log(const struct setting *settings, const void *out);

#endif
