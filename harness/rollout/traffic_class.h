/*
 * traffic_class - what became of a request, told from how its fetch ended.
 *
 * Pure. A connection that was never made is told from one that ended by fetch's `sent`;
 * a whole answer from one that was cut by curl, which knows the length or the last chunk.
 * An answer without either is as long as its connection lasts: whether it was cut is only
 * seen by the text that it is to contain.
 */
#ifndef HARNESS_ROLLOUT_TRAFFIC_CLASS_H
#define HARNESS_ROLLOUT_TRAFFIC_CLASS_H

#include <stdbool.h>

#include "lib/fetch_call.h"

enum traffic_class {
	TRAFFIC_FINISHED,    /* a whole answer as it is wanted */
	TRAFFIC_TURNED_AWAY, /* a whole 429 or 503 with Retry-After: refused politely */
	TRAFFIC_SERVER_ERROR, /* another 5xx */
	TRAFFIC_WRONG,        /* another answer that is not wanted */
	TRAFFIC_REFUSED,      /* no connection: nothing of it was sent */
	TRAFFIC_RESET, /* it was sent, and the connection ended before any answer */
	TRAFFIC_LOST, /* the answer began, and was cut or lacks what it is to contain */
	TRAFFIC_UNANSWERED, /* neither an answer nor an end came in time */
	TRAFFIC_CLASSES,
};

/* "finished", "turned-away", "server-error", ...; NULL-terminated. */
extern const char *const traffic_class_names[TRAFFIC_CLASSES + 1];

/* Neither finished nor turned away politely: a failed request. */
bool traffic_class_failed(enum traffic_class class);

/* What the answer has beside its result. */
struct traffic_answer {
	bool has_retry_after; /* whatever its value */
	bool is_complete;     /* it contains what it is to contain */
};

/* wanted: the status of a good answer; 0: any 2xx. */
enum traffic_class traffic_class_of(
	const struct fetch_result *result, long wanted, struct traffic_answer answer);

/* May a client send the request again by itself? RFC 9112, 9.3.1: a reused connection ended
 * before any of the answer came, and the method is idempotent (RFC 9110, 9.2.2). Browsers
 * and Go's net/http do so. Curl repeats only what has not left at all: that request is one
 * over a new connection, and is counted once. */
bool traffic_may_repeat(const struct fetch_result *result, const char *method);

#endif
