/*
 * schema_sample - a value that a JSON Schema accepts.
 *
 * Objects have all properties that are required, arrays as few items as are allowed;
 * strings are the prompt where the schema allows any. References into the schema are
 * followed. Not known: "pattern", "not", conditions, and what is beyond a bound of depth
 * and size, where null stands.
 */
#ifndef MOCK_AGENT_SESSION_SCHEMA_SAMPLE_H
#define MOCK_AGENT_SESSION_SCHEMA_SAMPLE_H

#include <cjson/cJSON.h>

#include "lib/cc.h"

/* The caller's. */
cJSON *schema_sample(const cJSON *schema, const char *prompt) MUST_CHECK;

#endif
