/*
 * redact - what people and reports are shown, without the secrets of a scenario.
 */
#ifndef HARNESS_SCENARIO_REDACT_H
#define HARNESS_SCENARIO_REDACT_H

#include "harness/scenario/scenario.h"

/* Gives the caller a copy of text to free(), with "***" in place of each value of the
 * scenario's environment and headers that is secret (scenario_env_is_secret(),
 * scenario_header_is_secret()), be it quoted as in
 * JSON or for a shell; shorter ones than four bytes are left, for they stand in a text
 * by chance. */
char *redact(const struct scenario *scenario, const char *text) MUST_CHECK;

/* The same for every string of a tree, but not for its keys. */
void redact_json(const struct scenario *scenario, cJSON *json);

#endif
