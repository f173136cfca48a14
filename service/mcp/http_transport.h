/*
 * http_transport - an MCP server that runs by itself, over Streamable HTTP.
 *
 * Each message is a POST; what the server says unasked comes over a GET stream, if it
 * has one. The server's session id goes with every request, and a stream that breaks
 * off is resumed after its last event. Stopping ends the session by DELETE; a server
 * that does not answer that in time is left alone.
 *
 * A call of a tool is sent at most once, over a connection of its own. No proxy is used
 * and no redirect followed. Error texts never contain a header's value, even if the
 * server repeats it.
 */
#ifndef SERVICE_MCP_HTTP_TRANSPORT_H
#define SERVICE_MCP_HTTP_TRANSPORT_H

#include <uv.h>

#include "lib/err.h"
#include "lib/fetch.h"
#include "service/mcp/mcp_transport.h"

struct http_transport_spec {
	struct fetch *fetch; /* kept; many transports may share one */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
};

/* Keeps loop and events; copies the rest. */
struct mcp_transport *http_transport_start(uv_loop_t *loop,
	const struct http_transport_spec *spec,
	const struct mcp_transport_events *events, void *arg,
	struct err *err) MUST_CHECK;

#endif
