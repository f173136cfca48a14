#include "mock-mcp/stdio/server.h"

int main(int argc, char **argv)
{
	return mcp_program_run(MCP_STDIO, server_run, argc, argv);
}
