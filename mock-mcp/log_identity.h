/*
 * log_identity - of whom an event line speaks: which server, in which agent session.
 */
#ifndef MOCK_MCP_LOG_IDENTITY_H
#define MOCK_MCP_LOG_IDENTITY_H

#include "lib/log.h"

struct log_identity {
	const char *name;
	const char *session; /* NULL when nobody said */
};

/* The members that every event of ours has: log_event("mcp.eof", LOG_IDENTITY(label)). */
#define LOG_IDENTITY(identity)                                                         \
	"name", LOG_TEXT((identity)->name), "session", LOG_TEXT((identity)->session)

#endif
