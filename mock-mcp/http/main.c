#include "mock-mcp/http/http_server.h"

int main(int argc, char **argv)
{
	return mcp_program_run(MCP_HTTP, http_server_run, argc, argv);
}
