/*
 * resources - what a client can read: a text, a picture, one that changes, and a
 * template.
 */
#ifndef MOCK_MCP_FEATURES_RESOURCES_H
#define MOCK_MCP_FEATURES_RESOURCES_H

#include "mock-mcp/rpc/call.h"

#define RESOURCES_WATCHED  "test://watched-resource"
#define RESOURCES_TEMPLATE "test://template/{id}/data"

/* The methods. */
void resources_list(struct call *call, const cJSON *params);
void resources_templates(struct call *call, const cJSON *params);
void resources_read(struct call *call, const cJSON *params);

#endif
