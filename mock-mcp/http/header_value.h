/*
 * header_value - a header that repeats a value of the body, as 2026-07-28 writes it:
 * plainly, or as =?base64?...?= where HTTP allows no such text.
 */
#ifndef MOCK_MCP_HTTP_HEADER_VALUE_H
#define MOCK_MCP_HTTP_HEADER_VALUE_H

#include <stdbool.h>

#include "lib/cc.h"

/* Reports whether the header means this text. */
bool header_value_is(const char *header, const char *text) MUST_CHECK;

#endif
