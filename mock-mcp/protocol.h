/*
 * protocol - the two eras of MCP, and what the server says of itself in each.
 *
 * Up to 2025-11-25 a connection begins with a handshake (initialize) that fixes the
 * version. Since 2026-07-28 there is none: every request names its version in
 * params._meta, and server/discover tells what a server knows.
 */
#ifndef MOCK_MCP_PROTOCOL_H
#define MOCK_MCP_PROTOCOL_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "lib/cc.h"
#include "lib/err.h"

enum protocol_style {
	PROTOCOL_HANDSHAKE = 1,
	PROTOCOL_STATELESS = 2,
};

/* The one version whose connections may carry arrays of messages. */
#define PROTOCOL_WITH_BATCHES "2025-03-26"

/* That of a request: the modern ones name their version. */
enum protocol_style protocol_style_of(const char *method, const cJSON *params);

/* Is this request's _meta complete? When not, false; then *data is what a "version
 * not supported" error carries (the caller's), or NULL when it is another mistake. */
bool protocol_check_meta(const cJSON *params, cJSON **data, struct err *err) MUST_CHECK;

/* The version of a handshake: the one asked for when we know it, else our latest. */
const char *protocol_agree(const char *asked);

/* The results of initialize, server/discover and tools/list. The caller's. */
cJSON *protocol_initialize(const char *version, const char *name) MUST_CHECK;
cJSON *protocol_discover(void) MUST_CHECK;
cJSON *protocol_tools(
	cJSON *tools, enum protocol_style style) MUST_CHECK; /* takes tools */

/* Adds to a result what every result of its era has. Gives result back. */
cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name);

/* Is it one of the levels of logging/setLevel? */
bool protocol_is_level(const char *level);

#endif
