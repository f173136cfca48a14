/*
 * service_env - the environment of the service, and the placeholders in its command.
 *
 * Our own service gets where the agent API is, which MCP servers each session has
 * (mocks with the scenario's behavior) and the grace it plans with. Every other service
 * gets the scenario's "env" and nothing else. Placeholders (placeholders.h) are
 * replaced in both.
 */
#ifndef HARNESS_RUN_SERVICE_ENV_H
#define HARNESS_RUN_SERVICE_ENV_H

#include "harness/scenario/scenario.h"
#include "lib/cc.h"

/* All borrowed. */
struct service_env {
	const struct scenario *scenario;
	const char *host;      /* where our service listens: "127.0.0.1", "0.0.0.0" */
	const char *agent_url; /* NULL without a mock agent API */
	const char *const *mcp_urls; /* see mock_mcp_urls(); NULL: none is over HTTP */
	const char *ledger;          /* "unix:/path"; NULL: none can be reached */
	int64_t port;                /* of {port}; 0: our service chooses one */
	uint64_t seed;               /* of the MCP servers' draws */
};

/* Both give the caller a list for strlist_done(). The first is the environment,
 * "NAME=value" each; the second is `texts` with all placeholders replaced. */
struct strlist service_env_list(const struct service_env *env) MUST_CHECK;
struct strlist service_env_expand(
	const struct service_env *env, const struct strlist *texts) MUST_CHECK;

#endif
