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

struct pending_calls;

/* A call is over: called from the loop with the answer, or by pending_calls_cancel() with
 * NULL. Both are borrowed. */
typedef void pending_calls_over_fn(void *arg, const char *tool, const char *answer);

/* Keeps loop. */
struct pending_calls *pending_calls_create(
	uv_loop_t *loop, pending_calls_over_fn *over, void *arg) MUST_CHECK;

/* Reports whether a call with this id, as JSON, is in progress. */
bool pending_calls_has(const struct pending_calls *calls, const char *id);

/* Copies id and tool; takes answer, also on failure. False: a limit is reached. With
 * PENDING_CALLS_NEVER only a cancellation ends the call. */
bool pending_calls_begin(struct pending_calls *calls, const char *id, const char *tool,
	char *answer, int64_t after_ns) MUST_CHECK;

/* Does nothing for an unknown id. */
void pending_calls_cancel(struct pending_calls *calls, const char *id);

/* Drops all calls. The handles are closed when the loop has turned. Accepts NULL. */
void pending_calls_destroy(struct pending_calls *calls);

#endif
