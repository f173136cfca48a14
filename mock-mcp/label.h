/*
 * label - of whom an event line speaks: which server, in which agent session.
 */
#ifndef MOCK_MCP_LABEL_H
#define MOCK_MCP_LABEL_H

#include "lib/log.h"

struct label {
	const char *name;
	const char *session; /* NULL when nobody said */
};

/* The members that every event of ours has: log_event("mcp.eof", LABEL(label)). */
#define LABEL(label)                                                                   \
	"name", LOG_TEXT((label)->name), "session", LOG_TEXT((label)->session)

#endif
