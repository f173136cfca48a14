/*
 * timeline - all observations of a case in the order of their time: one line each, in
 * milliseconds from the stop signal. The stop comes first, what was before it behind.
 *
 *        +0.0  kernel           SIGTERM sent to PID 1
 *        +0.3  service          shutdown.begin signal=15 sessions=3
 *      +201.7  mock-mcp skills s2   mcp.eof
 *
 *   Before that:
 *
 *      -512.4  load             session 1 asked for: room 1, bot personal_assistant
 */
#ifndef HARNESS_PICTURE_TIMELINE_H
#define HARNESS_PICTURE_TIMELINE_H

#include <cjson/cJSON.h>

#include "harness/run/evidence.h"
#include "lib/buf.h"

void timeline_write(const struct evidence *evidence, struct buf *text);

/* Adds to json the lines of the stop as "lines": [{"at_ns", "source", "text"}], at most
 * `max`: of more, the first and the last ones, and "lines_left_out" counts the others. */
void timeline_add_json(const struct evidence *evidence, cJSON *json, unsigned max);

#endif
