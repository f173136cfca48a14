/*
 * pending_calls - tool calls in progress: answers that are sent later.
 *
 * At most PENDING_CALLS_MAX at a time, with PENDING_CALLS_HELD_MAX bytes of answers.
 */
#ifndef MOCK_MCP_PENDING_CALLS_H
#define MOCK_MCP_PENDING_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/cc.h"

#define PENDING_CALLS_MAX      1024
#define PENDING_CALLS_HELD_MAX ((size_t)16 << 20)
#define PENDING_CALLS_NEVER    INT64_C(-1)

/* A call is over: called from the loop with the answer, or by pending_calls_cancel()
 * with NULL. Both are borrowed. No call begins or ends meanwhile. */
typedef void pending_calls_over_fn(void *arg, const char *tool, const char *answer);

/* The owner sets the first three; the others are zero. */
struct pending_calls {
	uv_loop_t *loop;
	pending_calls_over_fn *over;
	void *arg;
	struct pending_call *first;
	unsigned count;
	size_t held; /* bytes of answers */
};

/* The call in progress with this id, as JSON; NULL: none. Borrowed. */
struct pending_call *pending_calls_find(
	const struct pending_calls *calls, const char *id);

/* Copies id and tool; takes answer, also on failure. False: a limit is reached. With
 * PENDING_CALLS_NEVER only a cancellation ends the call. */
bool pending_calls_begin(struct pending_calls *calls, const char *id, const char *tool,
	char *answer, int64_t after_ns) MUST_CHECK;

/* Does nothing for an unknown id. */
void pending_calls_cancel(struct pending_calls *calls, const char *id);

/* Drops all calls. Their handles are closed when the loop has turned. */
void pending_calls_clear(struct pending_calls *calls);

#endif
