/*
 * exec_form - a command line that a shell stands in front of, without that shell.
 *
 * Of `sh -c "node server.js"` it is `node server.js`; where the script needs its shell,
 * as `sh -c "migrate && node server.js"` does, the shell stays and becomes the program:
 * `sh -c "migrate && exec node server.js"`.
 */
#ifndef HARNESS_JUDGE_EXEC_FORM_H
#define HARNESS_JUDGE_EXEC_FORM_H

#include <stdbool.h>

#include "lib/strlist.h"

/* `child` is the command line of the shell's child when the stop came, with blanks
 * between its words; NULL: not known. False, and nothing is added to form: no shell
 * with a script is in front, or the script is none of simple commands, as one with a
 * loop, a pipe or a job in the background. */
bool exec_form(struct strlist *form, const struct strlist *command, const char *child);

#endif
