/*
 * log_identity - the server and the agent session that an event line names.
 */
#ifndef MOCK_MCP_LOG_IDENTITY_H
#define MOCK_MCP_LOG_IDENTITY_H

#include "lib/log.h"

struct log_identity {
	const char *name;
	const char *session;   /* NULL: not known */
	const char *transport; /* "stdio" or "http" */
};

/* The members of every event: log_event("mcp.eof", LOG_IDENTITY(identity)). */
#define LOG_IDENTITY(identity)                                                         \
	"name", LOG_TEXT((identity)->name), "session", LOG_TEXT((identity)->session),  \
		"transport", LOG_TEXT((identity)->transport)

#endif
