/*
 * stdio_transport - an MCP server as a child: a message a line on its stdin and stdout.
 *
 * Its stderr, and what is no message on its stdout, are unexpected output. Stopping is
 * the ladder of child.h.
 */
#ifndef SERVICE_MCP_STDIO_TRANSPORT_H
#define SERVICE_MCP_STDIO_TRANSPORT_H

#include "lib/child.h"
#include "lib/err.h"
#include "service/mcp/mcp_transport.h"

struct stdio_transport_spec {
	const char *const *argv; /* NULL-terminated */
	const char *const *env;  /* whole environment, NULL: ours */
	const char *folder;      /* NULL: ours */
};

/* Keeps reaper and events; copies spec. The program runs when this returns. */
struct mcp_transport *stdio_transport_start(struct reaper *reaper,
	const struct stdio_transport_spec *spec,
	const struct mcp_transport_events *events, void *arg,
	struct err *err) MUST_CHECK;

#endif
