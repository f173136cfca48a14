/*
 * mock_mcp - the mock MCP servers of a case that the service reaches over HTTP.
 *
 * Those of "mcp" with "transport": "http" run beside the mock agent API. (The others
 * are the service's children.)
 */
#ifndef HARNESS_RUN_MOCK_MCP_H
#define HARNESS_RUN_MOCK_MCP_H

#include <stdbool.h>

#include "harness/run/mock_program.h"
#include "harness/scenario/mcp_list.h"
#include "lib/err.h"

struct mock_mcp;

/* Gives the servers, which all listen; none, if the list has none over HTTP. Keeps
 * list. */
struct mock_mcp *mock_mcp_up(const struct mock_options *options,
	const struct mcp_list *list, struct err *err) MUST_CHECK;

/* Of each server of the list: "http://127.0.0.1:41234/mcp", or NULL: a child of the
 * service. Borrowed. */
const char *const *mock_mcp_urls(const struct mock_mcp *mocks);

bool mock_mcp_all_running(const struct mock_mcp *mocks);

/* Stops all and waits for their end. Turns the loop. Accepts NULL. */
void mock_mcp_down(struct mock_mcp *mocks);

#endif
