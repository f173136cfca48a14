/*
 * clock - nanoseconds, and durations and times as text.
 *
 * Every stamp in the project is CLOCK_MONOTONIC in nanoseconds: one clock for
 * all processes and containers of a kernel. A duration in a file or a flag is a
 * string with a unit ("250ms", "1.5s", "1m30s"; units ns us ms s m h).
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"
#include "lib/err.h"

#define CLOCK_US INT64_C(1000)
#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S  INT64_C(1000000000)

int64_t clock_now(void); /* CLOCK_MONOTONIC, ns */

/* The wall clock as "2026-11-22T22:05:00.123Z". */
#define CLOCK_WALL_SIZE 32
void clock_wall(char text[CLOCK_WALL_SIZE]);

/* The stamp that clock_now() gave at a time of this machine's wall clock, in ns since
 * 1970, which was not set since then. */
int64_t clock_of_wall(int64_t wall_ns);

/* "250ms" to ns; fractions of a nanosecond are dropped. Units go from the
 * largest to the smallest, each once. Negative, unit-less, empty and over 1000 h
 * are errors. */
bool clock_parse(int64_t *ns, const char *text, struct err *err) MUST_CHECK;

/* RFC 3339 with up to nine digits of a second ("2026-11-22T22:05:00.123456789Z",
 * as the Docker API writes times) to ns since 1970, from its digits: a double
 * would lose the last three. An offset ("+01:00") may stand for the Z. Times
 * outside of 1970 to 2262 are errors, Docker's "0001-01-01T00:00:00Z" for an event
 * that has not happened among them. */
bool clock_parse_rfc3339(int64_t *ns, const char *text, struct err *err) MUST_CHECK;

/* Three significant figures and a unit: "4.51s", "82.0ms", "310us", "0"; minutes
 * from 1000 s on. Gives text. */
#define CLOCK_TEXT_SIZE 32
const char *clock_format(int64_t ns, char text[CLOCK_TEXT_SIZE]);

/* The same in a text that lasts as long as the block around it. */
#define CLOCK_TEXT(ns) clock_format((ns), (char[CLOCK_TEXT_SIZE]){0})

/* Whole milliseconds for libuv and curl timers, so that a timer never fires before
 * its time: rounded up, plus one, because libuv truncates the present to milliseconds
 * (a timer of 5 was seen to fire after 4.01). Zero and negative become 0. */
uint64_t clock_ms_up(int64_t ns);

#endif
