/*
 * http_server - the running server over Streamable HTTP: listens, serves, and exits as
 * its behavior says.
 *
 * Before an exit the listeners of 2026-07-28 are answered, streams end, and answers that
 * are ready are written, for a second at most; calls in progress are dropped.
 */
#ifndef MOCK_MCP_HTTP_HTTP_SERVER_H
#define MOCK_MCP_HTTP_HTTP_SERVER_H

#include "mock-mcp/mcp_program.h"

/* Runs until the server exits. SIGTERM, SIGINT and SIGCHLD are blocked before and
 * after. Keeps what the options point to. False: it could not begin. */
bool http_server_run(const struct server_options *options, struct err *err) MUST_CHECK;

#endif
