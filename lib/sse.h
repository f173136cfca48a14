/*
 * sse - parses a text/event-stream.
 *
 * Feed it data in pieces of any size; it calls back for each complete event. Lines end
 * in LF, CR or CRLF. Several data lines are joined by LF. Comments and events without
 * data are ignored, and so is an incomplete event at the end; one without a name is
 * ignored unless its owner takes those as "message". The last id and the retry time are
 * kept for a stream that is to be resumed.
 */
#ifndef LIB_SSE_H
#define LIB_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/cc.h"

/* Borrows both; data ends in a NUL that len does not count. Must not feed or end this
 * sse. */
typedef void sse_event_fn(void *arg, const char *name, const char *data, size_t len);

/* Embedded in its owner. */
struct sse {
	struct buf line; /* incomplete */
	struct buf name;
	struct buf data;
	struct buf id; /* the last one, of whole events alone: to resume after */
	struct buf pending_id; /* of the event that arrives */
	int64_t retry_ms;      /* the last one; 0: none */
	bool has_data;
	bool has_id;   /* pending_id counts */
	bool nameless; /* set by the owner: an event without a name is a "message" */
	bool after_cr; /* a LF now belongs to the CR before it */
	bool begun;    /* a byte order mark may not follow any more */
	bool odd;      /* something unknown was ignored: an event may be missing.
			* The owner clears it. */
	sse_event_fn *each;
	void *arg;
};

/* ceiling: the most bytes of a line, a name, or an event's data. */
void sse_init(struct sse *sse, size_t ceiling, sse_event_fn *each, void *arg);
void sse_done(struct sse *sse);

/* Forgets an incomplete event: another stream begins. The id and the retry time
 * stay. */
void sse_reset(struct sse *sse);

/* False: an event passes the ceiling, and the stream cannot be read any further. */
bool sse_feed(struct sse *sse, const char *data, size_t len) MUST_CHECK;

#endif
