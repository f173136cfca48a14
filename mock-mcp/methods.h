/*
 * methods - the JSON-RPC methods of the server: answers a client's messages.
 *
 * Both styles of the protocol work at the same time, since a client may try one before
 * the other.
 */
#ifndef MOCK_MCP_METHODS_H
#define MOCK_MCP_METHODS_H

#include <stdbool.h>
#include <stddef.h>

#include "mock-mcp/rpc/peer.h"

#define METHODS_TEXT_MAX  ((size_t)4 << 20) /* a message, or an array of them */
#define METHODS_BATCH_MAX 64                /* messages in one array */

/* Handles what the client sent: a message, or an array of them. The answers name
 * `origin`. True: there is at least one, now or later. */
bool methods_receive(struct peer *peer, const struct json_doc *doc, void *origin);

/* The same for a line of stdio, which may be written to. `cut`: it was longer than
 * METHODS_TEXT_MAX. */
void methods_on_line(struct peer *peer, char *line, size_t len, bool cut);

/* Reports whether an array of messages may come from this client; err is the reason. */
bool methods_accepts_batch(
	const struct peer *peer, const cJSON *batch, struct err *err) MUST_CHECK;

/* Reports whether it is a method of that style. */
bool methods_knows(const char *name, enum protocol_style style, bool all);

#endif
