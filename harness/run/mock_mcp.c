#include "harness/run/mock_mcp.h"

#include <stdlib.h>

#include "lib/mem.h"

#define PORT_INSIDE 8090 /* in a container of its own */

struct mock_mcp {
	const struct mcp_list *list;
	struct mock_program
		*program[SCENARIO_MCP_MAX]; /* NULL: a child of the service */
	char *url[SCENARIO_MCP_MAX];
};

static bool start(struct mock_mcp *mocks, const struct mock_options *options,
	unsigned i, struct err *err)
{
	SCOPED(mem_free) char *host = mem_textf("mock-mcp-%u", i + 1);

	mocks->program[i] = mock_program_up(options,
		&(struct mock_program_spec){
			.program = "mock-mcp-http",
			.host = host,
			.port_inside = PORT_INSIDE,
			.behavior = mocks->list->server[i].json,
			.listening = "mcp.listening",
		},
		err);
	if (!mocks->program[i])
		return false;
	mocks->url[i] = mem_textf("%s/mcp", mock_program_url(mocks->program[i]));
	return true;
}

struct mock_mcp *mock_mcp_up(const struct mock_options *options,
	const struct mcp_list *list, struct err *err)
{
	struct mock_mcp *mocks = mem_zeroed(sizeof *mocks);

	mocks->list = list;
	for (unsigned i = 0; i < list->count; i++) {
		if (list->server[i].is_http && !start(mocks, options, i, err)) {
			mock_mcp_down(mocks);
			return NULL;
		}
	}
	return mocks;
}

const char *const *mock_mcp_urls(const struct mock_mcp *mocks)
{
	return (const char *const *)mocks->url;
}

bool mock_mcp_all_running(const struct mock_mcp *mocks)
{
	for (unsigned i = 0; i < mocks->list->count; i++)
		if (mocks->program[i] && !mock_program_running(mocks->program[i]))
			return false;
	return true;
}

void mock_mcp_down(struct mock_mcp *mocks)
{
	if (!mocks)
		return;
	for (unsigned i = 0; i < mocks->list->count; i++) {
		mock_program_down(mocks->program[i]);
		free(mocks->url[i]);
	}
	free(mocks);
}
