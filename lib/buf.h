/*
 * buf - bytes with a ceiling.
 *
 * A buf grows as it is filled, up to its ceiling. The contents
 * always end in a NUL that len does not count, so data can be read as text.
 * A zeroed buf is a valid empty one without a ceiling of its own (it takes
 * BUF_CEILING). An addition that would pass the ceiling adds nothing, returns
 * false, and every later one fails too until buf_clear(): a cut message is
 * never mistaken for a whole one. Running out of memory ends the program.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

#define BUF_CEILING ((size_t)16 << 20)

struct buf {
	char *data; /* NULL while nothing was added */
	size_t len;
	size_t room;
	size_t ceiling;
	bool full; /* an addition did not fit */
};

void buf_init(struct buf *buf, size_t ceiling);
void buf_done(struct buf *buf);

bool buf_add(struct buf *buf, const void *data, size_t len);
bool buf_adds(struct buf *buf, const char *text);
bool buf_addf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
bool buf_addv(struct buf *buf, const char *format, va_list args) PRINTF(2, 0);

bool buf_addi(struct buf *buf, int64_t number); /* its digits */

/* Drops the first len bytes; len is at most buf->len. */
void buf_drop(struct buf *buf, size_t len);
void buf_cut(struct buf *buf, size_t len); /* keeps the first len bytes, or all */
void buf_clear(struct buf *buf);

/* "" when empty. Borrowed until the next addition. */
const char *buf_text(const struct buf *buf);

/* Gives the caller a string to free(); the buf is as after buf_clear(). */
char *buf_take(struct buf *buf);

#endif
