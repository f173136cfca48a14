/*
 * protocol - the two styles of MCP, and the parts of results that depend on them.
 *
 * Up to 2025-11-25 a connection begins with a handshake (initialize) that fixes the
 * version. Since 2026-07-28 there is none: every request names its version in
 * params._meta, and server/discover lists the versions and capabilities of a server.
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

/* A request that names its version is stateless, and so is server/discover. */
enum protocol_style protocol_style_of(const char *method, const cJSON *params);

/* Checks a request's _meta. On failure *data is the data of a "version not supported"
 * error, the caller's, or NULL for other mistakes. */
bool protocol_check_meta(const cJSON *params, cJSON **data, struct err *err) MUST_CHECK;

/* The version of a handshake: the requested one if it is known, else the latest. */
const char *protocol_agree(const char *asked);

/* The results of initialize, server/discover and tools/list. The caller's. */
cJSON *protocol_initialize(const char *version, const char *name) MUST_CHECK;
cJSON *protocol_discover(void) MUST_CHECK;
cJSON *protocol_tools(
	cJSON *tools, enum protocol_style style) MUST_CHECK; /* takes tools */

/* Adds what every result of the style has. Gives result. */
cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name);

/* Reports whether it is a level of logging/setLevel. */
bool protocol_is_level(const char *level);

#endif
