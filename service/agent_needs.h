/*
 * agent_needs - what every session of the agent API refers to: an agent and an
 * environment.
 *
 * Both may be given by id. Else they are created when somebody first needs them, once
 * for all who wait; an agent whose tools have changed since is updated when the next
 * needs it (sessions that exist keep the tools they began with). A failure is told to
 * those who wait, and the next who needs them starts another try.
 */
#ifndef SERVICE_AGENT_NEEDS_H
#define SERVICE_AGENT_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "service/agent_wire.h"

struct agent_needs;

/* Embedded in whoever waits. */
struct agent_need {
	/* From the loop, once; why is NULL when both are there. */
	void (*done)(void *arg, const char *why);
	void *arg;
	unsigned round;
	struct agent_need *next;
};

/* Keeps wire; copies the rest. An id that is NULL is created. */
struct agent_needs *agent_needs_create(struct agent_wire *wire, const char *agent_id,
	const char *environment_id, const char *name, const char *model,
	int64_t request_ns) MUST_CHECK;
void agent_needs_destroy(struct agent_needs *needs); /* accepts NULL */

/* The custom tools that an agent of ours declares, from the next need on. Copies. */
void agent_needs_set_tools(struct agent_needs *needs, const cJSON *tools);

/* True: both are there as they should be, and `done` does not come. False: it will. */
bool agent_needs_met(struct agent_needs *needs, struct agent_need *need) MUST_CHECK;
/* No longer waits. Does nothing for a need that does not wait. */
void agent_needs_leave(struct agent_needs *needs, struct agent_need *need);

/* Borrowed; NULL until needs are met. */
const char *agent_needs_agent(const struct agent_needs *needs);
const char *agent_needs_environment(const struct agent_needs *needs);

#endif
