/*
 * calls - tool calls under way: answers that take their time.
 *
 * At most CALLS_MAX at once, whose answers take at most CALLS_HELD_MAX bytes.
 */
#ifndef MOCK_MCP_CALLS_H
#define MOCK_MCP_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/cc.h"

#define CALLS_MAX      1024
#define CALLS_HELD_MAX ((size_t)16 << 20)
#define CALLS_NEVER    INT64_C(-1)

struct calls;

/* One is over: from the loop with its answer, or out of calls_cancel() with NULL.
 * Both are borrowed. */
typedef void calls_over_fn(void *arg, const char *tool, const char *answer);

/* Keeps loop. */
struct calls *calls_create(uv_loop_t *loop, calls_over_fn *over, void *arg) MUST_CHECK;

/* Is one with this id, as JSON, under way? */
bool calls_has(const struct calls *calls, const char *id);

/* Copies id and tool; takes answer,
 * also on failure: too much is under way. After CALLS_NEVER it is not over before it is
 * cancelled. */
bool calls_begin(struct calls *calls, const char *id, const char *tool, char *answer,
	int64_t after_ns) MUST_CHECK;

/* Cancelling what isn't there does nothing. */
void calls_cancel(struct calls *calls, const char *id);

/* Forgets what is under way. Its handles are closed when the loop has turned. */
void calls_destroy(struct calls *calls);

#endif
