/*
 * sse - events out of a text/event-stream.
 *
 * Feed it what was read, in pieces of any size; it calls back for each event that is
 * whole. Lines end in LF, CR or CRLF; only "event" and "data" count, data of several
 * lines is joined by LF; comments, ids and retry times are passed over, and so is an
 * event without a name or without data. What the stream ends in the middle of is
 * never handed over.
 */
#ifndef SERVICE_AGENT_SSE_H
#define SERVICE_AGENT_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/cc.h"

/* Both borrowed for the call; data ends in a NUL that len does not count. The callback
 * must not feed or end this sse. */
typedef void sse_event_fn(void *arg, const char *name, const char *data, size_t len);

struct sse {
	struct buf line; /* the line that is being read */
	struct buf name;
	struct buf data;
	bool has_data;
	bool after_cr; /* a LF now belongs to the CR before it */
	bool begun;    /* past the place where a byte order mark may stand */
	bool odd; /* something was passed over that is no comment, id or retry time:
		   * an event may be lost. The owner's to clear. */
	sse_event_fn *each;
	void *arg;
};

/* No event is larger than ceiling. */
void sse_init(struct sse *sse, size_t ceiling, sse_event_fn *each, void *arg);
void sse_done(struct sse *sse);

/* Forgets what is half read: another stream begins. */
void sse_reset(struct sse *sse);

/* False when an event passes the ceiling: the stream is of no use any more. */
bool sse_feed(struct sse *sse, const char *data, size_t len) MUST_CHECK;

#endif
