/*
 * service_env - what the service is told: its environment, as a list.
 *
 * For our service: where the agent API is, which MCP servers each session has (mocks
 * with the scenario's behavior), the grace it is to believe in. The scenario's own
 * "env" comes last and wins.
 */
#ifndef HARNESS_RUN_SERVICE_ENV_H
#define HARNESS_RUN_SERVICE_ENV_H

#include "harness/scenario/scenario.h"

struct service_env {
	const char *host;      /* where it listens: "127.0.0.1" or "0.0.0.0" */
	const char *agent_url; /* NULL without mocks */
	const char *ledger;    /* "unix:/path" */
	uint64_t seed;         /* of the MCP servers' draws */
};

/* Gives the caller a list for service_env_free(). */
struct strlist service_env_env(
	const struct service_env *spec, const struct scenario *scenario);
void service_env_free(struct strlist *env);

#endif
