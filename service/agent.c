#include "service/agent.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "service/talk.h"

struct agent *agent_create(
	uv_loop_t *loop, const struct agent_options *options, struct err *err)
{
	struct agent *agent = mem_zeroed(sizeof *agent);

	agent->request_ns = options->request_ns;
	agent->wire = agent_wire_create(
		loop, options->url, options->key, options->connections, err);
	if (!agent->wire) {
		err_while(err, "agent API %s", options->url);
		agent_destroy(agent);
		return NULL;
	}
	agent->needs = agent_needs_create(agent->wire, options);
	return agent;
}

void agent_destroy(struct agent *agent)
{
	if (!agent)
		return;
	agent_needs_destroy(agent->needs);
	agent_wire_destroy(agent->wire);
	free(agent);
}

void agent_set_tools(struct agent *agent, const cJSON *tools)
{
	agent_needs_set_tools(agent->needs, tools);
}
