/*
 * answer - how the answer to a request of the load counts, and how it is told.
 */
#ifndef HARNESS_RUN_ANSWER_H
#define HARNESS_RUN_ANSWER_H

#include "harness/run/evidence.h"
#include "lib/fetch.h"

/* wanted 0: any 2xx. */
enum request_end answer_end(const struct fetch_result *result, long wanted);

/* Gives the caller why the answer is no good one: "HTTP 500, wanted 200: "oops"". */
char *answer_why(const struct fetch_result *result, long wanted) MUST_CHECK;

/* Does its body hold what the mock agent API's model said? */
bool answer_has_reply(const struct fetch_result *result);

#endif
