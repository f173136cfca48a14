/*
 * salvage - what can still be told of a JSON-RPC message that can't be parsed.
 *
 * Whoever waits for an answer that came broken need not wait until its deadline: the
 * members at the top of the message say whose it was, whatever is wrong further down
 * (a string that is no UTF-8 or holds \u0000, nesting without end, a line cut short).
 */
#ifndef SERVICE_SALVAGE_H
#define SERVICE_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cc.h"

struct salvage {
	bool answer; /* it has a result or an error, and is no request */
	bool has_id;
	int64_t id; /* 0: none that could be a number of ours */
};

/* text need not end in a NUL. */
struct salvage salvage_read(const char *text, size_t len) MUST_CHECK;

#endif
