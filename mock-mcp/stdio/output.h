/*
 * output - what the server writes to stdout and stderr, with the faults of its
 * behavior.
 */
#ifndef MOCK_MCP_OUTPUT_H
#define MOCK_MCP_OUTPUT_H

#include <stdbool.h>
#include <uv.h>

#include "mock-mcp/behavior.h"

struct output;

/* The client has read all that output_line() or output_end() waits for, or has closed
 * stdout. */
typedef void output_clear_fn(void *arg);

/* Keeps loop, behavior and name. */
struct output *output_create(uv_loop_t *loop, const struct mcp_behavior *behavior,
	const char *name, output_clear_fn *clear, void *arg,
	struct err *err) MUST_CHECK;

/* Queues a line, given without its end. True: more than 4 MiB wait for the client;
 * clear() is called when it has read them. */
bool output_line(struct output *output, const char *line);

/* The answer to the first tools/list is queued: most faults begin here. */
void output_listed(struct output *output);

/* Blocks until the client reads, if stdout is "fill". */
void output_fill(struct output *output);

/* Drops later lines and ends the floods. True: something waits, clear() is called. */
bool output_end(struct output *output) MUST_CHECK;

/* Its handles close when the loop has turned. Accepts NULL. */
void output_destroy(struct output *output);

#endif
