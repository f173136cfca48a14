/*
 * agent_client - the client of an agent API: Anthropic's Managed Agents.
 *
 * One client is one API, its connection pools, and the agent and environment that all
 * its sessions use. See agent_session.h for a session.
 */
#ifndef SERVICE_AGENT_AGENT_CLIENT_H
#define SERVICE_AGENT_AGENT_CLIENT_H

#include <stdint.h>
#include <uv.h>

#include <cjson/cJSON.h>

#include "lib/err.h"
#include "service/agent/agent_provision.h"

/* Read by the sessions. */
struct agent_client {
	struct agent_http *http;
	struct agent_provision *provision;
};

struct agent_client_options {
	const char *url;      /* base URL, "https://api.anthropic.com" */
	const char *key;      /* secret, never logged; NULL: no authorization header */
	unsigned connections; /* most warm connections of each pool */
	int64_t request_ns;   /* deadline of each short request */
	struct agent_provision_options provision;
};

/* Keeps loop and the store; copies the other options. */
struct agent_client *agent_client_create(uv_loop_t *loop,
	const struct agent_client_options *options, struct err *err) MUST_CHECK;
/* All sessions must have been destroyed. Accepts NULL. */
void agent_client_destroy(struct agent_client *client);

/* The custom tools that a created agent declares: [{"name", "description",
 * "input_schema"}, ...]. Applies to sessions created from now on. Copies. */
void agent_client_set_tools(struct agent_client *client, const cJSON *tools);

#endif
