/*
 * talk - the conversation: what is said to the lines that the client sends.
 *
 * Both eras of the protocol at once, since a client may try one before the other.
 */
#ifndef MOCK_MCP_TALK_H
#define MOCK_MCP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "mock-mcp/label.h"
#include "mock-mcp/manners.h"

#define TALK_LINE_MAX  ((size_t)4 << 20)
#define TALK_BATCH_MAX 64 /* messages in one array */

struct talk;

struct talk_options {
	const struct mcp_manners *manners;
	const struct label *label;
	struct dice *dice;
	/* Both may come out of talk_hear(), or from the loop. */
	void (*say)(void *arg, const char *answer); /* a line without its end */
	void (*listed)(void *arg); /* once: the tools were listed, after that answer */
	void *arg;
};

/* Keeps loop and what the options point to; copies them. */
struct talk *talk_create(
	uv_loop_t *loop, const struct talk_options *options) MUST_CHECK;

/* A line from the client, which may be written to. `cut`: it was longer than
 * TALK_LINE_MAX. */
void talk_hear(struct talk *talk, char *line, size_t len, bool cut);

/* Calls under way are forgotten. Accepts NULL. */
void talk_destroy(struct talk *talk);

#endif
