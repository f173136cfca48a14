/*
 * settings - a program's options, from its environment and its flags.
 *
 * The table is one of fields.h (bool, int, duration, text and choice), and is the
 * start-up report as well. A row "GRACE" is the environment variable GRACE and the flag
 * --grace; the flag wins. With a prefix "MOCK_" the variable is MOCK_GRACE, for a
 * program that runs in somebody else's environment. '_' in a name is '-' in its flag.
 * An empty variable counts as unset, as a compose file leaves it; an empty flag means
 * "".
 */
#ifndef LIB_SETTINGS_H
#define LIB_SETTINGS_H

#include <stdbool.h>

#include "lib/fields.h"

/* Fills out, whatever it held, from presets, environment and argv with argp. `prefix`
 * is that of the variables' names, "" for none; `about` is the text above the options
 * in --help. -h, --help and --usage print and exit(0), as does --version where the
 * program sets argp_program_version; an unknown flag or an argument too many prints
 * why and exits with 2. A bad value is an error that begins with its flag's or
 * variable's name; nothing is owned then. A text without a preset that nobody sets is
 * NULL. */
bool settings_read(const struct field *settings, const char *prefix, void *out,
	int argc, char **argv, const char *about, struct err *err) MUST_CHECK;

/* One event "setting" per row, with its "name" and "value": a number, true or false,
 * or a text; a secret's is "(set)" or null. */
void settings_log(const struct field *settings, const void *out);

#endif
