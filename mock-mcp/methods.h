/*
 * methods - the JSON-RPC methods of the server: answers the client's lines.
 *
 * Both styles of the protocol work at the same time, since a client may try one before
 * the other.
 */
#ifndef MOCK_MCP_METHODS_H
#define MOCK_MCP_METHODS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "mock-mcp/behavior.h"
#include "mock-mcp/log_identity.h"

#define METHODS_LINE_MAX  ((size_t)4 << 20)
#define METHODS_BATCH_MAX 64 /* messages in one array */

struct methods;

struct methods_options {
	const struct mcp_behavior *behavior;
	const struct log_identity *identity;
	struct rng *rng;
	/* Both are called within methods_on_line(), or from the loop. */
	void (*send)(void *arg, const char *answer); /* a line without its end */
	void (*listed)(void *arg); /* once, after the answer to the first tools/list */
	void *arg;
};

/* Keeps loop and what the options point to; copies the options. */
struct methods *methods_create(
	uv_loop_t *loop, const struct methods_options *options) MUST_CHECK;

/* Handles a line from the client, and may write to it. `cut`: the line was longer than
 * METHODS_LINE_MAX. */
void methods_on_line(struct methods *methods, char *line, size_t len, bool cut);

/* Drops pending calls. Accepts NULL. */
void methods_destroy(struct methods *methods);

#endif
