/*
 * redact - a text for people without the secrets of a scenario.
 */
#ifndef HARNESS_REPORT_REDACT_H
#define HARNESS_REPORT_REDACT_H

#include "harness/scenario/scenario.h"

/* Gives the caller a copy of text to free(), with "***" in place of each value of the
 * scenario's environment that is secret (scenario_env_is_secret()); shorter ones than
 * four bytes are left, for they stand in a text by chance. */
char *redact(const struct scenario *scenario, const char *text) MUST_CHECK;

#endif
