/*
 * mcp_list - "mcp" of a scenario: the MCP servers of each session.
 */
#ifndef HARNESS_SCENARIO_MCP_LIST_H
#define HARNESS_SCENARIO_MCP_LIST_H

#include "lib/fields.h"

#define SCENARIO_MCP_MAX 64

struct mcp_server {
	char *name;
	char *json;   /* the mock's behavior, as text */
	bool is_http; /* it runs beside the service, and not as its child */
};

struct mcp_list {
	struct mcp_server *server;
	unsigned count;
};

extern const struct field_type mcp_list_type;

#endif
