/*
 * agent_needs - what every session of the agent API refers to: an agent and an
 * environment.
 *
 * Both may be given by id. Else they are created when somebody first needs them, once
 * for all who wait, and kept in the store for the next start. They are updated, and so
 * looked at, when somebody first needs them after a start, when the tools have changed
 * (sessions that exist keep the tools they began with), and when in doubt; one that is
 * gone is created anew. A failure is told to those who wait, and the next who needs
 * them starts another try.
 */
#ifndef SERVICE_AGENT_NEEDS_H
#define SERVICE_AGENT_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/agent_wire.h"

struct agent_needs;
struct agent_options;

/* Embedded in whoever waits. */
struct agent_need {
	/* From the loop, once; why is NULL when both are there. */
	void (*done)(void *arg, const char *why);
	void *arg;
	unsigned round;
	struct agent_need *next;
};

/* Keeps wire and the options' store; copies the rest. */
struct agent_needs *agent_needs_create(
	struct agent_wire *wire, const struct agent_options *options) MUST_CHECK;
void agent_needs_destroy(struct agent_needs *needs); /* accepts NULL */

/* The custom tools that an agent of ours declares, from the next need on. Copies. */
void agent_needs_set_tools(struct agent_needs *needs, const cJSON *tools);

/* True: both are there as they should be, and `done` does not come. False: it will. */
bool agent_needs_met(struct agent_needs *needs, struct agent_need *need) MUST_CHECK;
/* Does this status say so of an agent or an environment? 404, or 400 when it is
 * archived, which is all that can be done to an agent. */
bool agent_needs_is_gone(long status);
/* The API would not have one of them: they are looked at before anybody's needs are met
 * again. False: both are given, so there is nothing that we could do. */
bool agent_needs_doubt(struct agent_needs *needs) MUST_CHECK;
/* No longer waits. Does nothing for a need that does not wait. */
void agent_needs_leave(struct agent_needs *needs, struct agent_need *need);

/* Borrowed; NULL until needs are met. */
const char *agent_needs_agent(const struct agent_needs *needs);
const char *agent_needs_environment(const struct agent_needs *needs);

#endif
