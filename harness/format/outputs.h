/*
 * outputs - what --format asks for: results in several formats, each to a file or one of
 * them to stdout.
 */
#ifndef HARNESS_FORMAT_OUTPUTS_H
#define HARNESS_FORMAT_OUTPUTS_H

#include "harness/format/formats.h"
#include "lib/err.h"

struct output {
	const struct format *format;
	const char *path; /* NULL: stdout */
};

/* Zeroed memory is an empty list. */
struct outputs {
	struct output *list;
	unsigned count;
};

/* Adds "NAME" or "NAME=FILE"; borrows the text. */
bool outputs_add(struct outputs *outputs, const char *text, struct err *err) MUST_CHECK;
void outputs_done(struct outputs *outputs);

/* Could every file be written? Makes the folders above them. */
bool outputs_check(const struct outputs *outputs, struct err *err) MUST_CHECK;

/* The format on stdout: the first of `formats` where every other has a file. */
const struct format *outputs_on_stdout(const struct outputs *outputs);

/* Does one of them want each round's picture (round.h)? */
bool outputs_want_picture(const struct outputs *outputs);

/* Prints the results in each format, stdout's too. A file is there as a whole or not at
 * all; err names the first that could not be written, and the others are. */
bool outputs_print(const struct outputs *outputs, const cJSON *results,
	struct err *err) MUST_CHECK;

/* An argp help_filter: what --format takes, where its key is 'f'. */
char *outputs_help_filter(int key, const char *text, void *input);

#endif
