/*
 * completion - proposes values for an argument of a prompt or of a resource template.
 */
#ifndef MOCK_MCP_FEATURES_COMPLETION_H
#define MOCK_MCP_FEATURES_COMPLETION_H

#include "mock-mcp/rpc/call.h"

void completion_complete(struct call *call, const cJSON *params);

#endif
