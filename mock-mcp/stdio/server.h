/*
 * server - the running server: reads stdin, answers, and exits as its behavior says.
 *
 * Answers are never cut or lost while the client reads; before an exit the answers that
 * are ready are written, for a second at most.
 */
#ifndef MOCK_MCP_SERVER_H
#define MOCK_MCP_SERVER_H

#include "mock-mcp/mcp_program.h"

/* Runs until the server exits. SIGTERM, SIGINT and SIGCHLD are blocked before and
 * after. Keeps what the options point to. False: it could not begin. */
bool server_run(const struct server_options *options, struct err *err) MUST_CHECK;

#endif
