/*
 * tools - tools/list and tools/call.
 *
 * Wrong arguments are reported in the result ("isError"), as the protocol demands, so
 * that a model can correct its call.
 */
#ifndef MOCK_MCP_FEATURES_TOOLS_H
#define MOCK_MCP_FEATURES_TOOLS_H

#include "lib/buf.h"
#include "mock-mcp/features/tool.h"

/* The two methods. */
void tools_list(struct call *call, const cJSON *params);
void tools_call(struct call *call, const cJSON *params);

/* NULL: there is none of that name. `all`: not the small ones alone. */
const struct tool *tools_find(const char *name, bool all);

/* A line each, for --help. */
void tools_help(struct buf *text);

#endif
