/*
 * json_write - JSON written into a buf as text, without a tree.
 *
 *   json_write(&body, "{'type':'message','id':%s,'tokens':%d}", id, 7);
 *
 * A template's quotes are single ones, so none of its constant text may have one
 * inside. Text is escaped, and otherwise written as it is.
 */
#ifndef LIB_JSON_WRITE_H
#define LIB_JSON_WRITE_H

#include <stdarg.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/cc.h"

/* %s is a whole string without quotes around it, NULL for null; %d, %u and %g are
 * numbers. */
void json_write(struct buf *text, const char *template, ...) PRINTF(2, 3);
void json_writev(struct buf *text, const char *template, va_list args) PRINTF(2, 0);

/* A string with its quotes; NULL is null. */
void json_write_text(struct buf *text, const char *string);

/* The inside of a string. */
void json_write_escaped(struct buf *text, const char *part, size_t len);

#endif
