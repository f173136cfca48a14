/*
 * crash - the fault that ends a server.
 */
#ifndef MOCK_MCP_CRASH_H
#define MOCK_MCP_CRASH_H

#include "mock-mcp/behavior.h"

/* Calls abort(), without a core dump, if the behavior has this crash point. */
void crash_at(const struct mcp_behavior *behavior, enum mcp_crash_point point);

#endif
