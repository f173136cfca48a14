/*
 * agent_provision - what every session of the agent API refers to: an agent and an
 * environment.
 *
 * Both may be given by id. Else they are created when somebody first needs them, once
 * for all who wait, and kept in the store for the next start. They are updated, and so
 * looked at, when somebody first needs them after a start, when the tools have changed
 * (sessions that exist keep the tools they began with), and when in doubt; one that is
 * gone is created anew. A failure is told to those who wait, and the next who needs
 * them starts another try.
 */
#ifndef SERVICE_AGENT_AGENT_PROVISION_H
#define SERVICE_AGENT_AGENT_PROVISION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_provision;
struct agent_client_options;

/* Embedded in whoever waits. */
struct agent_provision_waiter {
	/* From the loop, once; why is NULL when both are there. */
	void (*done)(void *arg, const char *why);
	void *arg;
	unsigned round;
	struct agent_provision_waiter *next;
};

/* Keeps wire and the options' store; copies the rest. */
struct agent_provision *agent_provision_create(
	struct agent_http *wire, const struct agent_client_options *options) MUST_CHECK;
void agent_provision_destroy(struct agent_provision *needs); /* accepts NULL */

/* The custom tools that an agent of ours declares, from the next need on. Copies. */
void agent_provision_set_tools(struct agent_provision *needs, const cJSON *tools);

/* True: both are there as they should be, and `done` does not come. False: it will. */
bool agent_provision_met(
	struct agent_provision *needs, struct agent_provision_waiter *need) MUST_CHECK;
/* Does this status say so of an agent or an environment? 404, or 400 when it is
 * archived, which is all that can be done to an agent. */
bool agent_provision_is_gone(long status);
/* The API would not have one of them: they are looked at before anybody's needs are met
 * again. False: both are given, so there is nothing that we could do. */
bool agent_provision_doubt(struct agent_provision *needs) MUST_CHECK;
/* No longer waits. Does nothing for a need that does not wait. */
void agent_provision_leave(
	struct agent_provision *needs, struct agent_provision_waiter *need);

/* Borrowed; NULL until needs are met. */
const char *agent_provision_agent(const struct agent_provision *needs);
const char *agent_provision_environment(const struct agent_provision *needs);

#endif
