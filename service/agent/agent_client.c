#include "service/agent/agent_client.h"

#include <stdlib.h>

#include "lib/mem.h"
#include "service/agent/agent_session.h"

struct agent_client *agent_client_create(
	uv_loop_t *loop, const struct agent_client_options *options, struct err *err)
{
	struct agent_client *agent = mem_zeroed(sizeof *agent);

	agent->request_ns = options->request_ns;
	agent->wire = agent_http_create(
		loop, options->url, options->key, options->connections, err);
	if (!agent->wire) {
		err_while(err, "agent API %s", options->url);
		agent_client_destroy(agent);
		return NULL;
	}
	agent->needs = agent_provision_create(agent->wire, options);
	return agent;
}

void agent_client_destroy(struct agent_client *agent)
{
	if (!agent)
		return;
	agent_provision_destroy(agent->needs);
	agent_http_destroy(agent->wire);
	free(agent);
}

void agent_client_set_tools(struct agent_client *agent, const cJSON *tools)
{
	agent_provision_set_tools(agent->needs, tools);
}
