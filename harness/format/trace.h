/*
 * trace - the pictures of a run in Chrome's Trace Event Format, which Perfetto and
 * speedscope read.
 *
 * A process of the trace is a case, a thread is a lane. The stop signals of all cases are
 * at the same time. Flows lead from a signal to its handler, from the request that ends a
 * session to its acknowledgement, and from the end of stdin to the exit.
 */
#ifndef HARNESS_FORMAT_TRACE_H
#define HARNESS_FORMAT_TRACE_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* `results` is the JSON of results.h; rounds without a picture are left out. */
void trace_print(FILE *out, const cJSON *results);

#endif
