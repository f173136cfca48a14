/*
 * fake_mcp - an MCP server for the tests of its client: the test program once more,
 * with a word that says how it behaves ("polite" if in doubt) and tools that each do
 * one thing well or badly.
 */
#ifndef SERVICE_TEST_FAKE_MCP_H
#define SERVICE_TEST_FAKE_MCP_H

/* Until its stdin ends. Gives the exit code. */
int fake_mcp_serve(const char *manner);

#endif
