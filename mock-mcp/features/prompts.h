/*
 * prompts - messages that a client can ask for by name.
 */
#ifndef MOCK_MCP_FEATURES_PROMPTS_H
#define MOCK_MCP_FEATURES_PROMPTS_H

#include "mock-mcp/rpc/call.h"

/* The methods. */
void prompts_list(struct call *call, const cJSON *params);
void prompts_get(struct call *call, const cJSON *params);

/* Reports whether there is a prompt with such an argument. */
bool prompts_has_argument(const char *prompt, const char *argument);

#endif
