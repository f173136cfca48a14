/*
 * log - one JSON object per line, one write(2) per line unless lines are gathered.
 *
 *   log_event("drain.begin", "working", LOG_INT(3), "why", LOG_TEXT("SIGTERM"));
 *   {"ns":41207000000,"time":"2026-11-22T22:05:00.123Z","pid":7,"event":"drain.begin",
 *    "working":3,"why":"SIGTERM"}
 *
 * ns is CLOCK_MONOTONIC. Event names are part of the interface, because scenarios wait
 * for them. Lines go to stderr until log_to() names another destination (in a mock, the
 * harness's ledger). Invalid UTF-8 becomes U+FFFD. In a line that would pass 64 KiB the
 * longest texts are cut and end in an ellipsis; the line stays JSON. A full pipe or
 * socket is waited for, as long as log_patience() says. errno does not change. lib/
 * itself logs nothing. Never pass a secret.
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

/* Directs lines to fd. Keeps fd. A write that fails is not repeated. */
void log_to(int fd);

/*
 * From log_gather(true) on, lines wait for log_flush(), which writes all of them at once:
 * for a program that logs much in a turn of its loop, and calls it before the loop
 * waits. Each line keeps the time of its event. log_gather(false) flushes, too.
 */
void log_gather(bool gathers);
void log_flush(void);

/*
 * Limits how long a line waits for its reader. After a line that waited in vain, lines
 * are dropped without waiting until there is room again; "log.lost" then says how many
 * are missing. 0, the default: a line waits for ever, nothing is lost, and the program
 * hangs with its reader. Another writer of the same pipe can still make a write block.
 */
void log_patience(int64_t patience_ns);

#endif
