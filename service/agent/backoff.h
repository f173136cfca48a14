/*
 * backoff - pauses between tries, each twice as long as the one before.
 */
#ifndef SERVICE_AGENT_BACKOFF_H
#define SERVICE_AGENT_BACKOFF_H

#include <stdint.h>

/* Embedded in its owner; initialize with {first pause, longest pause}. */
struct backoff {
	int64_t pause_ns; /* the next pause */
	int64_t max_ns;
};

/* Gives the next pause, at most max_ns. */
static inline int64_t backoff_next(struct backoff *backoff)
{
	int64_t pause_ns = backoff->pause_ns;

	backoff->pause_ns =
		pause_ns > backoff->max_ns / 2 ? backoff->max_ns : pause_ns * 2;
	return pause_ns;
}

#endif
