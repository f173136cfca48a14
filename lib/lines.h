/*
 * lines - whole lines from a stream.
 *
 * Calls back for each line of what it is fed, without the line's end (LF or CRLF),
 * NUL-terminated. A line longer than the ceiling is handed over once, cut at the
 * ceiling, with `cut` true, and the rest of it is dropped.
 */
#ifndef LIB_LINES_H
#define LIB_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* `line` is borrowed for the call. The callback must not feed or end this lines. */
typedef void lines_fn(void *arg, char *line, size_t len, bool cut);

struct lines {
	struct buf held;
	size_t ceiling;
	bool skipping; /* dropping the rest of a cut line */
	lines_fn *each;
	void *arg;
};

void lines_init(struct lines *lines, size_t ceiling, lines_fn *each, void *arg);
void lines_done(struct lines *lines);

void lines_feed(struct lines *lines, const char *data, size_t len);

/* Ends the stream: bytes held without a line end become the last line. */
void lines_end(struct lines *lines);

#endif
