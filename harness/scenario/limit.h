/*
 * limit - what a stop of a case cannot well be faster than: the slowest latency that the
 * scenario plants in its way. A stop time as a multiple of it travels between machines.
 *
 * That is the longest of: the agent API's latencies of archive, delete (both have
 * "disconnect" in them) and of the end of its streams; the time in which its rate limit lets
 * all sessions be ended; with turns in flight, of a turn, of
 * its interrupt and of the status behind that; and of an MCP server that "exits after" the
 * end of its stdin or SIGTERM. Of a distribution it is the longest draw.
 */
#ifndef HARNESS_SCENARIO_LIMIT_H
#define HARNESS_SCENARIO_LIMIT_H

#include <stdint.h>

#include "harness/scenario/scenario.h"

/* -1: no latency is planted, or its distribution has no longest draw. */
int64_t limit_ns(const struct scenario *scenario) MUST_CHECK;

#endif
