/*
 * settings - what a program is told by environment and flags.
 *
 * One row is parser, default, help text and start-up report at once. A row named
 * "GRACE" is the environment variable GRACE and the flag --grace; the flag wins.
 * '_' in a name is '-' in its flag.
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
	SETTING_BOOL,     /* bool: 1/0, true/false, yes/no, on/off */
};

struct setting {
	const char *name; /* NULL ends the table */
	enum setting_kind kind;
	size_t offset;
	const char *preset;
	const char *help;
	int64_t min, max;           /* SETTING_INT; both 0: any */
	const char *const *choices; /* SETTING_CHOICE: NULL-terminated */
	bool secret;                /* never reported, never a flag: environment only */
};

/* Fills out from presets, environment and argv with argp. `about` is the text above
 * the options in --help. --help, --usage and --version print and exit(0). */
bool settings_read(const struct setting *settings, void *out, int argc, char **argv,
	const char *about, struct err *err) MUST_CHECK;
void settings_done(const struct setting *settings, void *out);

/* One log_event("settings", ...) with every value, secrets as "(set)" or null. */
void settings_log(const struct setting *settings, const void *out);

#endif
