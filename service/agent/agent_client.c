#include "service/agent/agent_client.h"

#include <stdlib.h>

#include "lib/mem.h"

struct agent_client *agent_client_create(
	uv_loop_t *loop, const struct agent_client_options *options, struct err *err)
{
	struct agent_client *client = mem_zeroed(sizeof *client);

	client->http = agent_http_create(loop, options->url, options->key,
		options->connections, options->request_ns, err);
	if (!client->http) {
		err_while(err, "agent API %s", options->url);
		agent_client_destroy(client);
		return NULL;
	}
	client->provision = agent_provision_create(client->http, &options->provision);
	return client;
}

void agent_client_destroy(struct agent_client *client)
{
	if (!client)
		return;
	agent_provision_destroy(client->provision);
	agent_http_destroy(client->http);
	free(client);
}

void agent_client_set_tools(struct agent_client *client, const cJSON *tools)
{
	agent_provision_set_tools(client->provision, tools);
}
