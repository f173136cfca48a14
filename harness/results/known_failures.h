/*
 * known_failures - cases that are known not to be met: a file names them, and a run that
 * finds them so is no failure. One that is met is: it has to come off the list, so that
 * nobody relies on a list that is not true any more.
 *
 *   {"known_failures": [{"case": "kill/20-sequential load.sessions=3 (twin)",
 *                        "diagnosis": "H2", "why": "issue 12"}]}
 *
 * `case` is the title that the table and the progress print. With a `diagnosis` the case
 * is known only while that is its deepest cause in every unmet round.
 */
#ifndef HARNESS_RESULTS_KNOWN_FAILURES_H
#define HARNESS_RESULTS_KNOWN_FAILURES_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/err.h"

struct known_failure {
	char *title;
	char *diagnosis; /* "" where any will do */
	char *why;
};

struct known_failures {
	struct known_failure *list;
	unsigned count;
};

/* "FILE:LINE:COLUMN: what" of a mistake; then nothing is owned. */
bool known_failures_read(
	struct known_failures *known, const char *path, struct err *err) MUST_CHECK;
void known_failures_done(struct known_failures *known);

/* Gives each round of a case on the list, in `rounds` of results.json, a member
 * "known_failure": {"why", "passes"}. */
void known_failures_mark(const struct known_failures *known, cJSON *rounds);

#endif
