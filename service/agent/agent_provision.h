/*
 * agent_provision - the agent and the environment that every session of the API refers
 * to.
 *
 * Each is given by id, or created for the first session and kept in the store for the
 * next start. A created one is updated, which also checks that it exists: before the
 * first session after a start, after the tools changed (existing sessions keep theirs),
 * and when the API refused a session. One that is gone is created anew. A failure is
 * reported to all waiters; the next waiter starts another try.
 */
#ifndef SERVICE_AGENT_AGENT_PROVISION_H
#define SERVICE_AGENT_AGENT_PROVISION_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "service/agent/agent_http.h"

struct agent_provision;
struct store;

struct agent_provision_options {
	const char *model;
	const char *agent_id;       /* NULL: created when first needed */
	const char *environment_id; /* NULL: created when first needed */
	const char *name;           /* of a created agent or environment */
	struct store *store;        /* keeps created ids; NULL: not kept */
};

/* Embedded in its owner. */
struct agent_provision_waiter {
	/* From the loop, once; why is NULL when both exist. */
	void (*done)(void *arg, const char *why);
	void *arg;
	unsigned round;
	struct agent_provision_waiter *next;
};

/* Keeps http and the store; copies the other options. */
struct agent_provision *agent_provision_create(struct agent_http *http,
	const struct agent_provision_options *options) MUST_CHECK;
void agent_provision_destroy(struct agent_provision *provision); /* accepts NULL */

/* The custom tools of a created agent, for sessions created from now on. Copies. */
void agent_provision_set_tools(struct agent_provision *provision, const cJSON *tools);

/* True: both exist and are current; `done` is not called. False: `done` will be. */
bool agent_provision_request(struct agent_provision *provision,
	struct agent_provision_waiter *waiter) MUST_CHECK;
/* Does the HTTP status mean that an agent or environment is gone? 404: unknown; 400:
 * archived. */
bool agent_provision_is_gone(long status);
/* The API refused one of them: check the created ones before the next session. False:
 * both were given by id, so another try cannot help. */
bool agent_provision_recheck(struct agent_provision *provision) MUST_CHECK;
/* Stops waiting. Accepts a waiter that does not wait. */
void agent_provision_leave(
	struct agent_provision *provision, struct agent_provision_waiter *waiter);

/* Adds both ids, as a new session has them. Both must exist. */
void agent_provision_add_ids(const struct agent_provision *provision, cJSON *session);

#endif
