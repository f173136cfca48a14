/*
 * pending_calls - tool calls under way: answers that take their time.
 *
 * At most PENDING_CALLS_MAX at once, whose answers take at most PENDING_CALLS_HELD_MAX bytes.
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

struct pending_calls;

/* One is over: from the loop with its answer, or out of pending_calls_cancel() with NULL.
 * Both are borrowed. */
typedef void pending_calls_over_fn(void *arg, const char *tool, const char *answer);

/* Keeps loop. */
struct pending_calls *pending_calls_create(
	uv_loop_t *loop, pending_calls_over_fn *over, void *arg) MUST_CHECK;

/* Is one with this id, as JSON, under way? */
bool pending_calls_has(const struct pending_calls *calls, const char *id);

/* Copies id and tool; takes answer,
 * also on failure: too much is under way. After PENDING_CALLS_NEVER it is not over before it is
 * cancelled. */
bool pending_calls_begin(struct pending_calls *calls, const char *id, const char *tool,
	char *answer, int64_t after_ns) MUST_CHECK;

/* Cancelling what isn't there does nothing. */
void pending_calls_cancel(struct pending_calls *calls, const char *id);

/* Forgets what is under way. Its handles are closed when the loop has turned. */
void pending_calls_destroy(struct pending_calls *calls);

#endif
