/*
 * base64 - bytes as text (RFC 4648, with padding).
 */
#ifndef LIB_BASE64_H
#define LIB_BASE64_H

#include <stddef.h>

#include "lib/cc.h"

/* Gives the caller a string to free(). */
char *base64_text(const void *data, size_t len) MUST_CHECK;

#endif
