/*
 * http_session - a session of a client that began with initialize.
 */
#ifndef MOCK_MCP_HTTP_HTTP_SESSION_H
#define MOCK_MCP_HTTP_HTTP_SESSION_H

#include <uthash.h>

#include "lib/loop_timer.h"
#include "mock-mcp/http/http.h"
#include "mock-mcp/http/replay_log.h"

#define HTTP_SESSION_HEADER "Mcp-Session-Id"
#define HTTP_SESSION_ID     33 /* hexadecimal digits and a NUL */

struct http_session {
	UT_hash_handle hh;
	struct http *http;
	char id[HTTP_SESSION_ID];
	char *label; /* NULL: not known */
	struct peer *peer;
	struct http_stream *streams;
	unsigned stream_count; /* so far */
	struct replay_log replay;
	struct loop_timer *lifetime;
};

/* Keeps http, copies label. NULL: there are HTTP_SESSIONS_MAX. */
struct http_session *http_session_create(
	struct http *http, const char *label) MUST_CHECK;

/* NULL: there is none with this id. */
struct http_session *http_session_find(struct http *http, const char *id);

/* Ends its streams and frees it. `why` is for the event: "delete", "lifetime", "exit"
 * or "refused". */
void http_session_end(struct http_session *session, const char *why);

#endif
