/*
 * log - one JSON object per line, one write(2) per line.
 *
 *   log_event("drain.begin", "working", LOG_INT(3), "why", LOG_TEXT("SIGTERM"));
 *   {"ns":41207000000,"time":"2026-11-22T22:05:00.123Z","pid":7,"event":"drain.begin",
 *    "working":3,"why":"SIGTERM"}
 *
 * ns is CLOCK_MONOTONIC. Event names are part of our interface: scenarios wait
 * for them. The destination is stderr until log_to() points it elsewhere (the
 * harness's ledger, in a mock). Invalid UTF-8 is written as U+FFFD; a line that
 * would pass 64 KiB loses its longest text's end, for an ellipsis, never its JSON
 * form. Full pipes and sockets are waited for, as long as log_patience() says. errno is
 * left alone. lib/ itself does not log of its own accord. Never pass a secret.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_kind {
	LOG_KIND_INT = 1,
	LOG_KIND_TEXT,
	LOG_KIND_BOOL,
};

#define LOG_INT(value)  (int)LOG_KIND_INT, (int64_t)(value)
#define LOG_TEXT(value) (int)LOG_KIND_TEXT, (const char *)(value) /* NULL is null */
#define LOG_BOOL(value) (int)LOG_KIND_BOOL, (int)(value)

#define log_event(...) log_fields(__VA_ARGS__, (const char *)0)
void log_fields(const char *event, ...);

/* Lines go to fd from now on. Keeps fd. A write that fails is not retried. */
void log_to(int fd);

/*
 * A line waits for its reader at most so long, and after one that waited in vain none
 * waits until there is room again. Then "log.lost" says how many lines are missing. 0,
 * as at the start: for ever, so that nothing is lost, and whoever logs hangs with its
 * reader. Another writer of the same pipe can still make a write block.
 */
void log_patience(int64_t patience_ns);

#endif
