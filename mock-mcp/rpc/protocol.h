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

#define PROTOCOL_STATELESS_VERSION "2026-07-28"

/* The one version whose connections may carry arrays of messages. */
#define PROTOCOL_WITH_BATCHES "2025-03-26"
/* The first whose clients understand an event without data. */
#define PROTOCOL_WITH_PRIMING "2025-11-25"
/* What an HTTP request without a version has. */
#define PROTOCOL_UNNAMED "2025-03-26"

/* Names of the members of _meta. */
#define PROTOCOL_META "io.modelcontextprotocol/"

/* What a client can do for the server. */
enum protocol_capability {
	PROTOCOL_SAMPLING = 1,
	PROTOCOL_ELICITATION = 2,
	PROTOCOL_ROOTS = 4,
};

/* The levels of log messages by their rank, from 0 (debug) on. */
#define PROTOCOL_LEVEL_ALL    0
#define PROTOCOL_LEVEL_SILENT 8

/* A request that names its version is stateless, and so is server/discover. */
enum protocol_style protocol_style_of(const char *method, const cJSON *params);

/* Checks a request's _meta. On failure *data is the data of a "version not supported"
 * error, the caller's, or NULL for other mistakes. */
bool protocol_check_meta(const cJSON *params, cJSON **data, struct err *err) MUST_CHECK;

/* The version of a handshake: the requested one if it is known, else the latest. */
const char *protocol_agree(const char *asked);

/* Reports whether a version of the handshake is known. */
bool protocol_is_known(const char *version);
/* "2025-11-25, 2025-06-18, ...": those of the handshake. */
const char *protocol_known(void);

/* The results of initialize and server/discover, the caller's. `all`: it has all
 * features, not tools alone. */
cJSON *protocol_initialize(const char *version, const char *name, bool all) MUST_CHECK;
cJSON *protocol_discover(bool all) MUST_CHECK;

/* Adds what every result of the style has, unless it is there. Gives result. */
cJSON *protocol_finish(cJSON *result, enum protocol_style style, const char *name);
/* Adds what the stateless style says of caching. Gives result. */
cJSON *protocol_cacheable(cJSON *result, enum protocol_style style);

/* The bits of enum protocol_capability in a client's "capabilities". */
unsigned protocol_capabilities(const cJSON *capabilities);
const char *protocol_capability_name(enum protocol_capability capability);

/* The rank of a level of logging/setLevel; -1: it is none. */
int protocol_level(const char *level);

#endif
