/*
 * json_fill - JSON objects written as text with values to fill in.
 *
 *   json_fill(NULL, "{'type': 'message', 'id': %s, 'usage': {'tokens': %d}}", id, 7);
 *
 * The quotes are single ones, so no constant text of a template may have one inside.
 */
#ifndef LIB_JSON_FILL_H
#define LIB_JSON_FILL_H

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* Adds the members of the template, an object, to object (NULL: a new one). %s is a
 * whole string without quotes around it, NULL for null; %d, %u and %g are numbers.
 * Gives object; a new one is the caller's. */
cJSON *json_fill(cJSON *object, const char *template, ...) PRINTF(2, 3);

#endif
