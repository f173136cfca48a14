/*
 * redact - a text for people without the secrets of a scenario.
 */
#ifndef HARNESS_REPORT_REDACT_H
#define HARNESS_REPORT_REDACT_H

#include "harness/scenario/scenario.h"

/* Values shorter than this are left: they stand in a text by chance. */
#define REDACT_LEN_MIN 4

/* Gives the caller a copy of text to free(), with "***" in place of each value of the
 * scenario's environment that is secret (scenario_env_is_secret()). */
char *redact(const struct scenario *scenario, const char *text) MUST_CHECK;

#endif
